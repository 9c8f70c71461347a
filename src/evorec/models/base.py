"""What a scorer is: the item table it reads, the options of a run, and the contract it keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import F32, F64, I64, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.encoders.base import Progress, unit_rows

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Items:
    """The item table: one row per item, append-only, so that a new item is a new row.

    `embedding float32[items, d]` holds whitened unit vectors (a zero row: no content known), `topics float32[items, k]`
    the content vectors C_i (rows sum to 1, or to 0 where nothing is known), `first_seen int64[items]` the moment from
    which an item can be recommended (UTC microseconds). Histories in `Queries.item` are rows of this table.
    """

    ids: Vocabulary
    embedding: F32
    topics: F32
    first_seen: I64

    def __post_init__(self) -> None:
        for name in ("embedding", "topics", "first_seen"):
            if len(getattr(self, name)) != len(self.ids):
                raise InputError(f"{name} does not have one row per item", mend="rebuild the item table")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def has_content(self) -> Bool:
        """`bool[items]`: whose embedding is known."""
        return np.asarray(self.embedding.any(axis=1))

    @cached_property
    def unit_topics(self) -> F32:
        """`topics` with rows of length 1, for cosines; unknown rows stay 0."""
        return unit_rows(self.topics)

    @cached_property
    def has_topics(self) -> Bool:
        """`bool[items]`: whose topics are known."""
        return np.asarray(self.topics.any(axis=1))

    def appended(self, ids: tuple[str, ...], *, embedding: F32, topics: F32, first_seen: I64) -> "Items":
        """This table with new rows at its end; rows that stand do not move."""
        return replace(
            self,
            ids=Vocabulary(self.ids.ids + ids),
            embedding=np.concatenate([self.embedding, embedding]),
            topics=np.concatenate([self.topics, topics]),
            first_seen=np.concatenate([self.first_seen, first_seen]),
        )


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run, as against what to build.

    `progress` is called with the epochs done and in all while a net learns. In the folder `checkpoints` a net keeps its
    state after every epoch, so that a run that was cut short goes on, to the same result.
    """

    seed: int = 0
    progress: Progress | None = None
    checkpoints: Path | None = None

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}", mend="give a whole number of at least 0")


class Scorer(Protocol):
    """One source of evidence about which items a user takes next.

    `score` returns `float32[queries, items]` log-evidence (higher is better, any scale) and the mask
    `bool[queries, items]` of the pairs it knows something about; where the mask is false the score is 0 and means
    nothing. Rows of `items` beyond those seen in `fit` are new items. `arrays` and `restore` carry what `fit` learned.
    """

    @property
    def name(self) -> str:
        """The field's name for this kind of evidence."""
        ...

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Learn from a dataset; returns self."""
        ...

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """Log-evidence and known mask for every query and item."""
        ...

    def arrays(self) -> Arrays:
        """What was learned, as named arrays."""
        ...

    def restore(self, arrays: Arrays) -> Self:
        """Take over what `arrays` returned; returns self."""
        ...


@runtime_checkable
class Attributing(Protocol):
    """A scorer that can say how much each event of a history contributed to one item's evidence."""

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        """`float64[m]`: each history event's share of the evidence for item `row`; sums to 1 per query."""
        ...


@runtime_checkable
class Personal(Protocol):
    """A scorer that learned something about single people: it is saved with the users, apart from the model."""

    def personal(self) -> Arrays:
        """What rests on single people, as named arrays; `arrays` holds the rest."""
        ...

    def restore_personal(self, arrays: Arrays) -> Self:
        """Take over what `personal` returned, after `restore`; returns self."""
        ...


@runtime_checkable
class Incremental(Protocol):
    """A scorer that can go on from what it learned, at a fraction of the cost of a fit."""

    def continued(self, dataset: Dataset, options: RunOptions) -> Scorer:
        """A new scorer that also knows the events of `dataset` that came since; this one stays as it is."""
        ...


def known_pairs(of_query: Bool, of_item: Bool) -> Bool:
    """`bool[queries, items]`: pairs of which both sides are known; one shared row where every query is."""
    if of_query.all():
        return np.broadcast_to(of_item, (len(of_query), len(of_item)))
    return of_query[:, None] & of_item


def shares_per_query(queries: Queries, contribution: F64) -> F64:
    """Contributions `float64[m]` of history events, scaled to sum to 1 within each query; all 0 where none counts.

    What counts against an item is no reason for it: negative contributions become 0.
    """
    positive = np.maximum(contribution, 0.0)
    total = np.bincount(queries.owner, weights=positive, minlength=len(queries))
    return positive / np.where(total > 0, total, 1.0)[queries.owner]
