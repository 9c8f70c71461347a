"""Content: items whose texts lie near what the user read, with a short or a long memory."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp

from evorec.core.errors import InputError
from evorec.core.types import F32, F64, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.encoders.base import unit_rows
from evorec.models.base import Arrays, Items, RunOptions, known_pairs, shares_per_query
from evorec.models.transitions import history_weights


@dataclass(frozen=True, kw_only=True)
class ContentConfig:
    """`half_life_events`: a history event so many events back counts half; `limit`: at most so many are read."""

    half_life_events: float = 2.0
    limit: int = 200

    def __post_init__(self) -> None:
        if self.limit < 1 or not self.half_life_events > 0:
            raise InputError("half_life_events and limit must be above 0", mend="raise them")


class Content:
    """Cosine between an item's embedding and the decayed mean of the embeddings in the history.

    It learns nothing itself: what an item means comes with the item table, so new items are scored at once. Items
    without content and users without a known item are unknown.

    >>> from evorec.core.types import Events, Queries
    >>> from evorec.core.ids import Vocabulary
    >>> table = Items(ids=Vocabulary(("tent", "stove", "novel")), topics=np.zeros((3, 0), np.float32),
    ...               embedding=np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32), first_seen=np.zeros(3, np.int64))
    >>> asks = Queries(offsets=np.array([0, 1]), item=np.array([0], np.int32), timestamp=np.array([5]),
    ...                as_of=np.array([9]))
    >>> Content(name="content").score(asks, table)[0].round(2).tolist()
    [[1.0, 0.800000011920929, 0.0]]
    """

    def __init__(self, config: ContentConfig | None = None, *, name: str = "content") -> None:
        self.config = config or ContentConfig()
        self.name = name

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Nothing to learn."""
        return self

    def _weights(self, queries: Queries) -> F64:
        return history_weights(queries, half_life_events=self.config.half_life_events, limit=self.config.limit)

    def profile(self, queries: Queries, items: Items) -> F32:
        """`float32[queries, d]` unit vectors: what each user reads, recent events counting more; 0 if unknown."""
        weight = self._weights(queries)
        used = weight > 1e-4  # older events could not change a rank, and long histories would cost time
        history = sp.csr_matrix(
            (weight[used].astype(np.float32), (queries.owner[used], queries.item[used])),
            shape=(len(queries), len(items)),
        )
        vectors: F32 = np.asarray(history @ items.embedding, dtype=np.float32)
        if queries.remarks is not None:
            said = queries.remarks
            left = said.weight * np.exp2(-newer_than_remarks(queries) / self.config.half_life_events)
            np.add.at(vectors, said.owner, left[:, None].astype(np.float32) * said.embedding)
        return unit_rows(vectors)

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """Cosines in [-1, 1]."""
        profile = self.profile(queries, items)
        return profile @ items.embedding.T, known_pairs(np.asarray(profile.any(axis=1)), items.has_content)

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        """Each history event's share of the cosine with item `row`; exact, since the profile is a sum over events."""
        nearness = items.embedding[queries.item] @ items.embedding[row]
        return shares_per_query(queries, self._weights(queries) * nearness)

    def arrays(self) -> Arrays:
        """Nothing."""
        return {}

    def restore(self, arrays: Arrays) -> Self:
        """Nothing."""
        return self


def newer_than_remarks(queries: Queries) -> F64:
    """`float64[r]`: how many events and remarks of the same query came after each remark."""
    said = queries.remarks
    assert said is not None
    since = np.zeros(len(said.timestamp))
    for q in np.unique(said.owner):
        touched = queries.timestamp[queries.offsets[q] : queries.offsets[q + 1]]
        rows = slice(said.offsets[q], said.offsets[q + 1])
        at = said.timestamp[rows]
        since[rows] = len(touched) - np.searchsorted(touched, at, side="right")
        since[rows] += len(at) - np.searchsorted(at, at, side="right")
    return since
