"""What users say: how words move a ranking toward the items that lie near them."""

from dataclasses import replace
from typing import Final

import numpy as np

from evorec.core.types import F32, F64, Bool, Queries, Remarks
from evorec.encoders.base import unit_rows
from evorec.models.base import Items
from evorec.models.blend import Blend
from evorec.models.content import newer_than_remarks

STRENGTH: Final = 1.0  # standard deviations of a list's own scores that one of nearness to the words is worth
_ASIDE: Final = 0.25  # how much content counts beside topics that words name
_HALF_LIFE: Final = 2.0  # after so many events and further words a wish counts half
_FADED: Final = 0.05  # wishes that count less are none any more


def wishes(queries: Queries) -> F64:
    """`float64[r]`: how much each remark counts as a wish; 0 where it is none.

    Words said alone wish for something, until events or other words follow. Words said with an event (a review) tell of
    its item, and what speaks against something wishes for nothing.
    """
    said = queries.remarks
    if said is None:
        return np.zeros(0)
    force: F64 = said.weight.astype(np.float64) * np.exp2(-newer_than_remarks(queries) / _HALF_LIFE)
    force[force < _FADED] = 0
    for q in np.unique(said.owner[force > 0]):
        touched = queries.timestamp[queries.offsets[q] : queries.offsets[q + 1]]
        rows = np.arange(said.offsets[q], said.offsets[q + 1])
        force[rows[np.isin(said.timestamp[rows], touched)]] = 0
    return force


def unsaid(queries: Queries) -> Queries:
    """The same queries without their wishes; `queries` itself where there are none."""
    force, said = wishes(queries), queries.remarks
    if said is None or not force.any():
        return queries
    keep = force == 0
    rest = Remarks(
        offsets=np.concatenate([[0], np.cumsum(keep)])[said.offsets],
        embedding=said.embedding[keep],
        topics=said.topics[keep],
        weight=said.weight[keep],
        timestamp=said.timestamp[keep],
    )
    return replace(queries, remarks=rest if keep.any() else None)


def ranking(blend: Blend, queries: Queries, items: Items) -> F32:
    """`float32[queries, items]`: what an engine ranks by, the blend and what users wish for in words."""
    score, _ = blend.score(queries, items)
    return score if queries.remarks is None else score + steer(score, queries, items)


def steer(score: F32, queries: Queries, items: Items) -> F32:
    """What wishes add to `score float32[queries, items]`; 0 for queries without any.

    `STRENGTH` x spread x force x nearness: the spread is the standard deviation of the query's own scores, so that
    words weigh the same beside evidence of any size; the force is that of `wishes`, at most 1 together; the nearness is
    the mean over the wishes of the cosine between each item and what was said, in standard deviations over all items
    (content; where words name categories, these, and a quarter of content). Items without content stand at 0 cosine.

    >>> from evorec.core.ids import Vocabulary
    >>> table = Items(ids=Vocabulary(("tent", "stove", "novel")), topics=np.zeros((3, 0), np.float32),
    ...               embedding=np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32), first_seen=np.zeros(3, np.int64))
    >>> a_book = Remarks(offsets=np.array([0, 1]), embedding=np.array([[0, 1]], np.float32), timestamp=np.array([5]),
    ...                  topics=np.zeros((1, 0), np.float32), weight=np.ones(1, np.float32))
    >>> asks = Queries(offsets=np.array([0, 0]), item=np.zeros(0, np.int32), timestamp=np.zeros(0, np.int64),
    ...                as_of=np.array([9]), remarks=a_book)
    >>> popular = np.array([[0.9, 0.8, 0.7]], np.float32)
    >>> steer(popular, asks, table).astype(float).round(2).tolist()
    [[-0.11, 0.01, 0.09]]
    """
    added, force, said = np.zeros_like(score), wishes(queries), queries.remarks
    wish = force > 0
    if said is None or not wish.any():
        return added
    owner, first = np.unique(said.owner[wish], return_inverse=True)
    total = np.bincount(first, weights=force[wish])
    near = _nearness(said.embedding[wish], said.topics[wish], items.embedding, items.unit_topics)
    share = (force[wish] / np.maximum(1.0, total)[first]).astype(np.float32)
    np.add.at(added, owner[first], share[:, None] * near)
    added *= np.float32(STRENGTH) * score.std(axis=1, keepdims=True)
    return added


def nearness_of_each(query: Queries, items: Items, row: int) -> F64:
    """`float64[r]`: how much each remark of the one user of `query` adds to item `row`, up to a common factor."""
    force, said = wishes(query), query.remarks
    wish = force > 0
    each = np.zeros(len(force))
    if said is not None and wish.any():
        near = _nearness(said.embedding[wish], said.topics[wish], items.embedding, items.unit_topics)
        each[wish] = force[wish] * near[:, row]
    return each


def _nearness(embedding: F32, topics: F32, items: F32, item_topics: F32) -> F32:
    """`float32[wishes, items]`: by content; where words are certain of their topics, by these, and content aside."""
    near = _in_deviations(embedding @ items.T)
    named = _certain(topics)
    near[named] = _in_deviations(unit_rows(topics[named]) @ item_topics.T) + np.float32(_ASIDE) * near[named]
    return near


def _in_deviations(x: F32) -> F32:
    deviation = x.std(axis=1, keepdims=True)
    return np.asarray((x - x.mean(axis=1, keepdims=True)) / np.where(deviation > 1e-6, deviation, 1), dtype=np.float32)


def _certain(topics: F32) -> Bool:
    """`bool[wishes]`: whose topics are equal parts of a few, as where words name categories; others are mixtures."""
    most = topics.max(axis=1, keepdims=True, initial=0)
    return np.asarray(((topics == most) | (topics == 0)).all(axis=1) & (most[:, 0] > 0))
