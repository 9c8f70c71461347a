"""The manual is complete: every public name, command and setting; both languages say the same; what it shows runs."""

import io
import re
import shlex
import subprocess
import sys
import tomllib
from pkgutil import resolve_name

import pytest
from sphinx.application import Sphinx
from typer.main import get_command

import evorec
from evorec.cli.main import app
from evorec.data.frames import catalogue_columns, event_columns, write_table
from evorec.data.simulate import SimulationConfig, simulate

READMES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def walk(group, words=()):
    """Every command as typed, without the program, and what it is: `("data fetch", command)`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from walk(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(walk(get_command(app)))


def blocks(text):
    """`(language, code without comments)` of every fenced block: comments are in the reader's language."""
    return [(language, re.sub(r"\s*#.*", "", code)) for language, code in FENCE.findall(text)]


def headings(text):
    """The depth of every heading, in order."""
    return [len(mark) for mark in re.findall(r"^(#+) ", FENCE.sub("", text), re.MULTILINE)]


@pytest.fixture(scope="module")
def built(root, tmp_path_factory):
    """The manual as Sphinx reads it; a warning is an error."""
    out, warnings = tmp_path_factory.mktemp("manual"), io.StringIO()
    sphinx = Sphinx(root / "docs", root / "docs", out, out / "doctrees", "dummy", status=None, warning=warnings)
    sphinx.build()
    assert not warnings.getvalue()
    return sphinx.env


@pytest.mark.filterwarnings("ignore")  # what documentation tools deprecate is theirs to mend
def test_every_public_name_and_command_is_in_the_reference(built):
    documented = built.get_domain("py").objects
    assert not [name for name in evorec.__all__ if f"evorec.{name}" not in documented]
    described = set(built.get_domain("std").progoptions)
    for name, command in COMMANDS.items():
        program = f"evorec {name}".replace(" ", "-")
        spellings = [s for p in command.params for s in (p.opts if p.param_type_name == "option" else [p.name.upper()])]
        assert not [spelling for spelling in spellings if (program, spelling) not in described]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained_by_hand(manual, command):
    assert [page for page, text in manual.items() if f"evorec {command}" in text]


def test_every_setting_is_explained(root, manual):
    source = "".join(path.read_text(encoding="utf-8") for path in (root / "src").rglob("*.py"))
    everything = "".join(manual.values())
    assert not [name for name in set(re.findall(r"\bEVOREC_[A-Z_]+", source)) if name not in everything]


@pytest.mark.parametrize("page", READMES)
def test_every_extra_is_explained(root, manual, page):
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"]
    assert not [extra for extra in extras if f"`evorec[{extra}]`" not in manual[page]]


def typed(text):
    """The words after `evorec` of every command line in a fenced block."""
    lines = (line for language, code in blocks(text) if language == "sh" for line in code.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("evorec ")]


def test_every_command_line_in_the_manual_is_understood(manual):
    lines = {(page, tuple(words)) for page, text in manual.items() for words in typed(text)}
    assert lines
    for page, words in lines:
        name = " ".join(words[:2]) if words[0] == "data" else words[0]
        assert name in COMMANDS, f"{page}: evorec {' '.join(words)}"
        COMMANDS[name].make_context(name, list(words[len(name.split()) :]))  # an unknown option or value raises


def exists(name):
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_every_name_that_the_manual_gives_exists(manual):
    given = {(page, name) for page, text in manual.items() for name in re.findall(r"`(evorec(?:\.\w+)+)`", text)}
    assert not [(page, name) for page, name in given if not exists(name)]


def test_every_link_between_pages_leads_somewhere(root, manual):
    broken = []
    for page, text in manual.items():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", text):
            if "://" not in target and not (root / page).parent.joinpath(target).exists():
                broken.append((page, target))
    assert not broken


TWINS = (READMES, ("docs/tutorial/quickstart.md", "docs/tutorial/quickstart.zh-CN.md"))


@pytest.mark.parametrize("twins", TWINS)
def test_both_languages_say_the_same(manual, twins):
    english, chinese = (manual[name] for name in twins)
    assert headings(english) == headings(chinese)
    assert blocks(english) == blocks(chinese)
    assert english.count("\n|") == chinese.count("\n|")
    mentioned = [sorted(re.findall(r"`[^`\n]*\bevorec[^`\n]*`", FENCE.sub("", text))) for text in (english, chinese)]
    assert mentioned[0] == mentioned[1]


def test_readme_names_the_ways_in(manual):
    for name in READMES:
        assert "make demo" in manual[name]
        assert "make test" in manual[name]


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/quickstart.md"])
def test_the_quickstart_runs_as_written(manual, page, tmp_path, monkeypatch):
    monkeypatch.setenv("EVOREC_CACHE", str(tmp_path / "cache"))
    shop = simulate(SimulationConfig(users=60, items=40, topics=4), seed=1)
    (program,) = (code for language, code in blocks(manual[page]) if language == "python" and ">>>" not in code)
    assert len(program.strip().splitlines()) <= 15
    for users in re.findall(r"recommend\(\[(.*?)\]", program):  # the people it asks for, by the names they have there
        for name, code in zip(re.findall(r'"(\d+)"', users), shop.events.users, strict=False):
            program = program.replace(f'"{name}"', f'"{code}"')
    (tmp_path / "movielens-100k").mkdir()
    write_table(tmp_path / "events.csv", event_columns(shop.events))
    write_table(tmp_path / "items.csv", catalogue_columns(shop.catalogue))
    write_table(tmp_path / "movielens-100k" / "items.parquet", catalogue_columns(shop.catalogue))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "item_id" in done.stdout
