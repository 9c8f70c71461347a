"""Dataset: an event log and a catalogue over one item vocabulary, with what counting them tells."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from evorec.core.catalogue import Catalogue, Users
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import ALWAYS, F32, I64, NEVER, Events, check_length


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """What a model learns from. `events.items` and `catalogue.items` are one vocabulary, sorted by id.

    `embedding float32[items, d]` holds what an encoder read, where the catalogue was read.
    Build it with `Dataset.create`, which aligns the two.

    >>> log = Events.create(user_ids=["ann", "bo"], item_ids=["tea", "jam"], timestamps=[10, 20])
    >>> data = Dataset.create(log, Catalogue.create(item_ids=["tea", "ale"], title=["Tea", "Ale"]))
    >>> list(data.items), data.item_counts.tolist(), data.catalogue.title
    (['ale', 'jam', 'tea'], [0, 1, 1], ('Ale', '', 'Tea'))
    """

    events: Events
    catalogue: Catalogue
    users: Users | None = None
    embedding: F32 | None = None

    def __post_init__(self) -> None:
        if self.embedding is not None:
            check_length("embedding", self.embedding, len(self.events.items))
        if self.catalogue.items != self.events.items:
            raise InputError("events and catalogue have different item vocabularies", mend="use Dataset.create")

    @classmethod
    def create(cls, events: Events, catalogue: Catalogue | None = None, users: Users | None = None) -> "Dataset":
        """A dataset over the sorted union of the items of both; an item without a catalogue row gets an empty one."""
        if catalogue is None:
            catalogue = Catalogue.create(item_ids=events.items)
        items = Vocabulary.of((*events.items, *catalogue.items))
        return cls(
            events=events if events.items == items else events.recoded(items=items),
            catalogue=catalogue if catalogue.items == items else catalogue.aligned(items),
            users=users,
        )

    @property
    def items(self) -> Vocabulary:
        """The one item vocabulary."""
        return self.events.items

    def before(self, as_of: int) -> "Dataset":
        """The dataset as it was at `as_of` (UTC microseconds): only events before it; vocabularies stay."""
        return replace(self, events=self.events.before(as_of))

    @cached_property
    def item_counts(self) -> I64:
        """`int64[items]`: how many events each item has."""
        item = self.events.item
        return np.bincount(item[item >= 0], minlength=len(self.items)).astype(np.int64)

    @cached_property
    def first_seen(self) -> I64:
        """`int64[items]`: from when an item can be recommended, in UTC microseconds.

        The earlier of its first event and, where the catalogue gives one, its `available_from`; `NEVER` for an item
        that has neither.
        """
        given = self.catalogue.available_from
        seen = np.where(given == ALWAYS, NEVER, given)
        has_item = self.events.item >= 0
        np.minimum.at(seen, self.events.item[has_item], self.events.timestamp[has_item])
        return seen
