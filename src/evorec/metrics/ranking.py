"""Accuracy of ranked lists: NDCG, recall, MRR and hit rate, one value per query."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.types import F64, I64, Bool


def hits(top: NDArray[Any], offsets: I64, relevant: NDArray[Any]) -> Bool:
    """Where a list hits: `bool[q, k]` for lists `top int[q, k]` of item codes, -1 where a list is shorter.

    The relevant items of query q are `relevant[offsets[q]:offsets[q + 1]]`, distinct.

    >>> hits(np.array([[3, 1, 2], [1, 0, -1]]), np.array([0, 2, 3]), np.array([2, 3, 0])).tolist()
    [[True, False, True], [False, True, False]]
    """
    span = 1 + max(int(top.max(initial=-1)), int(relevant.max(initial=-1)))
    row = np.arange(len(top), dtype=np.int64)
    keys = np.repeat(row, np.diff(offsets)) * span + relevant
    return np.isin(row[:, None] * span + top, keys) & (top >= 0)


def _discount(k: int) -> F64:
    return np.asarray(1 / np.log2(np.arange(2, k + 2)), dtype=np.float64)


def ndcg(hit: Bool, relevant: I64) -> F64:
    """Binary NDCG@k, `float64[q]` in [0, 1]: `hit bool[q, k]`, `relevant int64[q]` items each (at least 1).

    The ideal has min(k, relevant) hits at the front. Järvelin and Kekäläinen, TOIS 2002.

    >>> ndcg(np.array([[True, False, True]]), np.array([2])).round(4).tolist()  # 1.5 / (1 + 1 / log2(3))
    [0.9197]
    """
    discount = _discount(hit.shape[1])
    ideal = np.cumsum(discount)[np.minimum(hit.shape[1], relevant) - 1]
    return np.asarray((hit * discount).sum(axis=1) / ideal, dtype=np.float64)


def recall(hit: Bool, relevant: I64) -> F64:
    """Recall@k, `float64[q]`: hits over min(k, relevant), so that a perfect list always reaches 1.

    >>> recall(np.array([[True, False, True]]), np.array([5])).round(4).tolist()
    [0.6667]
    """
    return np.asarray(hit.sum(axis=1) / np.minimum(hit.shape[1], relevant), dtype=np.float64)


def reciprocal_rank(hit: Bool) -> F64:
    """One over the rank of the first hit, 0 without one: `float64[q]`; its mean is MRR@k.

    >>> reciprocal_rank(np.array([[False, True, True], [False, False, False]])).tolist()
    [0.5, 0.0]
    """
    return np.asarray(hit.any(axis=1) / (hit.argmax(axis=1) + 1), dtype=np.float64)


def hit_rate(hit: Bool) -> F64:
    """1 where a list has any hit, else 0: `float64[q]`.

    >>> hit_rate(np.array([[False, True], [False, False]])).tolist()
    [1.0, 0.0]
    """
    return np.asarray(hit.any(axis=1), dtype=np.float64)


def debiased_ndcg(hit: Bool, offsets: I64, gain: F64, top_gain: F64) -> tuple[F64, F64]:
    """NDCG@k where an item is worth `gain`: value and weight per query, both `float64[q]`.

    `gain float64[m]` belongs to the relevant items (laid out by `offsets`), `top_gain float64[q, k]` to the listed
    ones; see `inverse_propensity`. The value is DCG over the ideal DCG, and the weight is that ideal: the mean over
    queries is the weighted one, sum(weight * value) / sum(weight), the self-normalised estimator of Yang et al.,
    RecSys 2018 ("Unbiased offline recommender evaluation for missing-not-at-random implicit feedback"). With equal
    gains the value is `ndcg`.

    >>> value, weight = debiased_ndcg(np.array([[True], [False]]), np.array([0, 1, 2]), np.array([1.0, 3.0]),
    ...                               np.array([[1.0], [1.0]]))
    >>> value.tolist(), weight.tolist()  # the rare item, worth three times as much, was missed
    ([1.0, 0.0], [1.0, 3.0])
    """
    k = hit.shape[1]
    discount = _discount(k)
    owner = np.repeat(np.arange(len(hit)), np.diff(offsets))
    order = np.lexsort((-gain, owner))
    place = np.arange(len(gain)) - offsets[:-1][owner]
    front = place < k
    ideal = np.bincount(owner[front], weights=gain[order][front] * discount[place[front]], minlength=len(hit))
    found = (np.where(hit, top_gain, 0.0) * discount).sum(axis=1)
    return np.asarray(found / ideal, dtype=np.float64), ideal.astype(np.float64)


def inverse_propensity(counts: NDArray[Any], power: float = 0.5) -> F64:
    """What finding an item is worth: (its training events)^-power, `float64[items]`; cold items count as 1 event.

    Popular items are seen, and so taken, more often than they are liked. `power` 0 leaves that bias in, 1 takes
    the chance to be seen as proportional to the count.

    >>> inverse_propensity(np.array([4, 1, 0])).tolist()
    [0.5, 1.0, 1.0]
    """
    return np.asarray(np.power(np.maximum(counts, 1).astype(np.float64), -power), dtype=np.float64)
