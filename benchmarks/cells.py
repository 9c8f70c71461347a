"""Cells: one system under one setting on one question, run in a process of its own and kept on disk.

A cell that stands is never run again: its name is a digest of the question, the system, the setting and the versions.
"""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from questions import Asked, Stage, ask, inner, question, split_of
from sets import FOLDER

from evorec.core.types import F64, I32
from evorec.evaluation.protocol import Protocol
from evorec.evaluation.report import machine
from evorec.metrics.bootstrap import Interval, mean_interval, paired_difference
from evorec.metrics.ranking import hits, ndcg, recall, reciprocal_rank

ROOT = Path(__file__).parents[1]
KEPT = ROOT / ".bench"  # environments, questions and cells; never committed
Settings = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class System:
    """What is run: `program` by `python`, under one of `settings`; `watches`: it needs an inner run to stop training.

    `versions` names what the answer depends on.
    """

    name: str
    program: Path
    python: Path
    versions: str
    settings: tuple[Settings, ...]
    watches: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One system under one setting, asked in one stage of one set."""

    set: str
    repeats: bool
    stage: Stage
    system: str
    versions: str
    settings: Settings
    data: str
    protocol: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The name of its files."""
        text = json.dumps(asdict(self), sort_keys=True)
        repeats = "-repeats" if self.repeats else ""
        system = "-".join(re.findall(r"\w+", self.system))
        return f"{self.set}{repeats}-{self.stage}-{system}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class Bench:
    """Questions and cells of one set, made when first needed."""

    def __init__(self, name: str, *, repeats: bool) -> None:
        self.name, self.repeats = name, repeats
        self.protocol = Protocol(repeats=repeats)
        self.data = digest(*sorted((FOLDER / name).glob("*.parquet")))
        self._asked: dict[Stage, Asked] = {}

    def asked(self, stage: Stage) -> Asked:
        """The targets of a stage."""
        if stage not in self._asked:
            whole = ask(split_of(self.name, stage), self.protocol)
            self._asked[stage] = whole if stage == "test" else inner(whole)
        return self._asked[stage]

    def file(self, stage: Stage) -> Path:
        """The question file of a stage."""
        repeats = "-repeats" if self.repeats else ""
        path = KEPT / "questions" / f"{self.name}{repeats}-{stage}-{self.data}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"part-{os.getpid()}.npz")
            question(self.asked(stage), self.name, stage).save(part)
            part.replace(path)
        return path

    def run(self, system: System, settings: Settings, stage: Stage) -> dict[str, Any]:
        """The cell of `system` under `settings`: read from disk, or run and kept."""
        cell = Cell(
            set=self.name,
            repeats=self.repeats,
            stage=stage,
            system=system.name,
            versions=system.versions,
            settings=settings,
            data=self.data,
            protocol=asdict(self.protocol),
        )
        kept = KEPT / "cells" / f"{cell.key}.json"
        if kept.exists():
            found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
            return found
        kept.parent.mkdir(parents=True, exist_ok=True)
        print(f"{cell.key}: {json.dumps(dict(settings))}", flush=True)
        told = self._answer(system, settings, stage, kept.with_suffix(".npz"))
        asked = self.asked(stage)
        with np.load(kept.with_suffix(".npz")) as tops:
            values = {name: per_query(tops[name], asked) for name in tops.files}
        answers = {name: summary(value, asked) for name, value in values.items()}
        for name, seconds in told["ask_seconds"].items():
            answers[name]["lists_per_second"] = len(asked.targets) / max(seconds, 1e-9)
        np.savez(kept.with_suffix(".ndcg.npz"), **{name: value["ndcg"] for name, value in values.items()})
        found = {"key": cell.key, **asdict(cell), "date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}
        found |= {name: told[name] for name in ("fit_seconds", "peak_mb", "chosen")} | {"answers": answers}
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(found, indent=1), encoding="utf-8")
        part.replace(kept)
        return found

    def _answer(self, system: System, settings: Settings, stage: Stage, out: Path) -> dict[str, Any]:
        if not system.python.exists():
            raise CellError(f"{system.name} has no environment at {system.python}: make bench-peers builds it")
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        command = [system.python, system.program, self.file(stage), json.dumps(dict(settings)), out]
        log = out.with_suffix(".log")
        with log.open("w", encoding="utf-8") as written:
            ended = subprocess.run(command, env=environment, stdout=written, stderr=subprocess.STDOUT, check=False)
        if ended.returncode:
            raise CellError(
                f"{system.name} ended with {ended.returncode}; the end of {log}:\n{log.read_text()[-1500:]}"
            )
        told: dict[str, Any] = json.loads(out.with_suffix(".told").read_text(encoding="utf-8"))
        return told


class CellError(Exception):
    """A system ended with an error, or its lists break the rules."""


def per_query(top: I32, asked: Asked) -> dict[str, F64]:
    """Every metric of every query, after a check of the lists."""
    check(top, asked)
    hit = hits(top, asked.targets.offsets, asked.targets.item)
    relevant = asked.targets.relevant
    return {"ndcg": ndcg(hit, relevant), "recall": recall(hit, relevant), "mrr": reciprocal_rank(hit)}


def summary(values: Mapping[str, F64], asked: Asked) -> dict[str, Any]:
    """Mean and 95% interval over users of each metric, under both protocols; `next` where it was asked."""
    found: dict[str, Any] = {}
    for kind, rows in (("successive", np.arange(len(asked.targets))), ("next", asked.first)):
        if not len(rows):
            continue
        user = asked.targets.user[rows]
        found[kind] = {"queries": len(rows), "users": len(np.unique(user))}
        for name, value in values.items():
            interval = mean_interval(value[rows], user)
            found[kind][name] = [interval.mean, interval.low, interval.high]
    return found


def check(top: I32, asked: Asked) -> None:
    """Refuse lists that name an item twice, one that is no candidate or, unless repeats count, one seen before."""
    targets = asked.targets
    if top.shape != (len(targets), asked.protocol.k):
        raise CellError(f"lists of shape {top.shape} for {len(targets)} queries")
    listed = top >= 0
    at = targets.timestamp[:, None]
    offered = (targets.opens[top] < at) & (at < targets.closes[top])
    ordered = np.sort(np.where(listed, top, -1 - np.arange(top.shape[1])), axis=1)
    twice = (np.diff(ordered, axis=1) == 0).any()
    if twice or (listed & ~offered).any():
        raise CellError("a list names an item twice, or one that is no candidate")
    if not asked.protocol.repeats:
        for start in range(0, len(targets), 5000):
            told = targets.slice(start, start + 5000).queries(asked.split.dataset.events)
            if hits(top[start : start + 5000], told.offsets, told.item).any():
                raise CellError("a list names an item of the history")


def digest(*paths: Path) -> str:
    """What a set of files holds, in 12 digits."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def choose(bench: Bench, system: System) -> dict[str, Any]:
    """The settings that did best on the inner queries, with what training there decided (such as the epochs)."""
    if len(system.settings) == 1 and not system.watches:
        return dict(system.settings[0])
    tried = [bench.run(system, settings, "inner") for settings in system.settings]
    best = max(tried, key=lambda cell: cell["answers"]["lists"]["successive"]["ndcg"][0])
    return {**best["settings"], **best["chosen"]}


def differences(bench: Bench, cell: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Interval]:
    """NDCG of each answer of `cell` less that of the whole system `reference`, paired over the `successive` queries."""
    user = bench.asked("test").targets.user
    with np.load(kept_ndcg(cell)) as own, np.load(kept_ndcg(reference)) as other:
        base = other[other.files[0]]
        return {name: paired_difference(own[name], base, user) for name in own.files}


def kept_ndcg(cell: Mapping[str, Any]) -> Path:
    """Where NDCG per query of a cell is kept."""
    return KEPT / "cells" / f"{cell['key']}.ndcg.npz"


def source_digest() -> str:
    """The state of our own code."""
    return digest(*sorted((ROOT / "src").rglob("*.py")))
