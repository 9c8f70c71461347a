"""House rules that a machine can check: lengths, parameters, first lines, names of files."""

import ast
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src", "tests", "docs", "examples", "benchmarks")
FILES = sorted(
    path for path in chain(*((ROOT / folder).rglob("*.py") for folder in FOLDERS)) if "_build" not in path.parts
)
MOST_LINES, MOST_BODY, MOST_PARAMETERS = 400, 60, 7
# Marks of work left undone; spelled in halves so that this file does not hold them.
UNFINISHED = tuple(first + second for first, second in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK:")))


def functions(tree):
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function):
    """Lines from the signature's to the last, without the docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None
    docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


def parameters(function):
    """How many parameters a caller has to know, beside self and cls."""
    named = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in named if name not in ("self", "cls")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_house_rules(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree)
    assert docstring, "open the file with one line that says what lives there"
    assert docstring.splitlines()[0].endswith("."), "the first line is a sentence"
    assert len(text.splitlines()) <= MOST_LINES, "let the file become a folder"
    too_long = {f.name: length(f) for f in functions(tree) if length(f) > MOST_BODY}
    assert not too_long, "lines without the docstring: split what does two things"
    crowded = {f.name: parameters(f) for f in functions(tree) if parameters(f) > MOST_PARAMETERS}
    assert not crowded, "group what belongs together in a configuration"
    assert not [mark for mark in UNFINISHED if mark in text], "finish it, or open an issue"


def test_every_file_says_what_it_is():
    assert not [p for p in FILES if p.name in ("utils.py", "util.py", "helpers.py", "misc.py", "common.py")]


def test_no_folder_is_empty():
    folders = [p for p in (ROOT / "src").rglob("*") if p.is_dir() and p.name != "__pycache__"]
    assert not [p for p in folders if not [child for child in p.iterdir() if child.name != "__pycache__"]]
