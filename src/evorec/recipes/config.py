"""Recipes: functions that return the configuration of a whole system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evorec.core.errors import InputError
from evorec.data.feedback import Feedback
from evorec.models.blend import BlendConfig


@dataclass(frozen=True, kw_only=True)
class ScorerSpec:
    """One scorer of a recipe: its `kind` (see `assembly.KINDS`), its name, and the settings of its config.

    An `optional` one is kept only where inner validation says that it helps.
    """

    kind: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides what is built; what it is built from and on comes apart.

    `encoder`: a name for `open_encoder`; `dimension`: length of the whitened item vectors; `windows`: how many cuts
    inside the training time settings and weights are chosen on; `queries`: at most so many users per cut; `feedback`:
    how strongly actions and values speak for an interest.
    """

    name: str
    scorers: tuple[ScorerSpec, ...]
    blend: BlendConfig = field(default_factory=BlendConfig)
    encoder: str = "auto"
    dimension: int = 128
    windows: int = 3
    queries: int = 1500
    feedback: Feedback = field(default_factory=Feedback)

    def __post_init__(self) -> None:
        if not self.scorers:
            raise InputError(f"recipe {self.name!r} has no scorers", mend="name at least one")
        if len({spec.name for spec in self.scorers}) != len(self.scorers):
            raise InputError(f"recipe {self.name!r} names a scorer twice", mend="give every scorer a name of its own")
        if self.windows < 1 or self.queries < 1:
            raise InputError("windows and queries must be at least 1", mend="raise them")


def fast(encoder: str = "auto") -> Recipe:
    """Counts, content and, where it helps, the evidence of evolving interests, blended; fits in seconds.

    Popularity and transitions stand in several time scales side by side; which of them counts on a given log, and for
    whom, is for the blend to weigh. That beat picking one scale by validation on sparse logs.

    >>> len(fast().scorers), fast().scorers[0].name
    (11, 'popularity (2 days)')
    """
    popularity = [
        ScorerSpec(kind="popularity", name=f"popularity ({days} days)", settings={"half_life_days": float(days)})
        for days in (2, 15, 365)
    ]
    returning = [
        ScorerSpec(
            kind="popularity",
            name=f"popularity on return ({days} days)",
            settings={"half_life_days": float(days), "absence_days": 1.0},
        )
        for days in (7, 60)
    ]
    return Recipe(
        name="fast",
        encoder=encoder,
        scorers=(
            *popularity,
            *returning,
            ScorerSpec(
                kind="transitions", name="transitions (recent)", settings={"half_life_events": 2.0, "to_power": 0.1}
            ),
            ScorerSpec(
                kind="transitions", name="transitions (broad)", settings={"half_life_events": 6.0, "to_power": 0.5}
            ),
            ScorerSpec(kind="content", name="content (short-term)", settings={"half_life_events": 2.0}),
            ScorerSpec(kind="content", name="content (long-term)", settings={"half_life_events": 50.0}),
            ScorerSpec(kind="interests", name="interests", settings={"half_life_days": 30.0}, optional=True),
            ScorerSpec(kind="evolution", name="evolution", optional=True),
        ),
    )


def default(encoder: str = "auto") -> Recipe:
    """`fast`, with the sequence model and collaborative filtering beside it; fits in minutes.

    >>> [spec.name for spec in default().scorers[-2:]]
    ['taste', 'sequence']
    """
    parent = fast(encoder)
    added = (
        ScorerSpec(kind="taste", name="taste", optional=True),
        ScorerSpec(kind="sequence", name="sequence"),
    )
    return replace(parent, name="default", scorers=(*parent.scorers, *added))


RECIPES: Final[Mapping[str, Callable[[str], Recipe]]] = {"fast": fast, "default": default}


def recipe(name: str, *, encoder: str = "auto") -> Recipe:
    """The recipe called `name`, or saved in the file `name`, which ends in .json.

    A saved recipe keeps its own encoder unless another is asked for.
    """
    if name.endswith(".json"):
        from evorec.recipes.saved import load_recipe

        saved = load_recipe(name)
        return saved if encoder == "auto" else replace(saved, encoder=encoder)
    if name not in RECIPES:
        raise InputError(f"there is no recipe {name!r}", mend=f"use one of {', '.join(RECIPES)}, or a file .json")
    return RECIPES[name](encoder)
