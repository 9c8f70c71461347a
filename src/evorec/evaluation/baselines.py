"""The two baselines of the pinned protocol, as score functions. They stand beside every model and never change."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from evorec.core.types import DAY, F64, Events, Queries
from evorec.evaluation.protocol import ScoreFunction

_REACH = 10  # pairs at most so many events apart
_MEMORY = 50  # events of a history that are read


def popularity(train: Events, days: int | None = None) -> ScoreFunction:
    """Events of each item in the last `days` of `train`, or in all of it; the same for everybody.

    >>> log = Events.create(user_ids="abc", item_ids="xxy", timestamps=[0, 0, 9 * DAY])
    >>> nobody = Queries(offsets=np.array([0, 0]), item=np.zeros(0, np.int32), timestamp=np.zeros(0, np.int64),
    ...                  as_of=np.array([10 * DAY]))
    >>> popularity(log)(nobody).tolist(), popularity(log, 7)(nobody).tolist()
    ([[2.0, 1.0]], [[0.0, 1.0]])
    """
    counted = train.item >= 0
    if days is not None:
        counted &= train.timestamp > train.newest - days * DAY
    counts = np.bincount(train.item[counted], minlength=len(train.items)).astype(np.float64)

    def score(queries: Queries) -> F64:
        return np.broadcast_to(counts, (len(queries), len(counts)))

    return score


def transitions(train: Events, *, rows: float = 0.5, cols: float = 0.3, decay: float = 0.9) -> ScoreFunction:
    """What follows what: the newest 50 events of a history, each counting `decay` of the next newer, times the
    transition counts with their row sums damped by `rows` and their column sums by `cols`.

    The order of events inside a tie group follows the item id here, as the pinned reference has it; a model must not.

    >>> log = Events.create(user_ids="aabb", item_ids="xyxy", timestamps=[1, 2, 3, 4])
    >>> asked = Queries(offsets=np.array([0, 1]), item=np.array([0], np.int32), timestamp=np.array([5]),
    ...                 as_of=np.array([6]))
    >>> bool(transitions(log)(asked)[0].argmax() == log.items.code("y"))
    True
    """
    counts = _pair_counts(train)
    matrix = (_damping(counts.sum(axis=1), rows) @ counts @ _damping(counts.sum(axis=0), cols)).tocsr()

    def score(queries: Queries) -> F64:
        newer = queries.offsets[1:][queries.owner] - 1 - np.arange(len(queries.item))
        read = newer < _MEMORY
        histories = sp.csr_matrix(
            (decay ** newer[read].astype(np.float64), (queries.owner[read], queries.item[read])),
            shape=(len(queries), matrix.shape[0]),
        )
        return np.asarray((histories @ matrix).toarray(), dtype=np.float64)

    return score


def _pair_counts(train: Events) -> Any:
    """`float64[items, items]` sparse, row = from, column = to: a pair d events apart counts d^-0.5.

    Pairs of one tie group count both ways.
    """
    has_item = train.item >= 0
    user, item, timestamp = train.user[has_item], train.item[has_item], train.timestamp[has_item]
    shape = (len(train.items), len(train.items))
    total = sp.csr_matrix(shape, dtype=np.float64)
    for lag in range(1, min(_REACH, len(user) - 1) + 1):
        near = np.flatnonzero(user[lag:] == user[:-lag])
        tied = near[timestamp[near + lag] == timestamp[near]]
        source = np.concatenate([item[near], item[tied + lag]])
        target = np.concatenate([item[near + lag], item[tied]])
        total = total + sp.csr_matrix((np.full(len(source), lag**-0.5), (source, target)), shape=shape)
    return total


def _damping(sums: NDArray[Any], power: float) -> Any:
    return sp.diags_array(np.maximum(np.asarray(sums).ravel(), 1e-9) ** -power)
