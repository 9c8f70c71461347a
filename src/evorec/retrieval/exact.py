"""Exact top-k over a dense matrix of scores."""

import numpy as np

from evorec.core.types import F32, I64

_BLOCK = 64


def top_k(scores: F32, k: int) -> I64:
    """Rows of the `k` best scores of each query, `int64[q, k]`, best first; -1 where fewer are finite.

    Ties go to the smaller row, so equal scores always give the same list. Only the blocks that can hold a winner are
    sorted: the k-th largest block maximum is a lower bound for the k-th largest score.

    >>> top_k(np.array([[0.1, 0.9, -np.inf, 0.9]], dtype=np.float32), 4).tolist()
    [[1, 3, 0, -1]]
    """
    queries, width = scores.shape
    blocks = -(-width // _BLOCK)
    result = np.full((queries, k), -1, dtype=np.int64)
    if not width or not k:
        return result
    starts = np.arange(blocks) * _BLOCK
    maxima = np.maximum.reduceat(scores, starts, axis=1)
    place = min(k, blocks) - 1
    bound = -np.partition(-maxima, place, axis=1)[:, place]
    for q in range(queries):
        winners = np.flatnonzero(maxima[q] >= bound[q])
        rows = (winners[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
        rows = rows[rows < width]
        value = scores[q, rows]
        if len(rows) > 4 * k:
            cut = -np.partition(-value, k - 1)[k - 1]
            rows, value = rows[value >= cut], value[value >= cut]
        finite = value > -np.inf
        rows, value = rows[finite], value[finite]
        best = rows[np.lexsort((rows, -value))][:k]
        result[q, : len(best)] = best
    return result
