"""Population: what everybody's interest does: shares over periods, topics that rise or fall, flows between topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import DAY, F32, F64, I64, Bool, tie_groups
from evorec.interests.needs import touched_topics

_YEAR = 365.25 * DAY
_RESAMPLES = 1000
_CELLS = 4_000_000  # drawn votes held at once


@dataclass(frozen=True, kw_only=True)
class PopulationConfig:
    """`periods`: in how many the time is cut, of equal length, or of equal events with `equal_events`; `least`: users
    that a period or a flow needs to be counted; `flows`: so many of the strongest are kept."""

    periods: int = 12
    equal_events: bool = False
    least: int = 20
    flows: int = 20

    def __post_init__(self) -> None:
        if self.periods < 1 or self.least < 1 or self.flows < 0:
            raise InputError(f"{self} cannot be used", mend="give numbers of at least 1")


@dataclass(frozen=True, eq=False, kw_only=True)
class Trend:
    """Change of each topic's share in a year, `float64[topics]`, with its 95% interval over resampled users."""

    slope: F64
    low: F64
    high: F64

    @property
    def rising(self) -> I64:
        """Topics whose interval lies above 0, the steepest first."""
        return self._beyond(self.low > 0, -self.slope)

    @property
    def falling(self) -> I64:
        """Topics whose interval lies below 0, the steepest first."""
        return self._beyond(self.high < 0, self.slope)

    def _beyond(self, those: Bool, key: F64) -> I64:
        order = np.argsort(key, kind="stable")
        return np.asarray(order[those[order]], dtype=np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Flows:
    """The strongest ways from topic to topic: `source`, `target` `int64[f]`, `chance float64[f]` = P[target, source],
    and the users that went it, `support int64[f]`."""

    source: I64
    target: I64
    chance: F64
    support: I64


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """What everybody's interest does, in arrays ready to draw.

    `edges int64[periods + 1]` (UTC microseconds), `shares float64[periods, topics]` (rows of 0 where a period has too
    few users), `users int64[periods]`: the river. `trend`: what rises and falls. `transition float64[topics, topics]`
    P[to, from]: the heat map. `flows`: the flow diagram. `drift_edges float64[bins + 1]`, `drift_users int64[bins]`:
    the distribution of the users' drift beyond what sampling noise explains.
    """

    names: tuple[str, ...]
    edges: I64
    shares: F64
    users: I64
    trend: Trend
    transition: F64
    flows: Flows
    drift_edges: F64
    drift_users: I64


def population(
    *,
    names: Sequence[str],
    offsets: I64,
    membership: F32,
    timestamps: I64,
    transition: NDArray[Any],
    drift: NDArray[Any],
    config: PopulationConfig,
) -> Population:
    """The view of all users whose events are rows offsets[u]:offsets[u + 1] of `membership float32[n, topics]` and
    `timestamps int64[n]` (UTC microseconds).

    `transition float[topics, topics]` is P[to, from]; `drift float[m]` the excess drift of as many users as have one
    (NaN is left out).
    """
    size = membership.shape[1]
    if len(names) != size or np.shape(transition) != (size, size):
        raise InputError(
            f"{len(names)} names and a P of shape {np.shape(transition)} for {size} topics",
            mend="give one of each a topic",
        )
    edges = period_edges(timestamps, config.periods, equal_events=config.equal_events)
    votes = period_votes(offsets, membership, timestamps, edges)
    users = np.bincount(votes.period, minlength=len(edges) - 1)
    shares = votes.average()
    shares[users < config.least] = 0
    known = np.asarray(drift, dtype=np.float64)
    known = known[np.isfinite(known)]
    drift_users, drift_edges = np.histogram(known, bins=min(40, max(1, int(np.sqrt(len(known))))))
    return Population(
        names=tuple(names),
        edges=edges,
        shares=shares,
        users=users,
        trend=trend(votes, edges, least=config.least),
        transition=np.asarray(transition, dtype=np.float64),
        flows=strongest_flows(
            transition, flow_support(offsets, membership, timestamps), least=config.least, most=config.flows
        ),
        drift_edges=drift_edges,
        drift_users=drift_users,
    )


def period_edges(timestamps: I64, number: int, *, equal_events: bool = False) -> I64:
    """Edges `int64[periods + 1]` of `number` periods, equally long or with equally many events.

    Period p holds edges[p] <= timestamp < edges[p + 1]. Where many events share one moment, periods of equal events
    become fewer.

    >>> period_edges(np.array([0, 1, 2, 9]), 2).tolist()
    [0, 5, 10]
    >>> period_edges(np.array([0, 1, 2, 9]), 2, equal_events=True).tolist()
    [0, 2, 10]
    """
    if not len(timestamps):
        raise InputError("there are no events to cut into periods", mend="check the file, the filters and the columns")
    first, end = int(timestamps.min()), int(timestamps.max()) + 1
    if equal_events:
        places = np.arange(1, number) * len(timestamps) // number
        inner = np.sort(timestamps)[places]
    else:
        inner = np.array([first + (end - first) * k // number for k in range(1, number)], dtype=np.int64)
    return np.unique(np.concatenate(([first], inner, [end]))).astype(np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Votes:
    """Each user's shares in each period with events of theirs: `user`, `period` `int64[v]`, `shares float64[v, k]`.

    A user has one vote in a period, however many the events.
    """

    user: I64
    period: I64
    shares: F64
    periods: int

    def average(self, times: F64 | None = None) -> F64:
        """Mean shares `float64[..., periods, topics]`; `times float64[..., users]` says how often each user counts."""
        weight = np.ones((1, len(self.user))) if times is None else np.atleast_2d(times)[:, self.user]
        out = np.zeros((len(weight), self.periods, self.shares.shape[1]))
        for period in range(self.periods):
            rows = self.period == period
            mass = weight[:, rows].sum(axis=1, keepdims=True)
            out[:, period] = (weight[:, rows] @ self.shares[rows]) / np.maximum(mass, 1e-12)
        return out[0] if times is None or times.ndim == 1 else out


def period_votes(offsets: I64, membership: F32, timestamps: I64, edges: I64) -> Votes:
    """Shares of every user in every period between `edges`; events without topics have none.

    >>> votes = period_votes(np.array([0, 3, 4]), np.eye(2, dtype=np.float32)[[0, 0, 0, 1]], np.array([1, 2, 3, 2]),
    ...                      np.array([0, 9]))
    >>> votes.average().tolist()  # three events against one, but one user against one
    [[0.5, 0.5]]
    """
    periods = len(edges) - 1
    period = np.searchsorted(edges, timestamps, side="right") - 1
    kept = (period >= 0) & (period < periods) & np.asarray(membership.any(axis=1))
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    cell, place = np.unique((owner * periods + period)[kept], return_inverse=True)
    sums = sp.csr_matrix((np.ones(len(place)), (place, np.arange(len(place)))), shape=(len(cell), len(place)))
    total = np.asarray(sums @ membership[kept].astype(np.float64))
    return Votes(
        user=cell // periods, period=cell % periods, shares=total / total.sum(axis=1, keepdims=True), periods=periods
    )


def trend(votes: Votes, edges: I64, *, least: int = 20, seed: int = 0) -> Trend:
    """Slope of a straight line through each topic's shares, per year, with a bootstrap over users.

    Periods with fewer than `least` users are left out; fewer than three leave no slope, NaN. Percentile bootstrap,
    1,000 resamples (Efron and Tibshirani 1993). Of steady topics, 1 in 20 looks as if it rose or fell.

    >>> rng = np.random.default_rng(0)
    >>> moments = np.sort(rng.integers(0, 730, (200, 20)), axis=1)
    >>> topic = (rng.random((200, 20)) < 0.2 + 0.3 * moments / 730).astype(int)  # from 20% to 50% in two years
    >>> edges = period_edges(moments.ravel() * DAY, 8)
    >>> membership = np.eye(2, dtype=np.float32)[topic.ravel()]
    >>> votes = period_votes(np.arange(201) * 20, membership, moments.ravel() * DAY, edges)
    >>> found = trend(votes, edges)
    >>> bool(found.low[1] < 0.15 < found.high[1]), found.rising.tolist(), found.falling.tolist()
    (True, [1], [0])
    """
    size = votes.shares.shape[1]
    used = np.flatnonzero(np.bincount(votes.period, minlength=votes.periods) >= least)
    if len(used) < 3:
        nothing = np.full(size, np.nan)
        return Trend(slope=nothing, low=nothing, high=nothing)
    middle = (edges[:-1][used] / 2 + edges[1:][used] / 2) / _YEAR
    line = (middle - middle.mean()) / ((middle - middle.mean()) ** 2).sum()
    users, code = np.unique(votes.user, return_inverse=True)
    compact = Votes(user=code, period=votes.period, shares=votes.shares, periods=votes.periods)
    rng = generator(seed, "trend over users")
    step = max(1, _CELLS // max(len(votes.user), votes.periods * size))
    drawn = []
    for start in range(0, _RESAMPLES, step):
        rows = min(step, _RESAMPLES - start)
        times = rng.multinomial(len(users), np.full(len(users), 1 / len(users)), size=rows).astype(np.float64)
        drawn.append(np.einsum("p,rpk->rk", line, compact.average(times)[:, used]))
    low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975], axis=0)
    return Trend(slope=line @ compact.average()[used], low=low, high=high)


def flow_support(offsets: I64, membership: F32, timestamps: I64) -> I64:
    """Users, `int64[topics, topics]`, that touched `from` (column) and at a later moment, next, touched `to` (row).

    An event touches its topics of highest membership. Arrays as in `population`; the events of a tie group are one
    step, in which no order is read.

    >>> flow_support(np.array([0, 3]), np.eye(3, dtype=np.float32), np.array([1, 1, 2])).tolist()
    [[0, 0, 0], [0, 0, 0], [1, 1, 0]]
    """
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    group = tie_groups(owner, timestamps)
    bounds = np.searchsorted(group, np.arange(group.max(initial=-1) + 2))
    held = touched_topics(bounds, membership).astype(np.float32)
    steps = np.searchsorted(owner[bounds[:-1]], np.arange(len(offsets)))
    out = np.zeros((membership.shape[1], membership.shape[1]), dtype=np.int64)
    for start, stop in zip(steps[:-1].tolist(), steps[1:].tolist(), strict=True):
        if stop - start > 1:
            out += held[start + 1 : stop].T @ held[start : stop - 1] > 0
    return out


def strongest_flows(transition: NDArray[Any], support: I64, *, least: int, most: int) -> Flows:
    """The `most` largest chances P[to, from] off the diagonal that at least `least` users bear out.

    >>> flows = strongest_flows(np.array([[0.7, 0.2], [0.3, 0.8]]), np.array([[0, 5], [40, 0]]), least=20, most=5)
    >>> flows.source.tolist(), flows.target.tolist(), flows.chance.tolist()
    ([0], [1], [0.3])
    """
    p = np.asarray(transition, dtype=np.float64)
    if p.ndim != 2 or p.shape[0] != p.shape[1] or support.shape != p.shape:
        raise InputError(f"P has shape {p.shape}, the support {support.shape}", mend="give [topics, topics] twice")
    target, source = np.nonzero((support >= least) & (p > 0) & ~np.eye(len(p), dtype=bool))
    order = np.lexsort((source, target, -p[target, source]))[:most]
    target, source = target[order], source[order]
    return Flows(source=source, target=target, chance=p[target, source], support=support[target, source])
