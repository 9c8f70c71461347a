"""Diversity: trade relevance against likeness inside one list."""

import numpy as np

from evorec.core.types import F32, F64, I64


def diversify(scores: F64, vectors: F32, k: int, weight: float) -> I64:
    """Positions `int64[k]` of a list chosen by maximal marginal relevance.

    `scores float64[m]` best first, `vectors float32[m, d]` unit rows, `weight` from 0 (relevance alone) to 1
    (unlikeness alone). Each step takes the item with the highest (1 - weight) x relevance - weight x its largest cosine
    with the items already taken; relevance is `scores` scaled to [0, 1]. Carbonell and Goldstein (1998), "The
    use of MMR, diversity-based reranking for reordering documents and producing summaries".

    >>> twins = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    >>> [diversify(np.array([3.0, 2.9, 1.0]), twins, 2, weight).tolist() for weight in (0.0, 0.6)]
    [[0, 1], [0, 2]]
    """
    low, high = float(scores.min(initial=np.inf)), float(scores.max(initial=-np.inf))
    relevance = (scores - low) / (high - low) if high > low else np.ones(len(scores))
    likeness = np.zeros(len(scores))
    free = np.ones(len(scores), dtype=np.bool_)
    taken: list[int] = []
    for _ in range(min(k, len(scores))):
        gain = np.where(free, (1 - weight) * relevance - weight * likeness, -np.inf)
        best = int(gain.argmax())
        taken.append(best)
        free[best] = False
        likeness = np.maximum(likeness, vectors @ vectors[best])
    return np.asarray(taken, dtype=np.int64)
