"""Recipes: functions that return the configuration of a whole system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evorec.core.errors import InputError
from evorec.models.blend import BlendConfig


@dataclass(frozen=True, kw_only=True)
class ScorerSpec:
    """One scorer of a recipe: its `kind` (see `assembly.KINDS`), its name, fixed settings, and `choices`, the grid of
    settings from which inner validation takes the best."""

    kind: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides what is built; what it is built from and on comes apart.

    `encoder`: a name for `open_encoder`; `dimension`: length of the whitened item vectors; `windows`: how many cuts
    inside the training time settings and weights are chosen on; `queries`: at most so many users per cut.
    """

    name: str
    scorers: tuple[ScorerSpec, ...]
    blend: BlendConfig = field(default_factory=BlendConfig)
    encoder: str = "auto"
    dimension: int = 256
    windows: int = 3
    queries: int = 1500

    def __post_init__(self) -> None:
        if not self.scorers:
            raise InputError(f"recipe {self.name!r} has no scorers", mend="name at least one")
        if len({spec.name for spec in self.scorers}) != len(self.scorers):
            raise InputError(f"recipe {self.name!r} names a scorer twice", mend="give every scorer a name of its own")


def fast(encoder: str = "auto") -> Recipe:
    """Counts, content and interests, blended: fits in seconds, no gradient descent on items.

    >>> [spec.name for spec in fast().scorers][:3]
    ['popularity', 'long-run popularity', 'transitions']
    """
    return Recipe(
        name="fast",
        encoder=encoder,
        scorers=(
            ScorerSpec(
                kind="popularity", name="popularity", choices={"half_life_days": (3.0, 5.0, 8.0, 15.0, 30.0, 60.0)}
            ),
            ScorerSpec(kind="popularity", name="long-run popularity", settings={"half_life_days": 365.0}),
            ScorerSpec(
                kind="transitions",
                name="transitions",
                choices={"to_power": (0.1, 0.3, 0.5), "half_life_events": (2.0, 6.0)},
            ),
            ScorerSpec(kind="content", name="content (short-term)", settings={"half_life_events": 2.0}),
            ScorerSpec(kind="content", name="content (long-term)", settings={"half_life_events": 50.0}),
            ScorerSpec(kind="interests", name="interests", settings={"half_life_days": 30.0}),
        ),
    )


RECIPES: Final[Mapping[str, Callable[[str], Recipe]]] = {"fast": fast}


def recipe(name: str, *, encoder: str = "auto") -> Recipe:
    """The recipe called `name`."""
    if name not in RECIPES:
        raise InputError(f"there is no recipe {name!r}", mend=f"use one of {', '.join(RECIPES)}")
    return RECIPES[name](encoder)
