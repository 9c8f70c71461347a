"""Journeys: the fine-grained threads a user follows, found among the user's own events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import minimize
from scipy.spatial.distance import squareform
from scipy.special import gammaln

from evorec.core.errors import InputError
from evorec.core.types import DAY, F32, F64, I64, Bool

_BLOCK = 1024  # items matched at once: what fits a processor's cache
_LEAST = np.float32(1e-37)  # in the place of sums too small for a float
_SHAPES = (0.05, 1000.0)  # of the prior of a pace: past these ends nothing changes any more


@dataclass(frozen=True, kw_only=True)
class JourneyConfig:
    """`similarity`: two items whose cosine is below this belong to two journeys; `half_life_days`: after so many days
    an event counts half in centres and strengths; `newest`: only so many newest events of a user are read."""

    similarity: float = 0.2
    half_life_days: float = 365.0
    newest: int = 200

    def __post_init__(self) -> None:
        if not (-1 < self.similarity < 1 and self.half_life_days > 0 and self.newest > 0):
            raise InputError(f"{self} cannot be used", mend="give a cosine below 1, and days and events above 0")


@dataclass(frozen=True, eq=False, kw_only=True)
class Journeys:
    """Journeys of all users, ragged: those of user u are rows offsets[u]:offsets[u + 1], the strongest first.

    `label int64[n]` is the journey of each event (its evidence), -1 where the event has no content or is older than
    what is read; `centre float32[j, d]` unit vectors; `strength float64[j]` the decayed share of the user's attention,
    which sums to 1 per user; `start`, `last` `int64[j]` the first and the last event (UTC microseconds);
    `visits int64[j]` how often it was taken up, events less than a day after the one before not counted anew;
    `typical int64[j]` the item nearest the centre.
    """

    offsets: I64
    label: I64
    centre: F32
    strength: F64
    start: I64
    last: I64
    visits: I64
    typical: I64


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often journeys are taken up: a journey's visits per day follow a Gamma of this `shape` and rate `days`."""

    shape: float
    days: float

    def __post_init__(self) -> None:
        if not (self.shape > 0 and self.days > 0):
            raise InputError(f"{self} is no pace", mend="give numbers above 0, or fit it with fit_pace")


def find_journeys(
    embedding: F32, item: NDArray[Any], offsets: I64, timestamps: I64, *, config: JourneyConfig
) -> Journeys:
    """The threads among each user's distinct items, by `cut_threads`, with what is known of each.

    `embedding float32[items, d]` are unit rows, or 0 without content; `item int[n]` are rows of it, events of user u
    being offsets[u]:offsets[u + 1], with `timestamps int64[n]` ascending inside a user (UTC microseconds). The order
    inside a tie group makes no difference; one item stays in one journey.

    >>> embedding = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    >>> found = find_journeys(embedding, np.array([0, 2, 1, 3]), np.array([0, 4]), np.array([1, 1, 5, 9]) * DAY,
    ...                       config=JourneyConfig())
    >>> found.label.tolist(), (found.last // DAY).tolist(), found.visits.tolist()
    ([1, 0, 1, 0], [9, 5], [2, 2])
    """
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    read = np.flatnonzero(_newest(owner, offsets, timestamps, config.newest) & np.asarray(embedding.any(axis=1))[item])
    user = owner[read]
    thread = _threads(embedding, item[read], np.searchsorted(user, np.arange(len(offsets))), config.similarity)
    age = (timestamps[offsets[1:][user] - 1] - timestamps[read]) / (config.half_life_days * DAY)
    weight = np.exp2(-np.minimum(age, 1000))  # never 0: an old journey keeps a centre
    thread, of_user, strength = _strongest_first(thread, user, weight, len(offsets) - 1)
    j = len(strength)
    label = np.full(len(item), -1, dtype=np.int64)
    label[read] = thread
    if not j:
        none = np.zeros(0, dtype=np.int64)
        return Journeys(
            offsets=np.zeros(len(offsets), dtype=np.int64), label=label, centre=embedding[:0], strength=strength,
            start=none, last=none, visits=none, typical=none,
        )  # fmt: skip
    # From here on the events lie journey by journey, in time order; sums do not see the order inside a tie group.
    order = np.lexsort((item[read], timestamps[read], thread))
    thread, rows, at, weight = thread[order], item[read][order], timestamps[read][order], weight[order]
    first = np.searchsorted(thread, np.arange(j))
    part = weight / np.add.reduceat(weight, first)[thread]
    centre = _unit(np.add.reduceat(embedding[rows] * part[:, None].astype(np.float32), first))
    anew = np.append(True, np.diff(at) >= DAY)
    anew[first] = True
    nearness = np.einsum("nd,nd->n", embedding[rows], centre[thread])
    nearest = np.lexsort((rows, -nearness, thread))[first]
    return Journeys(
        offsets=np.searchsorted(of_user, np.arange(len(offsets))),
        label=label,
        centre=centre,
        strength=strength,
        start=at[first],
        last=at[np.append(first[1:], len(at)) - 1],
        visits=np.add.reduceat(anew.astype(np.int64), first),
        typical=rows[nearest].astype(np.int64),
    )


def journey_centres(
    embedding: F32, item: NDArray[Any], offsets: I64, timestamps: I64, *, config: JourneyConfig, most: int
) -> tuple[F32, I64, F64]:
    """Centres `float32[j, d]`, offsets `int64[users + 1]`, strengths `float64[j]`: the `most` strongest of each user.

    Arguments as in `find_journeys`; what `match_journeys` takes.

    >>> three = np.eye(3, dtype=np.float32)
    >>> centre, ends, strength = journey_centres(three, np.array([0, 1, 2, 2]), np.array([0, 4]), np.arange(4),
    ...                                          config=JourneyConfig(), most=2)
    >>> centre.tolist(), ends.tolist(), strength.round(2).tolist()
    ([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], [0, 2], [0.5, 0.25])
    """
    found = find_journeys(embedding, item, offsets, timestamps, config=config)
    counts = np.diff(found.offsets)
    kept = np.arange(len(found.strength)) - np.repeat(found.offsets[:-1], counts) < most
    ends = np.cumsum(np.minimum(counts, most))
    return found.centre[kept], np.concatenate(([0], ends)).astype(np.int64), found.strength[kept]


def match_journeys(centre: F32, offsets: I64, strength: F64, embedding: F32, *, sharpness: float = 5.0) -> F32:
    """How well each item fits a user's journeys, `float32[users, items]`: a soft maximum of cosines.

    log(sum over journeys of strength * exp(sharpness * cos(centre, item))) / sharpness. A `sharpness` near 0 gives the
    mean of the cosines, weighted by strength; infinity gives the best match, whatever its strength. `centre` are unit
    rows, those of user u being offsets[u]:offsets[u + 1], `embedding float32[items, d]` unit rows. Users without a
    journey get zeros.

    >>> two = np.eye(2, dtype=np.float32)
    >>> match_journeys(two, np.array([0, 2]), np.array([0.8, 0.2]), two, sharpness=np.inf).tolist()
    [[1.0, 1.0]]
    >>> match_journeys(two, np.array([0, 2]), np.array([0.8, 0.2]), two).astype(float).round(2).tolist()
    [[0.96, 0.68]]
    """
    if not sharpness > 0:
        raise InputError(f"the sharpness is {sharpness}", mend="give a number above 0, or infinity")
    out = np.zeros((len(offsets) - 1, len(embedding)), dtype=np.float32)
    held = np.diff(offsets) > 0
    if not held.any():
        return out
    first = offsets[:-1][held]
    best = np.isinf(sharpness)
    if not best:
        centre = centre * np.float32(sharpness)
    weight = sp.csr_matrix(
        (strength.astype(np.float32), np.arange(len(centre)), offsets), shape=(len(out), len(centre))
    )
    for start in range(0, len(embedding), _BLOCK):
        part = slice(start, start + _BLOCK)
        fit = centre @ embedding[part].T
        if best:
            out[held, part] = np.maximum.reduceat(fit, first)
            continue
        fit -= np.float32(sharpness)  # no exponential overflows
        out[:, part] = np.maximum(weight @ np.exp(fit, out=fit), _LEAST)
    if not best:
        out[held] = 1 + np.log(out[held]) / np.float32(sharpness)
        out[~held] = 0
    return out


def fit_pace(journeys: Journeys) -> Pace:
    """The pace under which the gaps between visits are likeliest, over all journeys taken up at least twice.

    A journey's gaps are exponential with a rate of its own, the rates a Gamma over journeys: a Pareto distribution of
    the second kind (Lomax 1954), fitted by its marginal likelihood (Robbins 1956). Without any gap a
    pace of 1 visit per 30 days is assumed.

    >>> rng = np.random.default_rng(0)
    >>> visits = rng.integers(2, 7, 4000)
    >>> span = rng.gamma(visits - 1, 1 / rng.gamma(2, 1 / 60, 4000))  # paces planted: shape 2, 60 days
    >>> many = Journeys(offsets=np.array([0, 4000]), label=visits, centre=np.ones((4000, 1), np.float32),
    ...                 strength=np.full(4000, 1 / 4000), start=0 * visits, last=(span * DAY).astype(np.int64),
    ...                 visits=visits, typical=visits)
    >>> pace = fit_pace(many)
    >>> 1.8 < pace.shape < 2.2, 54 < pace.days < 66
    (True, True)
    """
    gaps, span = _gaps(journeys)
    some = gaps > 0
    gaps, span = gaps[some], span[some]
    if not len(gaps):
        return Pace(shape=1.0, days=30.0)

    def loss(logs: F64) -> float:
        shape, days = np.exp(logs)
        each = gammaln(shape + gaps) - gammaln(shape) + shape * np.log(days) - (shape + gaps) * np.log(days + span)
        return -float(each.mean())

    typical = float(span.sum() / gaps.sum())
    low, high = np.log(_SHAPES)
    bounds = [(low, high), (low + np.log(typical), high + np.log(typical))]
    shape, days = np.exp(minimize(loss, np.log([1.0, typical]), bounds=bounds, method="L-BFGS-B").x)
    return Pace(shape=float(shape), days=float(days))


def silence_chance(journeys: Journeys, as_of: I64, pace: Pace) -> F64:
    """`float64[j]`: how likely a journey that goes on is silent for as long as this one has been, by `as_of`.

    `as_of int64[users]` in UTC microseconds. The longer its own gaps were, the longer the silence it is allowed; what
    it has not shown yet, `pace` stands in for. A journey is called ended where this is below a level, say 0.05: which
    is then also the share of the gaps that are taken for an end by mistake.

    >>> weekly = Journeys(offsets=np.array([0, 1]), label=np.zeros(9), centre=np.ones((1, 1), np.float32),
    ...                   strength=np.ones(1), start=np.array([0]), last=np.array([56 * DAY]), visits=np.array([9]),
    ...                   typical=np.array([0]))
    >>> pace = Pace(shape=1.0, days=7.0)
    >>> [silence_chance(weekly, np.array([day * DAY]), pace).round(3).tolist() for day in (63, 90)]
    [[0.387], [0.021]]
    """
    gaps, span = _gaps(journeys)
    silence = np.maximum(np.repeat(as_of, np.diff(journeys.offsets)) - journeys.last, 0) / DAY
    return np.asarray(((pace.days + span) / (pace.days + span + silence)) ** (pace.shape + gaps), dtype=np.float64)


def name_journeys(
    journeys: Journeys,
    item: NDArray[Any],
    texts: Sequence[str],
    titles: Sequence[str],
    namer: Callable[[list[str], I64, int], tuple[str, ...]],
) -> tuple[str, ...]:
    """A name per journey: the words that half of its distinct items share, at least two; else its typical title.

    `item int[n]` are the events that `journeys` were found in; `texts`, `titles` the words of each item. `namer` names
    clusters against each other: it takes texts, the cluster of each and how many there are, and answers with terms
    joined by " · ", as `evorec.interests.names.name_clusters` does.

    >>> item, titles = np.array([0, 1, 2]), ["green tea", "black tea", "a novel"]
    >>> found = find_journeys(np.eye(2, dtype=np.float32)[[0, 0, 1]], item, np.array([0, 3]), np.arange(3),
    ...                       config=JourneyConfig())
    >>> name_journeys(found, item, titles, titles, lambda texts, labels, number: ("tea · green", "novel"))
    ('tea', 'a novel')
    """
    pairs = np.unique(np.stack([journeys.label, np.asarray(item, dtype=np.int64)], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] >= 0]
    words = [texts[row] for row in pairs[:, 1].tolist()]
    first = np.searchsorted(pairs[:, 0], np.arange(len(journeys.strength) + 1)).tolist()
    names = []
    for journey, proposed in enumerate(namer(words, pairs[:, 0], len(journeys.strength))):
        own = [text.casefold() for text in words[first[journey] : first[journey + 1]]]
        shared = [
            term
            for term in proposed.split(" · ")
            if sum(term.casefold() in text for text in own) >= max(2, len(own) / 2)
        ]
        names.append(" · ".join(shared) or titles[int(journeys.typical[journey])])
    return tuple(names)


def cut_threads(vectors: F32, similarity: float) -> I64:
    """Thread `int64[n]`, from 0, of each of n unit vectors `float32[n, d]`: Ward's linkage (1963), cut above noise.

    Splitting a thread of m vectors into a and b explains a b / m |mean_a - mean_b|^2 of their squared lengths. The best
    split of m vectors that differ by noise alone explains about their variance times (1 + sqrt(m / d))^2, the edge of
    the noise spectrum (Marchenko and Pastur 1967). A group is one thread if its best split explains no more than that,
    the variance being set so that two single vectors part below the cosine `similarity`. So few items must differ
    much, many may differ little, and a large thread does not crumble.

    >>> rng = np.random.default_rng(0)
    >>> topic, *own = np.linalg.qr(rng.normal(size=(128, 3)))[0].T  # two threads of one topic, cosine 0.6
    >>> threads = np.repeat([np.sqrt(0.6) * topic + np.sqrt(0.4) * way for way in own], 20, axis=0)
    >>> vectors = threads + rng.normal(0, 0.08, threads.shape)  # two items of one thread: cosine about 0.55
    >>> vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    >>> cut_threads(vectors.astype(np.float32), 0.2).tolist() == [0] * 20 + [1] * 20
    True
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    squared = np.maximum(2 - 2 * (vectors @ vectors.T), 0)
    tree = linkage(np.sqrt(squareform(squared, checks=False)), "ward")
    explained = tree[:, 2] ** 2 / 2
    d = vectors.shape[1]
    edge = ((1 + np.sqrt(tree[:, 3] / d)) / (1 + np.sqrt(2 / d))) ** 2
    found = fcluster(tree, 1 - similarity, "monocrit", monocrit=explained / edge)
    # Numbered in the order of first appearance.
    first, place = np.unique(found, return_index=True, return_inverse=True)[1:]
    return np.asarray(np.argsort(np.argsort(first))[place], dtype=np.int64)


def _newest(owner: I64, offsets: I64, timestamps: I64, limit: int) -> Bool:
    """`bool[n]`: the newest `limit` events of each user and the rest of the tie group that the limit falls in."""
    last = timestamps[np.maximum(offsets[1:] - limit, offsets[:-1])[owner]] if len(owner) else timestamps
    return np.asarray(timestamps >= last)


def _strongest_first(thread: I64, user: I64, weight: F64, users: int) -> tuple[I64, I64, F64]:
    """Threads numbered by user and falling strength; the user `int64[j]` and the strength `float64[j]` of each."""
    j = int(thread.max(initial=-1)) + 1
    of_user = np.zeros(j, dtype=np.int64)
    of_user[thread] = user
    total = np.bincount(thread, weights=weight, minlength=j)
    strength: F64 = total / np.bincount(of_user, weights=total, minlength=users)[of_user]
    # Rounded, since the order of the events decides the last digit of a sum.
    order = np.lexsort((np.arange(j), -strength.round(9), of_user))
    place = np.empty(j, dtype=np.int64)
    place[order] = np.arange(j)
    return place[thread], of_user[order], strength[order]


def _gaps(journeys: Journeys) -> tuple[F64, F64]:
    """Gaps between visits `float64[j]`, and the days they add up to."""
    gaps = (journeys.visits - 1).astype(np.float64)
    return gaps, np.where(gaps > 0, (journeys.last - journeys.start) / DAY, 0.0)


def _threads(embedding: F32, item: NDArray[Any], offsets: I64, similarity: float) -> I64:
    """Thread `int64[n]` of each event, numbered over all users; events of one item and user share a thread."""
    out = np.zeros(len(item), dtype=np.int64)
    used = 0
    for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        if start == stop:
            continue
        # Sorted distinct items: nothing here can tell the order of events.
        held, place = np.unique(item[start:stop], return_inverse=True)
        local = cut_threads(embedding[held], similarity)
        out[start:stop] = used + local[place]
        used += int(local.max()) + 1
    return out


def _unit(x: F32) -> F32:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(np.divide(x, length, out=np.zeros_like(x), where=length > 0))
