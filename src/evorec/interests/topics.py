"""Topics: interpretable directions of interest, from given categories or from clusters of item embeddings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from evorec.core.types import F32
from evorec.language.words import STOP_WORDS, words

LIMIT: Final = 64  # topics at most
_TOO_COMMON: Final = 0.6  # a category with more of the events than this tells nothing about a user
_TEMPERATURE: Final = 0.1  # of the soft membership: cosines so far apart differ by a factor e
_NAME_WORDS: Final = 3


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

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What `assign` needs beside the names."""
        return {"centres": self.centres}

    @classmethod
    def from_arrays(cls, names: tuple[str, ...], membership: F32, arrays: Mapping[str, NDArray[Any]]) -> "Topics":
        """The topics that `arrays` describe."""
        return cls(names=names, membership=membership, centres=arrays["centres"])


def topics_from_categories(categories: Sequence[tuple[str, ...]], counts: NDArray[Any]) -> Topics:
    """The categories with most events become topics; an item belongs in equal parts to those it has.

    `counts int64[items]` are training events. A category that holds more than 60% of all events tells users apart too
    little, and is left out if it only stands above others (the root of a catalogue, say): at least half of its
    events have a category beside it. The broadest goes first.

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
    return Topics(names=names, membership=_split_equally(categories, names), centres=np.zeros((0, 0), np.float32))


def topics_from_embeddings(
    embedding: F32, counts: NDArray[Any], texts: Sequence[str], *, seed: int, number: int | None = None
) -> Topics:
    """Clusters of item embeddings on the sphere, with soft membership and names from their texts.

    Clusters are those of the items with `counts int64[items]` above 0, by k-means on unit rows (spherical up to the
    length of the centres; Dhillon and Modha 2001, "Concept decompositions for large sparse text data"). `number`
    defaults to the square root of half as many, at most 64.

    >>> rng = np.random.default_rng(0)
    >>> planted = np.repeat(np.eye(4, dtype=np.float32), 25, axis=0) + rng.normal(0, 0.1, (100, 4)).astype(np.float32)
    >>> texts = [f"{word} {word}" for word in ("tent", "novel", "piano", "soup") for _ in range(25)]
    >>> topics = topics_from_embeddings(planted, np.ones(100), texts, seed=0, number=4)
    >>> sorted(topics.names), len(set(topics.membership.argmax(axis=1)[:25]))
    (['novel', 'piano', 'soup', 'tent'], 1)
    """
    known = embedding.any(axis=1)
    embedding = _unit_rows(embedding)
    fitted = np.flatnonzero(known & (np.asarray(counts) > 0))
    if not len(fitted):
        empty = np.zeros((len(embedding), 0), dtype=np.float32)
        return Topics(names=(), membership=empty, centres=np.zeros((0, embedding.shape[1]), np.float32))
    wanted = number or int(np.clip(round(np.sqrt(len(fitted) / 2)), 1, LIMIT))
    distinct = len(np.unique(embedding[fitted], axis=0))
    model = KMeans(n_clusters=min(wanted, distinct), n_init=1, random_state=seed).fit(embedding[fitted])
    centres = _unit_rows(model.cluster_centers_.astype(np.float32))
    names = name_clusters([texts[row] for row in fitted.tolist()], model.labels_, len(centres))
    return Topics(names=names, membership=soft_membership(embedding, centres), centres=centres)


def soft_membership(embedding: F32, centres: F32) -> F32:
    """`float32[n, topics]`: softmax of the cosines with the centres; rows of 0 for items without content."""
    logits = _unit_rows(embedding) @ centres.T / np.float32(_TEMPERATURE)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    out = odds / odds.sum(axis=1, keepdims=True)
    out[~embedding.any(axis=1)] = 0
    return np.asarray(out, dtype=np.float32)


def name_clusters(texts: Sequence[str], labels: NDArray[Any], number: int) -> tuple[str, ...]:
    """A name per cluster: its words of highest class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794).

    A word scores by its frequency in the cluster times log(1 + mean words per cluster / its frequency overall). Names
    that coincide get a number. A single Latin letter names nothing, a single Chinese character does.

    >>> name_clusters(["绿茶", "红茶 b", "茶具"], np.array([0, 0, 1]), 2)
    ('红茶 · 绿茶', '茶具')
    """
    per_cluster: list[Counter[str]] = [Counter() for _ in range(number)]
    for text, label in zip(texts, labels, strict=True):
        per_cluster[label].update(set(words(text, without=STOP_WORDS)))
    overall: Counter[str] = Counter()
    for counted in per_cluster:
        overall.update(counted)
    mean = sum(overall.values()) / max(1, number)
    names: list[str] = []
    for label, counted in enumerate(per_cluster):
        score = {w: c * np.log1p(mean / overall[w]) for w, c in counted.items() if not _is_label(w)}
        name = " · ".join(sorted(score, key=lambda w: (-score[w], w))[:_NAME_WORDS]) or f"topic {label + 1}"
        names.append(name if name not in names else f"{name} ({label + 1})")
    return tuple(names)


def _is_label(word: str) -> bool:
    return word.isdigit() or (len(word) == 1 and word.isascii())


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
