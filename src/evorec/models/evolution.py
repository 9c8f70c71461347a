"""Evolution as a scorer: where a user's interest vector goes next, in a space of behaviour."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import F32, F64, Bool, Events, Queries
from evorec.data.dataset import Dataset
from evorec.encoders.base import unit_rows
from evorec.models.base import Arrays, Items, RunOptions, known_pairs, shares_per_query

MEMORIES: Final = (0.5, 2.0, 8.0, 50.0, 1000.0)  # half-lives in events: from the last thing to the whole history
_FADED: Final = 1e-3  # older events than this is left of could not change a rank
_CHUNK: Final = 500  # histories read at once while fitting
_LEAST_PEOPLE: Final = 2  # behind a behaviour vector: a single person's taste is not the model's to keep
_SHRINK: Final = 5.0  # events by which the length of a behaviour vector is half


@dataclass(frozen=True, kw_only=True)
class EvolutionConfig:
    """`dimension` of the behaviour vectors; `ridge` pulls P toward 0; P is fitted on at most `steps` steps."""

    dimension: int = 64
    ridge: float = 100.0
    steps: int = 40_000

    def __post_init__(self) -> None:
        if self.dimension < 1 or self.steps < 1 or not self.ridge > 0:
            raise InputError("dimension, steps and ridge must be above 0", mend="raise them")


class Evolution:
    """Expected next item vector, beyond the average one: P I_u . C_i, where I_u stacks memories of `MEMORIES` events.

    The Markov step I_{t+1} = P I_t in a space of behaviour, where items are near each other that the same people touch,
    with P fitted by ridge regression of what came next (Hoerl and Kennard 1970). Items that fewer than two people
    touched are unknown.

    >>> rng = np.random.default_rng(0)
    >>> taste = rng.integers(0, 3, 400).repeat(6)  # three crowds, each with ten items of its own
    >>> item = 10 * taste + rng.integers(0, 10, 2400)
    >>> log = Events.create(user_ids=np.repeat(np.arange(400), 6).astype(str), timestamps=list(range(2400)),
    ...                     item_ids=[f"{k:02d}" for k in item])
    >>> scorer = Evolution(EvolutionConfig(dimension=8)).fit(Dataset.create(log), RunOptions())
    >>> table = Items(ids=log.items, embedding=np.zeros((30, 0), np.float32), topics=np.zeros((30, 0), np.float32),
    ...               first_seen=np.zeros(30, np.int64))
    >>> someone = Queries(offsets=np.array([0, 2]), item=np.array([12, 17], np.int32), timestamp=np.array([1, 2]),
    ...                   as_of=np.array([3]))
    >>> sorted(np.argsort(-scorer.score(someone, table)[0][0])[:10].tolist()) == list(range(10, 20))
    True
    """

    def __init__(self, config: EvolutionConfig | None = None, *, name: str = "evolution") -> None:
        self.config = config or EvolutionConfig()
        self.name = name
        self.step: F32 = np.zeros((0, 0), dtype=np.float32)  # P, [memories x d, d]
        self.vectors: F32 = np.zeros((0, 0), dtype=np.float32)

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Behaviour vectors first, then P on the steps of the log."""
        self.vectors = behaviour_vectors(dataset.events, self.config.dimension, options.seed)
        self.step = self._fitted_step(dataset.events, options.seed)
        return self

    def _fitted_step(self, events: Events, seed: int) -> F32:
        vectors = self.vectors
        starts = np.flatnonzero(np.diff(events.tie_group, prepend=-1))
        later = starts[starts > events.offsets[events.user[starts]]]
        rng = generator(seed, "steps of evolution")
        rows = np.sort(rng.permutation(later)[: self.config.steps])
        group = np.append(starts, len(events))
        stop = group[np.searchsorted(starts, rows) + 1]
        width = len(MEMORIES) * vectors.shape[1]
        gram, cross, count = np.zeros((width, width)), np.zeros((width, vectors.shape[1])), 0
        total_before, total_after = np.zeros(width), np.zeros(vectors.shape[1])
        for begin in range(0, len(rows), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            before = memories(events.queries(events.user[rows[part]], events.timestamp[rows[part]]), vectors)
            after = _group_means(events, rows[part], stop[part], vectors)
            known = after.any(axis=1) & before.any(axis=1)
            gram += before[known].T @ before[known]
            cross += before[known].T @ after[known]
            total_before += before[known].sum(axis=0)
            total_after += after[known].sum(axis=0)
            count += int(known.sum())
        # What follows less what follows on average: what everybody takes is popularity's to say.
        cross -= np.outer(total_before, total_after / max(1, count))
        gram[np.diag_indices(width)] += self.config.ridge
        return np.asarray(np.linalg.solve(gram, cross), dtype=np.float32)

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """Dot products of the expected vector with each item's."""
        vectors = self._rows(items)
        state = memories(queries, vectors)
        known = known_pairs(np.asarray(state.any(axis=1)), np.asarray(vectors.any(axis=1)))
        evidence = np.asarray((state @ self.step) @ vectors.T, dtype=np.float32)
        return evidence, known

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        """Each history event's share of the evidence for item `row`; exact, since memories are sums over events."""
        vectors = self._rows(items)
        pulls = (self.step @ vectors[row]).reshape(len(MEMORIES), -1)
        total = np.zeros(len(queries.item))
        for half_life, pull in zip(MEMORIES, pulls, strict=True):
            decay = np.exp2(-queries.age / half_life)
            length = np.linalg.norm(_decayed_sum(queries, vectors, half_life), axis=1)
            total += decay / np.where(length > 0, length, 1)[queries.owner] * (vectors[queries.item] @ pull)
        return shares_per_query(queries, total)

    def _rows(self, items: Items) -> F32:
        """Vectors of all items; those newer than the model have none."""
        new = len(items) - len(self.vectors)
        return np.pad(self.vectors, ((0, new), (0, 0))) if new else self.vectors

    def arrays(self) -> Arrays:
        """P and the behaviour vectors."""
        return {"step": self.step, "vectors": self.vectors}

    def restore(self, arrays: Arrays) -> Self:
        """Take over what `arrays` returned."""
        self.step, self.vectors = arrays["step"], arrays["vectors"]
        return self


def memories(queries: Queries, vectors: F32) -> F32:
    """`float32[queries, memories x d]`: unit vectors of what each user touched, one for each of `MEMORIES`."""
    return np.concatenate([unit_rows(_decayed_sum(queries, vectors, days)) for days in MEMORIES], axis=1)


def _decayed_sum(queries: Queries, vectors: F32, half_life: float) -> F32:
    weight = np.exp2(-queries.age / half_life)
    used = weight > _FADED
    history = sp.csr_matrix(
        (weight[used].astype(np.float32), (queries.owner[used], queries.item[used])),
        shape=(len(queries), len(vectors)),
    )
    return np.asarray(history @ vectors, dtype=np.float32)


def _group_means(events: Events, start: NDArray[Any], stop: NDArray[Any], vectors: F32) -> F32:
    """Mean vector `float32[n, d]` of the items in each of the tie groups start:stop."""
    size = stop - start
    rows = np.repeat(start - np.append(0, np.cumsum(size)[:-1]), size) + np.arange(size.sum())
    item = events.item[rows]
    total = np.zeros((len(start), vectors.shape[1]), dtype=np.float32)
    held = item >= 0
    np.add.at(total, np.repeat(np.arange(len(start)), size)[held], vectors[item[held]])
    return np.asarray(total / np.maximum(1, size)[:, None], dtype=np.float32)


def behaviour_vectors(events: Events, dimension: int, seed: int) -> F32:
    """`float32[items, dimension]`: item factors of who touched what, shorter where few did; 0 below two people.

    Truncated SVD of the users x items incidence, both sides scaled by the root of their degree (Dhillon 2001,
    "Co-clustering documents and words using bipartite spectral graph partitioning").
    """
    held = events.item >= 0
    touched = sp.csr_matrix(
        (np.ones(int(held.sum()), dtype=np.float32), (events.user[held], events.item[held])),
        shape=(len(events.users), len(events.items)),
    )
    touched.data[:] = 1
    people, own = np.asarray(touched.sum(axis=0)).ravel(), np.asarray(touched.sum(axis=1)).ravel()
    scaled = sp.diags_array(np.maximum(own, 1) ** -0.5) @ touched @ sp.diags_array(np.maximum(people, 1) ** -0.5)
    size = min(dimension, *(np.array(touched.shape) - 1))
    if size < 1:
        return np.zeros((len(events.items), 0), dtype=np.float32)
    _, strength, factors = randomized_svd(scaled.astype(np.float32), size, random_state=seed)
    vectors = unit_rows(np.asarray((factors.T * strength), dtype=np.float32))
    vectors *= (people / (people + _SHRINK))[:, None]
    vectors[people < _LEAST_PEOPLE] = 0
    return vectors.astype(np.float32)
