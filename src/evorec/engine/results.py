"""What a request returns: ranked lists as arrays, and as tables and JSON on demand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from evorec.core import columns
from evorec.core.ids import Vocabulary
from evorec.core.types import F32, I64, Bool
from evorec.data import frames


@dataclass(frozen=True, eq=False, kw_only=True)
class Recommendations:
    """One ranked list per user.

    `item int64[users, k]` are rows of `items` (-1: the list is shorter than k), `score float32[users, k]`, with k at
    most the number of items;
    `fallback bool[users]`: the user had no history the model can read, so the list is what is popular now;
    `hindsight bool[users]`: asked about a moment the model was trained past. `trained_until` is UTC microseconds.
    """

    user_ids: tuple[str, ...]
    items: Vocabulary
    item: I64
    score: F32
    fallback: Bool
    hindsight: Bool
    trained_until: int

    def __len__(self) -> int:
        return len(self.user_ids)

    def list_of(self, position: int) -> list[str]:
        """Item ids of the list at `position`, best first."""
        return self.items.decode(row for row in self.item[position] if row >= 0)

    def records(self) -> Iterator[dict[str, Any]]:
        """One JSON-ready object per user: `user_id`, `items`, `scores`, `fallback`, and `hindsight` where it holds."""
        for q, user_id in enumerate(self.user_ids):
            used = self.item[q] >= 0
            record: dict[str, Any] = {
                columns.USER: user_id,
                "items": self.list_of(q),
                "scores": [round(float(s), 6) for s in self.score[q][used]],
                columns.FALLBACK: bool(self.fallback[q]),
            }
            if self.hindsight[q]:
                record["hindsight"] = True
            yield record

    def columns(self) -> dict[str, Any]:
        """Long form, one row per recommended item: `user_id, rank, item_id, score, fallback`; rank counts from 1."""
        owner, place = np.nonzero(self.item >= 0)
        return {
            columns.USER: [self.user_ids[q] for q in owner],
            columns.RANK: place + 1,
            columns.ITEM: self.items.decode(self.item[owner, place]),
            columns.SCORE: self.score[owner, place],
            columns.FALLBACK: self.fallback[owner],
        }

    def to_pandas(self) -> Any:
        """`columns()` as a pandas DataFrame (extra `frames`)."""
        return frames.to_pandas(self.columns())

    def to_polars(self) -> Any:
        """`columns()` as a polars DataFrame (extra `frames`)."""
        return frames.to_polars(self.columns())

    def to_arrow(self) -> Any:
        """`columns()` as an Arrow table (extra `frames`)."""
        return frames.to_arrow(self.columns())
