"""Topics: interpretable directions of interest, from given categories or from clusters of item embeddings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import F32, I64
from evorec.interests.names import name_clusters

LIMIT: Final = 64  # topics at most
_TOO_COMMON: Final = 0.6  # a category with more of the events than this tells nothing about a user
# Of the soft membership: cosines so far apart differ by a factor e. From .02 to .16 tried, it (or .085, as good) makes
# the later events of users likeliest on five sets; the nearest eight topics alone are better on one, worse on two.
_TEMPERATURE: Final = 0.1
_NEIGHBOURS: Final = 40  # items that each item is averaged with before clustering
_SAMPLE: Final = 16_000  # items that clusters are fitted on at most
_NUMBERS: Final = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, LIMIT)  # of topics, to choose from
_NAMED_BY: Final = 150  # items that a topic's name is taken from
_JUDGED: Final = 8_000  # rows that the number of topics is chosen on
_HALVINGS: Final = 4  # of the items, that say which topics come back
_ROUNDS: Final = 50
_RESTARTS: Final = 3
_BLOCK: Final = 2048  # rows whose cosines with all others are held at once
_SAME: Final = 0.8  # cosine of two centres that are one topic


@dataclass(frozen=True, eq=False, kw_only=True)
class Topics:
    """Names, and the content vectors C_i `membership float32[items, topics]`: rows sum to 1, or to 0 where unknown.

    `centres float32[topics, d]` are unit vectors where topics are clusters of embeddings, empty where they are given
    categories.
    """

    names: tuple[str, ...]
    membership: F32
    centres: F32

    def assign(self, *, categories: Sequence[tuple[str, ...]], embedding: F32) -> F32:
        """Content vectors of new items, `float32[n, topics]`."""
        if len(self.centres):
            return soft_membership(embedding, self.centres)
        return _split_equally(categories, self.names)

    def renamed(self, names: Mapping[str, str]) -> "Topics":
        """The same topics, those in `names` (old to new) under new names.

        Categories can not be renamed: new items are found by their names.

        >>> topics = Topics(names=("tea · mug", "novel"), membership=np.eye(2), centres=np.eye(2))
        >>> topics.renamed({"tea · mug": "Tea"}).names
        ('Tea', 'novel')
        """
        if not len(self.centres) and self.names:
            raise InputError("these topics are given categories", mend="rename the categories of the catalogue")
        unknown = [old for old in names if old not in self.names]
        if unknown:
            raise InputError(f"there is no topic {unknown[0]!r}", mend="give names that are listed")
        new = tuple(names.get(name, name).strip() for name in self.names)
        if len(set(new)) < len(new) or not all(new):
            raise InputError("two topics would share a name, or one has none", mend="give each a name of its own")
        return replace(self, names=new)

    def aligned(self, rows: I64) -> "Topics":
        """The same topics over other items: `rows int64[n]` of this membership, -1 for an item it does not hold."""
        membership = np.zeros((len(rows), len(self.names)), dtype=np.float32)
        membership[rows >= 0] = self.membership[rows[rows >= 0]]
        return replace(self, membership=membership)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What `assign` needs beside the names."""
        return {"centres": self.centres}

    @classmethod
    def from_arrays(cls, names: tuple[str, ...], membership: F32, arrays: Mapping[str, NDArray[Any]]) -> "Topics":
        """The topics that `arrays` describe."""
        return cls(names=names, membership=membership, centres=arrays["centres"])


def topics_from_categories(
    categories: Sequence[tuple[str, ...]], counts: NDArray[Any], *, previous: Topics | None = None
) -> Topics:
    """The categories with most events become topics; an item belongs in equal parts to those it has.

    `counts int64[items]` are training events. A category that holds more than 60% of all events tells users apart too
    little, and is left out if it only stands above others (the root of a catalogue, say): at least half of its
    events have a category beside it. The broadest goes first. Categories that `previous` had keep their place.

    >>> items = [("Films", "Drama"), ("Films", "War", "Drama"), ("Films",)]
    >>> topics = topics_from_categories(items, np.array([3, 2, 1]))
    >>> topics.names, topics.membership.tolist()
    (('Drama', 'War'), [[1.0, 0.0], [0.5, 0.5], [0.0, 0.0]])
    """
    events: Counter[str] = Counter()
    for held, count in zip(categories, counts, strict=True):
        for name in set(held):
            events[name] += int(count)
    kept = sorted((name for name in events if events[name] > 0), key=lambda name: (-events[name], name))
    for name in [name for name in kept if events[name] > _TOO_COMMON * np.sum(counts)]:
        others = set(kept) - {name}
        beside = sum(int(n) for held, n in zip(categories, counts, strict=True) if name in held and others & set(held))
        if beside >= events[name] / 2:
            kept.remove(name)
    names = tuple(kept[:LIMIT])
    if previous:
        before = {name: place for place, name in enumerate(previous.names)}
        match = np.asarray([before.get(name, -1) for name in names], dtype=np.int64)
        names = tuple(names[k] for k in _in_old_places(match, len(before)))
    return Topics(names=names, membership=_split_equally(categories, names), centres=np.zeros((0, 0), np.float32))


def topics_from_embeddings(
    embedding: F32,
    counts: NDArray[Any],
    texts: Sequence[str],
    *,
    seed: int,
    number: int | None = None,
    previous: Topics | None = None,
) -> Topics:
    """Clusters of item embeddings on the sphere, with soft membership and names from their texts.

    Clusters are those of the items with `counts int64[items]` above 0 (of 16,000 drawn from them, if there are more),
    each first averaged with its nearest neighbours, by `spherical_clusters`; an item weighs the square root of its
    events. `number` defaults to `stable_number`.

    `previous` are the topics of an earlier fit over the same items (`Topics.aligned`; rows of 0 for new ones): the
    fit starts from them, with as many, and what comes out near one of them keeps its place and its name. The
    embedding space may have changed in between.

    >>> rng = np.random.default_rng(0)
    >>> planted = np.repeat(np.eye(4, dtype=np.float32), 25, axis=0) + rng.normal(0, 0.1, (100, 4)).astype(np.float32)
    >>> texts = [f"{word} {word}" for word in ("tent", "novel", "piano", "soup") for _ in range(25)]
    >>> topics = topics_from_embeddings(planted, np.ones(100), texts, seed=0)
    >>> sorted(topics.names), len(set(topics.membership.argmax(axis=1)[:25]))
    (['novel', 'piano', 'soup', 'tent'], 1)
    """
    if number is not None and not 1 <= number <= LIMIT:
        raise InputError(f"{number} topics are asked for", mend=f"choose from 1 to {LIMIT}")
    rng = generator(seed, "topics")
    embedding = _unit_rows(embedding)
    fitted = np.flatnonzero(embedding.any(axis=1) & (np.asarray(counts) > 0))
    if not len(fitted):
        empty = np.zeros((len(embedding), 0), dtype=np.float32)
        return Topics(names=(), membership=empty, centres=np.zeros((0, embedding.shape[1]), np.float32))
    drawn = fitted if len(fitted) <= _SAMPLE else np.sort(rng.choice(fitted, _SAMPLE, replace=False))
    weight = np.sqrt(np.asarray(counts)[drawn]).astype(np.float32)
    old = _previous_centres(embedding, previous)
    centres = _centres(embedding[drawn], weight, old, number, rng)
    match = match_topics(old, centres)
    order = _in_old_places(match, len(old))
    centres, match = centres[order], match[order]
    cosine = embedding[fitted] @ centres.T
    nearest = cosine.argmax(axis=1)
    typical = _most_typical(cosine.max(axis=1), nearest)
    kept = [previous.names[k] if previous and k >= 0 else "" for k in match]
    names = name_clusters([texts[row] for row in fitted[typical].tolist()], nearest[typical], len(centres), given=kept)
    return Topics(names=names, membership=soft_membership(embedding, centres), centres=centres)


def _most_typical(cosine: F32, cluster: I64) -> I64:
    """The rows of every cluster that lie nearest its centre: enough of them to name it."""
    order = np.lexsort((-cosine, cluster))
    place = np.arange(len(order)) - np.searchsorted(cluster[order], cluster[order])
    return np.sort(order[place < _NAMED_BY])


def soft_membership(embedding: F32, centres: F32) -> F32:
    """`float32[n, topics]`: softmax of the cosines with the centres; rows of 0 for items without content."""
    logits = _unit_rows(embedding) @ centres.T / np.float32(_TEMPERATURE)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    out = odds / odds.sum(axis=1, keepdims=True)
    out[~embedding.any(axis=1)] = 0
    return np.asarray(out, dtype=np.float32)


def spherical_clusters(
    x: F32,
    weight: F32,
    number: int,
    rng: np.random.Generator,
    *,
    start: F32 | None = None,
    restarts: int = _RESTARTS,
) -> tuple[F32, I64]:
    """Spherical k-means of unit rows `x float32[n, d]`: unit centres `float32[k, d]` and labels `int64[n]`.

    Maximises the sum of `weight float32[n]` times the cosine with the own centre (Dhillon and Modha 2001, "Concept
    decompositions for large sparse text data"), from k-means++ starts (Arthur and Vassilvitskii 2007); the best of
    `restarts` stays. `start float32[m, d]` gives the first centres instead (rows of 0 are none), and the starts find
    the rest. Fewer clusters come out where rows coincide.

    >>> x = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    >>> spherical_clusters(x, np.ones(15, np.float32), 4, np.random.default_rng(0))[0].shape
    (3, 3)
    """
    best: tuple[float, F32, I64] | None = None
    for _ in range(restarts):
        centres, labels = _spread_out(x, weight, number, rng, start), np.full(len(x), -1)
        for _ in range(_ROUNDS):
            cosine = x @ centres.T
            nearest = cosine.argmax(axis=1)
            if np.array_equal(nearest, labels):
                break
            held, compact = np.unique(nearest, return_inverse=True)  # a centre that lost all its rows goes
            labels = nearest if len(held) == len(centres) else compact
            centres = _mean_directions(x, weight, compact, len(held))
        total = float(weight @ cosine.max(axis=1))
        if best is None or total > best[0]:
            best = total, centres, labels
    assert best is not None
    return best[1], best[2]


def stable_number(x: F32, weight: F32, rng: np.random.Generator) -> int:
    """How many topics the unit rows `x float32[n, d]` hold: most that come back, least that do not.

    The rows are halved at random, each half is clustered and places all rows. A topic of one half comes back if its
    partner in the other half has most of the same items (Jaccard above 1/2; Hennig 2007, "Cluster-wise assessment of
    cluster stability"). It counts for its number, a topic that does not counts against it. The number from 2, 3, 4, 6,
    8, 12, ... 64 with the highest count, mean of four halvings, wins; 1 where none does better.

    >>> rng = np.random.default_rng(0)
    >>> planted = np.repeat(np.eye(6, 8, dtype=np.float32), 40, axis=0)
    >>> noisy = planted + rng.normal(0, 0.1, planted.shape).astype(np.float32)
    >>> stable_number(noisy / np.linalg.norm(noisy, axis=1, keepdims=True), np.ones(240, np.float32), rng)
    6
    """
    best, most = 1, 1.0
    if len(x) > _JUDGED:
        drawn = rng.choice(len(x), _JUDGED, replace=False)
        x, weight = x[drawn], weight[drawn]
    halvings = [rng.permutation(len(x)) for _ in range(_HALVINGS)]
    for number in _NUMBERS:
        if number > len(x) // 10:
            break
        balance = float(np.mean([_balance(x, weight, number, order, rng) for order in halvings]))
        if balance > most:
            best, most = number, balance
    return best


def match_topics(old: F32, new: F32) -> I64:
    """Which old topic each new one continues, `int64[new]`, -1 for none; centres are unit rows `[topics, d]`.

    One to one, by the largest sum of cosines (Kuhn 1955, "The Hungarian method for the assignment problem") over
    pairs of at least 0.8; the rest is no match.

    >>> match_topics(np.eye(3), np.eye(3)[[2, 0]]).tolist(), match_topics(np.eye(2), -np.eye(2)).tolist()
    ([2, 0], [-1, -1])
    """
    if old.shape[1] != new.shape[1]:
        raise InputError(f"centres have {old.shape[1]} and {new.shape[1]} dimensions", mend="embed both alike")
    cosine = new @ old.T
    cosine[cosine < _SAME] = 0  # or partners of no one would tear others apart
    row, column = linear_sum_assignment(-cosine)
    match = np.full(len(new), -1, dtype=np.int64)
    alike = cosine[row, column] > 0
    match[row[alike]] = column[alike]
    return match


def _centres(x: F32, weight: F32, old: F32, number: int | None, rng: np.random.Generator) -> F32:
    """Unit centres of the clusters of unit rows `x`, found among smoothed rows, from where the `old` ones lie there."""
    smooth = _among_neighbours(_toward_variance(x))
    number = number or len(old) or stable_number(smooth, weight, rng)
    start = _mean_directions(smooth, weight, (x @ old.T).argmax(axis=1), len(old)) if len(old) else None
    clusters, labels = spherical_clusters(smooth, weight, number, rng, start=start)
    return _mean_directions(x, weight, labels, len(clusters))


def _balance(x: F32, weight: F32, number: int, order: I64, rng: np.random.Generator) -> int:
    """Topics that come back in the other half of the rows, less those that do not."""
    label = []
    for part in np.array_split(order, 2):
        centres, _ = spherical_clusters(x[part], weight[part], number, rng, restarts=2)
        label.append((x @ centres.T).argmax(axis=1))
    shared = np.zeros((number, number))
    np.add.at(shared, (label[0], label[1]), 1)
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared
    back = int((shared > either / 2).sum())  # above one half there is one partner at most
    return 2 * back - number


def _spread_out(x: F32, weight: F32, number: int, rng: np.random.Generator, start: F32 | None) -> F32:
    """First centres: `start`, then rows of `x` drawn by weight and distance from those so far."""
    centres = list(start[start.any(axis=1)][:number]) if start is not None else []
    centres = centres or [x[rng.choice(len(x), p=weight / weight.sum(dtype=np.float64))]]
    far = 1 - (x @ np.asarray(centres).T).max(axis=1)
    tries = 2 + int(np.log(number))
    while len(centres) < number:
        far[far < 1e-5] = 0  # coincides with a centre, up to rounding
        chance = (far * weight).astype(np.float64)
        if not chance.any():
            break
        drawn = rng.choice(len(x), tries, p=chance / chance.sum())
        left = np.minimum(far[:, None], 1 - x @ x[drawn].T)
        best = int((weight @ left).argmin())
        centres.append(x[drawn[best]])
        far = left[:, best]
    return np.asarray(centres, dtype=np.float32)


def _toward_variance(x: F32) -> F32:
    """Unit rows whose principal directions count more by the square root of their spread.

    Whitened embeddings give the fine directions as much say as the broad ones, and it is the broad ones that topics
    follow.
    """
    variance, directions = np.linalg.eigh(x.T @ x / len(x))
    return _unit_rows(x @ (directions * np.maximum(variance, 0) ** 0.25))


def _among_neighbours(x: F32) -> F32:
    """Unit rows, averaged twice with their nearest 40 (1% of them, if that is fewer).

    Single items are noisy; what their neighbourhood shares is the topic. Clusters come back far more often so.
    """
    several = min(_NEIGHBOURS, len(x) // 100)
    if not several:
        return x
    near = np.empty((len(x), several + 1), dtype=np.int64)
    for first in range(0, len(x), _BLOCK):
        cosine = x[first : first + _BLOCK] @ x.T
        near[first : first + _BLOCK] = np.argpartition(cosine, -several - 1, axis=1)[:, -several - 1 :]
    graph = sp.csr_matrix(
        (np.ones(near.size, np.float32), near.ravel(), np.arange(len(x) + 1) * (several + 1)), shape=(len(x), len(x))
    )
    return _unit_rows(np.asarray(graph @ _unit_rows(np.asarray(graph @ x))))


def _mean_directions(x: F32, weight: F32, labels: I64, number: int) -> F32:
    member = sp.csr_matrix((weight, (labels, np.arange(len(x)))), shape=(number, len(x)))
    return _unit_rows(np.asarray(member @ x))


def _previous_centres(embedding: F32, previous: Topics | None) -> F32:
    """Where the topics of an earlier fit lie in this embedding space: the mean direction of their items."""
    if previous is None or not previous.names:
        return np.zeros((0, embedding.shape[1]), dtype=np.float32)
    if len(previous.membership) != len(embedding):
        raise InputError(
            f"the previous topics hold {len(previous.membership)} items, now there are {len(embedding)}",
            mend="align them first: Topics.aligned",
        )
    held = previous.membership.any(axis=1) & embedding.any(axis=1)
    labels = previous.membership[held].argmax(axis=1)
    return _mean_directions(embedding[held], np.ones(len(labels), np.float32), labels, len(previous.names))


def _in_old_places(match: I64, old: int) -> I64:
    """The order that puts what matches where it was, and the new into places that fell free, then to the end."""
    place = np.full(max(old, len(match)), -1)
    place[match[match >= 0]] = np.flatnonzero(match >= 0)
    free = np.flatnonzero(place < 0)
    new = np.flatnonzero(match < 0)
    place[free[: len(new)]] = new
    return place[place >= 0]


def _unit_rows(x: F32) -> F32:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(np.divide(x, length, out=np.zeros_like(x), where=length > 0))


def _split_equally(categories: Sequence[tuple[str, ...]], names: Sequence[str]) -> F32:
    place = {name: column for column, name in enumerate(names)}
    out = np.zeros((len(categories), len(names)), dtype=np.float32)
    for row, held in enumerate(categories):
        columns = sorted({place[name] for name in held if name in place})
        out[row, columns] = 1 / len(columns) if columns else 0
    return out
