"""Drift against injected switches: two users' histories spliced, an oracle as the ceiling, library detectors as peers.

    python benchmarks/drift.py [SET ...]

writes results-drift.md. Peers need `pip install river`.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sets import machine_words
from switches import (
    HORIZONS,
    LEADING,
    LENGTH,
    MOST,
    Data,
    Sequence,
    load,
    mean_oracle,
    oracle_finds,
    oracles,
    same_time,
    sequences,
    with_behaviour,
)

# isort: split
import numpy as np
import ruptures

from evorec.core.errors import MissingExtraError
from evorec.core.rng import generator
from evorec.core.types import DAY, Events
from evorec.evaluation.report import machine
from evorec.interests.changes import ChangeConfig, change_points
from evorec.interests.drift import DriftConfig, Spread, drift, log_membership, sitting_numbers
from evorec.interests.online import DetectorConfig, DetectorModel, DriftDetector, fit_detector
from evorec.metrics.bootstrap import mean_interval

MARGIN = 3  # events between a change point and the switch that still count as found
ASKED = 0.035  # of sequences may raise a false alarm: what is calibrated on few users is itself unsure
Run = Callable[[Sequence, float], np.ndarray]  # events that had happened at each alarm, under one setting


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """One kind of content vectors of all events, and `train`, the users whom its models are fitted on."""

    name: str
    data: Data
    train: Data
    spread: Spread


def views(data: Data, events: Events, train: np.ndarray, length: int) -> list[View]:
    """Topics; embeddings; and embeddings with behaviour, the best.

    Behaviour is learnt from the users with too few events to calibrate on, the spread from the others.
    """
    counts = np.diff(data.offsets)
    enough = counts >= 0.9 * 2 * length
    builders = np.append(train[~enough[train]], np.flatnonzero(counts < length))
    contents = {
        "topics": (replace(data, content=log_membership(data.membership)), train),
        "embeddings": (data, train),
        "with behaviour": (with_behaviour(data, events, builders), train[enough[train]]),
    }
    out = []
    for name, (own, users) in contents.items():
        part = own.of(np.sort(users))
        out.append(View(name=name, data=own, train=part, spread=Spread.fit(part.offsets, part.content)))
    return out


# ---- online: ours and the library's detectors


def ours(model: DetectorModel, data: Data, sequence: Sequence) -> np.ndarray:
    """How many events had happened at each alarm."""
    detector, alarms, ends = DriftDetector(model), [], sequence.ends
    for row, step in zip(sequence.rows, sequence.steps.tolist(), strict=True):
        if detector.observe(data.membership[row], step, content=data.content[row]):
            alarms.append(ends[step - 1])
    if detector.read(int(sequence.steps[-1]) + 1):
        alarms.append(ends[-1])
    return np.array(alarms, dtype=np.int64)


def surprises(spread: Spread, data: Data, sequence: Sequence) -> np.ndarray:
    """Mean surprise of each step's events, given those before; the same model and content as ours."""
    z = spread.project(data.content[sequence.rows])
    first = np.append(0, sequence.ends)[sequence.steps]
    sums, n = np.vstack([np.zeros(z.shape[1]), np.cumsum(z, axis=0)])[first], first.astype(float)
    ratio = spread.evidence(sums + z, n + 1) - spread.evidence(sums, n)
    surprise = -np.log(0.1 + 0.9 * np.exp(np.clip(ratio, -30, 30)))
    return np.bincount(sequence.steps, weights=surprise) / np.bincount(sequence.steps)


def streamed(detector: Any, series: np.ndarray, ends: np.ndarray) -> np.ndarray:
    alarms = []
    for value, end in zip(series[1:], ends[1:], strict=True):  # nothing is known before the first step
        detector.update(value)
        if detector.drift_detected:
            alarms.append(end)
    return np.array(alarms, dtype=np.int64)


def peers_online(series: dict[int, np.ndarray]) -> dict[str, tuple[Run, np.ndarray]]:
    """How each peer runs with one setting, and settings from eager to reluctant."""
    try:
        from river.drift import ADWIN, PageHinkley
    except ImportError as missing:
        raise MissingExtraError("river is not installed", mend="pip install river") from missing

    def adwin(s: Sequence, delta: float) -> np.ndarray:
        detector = ADWIN(delta=delta, clock=1, grace_period=2, min_window_length=2)
        return streamed(detector, series[id(s)], s.ends)

    def page_hinkley(s: Sequence, threshold: float) -> np.ndarray:
        detector = PageHinkley(threshold=threshold, min_instances=5, delta=0.1, mode="up")
        return streamed(detector, series[id(s)], s.ends)

    return {
        "river ADWIN": (adwin, np.geomspace(1, 1e-12, 60)),
        "river Page-Hinkley": (page_hinkley, np.geomspace(0.5, 200, 60)),
    }


def calibrated(run: Run, settings: np.ndarray, quiet: list[Sequence]) -> float:
    """The most eager setting under which at most 5% of unspliced sequences raise an alarm."""
    low, high = 0, len(settings) - 1
    while low < high:
        middle = (low + high) // 2
        alarming = np.mean([len(run(s, settings[middle])) > 0 for s in quiet])
        low, high = (low, middle) if alarming <= 0.05 else (middle + 1, high)
    return float(settings[low])


def detected(alarms: list[np.ndarray], spliced: list[Sequence], horizon: int) -> np.ndarray:
    after = [a - s.before for a, s in zip(alarms, spliced, strict=True)]
    return np.array([((a > 0) & (a <= horizon)).any() for a in after])


def online_runs(seen: list[View], parts: dict, length: int) -> dict[str, Callable[[Sequence], np.ndarray]]:
    runs: dict[str, Callable[[Sequence], np.ndarray]] = {}
    for view in seen:
        model = fit_detector(
            offsets=view.train.offsets,
            membership=view.train.membership,
            timestamps=view.train.timestamps,
            content=view.train.content,
            config=DetectorConfig(per=2 * length, alarms=ASKED),
        )
        runs[f"ours, {view.name}"] = partial(ours, model, view.data)
    best = seen[-1]
    series = {
        id(s): surprises(best.spread, best.data, s) for part in parts.values() for kind in part.values() for s in kind
    }
    for name, (run, settings) in peers_online(series).items():
        runs[name] = partial(with_setting, run, calibrated(run, settings, parts["train"]["shuffled"]))
    return runs


def with_setting(run: Run, setting: float, sequence: Sequence) -> np.ndarray:
    return run(sequence, setting)


def online_rows(seen: list[View], parts: dict, length: int) -> list[str]:
    data, best, test = seen[0].data, seen[-1], parts["test"]
    known = list(oracles(data, seen[0].train).values())
    ceilings = {}
    for one_test in (False, True):
        found = [[oracle_finds(o, data, parts, h, one_test=one_test) for o in known] for h in HORIZONS]
        ceilings[one_test] = [max(some, key=np.mean) for some in found]
    richer = mean_oracle(best.spread, best.data.content)
    head = ["online", *(f"{h} events" for h in HORIZONS), "false alarms, shuffled", "own order, any; after the middle"]
    out = [row(head), row(["---"] * len(head))]
    for name, kind in (("oracle, 5% a sequence", False), ("oracle, one test at the moment", True)):
        out.append(row([name, *(show(f) for f in ceilings[kind]), "", ""]))
    found = [oracle_finds(richer, best.data, parts, h, one_test=False) for h in HORIZONS]
    out.append(row(["5% a sequence, content with behaviour", *(show(f) for f in found), "", ""]))
    runs = online_runs(seen, parts, length)
    for name, call in runs.items():
        alarms = [call(s) for s in test["spliced"]]
        cells = []
        for horizon, whole, single in zip(HORIZONS, ceilings[False], ceilings[True], strict=True):
            found = detected(alarms, test["spliced"], horizon)
            cells.append(f"{show(found)}, of the oracles' {ratio(found, whole)}, {ratio(found, single)}")
        quiet = show([len(call(s)) > 0 for s in test["shuffled"]])
        ordered = [call(s) for s in test["ordered"]]
        middle = [a - s.before // 2 for a, s in zip(ordered, test["ordered"], strict=True)]
        in_window = [((a > 0) & (a <= HORIZONS[-1])).any() for a in middle]
        out.append(row([name, *cells, quiet, f"{show([len(a) > 0 for a in ordered])}; {show(in_window)}"]))
    return [*out, "", *time_rows({name: call for name, call in runs.items() if name.startswith("ours")}, parts)]


def time_rows(runs: dict[str, Callable[[Sequence], np.ndarray]], parts: dict) -> list[str]:
    """Does the time at which the two users were active tell the switch?"""
    head = ["pairs", *(f"{h} events" for h in HORIZONS), "n"]
    out = [row(head), row(["---"] * len(head))]
    for name, call in runs.items():
        for kind, meaning in (("near", "of one time"), ("any", "the same users at random")):
            pairs = parts["same time"][kind]
            alarms = [call(s) for s in pairs]
            out.append(
                row([f"{name}; {meaning}", *(show(detected(alarms, pairs, h)) for h in HORIZONS), str(len(pairs))])
            )
    return out


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def show(values: Any, users: np.ndarray | None = None) -> str:
    values = np.asarray(values, dtype=float)
    interval = mean_interval(values, np.arange(len(values)) if users is None else users)
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def ratio(found: np.ndarray, ceiling: np.ndarray) -> str:
    """Detected as a share of the ceiling's, with its interval over resampled pairs of users."""
    drawn = generator(0, "ratio").integers(0, len(found), size=(2000, len(found)))
    low, high = np.quantile(found[drawn].mean(axis=1) / np.maximum(ceiling[drawn].mean(axis=1), 1e-9), [0.025, 0.975])
    return f"{found.mean() / max(ceiling.mean(), 1e-9):.2f} [{low:.2f}, {high:.2f}]"


# ---- offline


def cut_points(data: Data, spread: Spread | None, sequence: Sequence) -> np.ndarray:
    """Events before each change point."""
    rows = sequence.rows
    content = None if spread is None else (spread, data.content[rows])
    found = change_points(
        data.membership[rows], sequence.steps, content=content, config=ChangeConfig(sitting_hours=0), seed=0
    )
    return np.append(0, sequence.ends)[[c.moment for c in found]]


def kernel_cuts(data: Data, kernel: str, sequence: Sequence, penalty: float) -> np.ndarray:
    counts = np.bincount(sequence.steps)
    starts = sequence.ends - counts
    signal = np.add.reduceat(data.content[sequence.rows], starts, axis=0) / counts[:, None]
    found = ruptures.KernelCPD(kernel=kernel, min_size=2).fit(signal).predict(pen=penalty)[:-1]
    return sequence.ends[np.array(found, dtype=int) - 1]


def offline_rows(seen: list[View], parts: dict) -> list[str]:
    runs: dict[str, Callable[[Sequence], np.ndarray]] = {}
    for view in seen:
        runs[f"ours, {view.name}"] = partial(cut_points, view.data, None if view is seen[0] else view.spread)
    for view in seen[1:]:
        for kernel in ("rbf", "linear"):
            run = partial(kernel_cuts, view.data, kernel)
            penalty = calibrated(run, np.geomspace(0.01, 100, 250), parts["train"]["shuffled"])
            runs[f"ruptures KernelCPD, {kernel}, {view.name}"] = partial(with_setting, run, penalty)
    test = parts["test"]
    head = ["offline", f"recall within {MARGIN} events", "precision", "median error (events)", "any, shuffled", "ms"]
    out = [row(head), row(["---"] * len(head))]
    for name, call in runs.items():
        began = time.perf_counter()
        errors = [np.abs(call(s) - s.before) for s in test["spliced"]]
        spent = 1000 * (time.perf_counter() - began) / len(errors)
        near = np.concatenate([e <= MARGIN for e in errors])
        owner = np.repeat(np.arange(len(errors)), [len(e) for e in errors])
        cells = [show([(e <= MARGIN).any() for e in errors]), show(near, owner)]
        cells.append(f"{np.median([e.min() for e in errors if len(e)]):.0f}")
        cells.append(show([len(call(s)) > 0 for s in test["shuffled"]]))
        out.append(row([name, *cells, f"{spent:.1f}"]))
    return out


# ---- false discoveries


def drift_of(data: Data, spread: Spread, histories: list[tuple[np.ndarray, np.ndarray]], hours: float) -> np.ndarray:
    """p- and q-values `[2, users]` of histories given as (rows, timestamps)."""
    rows = np.concatenate([r for r, _ in histories])
    answer = drift(
        offsets=np.append(0, np.cumsum([len(r) for r, _ in histories])),
        membership=data.membership[rows],
        timestamps=np.concatenate([t for _, t in histories]),
        content=(spread, data.content[rows]),
        config=DriftConfig(sitting_hours=hours),
    )
    return np.array([answer.p_value, answer.q_value])


def shuffled_sittings(data: Data, user: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A user's history with sittings in random order: no drift by construction, yet topics move slowly inside one."""
    rows = data.rows(user)
    when, sitting = data.timestamps[rows], sitting_numbers(data.timestamps[rows], 6.0)
    start = when[np.flatnonzero(np.diff(sitting, prepend=-1))]
    place = rng.permutation(len(start))
    moved = when - start[sitting] + place[sitting] * (int((when - start[sitting]).max()) + DAY)
    order = np.argsort(moved, kind="stable")
    return rows[order], moved[order]


def false_rows(best: View, parts: dict, users: np.ndarray) -> list[str]:
    data, spread = best.data, best.spread
    rng = generator(0, "shuffled sittings")
    shuffled = [shuffled_sittings(data, u, rng) for u in users[:MOST]]
    out = [row(["false discoveries", "rate", "n"]), row(["---"] * 3)]
    for name, hours in (("p <= .05, sittings shuffled and permuted", 6.0), ("the same, but tie groups permuted", 0.0)):
        p = drift_of(data, spread, shuffled, hours)[0]
        p = p[~np.isnan(p)]
        out.append(row([name, show(p <= 0.05) if len(p) else "cannot tell", str(len(p))]))
    test = parts["test"]
    n = min(len(test["spliced"]), len(test["shuffled"]))
    mixed = [(s.rows, s.steps * DAY) for s in (*test["spliced"][:n], *test["shuffled"][:n])]
    p, q = drift_of(data, spread, mixed, 0.0)
    out.append(row(["p <= .05, tie groups shuffled and permuted", show(p[n:] <= 0.05), str(n)]))
    for level in (0.05, 0.1):
        found = q <= level
        false = show(np.arange(2 * n)[found] >= n)
        out.append(row([f"q <= {level}, half of users spliced: false among found", false, str(found.sum())]))
        out.append(row([f"q <= {level}: found among spliced", show(found[:n]), str(n)]))
    return out


def measure(name: str) -> list[str]:
    (data, events), length = load(name), LENGTH[name]
    users = np.flatnonzero(np.diff(data.offsets) >= length)
    np.random.default_rng(0).shuffle(users)
    half = {"train": users[: len(users) // 2], "test": users[len(users) // 2 :]}
    parts = {part: sequences(data, some, length, generator(0, f"{name} {part}")) for part, some in half.items()}
    counts = "; ".join(
        f"{part}: {len(kinds['spliced'])} spliced, {len(kinds['shuffled'])} unspliced" for part, kinds in parts.items()
    )
    parts["same time"] = same_time(data, half["test"], length, generator(0, f"{name} same time"))
    seen = views(data, events, half["train"], length)
    return [
        f"## {name}",
        "",
        f"{len(users)} users with {length}+ events; {length} events on either side of the switch; {counts}.",
        "",
        *online_rows(seen, parts, length),
        "",
        *offline_rows(seen, parts),
        "",
        *false_rows(seen[-1], parts, half["test"]),
        "",
    ]


EXPLAINED = f"""\
Two users' histories are spliced at a known moment: the latest events of one, then the first of the other, in whole
tie groups. Half of the users fit and calibrate everything, the other half is judged. Unspliced: a user's own latest
events, as many as a spliced sequence has, with tie groups in random order.

*With behaviour*: the content of an event is {LEADING} dimensions of who did what (a truncated SVD of users x items)
beside the {LEADING} leading ones of the embedding. Behaviour is learnt from users with too few events to calibrate on,
the model and its threshold from the other train users, neither from judged ones.

Online: share of spliced sequences with an alarm within so many events after the switch (an earlier alarm does not
count), and share of unspliced ones with any alarm; asked for {ASKED}. The oracle knows the topics of both users, from
all their events but the judged ones, and the moment. *5% a sequence*: no moment of an unspliced sequence may raise an
alarm, as for a detector. *One test*: only its middle is tested, so nothing is paid for the search; no detector has
that. Below it, the first oracle with behaviour for topics. Own order: users who were not spliced, in the order they
chose; what alarms within 20 events after the middle is what drifts anyway. Behind a detector's share: its part of each
topic oracle's. Peers stream the surprise of our own model with behaviour, and are calibrated to 5% on the same
unspliced sequences. Pairs: do the times at which two users were active tell the switch? The other starts as the first
ends, or the same users are paired at random.

Offline: penalties calibrated to 5% of unspliced sequences with any change point. Topics change inside a real history,
too: precision counts such changes as false. False discoveries: 499 permutations. Intervals: 95%, bootstrap over
users. Settings were chosen on train users. Judged users were not new: tables without behaviour (at most 400 sequences
a set, 250 of ml-1m) had been made of them before.
"""


def main(names: list[str]) -> None:
    lines = ["# Drift", "", EXPLAINED]
    for name in names or LENGTH:
        lines += measure(name)
        print("\n".join(lines), flush=True)
    lines += [f"Machine: {machine_words(machine())}. Seed 0."]
    (Path(__file__).parent / "results-drift.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
