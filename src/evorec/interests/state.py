"""The interest state: decayed evidence per topic, replayed in batch or streamed event by event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import ALWAYS, DAY, F32, F64, I64


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
    C_i, `timestamps int64[n]` lie before `as_of int64[q]` (UTC microseconds), `weights` default to 1.

    >>> m = batch_evidence(offsets=np.array([0, 2]), membership=np.eye(2, dtype=np.float32),
    ...                    timestamps=np.array([0, 10]) * DAY, as_of=np.array([20]) * DAY, half_life_days=10)
    >>> m.tolist()
    [[0.25, 0.5]]
    """
    owner = np.repeat(np.arange(len(as_of)), np.diff(offsets))
    decay = np.exp2((timestamps - as_of[owner]) / (half_life_days * DAY))
    if weights is not None:
        decay = decay * weights
    rows = sp.csr_matrix(
        (decay.astype(np.float32), np.arange(len(timestamps)), offsets), shape=(len(as_of), len(timestamps))
    )
    return np.asarray(rows @ membership, dtype=np.float32)


def shares(evidence: NDArray[Any]) -> F64:
    """Where attention goes: m / sum(m) along the last axis; all 0 where there is no evidence.

    >>> shares(np.array([1.0, 3.0])).tolist()
    [0.25, 0.75]
    """
    m = np.asarray(evidence, dtype=np.float64)
    total = m.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(m, total, out=np.zeros_like(m), where=total > 0))


def degrees(evidence: NDArray[Any], saturation: float) -> F64:
    """How strong each interest is: 1 - exp(-m / k), in [0, 1]; silence lets it fade.

    >>> degrees(np.array([0.0, 3.0]), 3.0).round(3).tolist()
    [0.0, 0.632]
    """
    return np.asarray(-np.expm1(-np.asarray(evidence, dtype=np.float64) / saturation), dtype=np.float64)


def share_error(evidence: NDArray[Any]) -> F64:
    """Standard error of each share, had the decayed evidence been so many independent events.

    The posterior spread under a uniform Dirichlet prior; it shrinks with evidence.

    >>> bool(share_error(np.array([10.0, 10.0])).max() < share_error(np.array([1.0, 1.0])).max())
    True
    """
    a = np.asarray(evidence, dtype=np.float64) + 1.0 / max(1, np.shape(evidence)[-1])
    total = a.sum(axis=-1, keepdims=True)
    return np.asarray(np.sqrt(a * (total - a) / (total**2 * (total + 1))), dtype=np.float64)


@dataclass(frozen=True, eq=False, kw_only=True)
class InterestModel:
    """How interests are kept and move: half-lives, and `transition float64[topics, topics]`, P[to, from] on shares.

    One step of `transition` is one tie group: what the user does next.
    """

    config: InterestConfig
    transition: F64


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
        """Take in one event with content vector `topics float[topics]`."""
        added = weight * np.asarray(topics, dtype=np.float64)
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


def interest_path(membership: F32, timestamps: I64, moments: I64, *, half_life_days: float) -> F32:
    """Evidence `float32[moments, topics]` of one user along `moments int64[t]`; each sees only events before it."""
    visible = np.searchsorted(timestamps, moments, side="left")
    offsets = np.concatenate(([0], np.cumsum(visible))).astype(np.int64)
    rows = np.concatenate([np.arange(count) for count in visible]).astype(np.int64) if len(moments) else visible
    return batch_evidence(
        offsets=offsets,
        membership=membership[rows],
        timestamps=timestamps[rows],
        as_of=moments,
        half_life_days=half_life_days,
    )


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
    start = offsets[:-1].repeat(np.diff(offsets))
    by_surprise = (membership @ population)[:, None]
    known = membership.any(axis=1)
    best, best_loss = float(grid[0]), np.inf
    for half_life in grid if known.any() else ():
        past = _evidence_before(membership, timestamps, start, half_life)
        by_habit = (membership * shares(past)).sum(axis=1, keepdims=True)
        fresh = ~past.any(axis=1, keepdims=True)
        chance = np.where(fresh, by_surprise, by_habit + np.asarray(surprises) * (by_surprise - by_habit))
        loss = -float(np.log(np.maximum(chance[known], 1e-12)).mean(axis=0).max())
        if loss < best_loss:
            best, best_loss = float(half_life), loss
    return best


def _evidence_before(membership: F32, timestamps: I64, start: I64, half_life: float) -> F64:
    """`float64[n, topics]`: evidence just before each event, tie groups excluded."""
    out = np.zeros(membership.shape, dtype=np.float64)
    state, group = np.zeros(membership.shape[1]), np.zeros(membership.shape[1])
    scale = half_life * DAY
    for k in range(len(timestamps)):
        if k == start[k]:
            state, group = np.zeros_like(state), np.zeros_like(group)
        elif timestamps[k] != timestamps[k - 1]:
            state = (state + group) * np.exp2(-(timestamps[k] - timestamps[k - 1]) / scale)
            group = np.zeros_like(group)
        out[k] = state
        group = group + membership[k]
    return out
