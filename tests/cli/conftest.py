"""The command line as people meet it: files on disk, a trained model, exit codes and both streams."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from evorec.cli.main import main
from evorec.core.types import SECOND
from evorec.data import frames


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said on both streams."""

    code: int
    out: str
    err: str

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(capsys, monkeypatch):
    """A function: run `evorec` with these words, as the installed program does."""

    def go(*words):
        monkeypatch.setattr(sys, "argv", ["evorec", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        code = ended.value.code
        return Ran(0 if code is None else code, said.out, said.err)

    return go


@pytest.fixture(scope="session")
def program():
    """A function: run `evorec` in a process of its own, in `environment` where given."""

    def go(*words, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "evorec.cli.main", *map(str, words)],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **environment},
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return go


@pytest.fixture(scope="session")
def files(simulation, tmp_path_factory):
    """Events and items of `simulation` as CSV and Parquet, and some user ids, one a line."""
    folder = tmp_path_factory.mktemp("files")
    events, catalogue = simulation.events, simulation.catalogue
    log = {
        "user_id": events.users.decode(events.user),
        "item_id": events.items.decode(events.item),
        "timestamp": (events.timestamp // SECOND).tolist(),
    }
    items = {
        "item_id": list(catalogue.items),
        "title": list(catalogue.title),
        "genres": ["|".join(held) for held in catalogue.categories],
        "domain": list(catalogue.domain),
    }
    for name, columns in (("events", log), ("items", items)):
        frames.write_table(folder / f"{name}.parquet", columns)
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([list(columns), *zip(*columns.values(), strict=True)])
    (folder / "users.txt").write_text("\ufeffuser-07\n\nuser-30\nstranger\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def model(files, program):
    """The folder that `evorec train` wrote from the CSV files."""
    out = files / "trained"
    done = program("train", files / "events.csv", files / "items.csv", "--recipe", "fast", "--encoder", "lexical",
                   "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    assert done.out == ""
    assert "saved to" in done.err
    return out
