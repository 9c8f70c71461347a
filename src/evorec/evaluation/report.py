"""The report: what was asked, of how many, on which machine, and how every system did, as a table and as JSON."""

import math
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import Bool
from evorec.evaluation.age import by_model_age
from evorec.evaluation.protocol import Evaluation, compare, require_same_queries
from evorec.metrics.bootstrap import Interval, mean_interval

if sys.platform != "win32":
    import resource

Table = list[list[str]]  # the first row is the header

_HISTORY = (("1-4", 1, 5), ("5-19", 5, 20), ("20-99", 20, 100), ("100 and more", 100, math.inf))
_IDLE = (("under a day", 0, 1), ("1-6 days", 1, 7), ("7-29 days", 7, 30), ("30 days and more", 30, math.inf))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `report` found: the circumstances, one entry per system, one per stratum, one per age of the model."""

    circumstances: Mapping[str, Any]
    systems: tuple[Mapping[str, Any], ...]
    strata: tuple[Mapping[str, Any], ...]
    by_model_age: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not defined is None."""
        return {name: _plain(getattr(self, name)) for name in ("circumstances", "systems", "strata", "by_model_age")}

    def table(self) -> Table:
        """One row per system: accuracy, the NDCG and its difference from the baseline with intervals, the verdict."""
        k = self.circumstances["k"]
        rows = [["system", f"NDCG@{k}", f"Recall@{k}", f"MRR@{k}", "NDCG difference", "verdict"]]
        for entry in self.systems:
            means = [f"{entry[key].mean:.4f}" for key in ("recall", "mrr")]
            rest = (_words(entry[key]) for key in ("difference", "verdict"))
            rows.append([entry["name"], _words(entry["ndcg"]), *means, *rest])
        return rows

    def beyond_table(self) -> Table:
        """One row per system: what lies beyond accuracy (novelty in bits, diversity inside a list)."""
        keys = ["debiased_ndcg", "coverage", "novelty", "personalisation", "intra_list_diversity"]
        header = ["system", "debiased NDCG", "coverage", "novelty", "personalisation", "diversity"]
        return [header] + [
            [entry["name"], *(_words(getattr(entry[key], "mean", entry[key]), digits=3) for key in keys)]
            for entry in self.systems
        ]

    def strata_table(self, names: Sequence[str] = ()) -> Table:
        """One row per stratum: its size, and the NDCG of the systems called `names` in it (by default of all)."""
        names = list(names) or [entry["name"] for entry in self.systems]
        rows = [["stratum", "level", "queries", "users", *names]]
        for entry in self.strata:
            sizes = [f"{entry['queries']:,}", f"{entry['users']:,}"]
            rows.append([entry["stratum"], entry["level"], *sizes, *(_words(entry["ndcg"][name]) for name in names)])
        return rows

    def age_table(self, names: Sequence[str] = ()) -> Table:
        """One row per age of the model: days since the cut, size, NDCG and recall of the systems called `names`."""
        names = list(names) or [entry["name"] for entry in self.systems]
        k = self.circumstances["k"]
        measures = [(metric, f"{shown}@{k}") for metric, shown in (("ndcg", "NDCG"), ("recall", "Recall"))]
        rows = [["days since the cut", "queries", "users", *(f"{m}, {name}" for name in names for _, m in measures)]]
        for entry in self.by_model_age:
            span = f"{entry['from_days']:.4g} to {entry['to_days']:.4g}"
            means = (_words(entry[metric][name]) for name in names for metric, _ in measures)
            rows.append([span, f"{entry['queries']:,}", f"{entry['users']:,}", *means])
        return rows

    def text(self) -> str:
        """Circumstances and the tables in plain text."""
        lines = [f"{name.replace('_', ' ')}: {_words(value)}" for name, value in self.circumstances.items()]
        tables = (self.table(), self.beyond_table(), self.strata_table(), self.age_table())
        return "\n".join([*lines, *(line for table in tables for line in ("", *_aligned(table)))])


def report(
    evaluations: Mapping[str, Evaluation],
    *,
    baseline: str | None = None,
    vectors: NDArray[Any] | None = None,
    seed: int = 0,
) -> Report:
    """Lay evaluations of named systems, all under one protocol, side by side.

    With `baseline` every system is compared with that one in pairs. `vectors [items, d]` (item embeddings) are what
    intra-list diversity is measured on; without them it is left undefined. `seed` draws the bootstrap.
    """
    if not evaluations:
        raise InputError("there is nothing to report", mend="evaluate at least one system")
    if baseline is not None and baseline not in evaluations:
        raise InputError(f"no system is called {baseline!r}", mend=f"use one of {', '.join(evaluations)}")
    first = next(iter(evaluations.values()))
    for other in evaluations.values():
        require_same_queries(other, first)
    systems = []
    for name, result in evaluations.items():
        entry: dict[str, Any] = {"name": name, "seconds": result.seconds}
        entry |= {metric: result.interval(metric, seed=seed) for metric in result.per_query}
        entry |= {
            "debiased_ndcg": result.debiased_interval(seed=seed),
            "coverage": result.coverage(),
            "novelty": result.novelty(),
            "personalisation": result.personalisation(),
            "intra_list_diversity": math.nan if vectors is None else result.intra_list_diversity(vectors),
            "difference": None,
            "verdict": None,
        }
        if baseline is not None and name != baseline:
            comparison = compare(result, evaluations[baseline], seed=seed)
            entry |= {"difference": comparison.difference, "verdict": comparison.verdict}
        systems.append(entry)
    circumstances = {
        **asdict(first.protocol),
        "cut": (_EPOCH + timedelta(microseconds=first.cut)).isoformat(),
        "queries": first.queries,
        "users": first.users,
        "tie_share": first.tie_share,
        "baseline": baseline,
        "seed": seed,
        **machine(),
        "peak_memory_mb": peak_memory(),
    }
    return Report(
        circumstances=circumstances,
        systems=tuple(systems),
        strata=tuple(_strata(evaluations, seed)),
        by_model_age=tuple(by_model_age(evaluations, seed=seed)),
    )


def machine() -> dict[str, Any]:
    """What the figures were measured on: processor, cores at hand, Python, operating system."""
    cpu = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        lines = described.read_text(encoding="utf-8", errors="replace").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": cpu, "cores": cores, "python": platform.python_version(), "platform": platform.platform()}


def peak_memory() -> float:
    """The most memory this process has held so far, in MB; NaN where the system does not say.

    `ru_maxrss` of a child starts at what its parent held when it forked; VmHWM counts from the start of the program.
    """
    if sys.platform == "win32":
        return math.nan
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6  # bytes there, kibibytes elsewhere


def _strata(evaluations: Mapping[str, Evaluation], seed: int) -> Iterator[dict[str, Any]]:
    first = next(iter(evaluations.values()))
    user = first.targets.user
    for stratum, level, inside in _levels(first):
        if inside.any():
            yield {
                "stratum": stratum,
                "level": level,
                "queries": int(inside.sum()),
                "users": len(np.unique(user[inside])),
                "ndcg": {
                    name: mean_interval(result.per_query["ndcg"][inside], user[inside], seed=seed)
                    for name, result in evaluations.items()
                },
            }


def _levels(result: Evaluation) -> Iterator[tuple[str, str, Bool]]:
    for level, low, high in _HISTORY:
        yield "history length", level, (result.history_length >= low) & (result.history_length < high)
    for level, low, high in _IDLE:
        yield "time since last event", level, (result.idle_days >= low) & (result.idle_days < high)
    if result.drift is not None:
        known = ~np.isnan(result.drift)
        third = np.quantile(result.drift[known], [1 / 3, 2 / 3]) if known.any() else np.zeros(2)
        place = np.searchsorted(third, result.drift, side="right")
        for code, level in enumerate(("low", "middle", "high")):
            yield "drift", level, known & (place == code)
    if result.protocol.candidates == "available":
        yield "target", "warm", result.cold == 0
        yield "target", "warm and cold", (result.cold > 0) & (result.cold < 1)
        yield "target", "cold", result.cold == 1


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {"mean": _plain(value.mean), "low": _plain(value.low), "high": _plain(value.high)}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _words(value: Any, *, digits: int = 4) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _aligned(table: Table) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
