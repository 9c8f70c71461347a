"""The public face: names that can be imported and are explained, and a start that loads nothing heavy."""

import inspect
import json
import subprocess
import sys
from importlib.metadata import version

import pytest

import evorec

HEAVY = ("numpy", "torch", "transformers", "sentence_transformers", "sklearn", "scipy", "duckdb", "pandas", "polars",
         "pyarrow", "matplotlib")  # fmt: skip


def loaded_after(code):
    """Which heavy packages a fresh interpreter holds after `code`."""
    told = f"import json, sys\n{code}\nprint(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr.splitlines()[-1])


def own_methods(cls):
    """Public methods and properties that a class of ours defines."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("evorec")]
    return {name: vars(base)[name] for base in ours for name in vars(base) if not name.startswith("_")}


@pytest.mark.parametrize("name", evorec.__all__)
def test_public_name_is_explained(name):
    thing = getattr(evorec, name)
    if not callable(thing):
        return
    assert inspect.getdoc(thing), f"evorec.{name} has no docstring"
    for method, held in own_methods(thing).items() if inspect.isclass(thing) else ():
        if callable(held) or isinstance(held, property | classmethod | staticmethod):
            assert inspect.getdoc(held), f"evorec.{name}.{method} has no docstring"


def test_public_names_are_listed():
    assert evorec.__all__, "the package offers nothing"
    assert set(evorec.__all__) <= set(dir(evorec))
    with pytest.raises(AttributeError, match="no_such_name"):
        evorec.no_such_name  # noqa: B018


def test_import_loads_nothing_heavy():
    assert loaded_after("import evorec") == []
    assert loaded_after("import evorec.cli.main") == []


def test_a_public_name_is_the_one_at_its_home():
    from evorec.core.types import Events

    assert evorec.Events is Events
    assert evorec.__version__ == version("evorec")


@pytest.mark.parametrize("words", [[], ["train"], ["recommend"], ["evaluate"], ["data"], ["data", "fetch"]])
def test_help_loads_nothing_heavy(words):
    run = f"""
from evorec.cli.main import app
try:
    app({[*words, "--help"]!r})
except SystemExit as end:
    assert end.code == 0
"""
    assert loaded_after(run) == []
