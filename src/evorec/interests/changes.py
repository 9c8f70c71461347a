"""Change points: when one user's interests turned, and which topics rose and fell over all users, since when."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import false_discovery_control, norm

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import F64, I64
from evorec.interests.drift import Spread, merged, sitting_numbers

_PRIOR = 20.0  # imagined events of the user's overall shares in every stretch: short ones prove little
_MASS = 0.9  # of the posterior of a moment lies between `earliest` and `latest`
_RESAMPLES = 500
_CELLS = 2_000_000  # drawn users held at once

Likelihood = Callable[[F64, NDArray[Any]], F64]  # of stretches, from what their events add up to and how many they are


@dataclass(frozen=True, kw_only=True)
class ChangeConfig:
    """What is exchangeable without a change, and how rarely one is called where there is none.

    `sitting_hours`: a silence this long starts a new sitting, the unit that is shuffled and never cut (0: tie groups).
    `most`: neighbouring units of longer histories are merged down to it. `least`: units in a stretch. `level`: share of
    users with shuffled histories for whom a change is called.
    """

    sitting_hours: float = 6.0
    most: int = 100
    least: int = 2
    level: float = 0.05
    permutations: int = 199

    def __post_init__(self) -> None:
        fine = self.sitting_hours >= 0 and self.least >= 1 and 4 * self.least <= self.most and 0 < self.level < 1
        if not fine or self.permutations * self.level < 1:
            raise InputError(
                f"no change comes of {self}", mend="least >= 1, most >= 4 least, permutations >= 1 / level"
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class ChangePoint:
    """Interests turned before `moment`, the first event of the new stretch; with 90% chance in `earliest`..`latest`.

    All three are timestamps of events, UTC microseconds. `strength`: log-likelihood gained by the change, in nats;
    `p_value`: chance that the best change of the user's shuffled history gains as much. `before`, `after`
    `float64[topics]`: shares in the stretches on either side.
    """

    moment: int
    earliest: int
    latest: int
    strength: float
    p_value: float
    before: F64
    after: F64

    def moved(self, number: int = 3) -> tuple[list[int], list[int]]:
        """The topics that rose and that fell most, strongest first, at most `number` each."""
        change = self.after - self.before
        order = np.argsort(change)
        rose = [int(k) for k in order[::-1][:number] if change[k] > 0]
        return rose, [int(k) for k in order[:number] if change[k] < 0]


def change_points(
    membership: NDArray[Any],
    timestamps: I64,
    *,
    content: tuple[Spread, NDArray[Any]] | None = None,
    config: ChangeConfig | None = None,
    seed: int = 0,
) -> list[ChangePoint]:
    """When the interests of one user turned, oldest first; [] for most users whose events are in random order.

    `membership float[n, topics]` (rows of zeros are unknown and left out), `timestamps int64[n]` ascending. The
    segmentation with the highest penalised likelihood is found exactly (optimal partitioning; Jackson et al. 2005); a
    stretch's likelihood is that of its topic counts, or, with `content = (spread, vectors [n, d])`, of its mean
    vector, which finds more. A change costs what the best change of the user's own shuffled history gains in all but
    `level` of the shuffles.

    >>> topic = np.repeat([0, 1, 0], 20)
    >>> found = change_points(np.eye(3)[topic], np.arange(60) * 86_400_000_000)
    >>> [(c.moment // 86_400_000_000, c.moved()) for c in found]
    [(20, ([1], [0])), (40, ([0], [1]))]
    """
    config = config or ChangeConfig()
    membership = np.asarray(membership, dtype=np.float64)
    known = np.flatnonzero(membership.sum(axis=1) > 0)
    block = merged(sitting_numbers(timestamps[known], config.sitting_hours), config.most)
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    units = len(starts)
    if units < 2 * config.least:
        return []
    topics = np.add.reduceat(membership[known], starts, axis=0)
    counts = np.diff(np.append(starts, len(known))).astype(np.float64)
    likelihood: Likelihood = _Counts(topics.sum(axis=0) / counts.sum())
    sums = topics
    if content is not None:
        likelihood = content[0].evidence
        sums = np.add.reduceat(content[0].project(np.asarray(content[1])[known]), starts, axis=0)
    null = _shuffled_gains(likelihood, sums, counts, config, generator(seed, "change points"))
    table = _stretches(likelihood, sums, counts)
    penalty = max(0.0, float(np.quantile(null, 1 - config.level, method="higher")))
    cuts = _search(table, penalty, config.least)
    bounds = [0, *cuts, units]
    moments = timestamps[known][starts]
    out = []
    for a, cut, b in zip(bounds, cuts, bounds[2:], strict=False):
        strength = float(table[a, cut] + table[cut, b] - table[a, b])
        low, high = _interval(table, a, b, config.least)
        before, after = topics[a:cut].sum(axis=0), topics[cut:b].sum(axis=0)
        out.append(
            ChangePoint(
                moment=int(moments[cut]),
                earliest=int(moments[min(low, cut)]),
                latest=int(moments[max(high, cut)]),
                strength=strength,
                p_value=float((1 + (null >= strength).sum()) / (1 + len(null))),
                before=before / before.sum(),
                after=after / after.sum(),
            )
        )
    return out


class _Counts:
    """Log-likelihood of topic counts under their own, shrunken shares, against the user's overall ones."""

    def __init__(self, overall: F64) -> None:
        self._overall = np.maximum(overall, 1e-300)

    def __call__(self, sums: F64, counts: NDArray[Any]) -> F64:
        own = np.einsum("...k,...k->...", sums, np.log(sums + _PRIOR * self._overall))
        all_along = sums @ np.log(self._overall) + sums.sum(axis=-1) * np.log(np.asarray(counts) + _PRIOR)
        return np.asarray(own - all_along, dtype=np.float64)


def _stretches(likelihood: Likelihood, sums: F64, counts: F64) -> F64:
    """Log-likelihood `float64[units + 1, units + 1]` of the units start:stop, at [start, stop]."""
    total = np.vstack([np.zeros(sums.shape[1]), np.cumsum(sums, axis=0)])
    n = np.append(0.0, np.cumsum(counts))
    start, stop = np.triu_indices(len(n), k=1)
    table = np.zeros((len(n), len(n)))
    table[start, stop] = likelihood(total[stop] - total[start], n[stop] - n[start])
    return table


def _shuffled_gains(
    likelihood: Likelihood, sums: F64, counts: F64, config: ChangeConfig, rng: np.random.Generator
) -> F64:
    """`float64[permutations]`: what the best single change gains in each shuffle of the units."""
    units = len(counts)
    order = rng.permuted(np.tile(np.arange(units), (config.permutations, 1)), axis=1)
    cuts = slice(config.least - 1, units - config.least)
    left, n = np.cumsum(sums[order], axis=1)[:, cuts], np.cumsum(counts[order], axis=1)[:, cuts]
    whole, total = sums.sum(axis=0), counts.sum()
    gain = likelihood(left, n) + likelihood(whole - left, total - n)
    return np.asarray(gain.max(axis=1) - likelihood(whole, total), dtype=np.float64)


def _search(table: F64, penalty: float, least: int) -> list[int]:
    """Where to cut, ascending, 0 and the end left out: the exact optimum, by dynamic programming."""
    units = len(table) - 1
    best, back = np.full(units + 1, -np.inf), np.zeros(units + 1, dtype=np.int64)
    best[0] = 0.0
    for end in range(least, units + 1):
        total = best[: end - least + 1] + table[: end - least + 1, end]
        back[end] = int(np.argmax(total))
        best[end] = total[back[end]] - penalty
    cuts = []
    at = int(back[units])
    while at > 0:
        cuts.append(at)
        at = int(back[at])
    return cuts[::-1]


def _interval(table: F64, a: int, b: int, least: int) -> tuple[int, int]:
    """First and last cut of units a:b in the middle 90% of the posterior."""
    cuts = np.arange(a + least, b - least + 1)
    gain = table[a, cuts] + table[cuts, b]
    mass = np.cumsum(np.exp(gain - logsumexp(gain)))
    low, high = np.searchsorted(mass, [(1 - _MASS) / 2, (1 + _MASS) / 2])
    return int(cuts[low]), int(cuts[min(high, len(cuts) - 1)])


@dataclass(frozen=True, eq=False, kw_only=True)
class PopulationDrift:
    """How the shares of topics moved over all users.

    `edges int64[periods + 1]`: where periods begin, UTC microseconds; `shares float64[periods, topics]`, NaN in a
    period without events. `change float64[topics]`: share after `split` less share before it, with the 95% interval
    `low`..`high` over resampled users and `q_value` (Benjamini and Hochberg 1995 over topics). `since int64[topics]`:
    start of the period from which the share is another one. `carriers`: for each topic the items that carry the change,
    `(item, part of the change)`, largest first; over all items the parts add up to the change.
    """

    edges: I64
    split: int
    shares: F64
    change: F64
    low: F64
    high: F64
    q_value: F64
    since: I64
    carriers: tuple[tuple[tuple[int, float], ...], ...]


def population_drift(
    *,
    offsets: I64,
    item: NDArray[Any],
    membership: NDArray[Any],
    timestamps: I64,
    edges: I64,
    split: int | None = None,
    seed: int = 0,
) -> PopulationDrift:
    """Which topics rose and fell, since when, and which items carry it.

    Events of user u are rows offsets[u]:offsets[u + 1] of `item int[n]`, `membership float[n, topics]`, `timestamps
    int64[n]`; `edges int64[periods + 1]` bound the periods, `split` the earlier from the later events (default: the
    edge nearest to the median event). Events outside the edges, and of unknown topics, are left out.

    >>> day, rng = 86_400_000_000, np.random.default_rng(0)
    >>> when = np.sort(rng.integers(0, 100, size=(300, 10)), axis=1).ravel()
    >>> item = np.where(rng.random(3000) < np.where(when < 60, 0.2, 0.5), 2, rng.integers(0, 2, 3000))
    >>> moved = population_drift(offsets=np.arange(0, 3001, 10), item=item, membership=np.eye(2)[[0, 0, 1]][item],
    ...                          timestamps=when * day, edges=np.arange(0, 101, 10) * day)
    >>> int(moved.change.argmax()), int(moved.since[1] // day), moved.carriers[1][0][0]
    (1, 60, 2)
    """
    membership = np.asarray(membership, dtype=np.float64)
    kept = (membership.sum(axis=1) > 0) & (timestamps >= edges[0]) & (timestamps < edges[-1])
    if len(edges) < 5 or not kept.any():
        raise InputError(f"{kept.sum()} events in {len(edges) - 1} periods", mend="give at least 4 periods with events")
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[kept]
    item, membership, timestamps = item[kept], membership[kept], timestamps[kept]
    period = np.searchsorted(edges, timestamps, side="right") - 1
    if split is None:
        split = int(edges[1:-1][np.argmin(np.abs(edges[1:-1] - np.median(timestamps)))])
    late = timestamps >= split
    if late.all() or not late.any():
        raise InputError("all events lie on one side of the split", mend="give a moment between them")
    shares = _sums(period, membership, len(edges) - 1)
    counts = np.bincount(period, minlength=len(edges) - 1)
    shares = np.divide(shares, counts[:, None], out=np.full(shares.shape, np.nan), where=counts[:, None] > 0)
    resampled = _resampled_change(owner, late, membership, generator(seed, "population drift"))
    change = membership[late].mean(axis=0) - membership[~late].mean(axis=0)
    error = resampled.std(axis=0)
    score = np.divide(change, error, out=np.zeros_like(change), where=error > 0)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    return PopulationDrift(
        edges=edges,
        split=split,
        shares=shares,
        change=change,
        low=low,
        high=high,
        q_value=false_discovery_control(2 * norm.sf(np.abs(score))),
        since=_since(shares, counts, edges),
        carriers=_carriers(item, late, membership, change),
    )


def _sums(group: NDArray[Any], values: F64, groups: int) -> F64:
    return np.stack([np.bincount(group, weights=column, minlength=groups) for column in values.T], axis=1)


def _resampled_change(owner: NDArray[Any], late: NDArray[Any], membership: F64, rng: np.random.Generator) -> F64:
    """`float64[resamples, topics]`: the change of shares when users are drawn with replacement."""
    codes = np.unique(owner, return_inverse=True)[1]
    users = int(codes.max()) + 1
    counted = np.column_stack([membership, np.ones(len(codes))])
    sums = np.hstack([_sums(codes[side], counted[side], users) for side in (late, ~late)])
    step = max(1, _CELLS // users)
    drawn = np.vstack(
        [
            rng.multinomial(users, np.full(users, 1 / users), size=min(step, _RESAMPLES - start)) @ sums
            for start in range(0, _RESAMPLES, step)
        ]
    )
    after, before = np.hsplit(drawn, 2)
    shares = [side[:, :-1] / np.maximum(side[:, -1:], 1e-12) for side in (after, before)]
    return np.asarray(shares[0] - shares[1], dtype=np.float64)


def _since(shares: F64, counts: NDArray[Any], edges: I64) -> I64:
    """Start of the period at which a topic's series is best cut in two: least squares, periods weigh their events."""
    told = np.flatnonzero(counts)
    n, values = counts[told].astype(np.float64), shares[told]
    starts = np.full(shares.shape[1], edges[told[0]], dtype=np.int64)
    if len(told) < 2:
        return starts

    def fit(sums: F64, total: NDArray[Any]) -> F64:
        return np.asarray(sums[..., 0] ** 2 / total, dtype=np.float64)

    for topic, series in enumerate(values.T):
        table = _stretches(fit, (n * series)[:, None], n)
        starts[topic] = edges[told[1 + int(np.argmax(table[0, 1:-1] + table[1:-1, -1]))]]
    return starts


def _carriers(
    item: NDArray[Any], late: NDArray[Any], membership: F64, change: F64, most: int = 5
) -> tuple[tuple[tuple[int, float], ...], ...]:
    items, codes = np.unique(item, return_inverse=True)
    weight = np.where(late, 1 / late.sum(), -1 / (~late).sum())
    parts = _sums(codes, membership * weight[:, None], len(items))
    out = []
    for topic, direction in enumerate(np.sign(change)):
        best = np.argsort(-direction * parts[:, topic])[:most]
        out.append(tuple((int(items[k]), float(parts[k, topic])) for k in best if direction * parts[k, topic] > 0))
    return tuple(out)
