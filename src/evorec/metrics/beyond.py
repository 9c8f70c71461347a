"""Beyond accuracy: coverage, novelty, personalisation and intra-list diversity of recommendation lists."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.types import F64

_ROWS = 4096  # lists per block, so that the gathered vectors stay small


def coverage(top: NDArray[Any], candidates: int) -> float:
    """Share of the `candidates` items that stand in at least one list of `top int[q, k]` (-1: no item).

    >>> coverage(np.array([[0, 1], [1, -1]]), 4)
    0.5
    """
    return len(np.unique(top[top >= 0])) / candidates


def novelty(top: NDArray[Any], counts: NDArray[Any]) -> F64:
    """Mean self-information of the listed items in bits, `float64[q]`; NaN for an empty list.

    -log2 of an item's share of all training events `counts[items]`; an item without events counts as one event.
    Zhou et al., PNAS 2010.

    >>> novelty(np.array([[0, 1]]), np.array([2, 1, 1])).tolist()  # 1 bit and 2 bits
    [1.5]
    """
    bits = np.log2(max(1, int(counts.sum()))) - np.log2(np.maximum(counts, 1))
    listed = top >= 0
    size = listed.sum(axis=1)
    total = np.where(listed, bits[top], 0.0).sum(axis=1)
    return np.where(size > 0, total / np.maximum(size, 1), np.nan)


def personalisation(top: NDArray[Any]) -> float:
    """1 - mean overlap of two lists: 0 where everybody gets the same items, 1 where no two lists share one.

    Give one list per user. Exact over all pairs, without forming them: an item in c lists is shared by c (c - 1) / 2
    pairs. The overlap of a pair is its shared items over the longest list's length; NaN for fewer than two lists.

    >>> personalisation(np.array([[0, 1], [0, 2]]))
    0.5
    """
    listed = top >= 0
    size = int(listed.sum(axis=1).max(initial=0))
    if len(top) < 2 or not size:
        return float("nan")
    appearances = np.bincount(top[listed]).astype(np.float64)
    pairs = len(top) * (len(top) - 1)
    return 1 - float((appearances * (appearances - 1)).sum()) / (pairs * size)


def intra_list_diversity(top: NDArray[Any], vectors: NDArray[Any]) -> F64:
    """1 - mean cosine over the pairs inside each list, `float64[q]`, from item `vectors [items, d]`.

    Items with a zero vector (nothing known) are left out; NaN where fewer than two remain. Ziegler et al., WWW 2005.

    >>> intra_list_diversity(np.array([[0, 1], [0, 2]]), np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])).tolist()
    [0.0, 1.0]
    """
    length = np.linalg.norm(vectors, axis=1)
    out = np.full(len(top), np.nan)
    for start in range(0, len(top), _ROWS):
        block = top[start : start + _ROWS]
        known = (block >= 0) & (length[block] > 0)
        scale = np.where(known, 1 / np.where(known, length[block], 1), 0.0)
        total = np.einsum("qkd,qk->qd", vectors[block], scale)
        size = known.sum(axis=1)
        # |sum of unit vectors|^2 = size + 2 * (sum of the cosines of all pairs)
        cosines = (np.square(total).sum(axis=1) - size) / np.maximum(size * (size - 1), 1)
        out[start : start + _ROWS] = np.where(size > 1, 1 - cosines, np.nan)
    return out
