"""Transitions: what people take after what, counted between tie groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F64, Events, Queries
from evorec.data.dataset import Dataset
from evorec.models.base import RunOptions
from evorec.models.pairs import PairScorer, Sparse, no_pairs, strongest


@dataclass(frozen=True, kw_only=True)
class TransitionsConfig:
    """How pairs are counted, normalised and read.

    `reach`: pairs further apart than so many events (tie groups count by their middle) are left out; `distance_power`
    p weighs a pair d events apart by d^-p; `from_power`, `to_power` damp frequent items on either side (0 = counts,
    1 = probabilities); `half_life_events`: a history event so many events back counts half; `limit`: at most so many
    of a user's newest events are read; `per_item`: the strongest pairs kept per item.
    """

    reach: float = 10.0
    distance_power: float = 0.5
    from_power: float = 0.5
    to_power: float = 0.3
    half_life_events: float = 4.0
    limit: int = 50
    per_item: int = 200

    def __post_init__(self) -> None:
        if self.reach < 1 or self.limit < 1 or self.per_item < 1:
            raise InputError("reach, limit and per_item must be at least 1", mend="raise them")
        if not self.half_life_events > 0:
            raise InputError("half_life_events must be above 0", mend="give a number of events")


def group_matrix(events: Events) -> tuple[Sparse, F64, F64]:
    """Tie groups as rows: incidence `[groups, items]`, and each group's user and middle position in that user's log.

    Words without an item are left out.
    """
    has_item = events.item >= 0
    user, item = events.user[has_item], events.item[has_item]
    timestamp = events.timestamp[has_item]
    starts = np.flatnonzero(np.append(True, (np.diff(user) != 0) | (np.diff(timestamp) != 0))[: len(user)])
    size = np.diff(np.append(starts, len(user)))
    first = np.searchsorted(user, user[starts])  # the user's first row
    middle = starts - first + (size - 1) / 2
    group = np.repeat(np.arange(len(starts)), size)
    incidence = sp.csr_matrix(
        (np.ones(len(item), dtype=np.float32), (group, item)), shape=(len(starts), len(events.items))
    )
    return incidence, user[starts].astype(np.float64), middle


def pair_blocks(events: Events, *, reach: float, distance_power: float) -> Iterator[tuple[Sparse, Sparse, F64, F64]]:
    """Tie groups that follow each other, in blocks: earlier and later incidence `[n, items]`, weight and user `[n]`.

    First come the groups with themselves: where no order is known, pairs are symmetric, and a group of g items gives
    each of its items a weight of at most `reach`, so that one giant basket cannot drown the log. Then, directed, groups
    1, 2, ... places apart while their middles are within `reach` events (neighbours always), by distance^-p.
    """
    incidence, user, middle = group_matrix(events)
    size = np.asarray(incidence.sum(axis=1)).ravel()
    baskets = np.flatnonzero(size >= 2)
    # The mean distance between two random places among g is (g + 1) / 3: used for want of an order.
    inside = np.maximum(1.0, (size[baskets] + 1) / 3) ** -distance_power
    inside *= np.minimum(1.0, reach / (size[baskets] - 1))
    inner = incidence[baskets]
    yield inner, inner, inside, user[baskets]
    lag = 1
    while lag < len(user):
        distance = middle[lag:] - middle[:-lag]
        near = (user[lag:] == user[:-lag]) & ((distance <= reach) | (lag == 1))
        if not near.any():
            break
        early, late = np.flatnonzero(near), np.flatnonzero(near) + lag
        mass = np.minimum(1.0, reach / np.sqrt(size[early] * size[late]))
        yield incidence[early], incidence[late], np.maximum(1.0, distance[near]) ** -distance_power * mass, user[early]
        lag += 1


def count_transitions(events: Events, *, reach: float, distance_power: float) -> Sparse:
    """`float32[items, items]` weighted counts of the pairs in `pair_blocks`, row = from, column = to."""
    total = no_pairs(len(events.items))
    for early, late, weight, _ in pair_blocks(events, reach=reach, distance_power=distance_power):
        total = total + _joined(early, late, weight.astype(np.float32))
    return total.tocsr()


def one_person_pairs(events: Events, *, reach: float) -> Sparse:
    """`bool[items, items]`: pairs that `count_transitions` counted for one user alone.

    A mark per user is summed over each pair, and so is its square: the sums obey n x squares = sum^2 exactly where all
    marks are equal. Marks repeat after 1,009 users, so that one in a thousand pairs of two people is taken for one
    person's: the safe side.
    """
    sums = [no_pairs(len(events.items)).astype(np.int64) for _ in range(3)]
    for early, late, _, user in pair_blocks(events, reach=reach, distance_power=0.0):
        mark = 1 + user.astype(np.int64) % 1009
        sums = [total + _joined(early, late, mark**power) for power, total in enumerate(sums)]
    count, total, squares = sums
    several = count.multiply(squares) - total.multiply(total) > 0
    return (count - count.multiply(several)) > 0


def _joined(early: Sparse, late: Sparse, weight: NDArray[Any]) -> Sparse:
    """Weighted pairs of an item in a row of `early` with one in the same row of `late`, in the type of `weight`."""
    scale = sp.diags(weight, dtype=weight.dtype)
    pairs = (early.astype(weight.dtype).T @ (scale @ late.astype(weight.dtype))).tocsr()
    if early is late:  # inside one group an item is no step from itself
        pairs.setdiag(0)
    pairs.eliminate_zeros()
    return pairs


def history_weights(queries: Queries, *, half_life_events: float, limit: int) -> F64:
    """`float64[m]`: how much each history event counts, by its age in events; 0 beyond the newest `limit`."""
    return np.where(queries.among_latest(limit), np.exp2(-queries.age / half_life_events), 0.0)


class Transitions(PairScorer):
    """Evidence for item j: how often people went from the user's recent items to j.

    log(1 + x / x0), where x adds the normalised transition weights from the history, recent events counting more, and
    x0 is a tenth of a typical x, fixed in `fit`. A pair that one user alone backs is one person's path: it
    helps sparse logs much, and it is kept apart, as personal data.

    >>> from evorec.core.types import Queries
    >>> log = Events.create(user_ids=list("aabbcc"), item_ids=["tent", "map"] * 3, timestamps=[1, 2] * 3)
    >>> model = Transitions().fit(Dataset.create(log), RunOptions())
    >>> start, end = log.items.encode(["tent", "map"])
    >>> bool(model.weights[start, end] > 0), bool(model.weights[end, start] > 0)
    (True, False)
    """

    def __init__(self, config: TransitionsConfig | None = None, *, name: str = "transitions") -> None:
        super().__init__(name)
        self.config = config or TransitionsConfig()

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Count, damp frequent items on both sides, keep the strongest pairs."""
        config, events = self.config, dataset.events
        counts = count_transitions(events, reach=config.reach, distance_power=config.distance_power)
        outgoing, incoming = (np.asarray(counts.sum(axis=axis)).ravel() for axis in (1, 0))
        damp_from = sp.diags((np.maximum(outgoing, 1e-9) ** -config.from_power).astype(np.float32))
        damp_to = sp.diags((np.maximum(incoming, 1e-9) ** -config.to_power).astype(np.float32))
        weights = strongest((damp_from @ counts @ damp_to).tocsr(), config.per_item)
        self.unit = 0.1 * float(np.median(weights.data)) if weights.nnz else 1.0
        return self._take(weights, log=events)

    def _counts_for(self, queries: Queries) -> F64:
        return history_weights(queries, half_life_events=self.config.half_life_events, limit=self.config.limit)

    def _rests_on_one(self, log: Events) -> Sparse:
        return self.weights.multiply(one_person_pairs(log, reach=self.config.reach))
