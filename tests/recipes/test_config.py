"""Recipes: what they name, and faults that are named."""

from dataclasses import replace

import pytest

from evorec.core.errors import InputError
from evorec.recipes.assembly import KINDS, build_scorer, variants
from evorec.recipes.config import RECIPES, ScorerSpec, fast, recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_built(name):
    made = recipe(name, encoder="lexical")
    assert made.name == name
    assert made.encoder == "lexical"
    for spec in made.scorers:
        for point in variants(spec):
            assert build_scorer(point).name == spec.name
    assert {spec.kind for spec in made.scorers} <= set(KINDS)


def test_variants_are_the_whole_grid():
    spec = ScorerSpec(
        kind="transitions", name="t", settings={"limit": 9}, choices={"to_power": (0.1, 0.2), "from_power": (0.3, 0.4)}
    )
    points = [v.settings for v in variants(spec)]
    assert len(points) == 4
    assert {(p["to_power"], p["from_power"], p["limit"]) for p in points} == {
        (0.1, 0.3, 9), (0.1, 0.4, 9), (0.2, 0.3, 9), (0.2, 0.4, 9),
    }  # fmt: skip


def test_faults_are_named():
    with pytest.raises(InputError, match="no recipe 'slow'"):
        recipe("slow")
    with pytest.raises(InputError, match="no scorers"):
        replace(fast(), scorers=())
    with pytest.raises(InputError, match="twice"):
        replace(fast(), scorers=fast().scorers[:1] * 2)
    with pytest.raises(InputError, match="no scorer of kind 'magic'"):
        build_scorer(ScorerSpec(kind="magic", name="m"))
