"""The protocol: split by time, rank candidates, measure every query, compare two systems in pairs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import DAY, F64, I32, I64, Bool, Queries
from evorec.data.split import Split
from evorec.data.targets import Candidates, Clock, Targets, next_targets, successive_targets
from evorec.metrics.beyond import coverage, intra_list_diversity, novelty, personalisation
from evorec.metrics.bootstrap import Interval, mean_interval, paired_difference
from evorec.metrics.ranking import (
    debiased_ndcg,
    hit_rate,
    hits,
    inverse_propensity,
    ndcg,
    recall,
    reciprocal_rank,
)

ScoreFunction = Callable[[Queries], NDArray[np.floating[Any]]]
Verdict = Literal["better", "not worse", "worse", "inside the interval"]
TOLERANCE = 0.02  # "not worse" gives away less than this share of the reference

_CELLS = 2_000_000  # scores held at once: 16 MB in float64, and a few temporaries of that size


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What is asked of a model, and what it is told.

    `kind`: `next` asks for each user's first tie group after the cut, `successive` for every one. `clock`: `frozen`
    tells a model nothing about the time of the target, `query_time` tells it; targets, histories and candidates are
    the same. `repeats`: items the user has touched may be recommended and count. `candidates`: `warm` (items with
    training events) or `available` (all on offer at the target's time, cold ones included). `k`: length of the lists.
    """

    kind: Literal["next", "successive"] = "next"
    clock: Clock = "frozen"
    repeats: bool = False
    candidates: Candidates = "warm"
    k: int = 10

    def __post_init__(self) -> None:
        choices = {"kind": ("next", "successive"), "clock": get_args(Clock), "candidates": get_args(Candidates)}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise InputError(f"unknown {name} {getattr(self, name)!r}", mend=f"use {' or '.join(allowed)}")
        if self.k < 1:
            raise InputError("k must be at least 1", mend="ask for one item or more")

    def targets(self, split: Split) -> Targets:
        """What is to be foreseen after the cut of `split`."""
        find = next_targets if self.kind == "next" else successive_targets
        return find(split, repeats=self.repeats, candidates=self.candidates)


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """The lists that one system gave under one protocol, and every measure per query.

    `top int32[q, k]` holds item codes, -1 where a list is shorter; `counts int64[items]` are training events;
    `history_length int64[q]`, `idle_days float64[q]` (from the user's last event to the target) and, where given,
    `drift float64[q]` describe the user at the query; `tie_share` is the share of events whose user has another
    one with the same timestamp.
    """

    protocol: Protocol
    cut: int
    targets: Targets
    top: I32
    counts: I64
    history_length: I64
    idle_days: F64
    tie_share: float
    seconds: float
    drift: F64 | None = None

    @property
    def queries(self) -> int:
        """How many queries were asked."""
        return len(self.targets)

    @cached_property
    def users(self) -> int:
        """How many users asked them."""
        return len(np.unique(self.targets.user))

    @cached_property
    def hits(self) -> Bool:
        """`bool[q, k]`: which places of the lists hit."""
        return hits(self.top, self.targets.offsets, self.targets.item)

    @cached_property
    def per_query(self) -> Mapping[str, F64]:
        """`float64[q]` under each of ndcg, recall, mrr, hit_rate (all at k)."""
        relevant = self.targets.relevant
        return {
            "ndcg": ndcg(self.hits, relevant),
            "recall": recall(self.hits, relevant),
            "mrr": reciprocal_rank(self.hits),
            "hit_rate": hit_rate(self.hits),
        }

    @cached_property
    def debiased(self) -> tuple[F64, F64]:
        """Popularity-debiased NDCG: value and weight per query, see `debiased_ndcg`."""
        gain = inverse_propensity(self.counts)
        return debiased_ndcg(self.hits, self.targets.offsets, gain[self.targets.item], gain[self.top])

    @cached_property
    def cold(self) -> F64:
        """`float64[q]`: share of the relevant items that have no training event."""
        owner = np.repeat(np.arange(self.queries), self.targets.relevant)
        return np.bincount(owner, weights=self.counts[self.targets.item] == 0) / self.targets.relevant

    def mean(self, metric: str = "ndcg") -> float:
        """Mean of a metric over queries."""
        return float(self.per_query[metric].mean())

    def interval(self, metric: str = "ndcg", *, seed: int = 0) -> Interval:
        """Mean of a metric with its 95% interval over users."""
        return mean_interval(self.per_query[metric], self.targets.user, seed=seed)

    def debiased_interval(self, *, seed: int = 0) -> Interval:
        """Popularity-debiased NDCG with its 95% interval over users."""
        value, weight = self.debiased
        return mean_interval(value, self.targets.user, weight=weight, seed=seed)

    def coverage(self) -> float:
        """Share of the items that were a candidate at any query and stand in a list."""
        first, last = int(self.targets.timestamp.min()), int(self.targets.timestamp.max())
        return coverage(self.top, int(((self.targets.opens < last) & (self.targets.closes > first)).sum()))

    def novelty(self) -> float:
        """Mean self-information of the listed items, in bits."""
        return _mean(novelty(self.top, self.counts))

    def personalisation(self) -> float:
        """1 - mean overlap between the lists of two users (each user's first list)."""
        return personalisation(self.top[np.unique(self.targets.user, return_index=True)[1]])

    def intra_list_diversity(self, vectors: NDArray[Any]) -> float:
        """1 - mean cosine inside a list, by item `vectors [items, d]`; NaN where no list has two known items."""
        return _mean(intra_list_diversity(self.top, vectors))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `compare` found: the difference of the means, the reference's mean, and the verdict."""

    difference: Interval
    reference: float
    verdict: Verdict


def evaluate(
    score: ScoreFunction, split: Split, protocol: Protocol | None = None, *, drift: F64 | None = None
) -> Evaluation:
    """Ask `score` for every target of the protocol and keep the lists.

    `score` takes a batch of queries and returns `[queries, items]` over the item vocabulary of `split.dataset`, in
    any floating type; -inf withdraws an item. It must have learned from `split.train` alone. `drift float64[q]`, where
    known, opens a stratum; it lies along `protocol.targets(split)`.

    >>> from evorec.core.types import Events
    >>> from evorec.data.dataset import Dataset
    >>> log = Events.create(user_ids=["a", "b", "b", "a"], item_ids=["x", "y", "z", "y"], timestamps=[1, 1, 2, 9])
    >>> split = Split(dataset=Dataset.create(log), cut=5)
    >>> result = evaluate(lambda queries: np.zeros((len(queries), 3)), split)  # ties: count, then id; "x" is seen
    >>> split.dataset.items.decode(result.top[0, :2]), result.mean("ndcg")
    (['y', 'z'], 1.0)
    """
    protocol = protocol or Protocol()
    targets, events = protocol.targets(split), split.dataset.events
    if not len(targets):
        raise InputError(
            "no user has both training events and a target after the cut", mend="cut earlier, or bring a longer log"
        )
    if drift is not None and len(drift) != len(targets):
        raise InputError(f"drift has {len(drift)} entries for {len(targets)} targets", mend="give one per target")
    started = time.perf_counter()
    counts = split.train.item_counts
    order = tie_order(counts)
    top, length, idle = [], [], []
    step = max(1, _CELLS // max(1, len(counts)))
    for start in range(0, len(targets), step):
        block = targets.slice(start, start + step)
        queries = block.queries(events, protocol.clock)
        top.append(rank(score(queries), queries, block.candidates(), order, k=protocol.k, repeats=protocol.repeats))
        length.append(np.diff(queries.offsets))
        idle.append((block.timestamp - queries.timestamp[queries.offsets[1:] - 1]) / DAY)
    sizes = np.bincount(events.tie_group)
    return Evaluation(
        protocol=protocol,
        cut=split.cut,
        targets=targets,
        top=np.concatenate(top),
        counts=counts,
        history_length=np.concatenate(length),
        idle_days=np.concatenate(idle),
        tie_share=float(sizes[sizes > 1].sum() / len(events)),
        seconds=time.perf_counter() - started,
        drift=drift,
    )


def tie_order(counts: I64) -> I64:
    """Item codes in the order that breaks ties between equal scores: training events descending, then code.

    Codes of a `Dataset` follow the ids, so the second key is the item id, ascending.

    >>> tie_order(np.array([1, 5, 5])).tolist()
    [1, 2, 0]
    """
    return np.argsort(-counts, kind="stable")


def rank(
    scores: NDArray[np.floating[Any]], queries: Queries, candidates: Bool, order: I64, *, k: int, repeats: bool = False
) -> I32:
    """The best k items of each query: `int32[q, k]` item codes, best first, -1 where the candidates run out.

    `scores`, `candidates` `[q, items]`; unless `repeats`, items of the query's own history are left out. Equal scores
    go by `order` (see `tie_order`), so the answer depends on nothing else.

    >>> asked = Queries(offsets=np.array([0, 1]), item=np.array([0], np.int32), timestamp=np.array([1]),
    ...                 as_of=np.array([2]))
    >>> rank(np.array([[9.0, 1.0, 1.0]]), asked, np.ones((1, 3), bool), np.array([0, 2, 1]), k=3).tolist()
    [[2, 1, -1]]
    """
    if scores.shape != candidates.shape:
        raise InputError(f"scores have shape {scores.shape}, not {candidates.shape}", mend="score every item")
    if np.isnan(scores).any():
        raise InputError("a score is not a number", mend="give unknown pairs a finite score or -inf")
    open_to = candidates
    if not repeats:
        open_to = candidates.copy()
        open_to[queries.owner, queries.item] = False
    cost = np.where(open_to, -scores, np.inf).take(order, axis=1)
    take = min(k, cost.shape[1])
    limit = np.partition(cost, take - 1, axis=1)[:, [take - 1]]
    # Everything better than the k-th best, and of its equals the first in the order of ties.
    better, level = cost < limit, cost == limit
    room = take - better.sum(axis=1, keepdims=True)
    level &= np.cumsum(level, axis=1, dtype=np.int32) <= room
    places = np.nonzero(better | level)[1].reshape(-1, take)
    best = np.argsort(np.take_along_axis(cost, places, axis=1), axis=1, kind="stable")
    places = np.take_along_axis(places, best, axis=1)
    top = np.full((len(cost), k), -1, dtype=np.int32)
    top[:, :take] = np.where(np.take_along_axis(cost, places, axis=1) == np.inf, -1, order[places])
    return top


def compare(a: Evaluation, b: Evaluation, metric: str = "ndcg", *, seed: int = 0) -> Comparison:
    """Whether `a` beats the reference `b`: paired bootstrap of the difference over users.

    "better": the 95% interval lies above 0; "not worse": its lower end is above -2% of the reference's mean; "worse":
    it lies below 0; otherwise nothing can be said, the difference is "inside the interval". The first that holds.
    """
    require_same_queries(a, b)
    difference = paired_difference(a.per_query[metric], b.per_query[metric], a.targets.user, seed=seed)
    return Comparison(difference=difference, reference=b.mean(metric), verdict=_verdict(difference, b.mean(metric)))


def require_same_queries(a: Evaluation, b: Evaluation) -> None:
    """Refuse two evaluations that cannot be paired: of another protocol, split or log."""
    same = a.protocol == b.protocol and all(
        np.array_equal(getattr(a.targets, name), getattr(b.targets, name)) for name in ("user", "timestamp", "item")
    )
    if not same:
        raise InputError("the two evaluations answer different queries", mend="use one split and one protocol")


def _verdict(difference: Interval, reference: float) -> Verdict:
    if difference.low > 0:
        return "better"
    if difference.low > -TOLERANCE * reference:
        return "not worse"
    return "worse" if difference.high < 0 else "inside the interval"


def _mean(values: F64) -> float:
    """Mean of what is defined; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
