"""Interest match: cosine between a user's interest vector I_u and an item's content vector C_i."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from evorec.core.errors import InputError
from evorec.core.types import DAY, F32, F64, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.encoders.base import unit_rows
from evorec.interests.state import batch_evidence
from evorec.models.base import Arrays, Items, RunOptions, known_pairs, shares_per_query


@dataclass(frozen=True, kw_only=True)
class InterestMatchConfig:
    """`half_life_days`: after so many days an event counts half in the interest vector."""

    half_life_days: float = 60.0

    def __post_init__(self) -> None:
        if not self.half_life_days > 0:
            raise InputError("half_life_days must be above 0", mend="give a number of days")


def interests(queries: Queries, items: Items, *, half_life_days: float) -> F32:
    """`float32[queries, topics]` decayed evidence m of each user just after the newest event or remark.

    From there to `as_of` all topics fade alike, so for shares and cosines the moment makes no difference; but after a
    long silence nothing would be left of a float.
    """
    fresh = queries.newest + 1
    evidence = batch_evidence(
        offsets=queries.offsets,
        membership=items.topics[queries.item],
        timestamps=queries.timestamp,
        as_of=fresh,
        half_life_days=half_life_days,
        weights=queries.weight,
    )
    said = queries.remarks
    if said is None:
        return evidence
    return evidence + batch_evidence(
        offsets=said.offsets,
        membership=said.topics,
        timestamps=said.timestamp,
        as_of=fresh,
        half_life_days=half_life_days,
        weights=said.weight,
    )


class InterestMatch:
    """cos(I_u, C_i) = I_u . C_i / (|I_u| |C_i|) in topic space.

    The cosine does not see the length of I_u, so shares and raw evidence give the same answer. Items without topics and
    users without interests are unknown.

    >>> from evorec.core.ids import Vocabulary
    >>> table = Items(ids=Vocabulary(("tent", "novel")), topics=np.eye(2, dtype=np.float32),
    ...               embedding=np.zeros((2, 0), np.float32), first_seen=np.zeros(2, np.int64))
    >>> asks = Queries(offsets=np.array([0, 3]), item=np.array([1, 0, 0], np.int32),
    ...                timestamp=np.array([0, 30, 60]) * DAY, as_of=np.array([90 * DAY]))
    >>> InterestMatch(InterestMatchConfig(half_life_days=30)).score(asks, table)[0].round(3).tolist()
    [[0.9860000014305115, 0.164000004529953]]
    """

    def __init__(self, config: InterestMatchConfig | None = None, *, name: str = "interests") -> None:
        self.config = config or InterestMatchConfig()
        self.name = name

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Nothing to learn: topics come with the item table."""
        return self

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """Cosines in [0, 1]."""
        state = unit_rows(np.maximum(interests(queries, items, half_life_days=self.config.half_life_days), 0))
        return state @ items.unit_topics.T, known_pairs(np.asarray(state.any(axis=1)), items.has_topics)

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        """Each history event's share of the match with item `row`; exact, since I_u is a sum over events."""
        age = (queries.newest[queries.owner] - queries.timestamp) / (self.config.half_life_days * DAY)
        return shares_per_query(
            queries, queries.weights * np.exp2(-age) * (items.topics[queries.item] @ items.topics[row])
        )

    def arrays(self) -> Arrays:
        """Nothing."""
        return {}

    def restore(self, arrays: Arrays) -> Self:
        """Nothing."""
        return self
