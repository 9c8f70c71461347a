"""Drift: how far a user's interests moved between two periods, beyond what sampling noise explains."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import F64, I64, SECOND, Bool

_RIDGE = 1e-3  # of the mean variance: content vectors may lie in a plane
_LEAST_RATIO = 1e-3  # directions in which users differ less than this, against their own spread, tell nothing


@dataclass(frozen=True, eq=False, kw_only=True)
class Spread:
    """How content vectors differ between users and inside one user: the two-covariance model.

    An event of user u is N(mean_u, W), users' means are N(mean, A). `basis float64[d, r]` turns content, less
    `mean float64[d]`, into coordinates in which W is the identity and A = diag(`between float64[r]`). It knows which
    differences between two stretches of events matter: those in which users differ more than events of one user do.
    Ioffe, Probabilistic linear discriminant analysis, 2006.

    >>> rng = np.random.default_rng(0)
    >>> likes = rng.normal(0, [3.0, 0.1], size=(200, 2)).repeat(10, axis=0)  # users differ along the first axis only
    >>> spread = Spread.fit(np.arange(0, 2001, 10), likes + rng.normal(size=likes.shape))
    >>> bool(7 < spread.between[0] < 11), bool((spread.between[1:] < 0.1).all())
    (True, True)
    """

    mean: F64
    basis: F64
    between: F64

    @classmethod
    def fit(cls, offsets: I64, content: NDArray[Any]) -> "Spread":
        """From `content float[n, d]`: embeddings, or `log_membership`; rows offsets[u]:offsets[u + 1] are user u's.

        By moments; users with one event say nothing about the spread inside a user, and are left out.
        """
        counts = np.diff(offsets)
        told = np.repeat(counts > 1, counts)
        if told.sum() < 2 * content.shape[1]:
            raise InputError(f"{told.sum()} events are too few for a spread", mend="give more users with two events")
        x, counts = np.asarray(content, dtype=np.float64)[told], counts[counts > 1]
        mean = x.mean(axis=0)
        x = x - mean
        means = np.add.reduceat(x, np.append(0, np.cumsum(counts)[:-1]), axis=0) / counts[:, None]
        within = (x.T @ x - (means * counts[:, None]).T @ means) / max(1, len(x) - len(counts))
        between = means.T @ means / len(counts) - within * np.mean(1 / counts)
        within = within + (_RIDGE * np.trace(within) / len(within) + 1e-12) * np.eye(len(within))
        variance, axes = np.linalg.eigh(within)
        whiten = axes / np.sqrt(variance)
        ratio, turn = np.linalg.eigh(whiten.T @ between @ whiten)
        keep = np.flatnonzero(ratio > _LEAST_RATIO)[::-1]
        if not len(keep):
            raise InputError("users do not differ in content", mend="give more users, or other content vectors")
        return cls(mean=mean, basis=whiten @ turn[:, keep], between=ratio[keep])

    def project(self, content: NDArray[Any]) -> F64:
        """Coordinates `float64[..., r]` of content vectors `float[..., d]`."""
        if np.shape(content)[-1] != len(self.mean):
            raise InputError(f"content has shape {np.shape(content)}", mend=f"give vectors of length {len(self.mean)}")
        return np.asarray((np.asarray(content, dtype=np.float64) - self.mean) @ self.basis, dtype=np.float64)

    def evidence(self, sums: F64, counts: NDArray[Any]) -> F64:
        """Log-likelihood `float64[...]` of stretches of events, each with one mean, against the average user.

        `sums float64[..., r]` add up the coordinates of a stretch, `counts [...]` its events.

        >>> s = Spread(mean=np.zeros(1), basis=np.eye(1), between=np.array([1.0]))
        >>> s.evidence(np.array([[2.0]]), np.array([1.0])).round(4).tolist()  # (2^2 / 2 - log 2) / 2
        [0.6534]
        """
        n = np.asarray(counts, dtype=np.float64)[..., None]
        gain = self.between * sums * sums / (1 + n * self.between) - np.log1p(n * self.between)
        return np.asarray(0.5 * gain.sum(axis=-1), dtype=np.float64)


def log_membership(membership: NDArray[Any]) -> F64:
    """Topic memberships `float[..., topics]` as content vectors for `Spread`: ratios of memberships are what counts."""
    return np.asarray(np.log(np.asarray(membership, dtype=np.float64) + 0.01), dtype=np.float64)


def js_divergence(p: NDArray[Any], q: NDArray[Any]) -> F64:
    """Jensen-Shannon divergence `float64[...]` of shares `[..., topics]`, in nats: 0 alike, log 2 = 0.693 disjoint.

    Lin, Divergence measures based on the Shannon entropy, 1991.

    >>> js_divergence(np.array([1.0, 0.0]), np.array([0.5, 0.5])).round(4).item()
    0.2158
    """
    p, q = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    middle = (p + q) / 2
    return np.asarray((_entropy(middle) - (_entropy(p) + _entropy(q)) / 2).clip(0), dtype=np.float64)


def _entropy(p: F64) -> F64:
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class DriftConfig:
    """What is exchangeable when nothing drifts, and how often it is permuted.

    `sitting_hours`: a silence this long starts a new sitting; sittings are permuted whole, since topics move slowly
    inside one (0: permute tie groups). `least`: with fewer sittings the answer is "cannot tell". `most`: neighbouring
    sittings of longer histories are merged down to it.
    """

    sitting_hours: float = 6.0
    least: int = 8
    most: int = 100
    permutations: int = 499

    def __post_init__(self) -> None:
        if self.sitting_hours < 0 or not 4 <= self.least <= self.most or self.permutations < 19:
            raise InputError(
                f"no test comes of {self}", mend="sitting_hours >= 0, 4 <= least <= most, permutations >= 19"
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Drift:
    """Drift of each user, arrays `[users]`; NaN where there are too few sittings to tell.

    `divergence`: Jensen-Shannon divergence of the topic shares, later period against earlier, in nats. `expected`: its
    mean when the user's own sittings are shuffled. `p_value`: chance of evidence this strong without drift. `q_value`:
    expected share of false discoveries among users with one as low (Benjamini and Hochberg 1995). `sittings`: how many
    could be permuted.
    """

    divergence: F64
    expected: F64
    p_value: F64
    q_value: F64
    sittings: I64

    @property
    def excess(self) -> F64:
        """Divergence beyond what sampling noise explains, in nats; around 0 without drift."""
        return self.divergence - self.expected


def drift(
    *,
    offsets: I64,
    membership: NDArray[Any],
    timestamps: I64,
    content: tuple[Spread, NDArray[Any]] | None = None,
    config: DriftConfig | None = None,
    seed: int = 0,
) -> Drift:
    """Did each user's interests move from the earlier to the later half of the own sittings?

    Events of user u are rows offsets[u]:offsets[u + 1] of `membership float[n, topics]` (rows of zeros are unknown and
    left out) and `timestamps int64[n]` (UTC microseconds, ascending inside a user). Without drift any order of a user's
    sittings is as likely as the one seen, which makes the p-value exact. With `content = (spread, vectors [n, d])` it
    comes from the evidence that the halves have different means, which finds more than the divergence does.

    >>> rng = np.random.default_rng(0)
    >>> topic = np.where(np.arange(80) % 40 < 20, 0, 1) * (np.arange(80) >= 40)  # the second user switches half-way
    >>> answer = drift(offsets=np.array([0, 40, 80]), membership=np.eye(2)[topic],
    ...                timestamps=np.tile(np.arange(40), 2) * 86_400_000_000)
    >>> answer.p_value.round(3).tolist(), answer.divergence.round(2).tolist()
    ([1.0, 0.002], [0.0, 0.69])
    """
    config = config or DriftConfig()
    users = len(offsets) - 1
    out = np.full((3, users), np.nan)
    sittings = np.zeros(users, dtype=np.int64)
    membership = np.asarray(membership, dtype=np.float64)
    known = membership.sum(axis=1) > 0
    vectors = None if content is None else content[0].project(content[1])
    for u in range(users):
        rows = np.arange(offsets[u], offsets[u + 1])[known[offsets[u] : offsets[u + 1]]]
        block = sitting_numbers(timestamps[rows], config.sitting_hours)
        sittings[u] = block[-1] + 1 if len(block) else 0
        if sittings[u] < config.least:
            continue
        block = merged(block, config.most)
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        counts = np.diff(np.append(starts, len(rows))).astype(np.float64)
        rng = generator(seed, f"drift of user {u}")
        masks = later_masks(counts, config.permutations, rng)
        divergence = _split_divergence(masks, np.add.reduceat(membership[rows], starts, axis=0))
        strength = divergence
        if content is not None and vectors is not None:
            strength = _split_evidence(masks, np.add.reduceat(vectors[rows], starts, axis=0), counts, content[0])
        out[:, u] = divergence[0], divergence[1:].mean(), permutation_p(strength)
    q_value = np.full(users, np.nan)
    tested = ~np.isnan(out[2])
    if tested.any():
        q_value[tested] = false_discovery_control(out[2, tested])
    return Drift(divergence=out[0], expected=out[1], p_value=out[2], q_value=q_value, sittings=sittings)


def sitting_numbers(timestamps: I64, hours: float) -> I64:
    """Number `int64[n]` of the sitting each event of one user falls in, from 0; a silence of `hours` ends one.

    With 0 hours every tie group is one.

    >>> sitting_numbers(np.array([0, 0, 1800, 20_000]) * 1_000_000, 1.0).tolist()
    [0, 0, 0, 1]
    """
    gap = np.diff(timestamps, prepend=timestamps[:1])
    return np.cumsum(gap >= max(1.0, hours * 3600 * SECOND)).astype(np.int64)


def merged(block: I64, most: int) -> I64:
    """At most `most` blocks of about as many old ones each, numbered from 0, from ascending numbers `int64[n]`."""
    number = int(block[-1]) + 1 if len(block) else 0
    return block if number <= most else block * most // number


def later_masks(counts: F64, permutations: int, rng: np.random.Generator) -> Bool:
    """`bool[1 + permutations, blocks]`: blocks of the later half; row 0 as it was, then with the blocks shuffled.

    A block is in the later half of the events if its middle is, judged anew in every order: only then are all orders
    treated alike, and the test exact for blocks of unequal size.
    """
    blocks = len(counts)
    order = np.vstack([np.arange(blocks), rng.permuted(np.tile(np.arange(blocks), (permutations, 1)), axis=1)])
    middle = np.cumsum(counts[order], axis=1) - counts[order] / 2
    masks = np.zeros(order.shape, dtype=np.bool_)
    np.put_along_axis(masks, order, middle > counts.sum() / 2, axis=1)
    return masks


def permutation_p(statistic: F64) -> float:
    """p-value of `statistic[0]` among its values under permutation, itself counted, so that it is never 0.

    >>> permutation_p(np.array([3.0, 1.0, 2.0, 3.0]))
    0.5
    """
    slack = 1e-9 * max(1.0, abs(float(statistic[0])))  # sums in another order differ in the last digits
    return float((statistic >= statistic[0] - slack).mean())


def _split_divergence(masks: Bool, sums: F64) -> F64:
    late = masks.astype(np.float64) @ sums
    early = sums.sum(axis=0) - late
    return js_divergence(early / early.sum(axis=1, keepdims=True), late / late.sum(axis=1, keepdims=True))


def _split_evidence(masks: Bool, sums: F64, counts: F64, spread: Spread) -> F64:
    chosen = masks.astype(np.float64)
    late, n = chosen @ sums, chosen @ counts
    return spread.evidence(late, n) + spread.evidence(sums.sum(axis=0) - late, counts.sum() - n)
