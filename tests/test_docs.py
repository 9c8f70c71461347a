"""The manual is complete: every public name, command and setting; both languages say the same; what it shows runs."""

import io
import re
import subprocess
import sys
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


def commands():
    """Every command as typed, without the program: `train`, `data fetch`."""

    def below(group, words):
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from below(command, [*words, name])
            else:
                yield " ".join([*words, name])

    return list(below(get_command(app), []))


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
    programs = {program for program, _ in built.get_domain("std").progoptions}
    assert not [name for name in commands() if f"evorec {name}".replace(" ", "-") not in programs]


@pytest.mark.parametrize("command", commands())
def test_every_command_is_explained_by_hand(manual, command):
    assert [page for page, text in manual.items() if f"evorec {command}" in text]


def test_every_setting_is_explained(root, manual):
    source = "".join(path.read_text(encoding="utf-8") for path in (root / "src").rglob("*.py"))
    everything = "".join(manual.values())
    assert not [name for name in set(re.findall(r"\bEVOREC_[A-Z_]+", source)) if name not in everything]


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


def test_both_readmes_say_the_same(manual):
    english, chinese = (manual[name] for name in READMES)
    assert headings(english) == headings(chinese)
    assert blocks(english) == blocks(chinese)
    assert re.findall(r"`[^`\n]*\bevorec[^`\n]*`", FENCE.sub("", english)) == re.findall(
        r"`[^`\n]*\bevorec[^`\n]*`", FENCE.sub("", chinese)
    )
    assert english.count("\n|") == chinese.count("\n|")


def test_readme_names_the_ways_in(manual):
    for name in READMES:
        assert "make demo" in manual[name]
        assert "make test" in manual[name]


def test_the_quickstart_runs_as_written(manual, tmp_path):
    simulated = simulate(SimulationConfig(users=60, items=40, topics=4), seed=1)
    write_table(tmp_path / "events.csv", event_columns(simulated.events))
    write_table(tmp_path / "items.csv", catalogue_columns(simulated.catalogue))
    (program,) = (code for language, code in blocks(manual["README.md"]) if language == "python")
    assert len(program.strip().splitlines()) <= 15
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "item_id" in done.stdout
