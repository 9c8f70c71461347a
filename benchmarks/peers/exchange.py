"""What a peer is asked and how it answers: a question file in, ranked lists with seconds and memory out.

Runs in the environment of the peer, which needs nothing but numpy: what is imported from evorec needs no more.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evorec.core.types import I32, I64, Bool, Queries
from evorec.evaluation.protocol import rank
from evorec.metrics.ranking import hits, ndcg

Lists = Callable[[int, int], I32]  # the lists of queries start:stop
Scores = Callable[[Queries], np.ndarray]
_CELLS = 2_000_000  # scores held at once
PATIENCE = 5  # epochs without a better NDCG on the inner queries
MOST_EPOCHS = 200


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """One split, and the queries that are asked after its cut; users and items are codes.

    Rows of the log are sorted by user and time. `train bool[n]` marks those a peer may learn from; query q may read
    rows begin[q]:end[q], all of one user and before the target, and is asked at `as_of[q]`. An item is a candidate
    while `opens < at[q] < closes`, minus the items of the history unless `repeats`. `order` breaks ties of scores.
    The relevant items of query q are `relevant[offsets[q]:offsets[q + 1]]`; they are empty in a test.
    """

    set: str
    stage: str
    users: int
    items: int
    repeats: bool
    k: int
    user: I32
    item: I32
    timestamp: I64
    train: Bool
    begin: I64
    end: I64
    as_of: I64
    at: I64
    opens: I64
    closes: I64
    order: I64
    offsets: I64
    relevant: I32

    @classmethod
    def load(cls, path: str | Path) -> "Question":
        with np.load(path) as held:
            return cls(**{name: held[name] if held[name].ndim else held[name].item() for name in held.files})

    def save(self, path: Path) -> None:
        np.savez(path, **vars(self))

    def __len__(self) -> int:
        return len(self.as_of)

    def queries(self, start: int, stop: int) -> Queries:
        """Histories of queries start:stop."""
        begin, size = self.begin[start:stop], (self.end - self.begin)[start:stop]
        offsets = np.concatenate(([0], np.cumsum(size))).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(begin - offsets[:-1], size)
        return Queries(
            offsets=offsets, item=self.item[rows], timestamp=self.timestamp[rows], as_of=self.as_of[start:stop]
        )

    def candidates(self, start: int, stop: int) -> Bool:
        """`bool[q, items]`: what may be listed, seen items included."""
        at = self.at[start:stop, None]
        return (self.opens < at) & (at < self.closes)

    def warm(self) -> I64:
        """Codes of the items with training events."""
        return np.unique(self.item[self.train]).astype(np.int64)

    def blocks(self, most: int = 2000) -> Iterator[tuple[int, int]]:
        """Runs of queries few enough to hold a score for every item."""
        step = max(1, min(most, _CELLS // max(1, self.items)))
        for start in range(0, len(self), step):
            yield start, min(start + step, len(self))

    def by_score(self, score: Scores) -> Lists:
        """Lists from scores of every item `[q, items]`."""

        def lists(start: int, stop: int) -> I32:
            asked = self.queries(start, stop)
            offered = self.candidates(start, stop)
            return rank(score(asked), asked, offered, self.order, k=self.k, repeats=self.repeats)

        return lists

    def accuracy(self, lists: Lists) -> float:
        """Mean NDCG over all queries; only where the relevant items are given."""
        top = np.concatenate([lists(start, stop) for start, stop in self.blocks()])
        return float(ndcg(hits(top, self.offsets, self.relevant), np.diff(self.offsets)).mean())


@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """Systems ready to be asked, by name, and what fitting them decided (such as the number of epochs)."""

    systems: Mapping[str, Lists]
    chosen: Mapping[str, Any]


def train(question: Question, lists: Lists, settings: Mapping[str, Any], epoch: Callable[[], Any]) -> dict[str, Any]:
    """Train a net by calls of `epoch`, which trains once over the log and returns the torch module.

    With `epochs` in `settings`, that many. Else until NDCG on the inner queries has not risen for `PATIENCE` epochs, or
    after `minutes`; then the best epoch is restored, and how many it took returned.
    """
    if "epochs" in settings:
        for _ in range(settings["epochs"]):
            epoch()
        return {}
    began, best, chosen, stopped = time.process_time(), -1.0, 0, "epochs"
    state: dict[str, Any] = {}
    for trained in range(1, MOST_EPOCHS + 1):
        net = epoch()
        found = question.accuracy(lists)
        seconds = time.process_time() - began
        print(f"epoch {trained}: {seconds:.0f} s, NDCG {found:.4f}", flush=True)
        if found > best:
            best, chosen = found, trained
            state = {name: value.clone() for name, value in net.state_dict().items()}
        if trained - chosen >= PATIENCE or seconds > 60 * settings["minutes"]:
            stopped = "patience" if trained - chosen >= PATIENCE else "time"
            break
    net.load_state_dict(state)
    return {"epochs": chosen, "stopped_by": stopped}


def answer(fit: Callable[[Question, Mapping[str, Any]], Fitted]) -> None:
    """The main of every peer: `QUESTION.npz SETTINGS ANSWER.npz`; measurements go beside the lists, as JSON.

    Seconds are of the processor: with one thread those of the clock, and the same on a machine that others use too.
    """
    asked, settings, out = Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
    question = Question.load(asked)
    began = time.process_time()
    fitted = fit(question, settings)
    fit_seconds = time.process_time() - began
    tops, seconds = {}, {}
    for name, lists in fitted.systems.items():
        began = time.process_time()
        tops[name] = np.concatenate([lists(start, stop) for start, stop in question.blocks()])
        seconds[name] = time.process_time() - began
    np.savez(out, **tops)
    told = {"fit_seconds": fit_seconds, "ask_seconds": seconds, "peak_mb": peak_mb(), "chosen": dict(fitted.chosen)}
    out.with_suffix(".told").write_text(json.dumps(told), encoding="utf-8")


def peak_mb() -> float:
    """The most memory this process has held, in MB.

    `ru_maxrss` of a child starts at what its parent held when it forked; VmHWM counts from the start of the program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
