"""Weights between pairs of items: sparse matrices, row = from, column = to; how they score, and how they are kept."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from evorec.core.types import F32, F64, Bool, Events, Queries
from evorec.models.base import Arrays, Items, known_pairs, shares_per_query

Sparse = Any  # a scipy.sparse.csr_matrix: what its operators return is wider than any annotation that fits


def no_pairs(size: int) -> Sparse:
    """`float32[size, size]` without any weight."""
    nothing = np.zeros(0, dtype=np.int32)
    return sp.csr_matrix((np.zeros(0, dtype=np.float32), (nothing, nothing)), shape=(size, size))


def strongest(matrix: Sparse, per_row: int) -> Sparse:
    """Only the `per_row` largest entries of each row; ties go to the smaller column.

    >>> strongest(sp.csr_matrix([[3.0, 1.0, 2.0]]), 2).toarray().tolist()
    [[3.0, 0.0, 2.0]]
    """
    length = np.diff(matrix.indptr)
    row = np.repeat(np.arange(matrix.shape[0]), length)
    kept = np.ones(matrix.nnz, dtype=np.bool_)
    crowded = np.flatnonzero(length[row] > per_row)  # most rows are short, and need no sorting
    order = crowded[np.lexsort((matrix.indices[crowded], -matrix.data[crowded], row[crowded]))]
    first = np.searchsorted(row[order], row[order])
    kept[order] = np.arange(len(order)) - first < per_row
    return sp.csr_matrix((matrix.data[kept], (row[kept], matrix.indices[kept])), shape=matrix.shape)


def packed(matrix: Sparse) -> dict[str, NDArray[Any]]:
    """The arrays of a square matrix, for saving."""
    return {
        "data": matrix.data.astype(np.float32),
        "indices": matrix.indices.astype(np.int32),
        "indptr": matrix.indptr.astype(np.int64),
    }


def unpacked(arrays: Arrays) -> Sparse:
    """The matrix that `packed` gave."""
    size = len(arrays["indptr"]) - 1
    return sp.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(size, size))


class PairScorer(ABC):
    """Evidence log(1 + x / x0) for item j, where x adds the weights from each history event to j.

    x0 (`unit`) is a typical x, fixed in `fit`; x below 0 counts as 0. Which weights there are, how much an event of a
    history counts, and which weights rest on one person alone (those are kept apart, as personal data) is for
    subclasses to say.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.weights: Sparse = no_pairs(0)  # float32[items, items], row = from, column = to
        self.unit = 1.0
        self._log: Events | None = None

    @abstractmethod
    def _counts_for(self, queries: Queries) -> F64:
        """`float64[m]`: how much each history event counts."""

    @abstractmethod
    def _rests_on_one(self, log: Events) -> Sparse:
        """The part of `weights` that one person alone backs in `log`."""

    def _take(self, weights: Sparse, *, log: Events | None = None) -> Self:
        self.weights, self._log = weights, log
        for derived in ("private", "_reachable"):
            self.__dict__.pop(derived, None)
        return self

    @cached_property
    def private(self) -> Sparse:
        """The part of `weights` that rests on one person each; worked out when first asked for, that is on saving."""
        if self._log is None:
            return no_pairs(self.weights.shape[0])
        private = self._rests_on_one(self._log).tocsr()
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

    def _weights(self, queries: Queries) -> F64:
        return np.where(queries.item < self.weights.shape[0], self._counts_for(queries), 0.0)  # newer items: no row

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
