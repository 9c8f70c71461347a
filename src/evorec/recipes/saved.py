"""Recipes as files: what `evorec tune` writes, and what `--recipe FILE.json` reads, every field checked."""

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, fields
from math import isfinite
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from evorec.core.artifact import write_json
from evorec.core.errors import InputError
from evorec.models.blend import BlendConfig
from evorec.recipes.assembly import KINDS
from evorec.recipes.config import Recipe, ScorerSpec

KIND: Final = "evorec recipe"
FORMAT: Final = 1
_MEND: Final = "mend it, or write it again with `evorec tune`"
_PLAIN: Final = ("name", "encoder", "dimension", "windows", "queries")
_LARGEST: Final = 2**53  # whole numbers up to here are exact as a float
_PARTS: Final = ("kind", "format", "recipe", "tuning")


def save_recipe(path: Path, recipe: Recipe, *, tuning: Mapping[str, Any] | None = None) -> None:
    """Write a recipe as JSON, with what `tuning` says about how it was found; whole or not at all.

    What counts as interest (`feedback`) is not part of it: that is told with the log.
    """
    told = {
        **{name: getattr(recipe, name) for name in _PLAIN},
        "blend": asdict(recipe.blend),
        "scorers": [{**asdict(spec), "settings": dict(spec.settings)} for spec in recipe.scorers],
    }
    draft = path.with_name(f".{path.name}.draft")
    write_json(draft, {"kind": KIND, "format": FORMAT, "recipe": told, "tuning": dict(tuning or {})})
    draft.replace(path)


def check_output(path: Path) -> None:
    """Refuse a place that no recipe can be written to, or read from again: another suffix, another kind of file."""
    if path.suffix != ".json":
        raise InputError(
            f"{path} does not end in .json", mend="give the recipe such a name: --recipe knows files by it"
        )
    if path.exists():
        try:
            load_recipe(path)
        except InputError as error:
            raise InputError(f"{path} exists: {error.what}", mend="choose another name") from None


def load_recipe(path: Path | str) -> Recipe:
    """The recipe that `save_recipe` wrote; a field that is missing, unknown or of the wrong type is named.

    >>> import tempfile
    >>> from evorec.recipes.config import fast
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_recipe(Path(folder) / "mine.json", fast("lexical"))
    ...     load_recipe(Path(folder) / "mine.json") == fast("lexical")
    True
    """
    told = _read(Path(path))
    for name in (*_PLAIN, "blend", "scorers"):
        if name not in told:
            raise _broken(path, f"recipe lacks {name}")
    if not isinstance(told["scorers"], list):
        raise _broken(path, "recipe.scorers is not a list")
    try:
        blend = BlendConfig(**_checked(BlendConfig, told["blend"], "recipe.blend"))
        scorers = tuple(_spec(given, f"recipe.scorers[{n}]") for n, given in enumerate(told["scorers"]))
        plain = {name: value for name, value in told.items() if name not in ("blend", "scorers")}
        return Recipe(blend=blend, scorers=scorers, **_checked(Recipe, plain, "recipe"))
    except InputError as error:
        raise _broken(path, error.what) from None


def _broken(path: Path | str, what: str) -> InputError:
    return InputError(f"{path}: {what}", mend=_MEND)


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", mend="check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path} is not a file", mend="name a recipe that `evorec tune` wrote") from None
    except ValueError as error:  # JSON and UTF-8 alike
        raise _broken(path, f"is no JSON ({error})") from None
    if not isinstance(told, dict) or told.get("kind") != KIND or not isinstance(told.get("recipe"), dict):
        raise InputError(f"{path} is no saved recipe", mend="name one that `evorec tune` wrote")
    if told.get("format") != FORMAT:
        raise InputError(
            f"{path} has format {told.get('format')}, this evorec reads {FORMAT}", mend="use the evorec that wrote it"
        )
    unknown = [name for name in told if name not in _PARTS]
    if unknown:
        raise _broken(path, f"there is no field {unknown[0]!r}")
    return dict(told["recipe"])


def _spec(given: Any, where: str) -> ScorerSpec:
    held = given if isinstance(given, dict) else {}
    for name in ("kind", "name", "settings"):
        if name not in held:
            raise InputError(f"{where} lacks {name}")
    checked = _checked(ScorerSpec, {name: value for name, value in held.items() if name != "settings"}, where)
    if checked["kind"] not in KINDS:
        raise InputError(f"{where}: there is no scorer of kind {checked['kind']!r}")
    config = KINDS[checked["kind"]][1]
    settings = _checked(config, held["settings"], f"{where}.settings")
    try:
        config(**settings)
    except InputError as error:
        raise InputError(f"{where}.settings: {error.what}") from None
    return ScorerSpec(settings=settings, **checked)


def _checked(cls: Any, given: Any, where: str) -> dict[str, Any]:
    """The fields `given` for a dataclass, each of the type that it declares; a whole number will do for a float."""
    if not isinstance(given, dict):
        raise InputError(f"{where} is not an object")
    declared, own = get_type_hints(cls), {field.name for field in fields(cls) if field.init}
    found = {}
    for name, value in given.items():
        if name not in own:
            raise InputError(f"{where} has no field {name!r}")
        if isinstance(value, float) and not isfinite(value):
            raise InputError(f"{where}.{name} is not finite")
        if isinstance(value, int) and abs(value) > _LARGEST:
            raise InputError(f"{where}.{name} is too large a number")
        hint = declared[name]
        allowed = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        if float in allowed and type(value) is int:
            value = float(value)  # noqa: PLW2901
        if type(value) not in allowed:
            wanted = " or ".join("null" if kind is types.NoneType else kind.__name__ for kind in allowed)
            raise InputError(f"{where}.{name} is {value!r}, not of type {wanted}")
        found[name] = value
    return found
