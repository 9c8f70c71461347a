"""Recipes: what they name, and faults that are named."""

from dataclasses import replace

import pytest

from evorec.core.errors import InputError
from evorec.recipes.assembly import KINDS, build_scorer
from evorec.recipes.config import RECIPES, ScorerSpec, fast, recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_built(name):
    made = recipe(name, encoder="lexical")
    assert made.name == name
    assert made.encoder == "lexical"
    for spec in made.scorers:
        assert build_scorer(spec).name == spec.name
    assert {spec.kind for spec in made.scorers} <= set(KINDS)


def test_faults_are_named():
    with pytest.raises(InputError, match="no recipe 'slow'"):
        recipe("slow")
    with pytest.raises(InputError, match="no scorers"):
        replace(fast(), scorers=())
    with pytest.raises(InputError, match="twice"):
        replace(fast(), scorers=fast().scorers[:1] * 2)
    for name in ("windows", "queries"):
        with pytest.raises(InputError, match="windows and queries must be at least 1"):
            replace(fast(), **{name: 0})
    with pytest.raises(InputError, match="no scorer of kind 'magic'"):
        build_scorer(ScorerSpec(kind="magic", name="m"))
