"""Every scorer of the package, found by discovery, keeps the contract."""

import importlib
import inspect
import pkgutil

import pytest

import evorec.models
from evorec.models.base import Scorer
from evorec.models.blend import Blend
from evorec.models.content import Content
from evorec.models.popularity import Popularity
from evorec.models.transitions import Transitions
from evorec.testing.scorers import CHECKS, Check, check_scorer, check_state_round_trips, small_world


def shipped_scorers() -> list[type]:
    """Every class of `evorec.models` that has the methods of a scorer, but the blend, which is made of others."""
    found: list[type] = []
    for module in pkgutil.walk_packages(evorec.models.__path__, "evorec.models."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            whole = all(callable(getattr(cls, name, None)) for name in ("fit", "score", "arrays", "restore"))
            if cls.__module__ == module.name and cls not in (Scorer, Blend) and whole:
                found.append(cls)
    return found


@pytest.mark.parametrize("cls", shipped_scorers())
def test_every_scorer_keeps_the_contract(cls: type) -> None:
    check_scorer(cls)


def test_the_scorers_are_found() -> None:
    assert {Popularity, Transitions, Content} <= set(shipped_scorers())


@pytest.mark.parametrize("check", [check for check in CHECKS if check is not check_state_round_trips])
def test_the_blend_keeps_it_too(check: Check) -> None:
    # Its state is only its weights: the members are saved apart.
    check(lambda: Blend([Popularity(), Transitions(), Content()]), small_world())
