"""Popularity now: what everybody takes, with recent events counting more."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from evorec.core.errors import InputError
from evorec.core.types import DAY, F32, Bool, Events, Queries
from evorec.data.dataset import Dataset
from evorec.models.base import Arrays, Items, RunOptions

VISIT = 5  # tie groups that open a visit: later ones follow from what stands before them


@dataclass(frozen=True, kw_only=True)
class PopularityConfig:
    """`half_life_days`: an event that old counts half as much as one at the newest event.

    `absence_days`: where given, only what people do when they come back after such an absence counts, namely the first
    `VISIT` tie groups of the visit.
    """

    half_life_days: float = 30.0
    absence_days: float | None = None

    def __post_init__(self) -> None:
        if not self.half_life_days > 0:
            raise InputError("half_life_days must be above 0", mend="give a number of days")
        if self.absence_days is not None and not self.absence_days > 0:
            raise InputError("absence_days must be above 0", mend="give a number of days, or leave it out")


def opens_visit(events: Events, absence_days: float) -> Bool:
    """`bool[n]`: events in the first `VISIT` tie groups after an absence; a user's first visit does not count.

    >>> log = Events.create(user_ids=["a"] * 3, item_ids=["x", "y", "z"], timestamps=[0, DAY, 5 * DAY])
    >>> opens_visit(log, absence_days=2.0).tolist()
    [False, False, True]
    """
    first = np.flatnonzero(np.diff(events.tie_group, prepend=-1))  # row that opens each tie group
    new = np.diff(events.user[first], prepend=-1) != 0
    back = ~new & (np.diff(events.timestamp[first], prepend=0) >= absence_days * DAY)
    opening = np.flatnonzero(new | back)
    visit = np.cumsum(new | back) - 1
    counted = back[opening][visit] & (np.arange(len(first)) - opening[visit] < VISIT)
    return np.asarray(counted[events.tie_group])


class Popularity:
    """Log of an item's time-decayed share of all events.

    An item without events is unknown, not unpopular. Which half-life is right depends on the market, so recipes hold
    several. What people take when they come back differs from what they take in the midst of things: they catch up
    with what arrived meanwhile. `absence_days` counts that alone.

    >>> from evorec.core.types import Events, Queries
    >>> log = Events.create(user_ids=["a", "b", "c"], item_ids=["new", "old", "old"],
    ...                     timestamps=[100 * DAY, 0, 0])
    >>> short = Popularity(PopularityConfig(half_life_days=7)).fit(Dataset.create(log), RunOptions())
    >>> bool(short.evidence[0] > short.evidence[1])  # "new" leads although "old" has more events
    True
    """

    def __init__(self, config: PopularityConfig | None = None, *, name: str = "popularity") -> None:
        self.config = config or PopularityConfig()
        self.name = name
        self.evidence: F32 = np.zeros(0, dtype=np.float32)
        self.one_person: Bool = np.zeros(0, dtype=np.bool_)  # items that a single user has touched

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Count every event with an item (or every one that opens a visit) once, decayed to the newest event."""
        events, n = dataset.events, len(dataset.events.items)
        known = events.item >= 0
        touched = np.bincount(events.item[known], minlength=n) > 0
        counted = known if (days := self.config.absence_days) is None else known & opens_visit(events, days)
        age = (events.newest - events.timestamp[counted]) / (self.config.half_life_days * DAY)
        mass = np.bincount(events.item[counted], weights=np.exp2(-age), minlength=n)
        # One event's worth, spread over the touched items, keeps an item with only old events above minus infinity.
        share = (mass + 1.0 / max(1, touched.sum())) / (mass.sum() + 1.0)
        self.evidence = np.where(touched, np.log(share), np.nan).astype(np.float32)
        pairs = np.unique(np.stack([events.item[known], events.user[known]]), axis=1)
        several = np.bincount(pairs[0], minlength=n) > 1
        if days is not None:  # what opens a visit may rest on one person where the item does not
            pairs = np.unique(np.stack([events.item[counted], events.user[counted]]), axis=1)
            several &= np.bincount(pairs[0], minlength=n) != 1
        self.one_person = touched & ~several
        return self

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """The same evidence for everyone; items without events are unknown."""
        row = np.full(len(items), np.nan, dtype=np.float32)
        row[: len(self.evidence)] = self.evidence
        known = np.isfinite(row)
        shape = (len(queries), len(items))
        return np.broadcast_to(np.where(known, row, np.float32(0)), shape), np.broadcast_to(known, shape)

    def arrays(self) -> Arrays:
        """`evidence float32[items]`, NaN where unknown or resting on one person."""
        return {"evidence": np.where(self.one_person, np.float32(np.nan), self.evidence)}

    def restore(self, arrays: Arrays) -> Self:
        """Take over `evidence`; items of one person are unknown until `restore_personal`."""
        self.evidence = arrays["evidence"].astype(np.float32)
        self.one_person = np.zeros(len(self.evidence), dtype=np.bool_)
        return self

    def personal(self) -> Arrays:
        """The evidence that rests on one person: `row int64[n]` of the items, `evidence float32[n]`."""
        row = np.flatnonzero(self.one_person)
        return {"row": row, "evidence": self.evidence[row]}

    def restore_personal(self, arrays: Arrays) -> Self:
        """Take over what `personal` gave."""
        self.evidence[arrays["row"]] = arrays["evidence"]
        self.one_person[arrays["row"]] = True
        return self
