"""Saved recipes: what is written is what is read; what is broken is named."""

import json
from dataclasses import replace

import pytest

from evorec.core.errors import InputError
from evorec.recipes.config import RECIPES, fast, recipe
from evorec.recipes.saved import check_output, load_recipe, save_recipe


@pytest.fixture
def path(tmp_path):
    save_recipe(tmp_path / "mine.json", fast("lexical"), tuning={"trials": 3})
    return tmp_path / "mine.json"


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_written_is_read(tmp_path, name):
    made = replace(recipe(name, encoder="lexical"), name="我的", dimension=64)
    save_recipe(tmp_path / "a.json", made)
    assert load_recipe(tmp_path / "a.json") == made
    assert [held.name for held in tmp_path.iterdir()] == ["a.json"]


def test_a_recipe_is_called_by_its_file(path):
    assert recipe(str(path)) == fast("lexical")
    assert recipe(str(path), encoder="minilm").encoder == "minilm"


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("recipe", "dimension"), "wide", "recipe.dimension is 'wide', not of type int"),
        (("recipe", "dimension"), True, "recipe.dimension is True, not of type int"),
        (("recipe", "colour"), 1, "recipe has no field 'colour'"),
        (("recipe", "scorers"), {}, "recipe.scorers is not a list"),
        (("recipe", "scorers"), [], "has no scorers"),
        (("recipe", "scorers"), [1], r"recipe.scorers\[0\] lacks kind"),
        (("recipe", "scorers", 0, "kind"), "magic", "there is no scorer of kind 'magic'"),
        (("recipe", "scorers", 0, "kind"), ["popularity"], "kind is "),
        (("recipe", "scorers", 0, "name"), 5, r"recipe.scorers\[0\].name is 5, not of type str"),
        (("recipe", "scorers", 0, "name"), "evolution", "names a scorer twice"),
        (("recipe", "scorers", 0, "optional"), "no", "optional is 'no', not of type bool"),
        (("recipe", "scorers", 0, "colour"), "no", "no field 'colour'"),
        (("recipe", "scorers", 0, "settings"), None, "settings is not an object"),
        (("recipe", "scorers", 0, "settings"), {"half_life": 2}, "settings has no field 'half_life'"),
        (("recipe", "scorers", 0, "settings"), {"half_life_days": "2"}, "half_life_days is '2', not of type float"),
        (("recipe", "scorers", 0, "settings"), {"half_life_days": -2}, "half_life_days must be above 0"),
        (("recipe", "scorers", 0, "settings"), {"absence_days": []}, "not of type float or null"),
        (("recipe", "scorers", 0, "settings"), {"half_life_days": float("nan")}, "half_life_days is not finite"),
        (("recipe", "scorers", 0, "settings"), {"half_life_days": 10**400}, "half_life_days is too large a number"),
        (("recipe", "dimension"), 10**400, "recipe.dimension is too large a number"),
        (("recipe", "windows"), 0, "windows and queries must be at least 1"),
        (("recipe", "blend"), [], "recipe.blend is not an object"),
        (("recipe", "blend", "surprise"), 2.0, "surprise is a probability"),
        (("kind",), "cake", "is no saved recipe"),
        (("recipe",), None, "is no saved recipe"),
        (("format",), 2, "has format 2"),
        (("colour",), 2, "no field 'colour'"),
    ],
)
def test_what_is_broken_is_named(path, place, value, said):
    told = json.loads(path.read_text(encoding="utf-8"))
    inner = told
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(InputError, match=said) as error:
        load_recipe(path)
    assert str(path) in error.value.what
    assert error.value.mend


@pytest.mark.parametrize("field", ["name", "encoder", "dimension", "windows", "queries", "blend", "scorers"])
def test_what_is_missing_is_named(path, field):
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["recipe"][field]
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(InputError, match=f"recipe lacks {field}"):
        load_recipe(path)


def test_what_is_no_file_of_ours(tmp_path):
    (tmp_path / "x.json").write_text("{", encoding="utf-8")
    for name, said in (("x.json", "is no JSON"), ("none.json", "no such file"), (".", "is not a file")):
        with pytest.raises(InputError, match=said):
            load_recipe(tmp_path / name)


def test_where_a_recipe_may_be_written(path, tmp_path):
    check_output(path)
    check_output(tmp_path / "new.json")
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json exists"):
        check_output(tmp_path / "other.json")
    with pytest.raises(InputError, match="does not end in"):
        check_output(tmp_path / "recipe.toml")
