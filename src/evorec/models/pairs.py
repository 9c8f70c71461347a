"""Weights between pairs of items: sparse matrices, row = from, column = to, and how they are kept."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from evorec.models.base import Arrays

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
