"""Taste: which items go together in whole histories, by a ridge regression for every item."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from evorec.core.errors import InputError
from evorec.core.types import F32, F64, Bool, Events, Queries
from evorec.data.dataset import Dataset
from evorec.models.base import Arrays, Items, RunOptions, known_pairs, shares_per_query
from evorec.models.pairs import Sparse, no_pairs, packed, unpacked

_FADED: Final = 1e-3  # older events than this is left of could not change a rank
_LEAST_PEOPLE: Final = 2  # behind a pair: what one person alone touched is not the model's to keep


@dataclass(frozen=True, kw_only=True)
class TasteConfig:
    """What the regressions are given, and how a history is read.

    `neighbours`: an item is explained by at most so many others; `ridge` pulls weights toward 0, in units of the mean
    diagonal of the gram matrix; `half_life_events`: a history event so many events back counts half; `limit`: at most
    so many of a user's newest events are learned from and read.
    """

    neighbours: int = 100
    ridge: float = 5.0
    half_life_events: float = 30.0
    limit: int = 1000

    def __post_init__(self) -> None:
        if self.neighbours < 1 or self.limit < 1:
            raise InputError("neighbours and limit must be at least 1", mend="raise them")
        if not self.ridge > 0 or not self.half_life_events > 0:
            raise InputError("ridge and half_life_events must be above 0", mend="raise them")


def incidence(events: Events, *, limit: int) -> Sparse:
    """`float32[users, items]`: the strongest weight with which each user touched each item, among the newest `limit`.

    An event without a weight has 1; what speaks against an item counts 0.
    """
    everybody = np.arange(len(events.users), dtype=np.int32)
    told = events.queries(everybody, np.full(len(everybody), events.newest + 1 if len(events) else 0))
    weight = _event_weights(told) * told.among_latest(limit)
    shape = (len(events.users), len(events.items))
    pair, place = np.unique(told.owner * shape[1] + told.item, return_inverse=True)
    strongest = np.zeros(len(pair), dtype=np.float32)
    np.maximum.at(strongest, place, weight.astype(np.float32))
    touched = sp.csr_matrix((strongest, (pair // max(1, shape[1]), pair % max(1, shape[1]))), shape=shape)
    touched.eliminate_zeros()
    return touched


def gram_matrix(touched: Sparse) -> Sparse:
    """`float32[items, items]`: how much items share users, every user counting alike however long the history."""
    length = np.asarray(touched.multiply(touched).sum(axis=1)).ravel()
    scaled = sp.diags((np.maximum(length, 1e-9) ** -0.5).astype(np.float32)) @ touched
    gram = (scaled.T @ scaled).tocsr()
    gram.sort_indices()
    return gram


def explained_by_neighbours(gram: Sparse, *, neighbours: int, ridge: float) -> Sparse:
    """Weights `float32[items, items]`, row = from, column = to: each item regressed on the others it shares users with.

    For item j with its `neighbours` nearest N (by cosine) the column solves (G_NN + ridge g Id) w = G_Nj, where g is
    the mean diagonal of G = `gram`. With every other item in N that is EASE (Steck 2019, "Embarrassingly shallow
    autoencoders for sparse data"); over neighbours it is the sparse approximation of Steck (2019), "Markov random
    fields for collaborative filtering": no inverse of all items at once, and no weight between two items that nobody
    shares.

    >>> gram = sp.csr_matrix(np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 2.0]]))
    >>> explained_by_neighbours(gram, neighbours=2, ridge=1.0).toarray().tolist()
    [[0.0, 0.25, 0.0], [0.25, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    size, diagonal = gram.shape[0], gram.diagonal()
    if not diagonal.any():
        return no_pairs(size)
    lift = ridge * float(diagonal[diagonal > 0].mean())
    damp = np.maximum(diagonal, 1e-9) ** -0.5
    rows, columns, weights = [], [], []
    for item in range(size):
        span = slice(gram.indptr[item], gram.indptr[item + 1])
        near, shared = gram.indices[span], gram.data[span]
        other = near != item
        near, shared = near[other], shared[other]
        if not len(near):
            continue
        if len(near) > neighbours:
            nearest = np.sort(np.argsort(-shared * damp[near], kind="stable")[:neighbours])
            near, shared = near[nearest], shared[nearest]
        block = gram[near][:, near].toarray()
        block[np.diag_indices(len(near))] += lift
        factor = cho_factor(block, lower=True, overwrite_a=True, check_finite=False)
        rows.append(near)
        columns.append(np.full(len(near), item))
        weights.append(cho_solve(factor, shared, check_finite=False))
    if not rows:
        return no_pairs(size)
    place = (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_matrix((np.concatenate(weights).astype(np.float32), place), shape=gram.shape)


def _event_weights(queries: Queries) -> F64:
    """`float64[m]`: how strongly each history event speaks for its item; what speaks against it counts 0."""
    return np.ones(len(queries.item)) if queries.weight is None else np.maximum(queries.weight, 0).astype(np.float64)


class Taste:
    """Evidence for item j: how much the whole history of a user makes j expected, whatever the order.

    log(1 + x / x0), where x adds the weights from each history event to j and x0 is a typical weight, fixed in `fit`;
    x below 0 counts as 0. Long-term collaborative filtering: transitions say what comes next, taste what belongs to the
    same person. Weights between two items that one user alone shares are kept apart, as personal data.

    >>> rng = np.random.default_rng(0)
    >>> crowd = rng.integers(0, 3, 300).repeat(6)  # three crowds, each with ten items of its own
    >>> item = 10 * crowd + rng.integers(0, 10, 1800)
    >>> log = Events.create(user_ids=np.repeat(np.arange(300), 6).astype(str), timestamps=list(range(1800)),
    ...                     item_ids=[f"{k:02d}" for k in item])
    >>> scorer = Taste().fit(Dataset.create(log), RunOptions())
    >>> table = Items(ids=log.items, embedding=np.zeros((30, 0), np.float32), topics=np.zeros((30, 0), np.float32),
    ...               first_seen=np.zeros(30, np.int64))
    >>> someone = Queries(offsets=np.array([0, 2]), item=np.array([12, 17], np.int32), timestamp=np.array([1, 2]),
    ...                   as_of=np.array([3]))
    >>> sorted(np.argsort(-scorer.score(someone, table)[0][0])[:10].tolist()) == list(range(10, 20))
    True
    """

    def __init__(self, config: TasteConfig | None = None, *, name: str = "taste") -> None:
        self.config = config or TasteConfig()
        self.name = name
        self.weights: Sparse = no_pairs(0)  # float32[items, items], row = from, column = to
        self.unit = 1.0
        self._log: Events | None = None

    @cached_property
    def private(self) -> Sparse:
        """The part of `weights` that rests on one person each; worked out when first asked for, that is on saving."""
        if self._log is None:
            return no_pairs(self.weights.shape[0])
        touched = incidence(self._log, limit=self.config.limit)
        touched.data[:] = 1
        several = (touched.T @ touched) >= _LEAST_PEOPLE
        private = (self.weights - self.weights.multiply(several)).tocsr()
        private.eliminate_zeros()
        return private

    @property
    def shared(self) -> Sparse:
        """The part of `weights` that at least two people back."""
        shared = (self.weights - self.private).tocsr()
        shared.eliminate_zeros()
        return shared

    @cached_property
    def _reachable(self) -> Bool:
        """`bool[items]`: items that some weight leads to."""
        return np.bincount(self.weights.indices, minlength=self.weights.shape[1]) > 0

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """One small regression per item."""
        config, events = self.config, dataset.events
        gram = gram_matrix(incidence(events, limit=config.limit))
        weights = explained_by_neighbours(gram, neighbours=config.neighbours, ridge=config.ridge)
        positive = weights.data[weights.data > 0]
        self.unit = float(np.median(positive)) if len(positive) else 1.0
        return self._take(weights, log=events)

    def _take(self, weights: Sparse, *, log: Events | None = None) -> Self:
        self.weights, self._log = weights, log
        for derived in ("private", "_reachable"):
            self.__dict__.pop(derived, None)
        return self

    def _weights(self, queries: Queries) -> F64:
        weight = _event_weights(queries) * np.exp2(-queries.age / self.config.half_life_events)
        weight *= queries.among_latest(self.config.limit)
        # Items newer than the model have no row.
        return np.where((weight > _FADED) & (queries.item < self.weights.shape[0]), weight, 0.0)

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """Zero is evidence of absence where both sides have weights; other pairs are unknown."""
        weight, width = self._weights(queries), self.weights.shape[0]
        used = weight > 0
        history = sp.csr_matrix(
            (weight[used].astype(np.float32), (queries.owner[used], queries.item[used])), shape=(len(queries), width)
        )
        reached = (history @ self.weights).tocsr()
        reached.data = np.log1p(np.maximum(reached.data, 0) / np.float32(self.unit))
        reached.resize((len(queries), len(items)))
        reachable = np.zeros(len(items), dtype=np.bool_)
        reachable[:width] = self._reachable
        return reached.toarray(), known_pairs(np.diff(reached.indptr) > 0, reachable)

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        """Each history event's share of x for item `row`; exact, since x is a sum over events."""
        column = np.zeros(len(items))
        if row < self.weights.shape[1]:
            entries = self.weights[:, [row]].tocoo()
            column[entries.row] = entries.data
        return shares_per_query(queries, self._weights(queries) * column[queries.item])

    def arrays(self) -> Arrays:
        """The weights that at least two users back, and the unit x0."""
        return {**packed(self.shared), "unit": np.array([self.unit])}

    def restore(self, arrays: Arrays) -> Self:
        """Take over what `arrays` gave; private weights are empty until `restore_personal`."""
        self.unit = float(arrays["unit"][0])
        return self._take(unpacked(arrays))

    def personal(self) -> Arrays:
        """The weights that rest on one person."""
        return packed(self.private)

    def restore_personal(self, arrays: Arrays) -> Self:
        """Take over what `personal` gave."""
        private = unpacked(arrays)
        self._take((self.weights + private).tocsr())
        self.__dict__["private"] = private
        return self
