"""The interest state: decayed evidence per topic, replayed in batch or streamed event by event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import ALWAYS, DAY, F32, F64, I64, tie_groups


@dataclass(frozen=True, kw_only=True)
class InterestConfig:
    """`short_days`, `long_days`: half-lives of the short-term and long-term interest; `saturation`: evidence at which
    a degree reaches 1 - 1/e."""

    short_days: float = 30.0
    long_days: float = 365.0
    saturation: float = 3.0

    def __post_init__(self) -> None:
        if not (self.short_days > 0 and self.long_days > 0 and self.saturation > 0):
            raise InputError("half-lives and saturation must be above 0", mend="give days, and events")


def batch_evidence(
    *,
    offsets: I64,
    membership: F32,
    timestamps: I64,
    as_of: I64,
    half_life_days: float,
    weights: NDArray[Any] | None = None,
) -> F32:
    """m `float32[q, topics]`: every event's topics, weighted, halved for each half-life before `as_of`.

    Event rows offsets[q]:offsets[q + 1] belong to query q; `membership float32[n, topics]` are their content vectors
    C_i, `timestamps int64[n]` and `as_of int64[q]` UTC microseconds, `weights float[n]` default to 1. Events that are
    not before `as_of` do not count. Weights below 0 speak against a topic: m may then lie below 0, where `shares` and
    `degrees` read it as 0.

    >>> m = batch_evidence(offsets=np.array([0, 2]), membership=np.eye(2, dtype=np.float32),
    ...                    timestamps=np.array([0, 10]) * DAY, as_of=np.array([20]) * DAY, half_life_days=10)
    >>> m.tolist()
    [[0.25, 0.5]]
    """
    owner = np.repeat(np.arange(len(as_of)), np.diff(offsets))
    decay = _decayed(timestamps, as_of[owner], half_life_days)
    if weights is not None:
        decay = decay * weights
    rows = sp.csr_matrix(
        (decay.astype(np.float32), np.arange(len(timestamps)), offsets), shape=(len(as_of), len(timestamps))
    )
    return np.asarray(rows @ membership, dtype=np.float32)


def _decayed(timestamps: I64, as_of: I64, half_life_days: float) -> F64:
    """What is left of one event at `timestamps` by `as_of`, both broadcast: 0 unless it lies before."""
    if not half_life_days > 0:
        raise InputError(f"the half-life is {half_life_days} days", mend="give a number of days above 0")
    age = as_of - timestamps
    return np.where(age > 0, np.exp2(-np.maximum(age, 0) / (half_life_days * DAY)), 0.0)


def shares(evidence: NDArray[Any]) -> F64:
    """Where attention goes: m / sum(m) along the last axis; all 0 where there is no evidence, or only some against.

    >>> shares(np.array([1.0, 3.0])).tolist()
    [0.25, 0.75]
    """
    m = np.maximum(np.asarray(evidence, dtype=np.float64), 0.0)
    total = m.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(m, total, out=np.zeros_like(m), where=total > 0))


def degrees(evidence: NDArray[Any], saturation: float) -> F64:
    """How strong each interest is: 1 - exp(-m / k), in [0, 1]; silence lets it fade.

    >>> degrees(np.array([0.0, 3.0]), 3.0).round(3).tolist()
    [0.0, 0.632]
    """
    return np.asarray(-np.expm1(-np.maximum(evidence, 0.0) / saturation), dtype=np.float64)


def share_error(evidence: NDArray[Any]) -> F64:
    """Standard error of each share, had the decayed evidence been so many independent events.

    The posterior spread under a uniform Dirichlet prior; it shrinks with evidence.

    >>> bool(share_error(np.array([10.0, 10.0])).max() < share_error(np.array([1.0, 1.0])).max())
    True
    """
    a = np.maximum(np.asarray(evidence, dtype=np.float64), 0.0) + 1.0 / max(1, np.shape(evidence)[-1])
    total = a.sum(axis=-1, keepdims=True)
    return np.asarray(np.sqrt(a * (total - a) / (total**2 * (total + 1))), dtype=np.float64)


class InterestState:
    """One user's interests, updated in O(topics) per event, equal to a replay of all events in any order.

    The closed state holds everything before `newest`; the events at `newest` stay apart, as an open tie group, until a
    later one arrives, so `at(newest)` does not see them. A late event is decayed to `newest` and joins the closed
    state.

    >>> state = InterestState(topics=2)
    >>> for day, topic in ((0, [1, 0]), (20, [0, 1]), (10, [0, 1])):  # the last one comes late
    ...     state.observe(np.array(topic), day * DAY)
    >>> short, long = state.at(30 * DAY)
    >>> short.round(3).tolist()
    [0.5, 1.424]
    """

    def __init__(self, topics: int, config: InterestConfig | None = None) -> None:
        self.config = config or InterestConfig()
        self.newest = ALWAYS
        self._half_lives = np.array([self.config.short_days, self.config.long_days]) * DAY
        self._closed = np.zeros((2, topics))
        self._open = np.zeros(topics)

    def observe(self, topics: NDArray[Any], timestamp: int, weight: float = 1.0) -> None:
        """Take in one event with content vector `topics float[topics]`, at `timestamp` (UTC microseconds).

        A `weight` below 0 speaks against the topics: a cancel, a skip.
        """
        content = np.asarray(topics, dtype=np.float64)
        finite = np.isfinite(content).all() and np.isfinite(weight)
        if content.shape != self._open.shape or not finite or (content < 0).any():
            raise InputError(
                f"an event of weight {weight} with topics of shape {content.shape} is no evidence",
                mend=f"give {len(self._open)} numbers of at least 0, and a finite weight",
            )
        added = weight * content
        if timestamp == self.newest:
            self._open = self._open + added
        elif timestamp > self.newest:
            if self.newest != ALWAYS:
                self._closed = (self._closed + self._open) * self._decay(timestamp - self.newest)
            self.newest, self._open = timestamp, added
        else:
            self._closed = self._closed + added * self._decay(self.newest - timestamp)

    def at(self, as_of: int) -> tuple[F64, F64]:
        """Short-term and long-term evidence m `float64[topics]` of the events before `as_of`.

        A state cannot run backwards: an `as_of` before its newest event is refused; replay the log instead.
        """
        if self.newest == ALWAYS:
            return self._closed[0].copy(), self._closed[1].copy()
        if as_of < self.newest:
            raise InputError("the state has moved past this moment", mend="replay the log with batch_evidence")
        visible = self._closed if as_of == self.newest else self._closed + self._open
        short, long = visible * self._decay(as_of - self.newest)
        return short, long

    def _decay(self, elapsed: int) -> F64:
        return np.asarray(np.exp2(-elapsed / self._half_lives)[:, None], dtype=np.float64)


def interest_path(
    membership: F32, timestamps: I64, moments: I64, *, half_life_days: float, weights: NDArray[Any] | None = None
) -> F32:
    """Evidence `float32[moments, topics]` of one user along `moments int64[t]`; each sees only events before it.

    `membership float32[n, topics]` are the content vectors of the events at `timestamps int64[n]` (UTC microseconds),
    `weights float[n]` default to 1.

    >>> path = interest_path(np.eye(2, dtype=np.float32), np.array([0, 10]) * DAY, np.array([0, 10, 20]) * DAY,
    ...                      half_life_days=10)
    >>> path.tolist()
    [[0.0, 0.0], [0.5, 0.0], [0.25, 0.5]]
    """
    left = _decayed(timestamps, moments[:, None], half_life_days)
    if weights is not None:
        left = left * weights
    return np.asarray(left @ membership, dtype=np.float32)


def fit_half_life(
    *,
    offsets: I64,
    membership: F32,
    timestamps: I64,
    grid: Sequence[float] = (3, 7, 15, 30, 60, 120, 240, 480),
    surprises: Sequence[float] = (0.05, 0.15, 0.5),
) -> float:
    """The half-life in days under which each event's topics are likeliest, given the user's events before it.

    Arrays as in `batch_evidence`, in time order per user. An event follows the user's shares or, with the likeliest
    chance among `surprises`, the whole population's; a constant mixed in does not favour long half-lives as smoothing
    by imagined events would. Events of one tie group do not see each other. Where no event has topics, every half-life
    is as good: the first of `grid`.
    """
    population = membership.sum(axis=0, dtype=np.float64)
    population /= max(population.sum(), 1e-12)
    by_surprise = (membership @ population)[:, None]
    known = membership.any(axis=1)
    best, best_loss = float(grid[0]), np.inf
    for half_life in grid if known.any() else ():
        by_habit = _by_habit(offsets, membership, timestamps, half_life, by_surprise[:, 0])[:, None]
        chance = by_habit + np.asarray(surprises) * (by_surprise - by_habit)
        loss = -float(np.log(np.maximum(chance[known], 1e-12)).mean(axis=0).max())
        if loss < best_loss:
            best, best_loss = float(half_life), loss
    return best


def fit_short_half_life(
    *,
    offsets: I64,
    membership: F32,
    timestamps: I64,
    long_days: float,
    grid: Sequence[float] = (1, 2, 4, 8, 15, 30, 60),
    surprises: Sequence[float] = (0.05, 0.15, 0.5),
    mixes: Sequence[float] = (0.25, 0.5, 0.75),
) -> float:
    """The half-life in days of a second, shorter memory under which events are likeliest, given the long one's.

    As in `fit_half_life`, but habit is a mixture: the part `mixes` of it, whichever is likeliest, follows the user's
    shares with the short half-life, the rest those with `long_days`. Tried are those of `grid` that are at most a
    quarter of `long_days`: nearer ones are hard to tell apart; that quarter where there is none.
    """
    tried = [float(days) for days in grid if days <= long_days / 4] or [long_days / 4]
    population = membership.sum(axis=0, dtype=np.float64)
    population /= max(population.sum(), 1e-12)
    by_surprise = membership @ population
    known = membership.any(axis=1)
    if not known.any():
        return tried[-1]
    long = _by_habit(offsets, membership, timestamps, long_days, by_surprise)[known]
    by_surprise_known = by_surprise[known, None, None]
    likelihood = []
    for half_life in tried:
        short = _by_habit(offsets, membership, timestamps, half_life, by_surprise)[known]
        habit = long[:, None, None] + np.asarray(mixes)[:, None] * (short - long)[:, None, None]
        chance = habit + np.asarray(surprises) * (by_surprise_known - habit)
        likelihood.append(float(np.log(np.maximum(chance, 1e-12)).mean(axis=0).max()))
    return tried[int(np.argmax(likelihood))]


def _by_habit(offsets: I64, membership: F32, timestamps: I64, half_life_days: float, fresh: F64) -> F64:
    """How well each event fits the user's shares just before it, `float64[n]`; `fresh` where there are none yet."""
    match, total = _match_before(offsets, membership, timestamps, half_life_days)
    return np.divide(match, total, out=fresh.astype(np.float64), where=total > 0)


def _match_before(offsets: I64, membership: F32, timestamps: I64, half_life_days: float) -> tuple[F64, F64]:
    """`C . m float64[n]` of each event with its user's evidence just before its tie group, and `sum(m) float64[n]`.

    Runs over all users at once, one tie group each at a time, users with most of them first.
    """
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    match, total = np.zeros(len(owner)), np.zeros(len(owner))
    if not len(owner):
        return match, total
    group = tie_groups(owner, timestamps)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    sums = np.add.reduceat(membership.astype(np.float64), first)
    user, starts = owner[first], timestamps[first]
    step = np.arange(len(first)) - np.searchsorted(user, user)
    elapsed = np.where(step > 0, np.diff(starts, prepend=starts[0]), 0)
    kept = np.exp2(-elapsed / (half_life_days * DAY))
    size = np.bincount(user, minlength=len(offsets) - 1)
    rank = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
    by_step = np.lexsort((rank[user], step))  # of groups; those of one step lie together, in the order of the ranks
    events = np.argsort(step[group], kind="stable")
    group_ends = np.cumsum(np.bincount(step))
    event_ends = np.cumsum(np.bincount(step[group]))
    state = np.zeros((len(size), membership.shape[1]))
    for at in range(len(group_ends)):
        groups = by_step[group_ends[at - 1] if at else 0 : group_ends[at]]
        here = events[event_ends[at - 1] if at else 0 : event_ends[at]]
        active = state[: len(groups)]
        active *= kept[groups, None]
        past = state[rank[owner[here]]]
        match[here], total[here] = np.einsum("nk,nk->n", membership[here], past), past.sum(axis=1)
        active += sums[groups]
    return match, total
