"""Targets: which items a user took next after the cut, and the query that a model is asked to foresee them with."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evorec.core.errors import InputError
from evorec.core.types import ALWAYS, I32, I64, NEVER, Bool, Events, Queries, tie_groups
from evorec.data.split import Split

Clock = Literal["frozen", "query_time"]
Candidates = Literal["warm", "available"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Targets:
    """Tie groups to foresee, ordered by user and time.

    Target q is what user `user int32[q]` did at `timestamp int64[q]` (UTC microseconds); its relevant items are
    `item[offsets[q]:offsets[q + 1]]`, ascending. An item is a candidate at t while `opens < t < closes`
    (`int64[items]`). `newest_train` is the newest training event.
    """

    user: I32
    timestamp: I64
    offsets: I64
    item: I32
    opens: I64
    closes: I64
    newest_train: int

    def __len__(self) -> int:
        return len(self.user)

    @property
    def relevant(self) -> I64:
        """`int64[q]`: how many items are relevant."""
        return np.diff(self.offsets)

    def slice(self, start: int, stop: int) -> "Targets":
        """Targets start:stop."""
        return self.take(np.arange(start, min(stop, len(self))))

    def take(self, rows: I64) -> "Targets":
        """The targets at positions `rows`, in that order."""
        sizes = self.relevant[rows]
        offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes)
        return replace(
            self,
            user=self.user[rows],
            timestamp=self.timestamp[rows],
            offsets=offsets,
            item=self.item[np.repeat(self.offsets[rows], sizes) + within],
        )

    def candidates(self) -> Bool:
        """`bool[q, items]`: what could be recommended at each target's time, seen items included."""
        at = self.timestamp[:, None]
        return (self.opens < at) & (at < self.closes)

    def queries(self, events: Events, clock: Clock = "frozen") -> Queries:
        """The question for each target: the user's events strictly before it, and the moment of asking.

        `frozen`: nothing is told about the time of the target; `as_of` is one microsecond after the newest event that
        is known, in training or in the user's own history. `query_time`: `as_of` is the time of the target. The
        histories are the same.
        """
        told = events.queries(self.user, self.timestamp)
        if clock == "query_time":
            return told
        if clock != "frozen":
            raise InputError(f"unknown clock {clock!r}", mend="use frozen or query_time")
        as_of = np.full(len(self), self.newest_train + 1)
        has_history = np.diff(told.offsets) > 0
        own = told.timestamp[told.offsets[1:][has_history] - 1] + 1
        as_of[has_history] = np.maximum(as_of[has_history], own)
        return replace(told, as_of=as_of)


def next_targets(split: Split, *, repeats: bool = False, candidates: Candidates = "warm") -> Targets:
    """Each user's first tie group after the cut (the `next` protocol).

    A target belongs to a user with training events. Relevant are the items of the group that are candidates and that
    the user has not touched before (with `repeats` also those touched before); targets without any are left out.
    `warm` candidates have training events; `available` ones are all that were first seen before the target and not
    yet withdrawn, cold items included.

    >>> from evorec.data.dataset import Dataset
    >>> log = Events.create(user_ids=["a", "a", "a", "a", "b"], item_ids=["x", "y", "x", "z", "y"],
    ...                     timestamps=[1, 5, 5, 6, 2])
    >>> targets = next_targets(Split(dataset=Dataset.create(log), cut=3))
    >>> targets.user.tolist(), targets.timestamp.tolist(), log.items.decode(targets.item)
    ([0], [5], ['y'])
    """
    return _targets(split, first_only=True, repeats=repeats, candidates=candidates)


def successive_targets(split: Split, *, repeats: bool = False, candidates: Candidates = "warm") -> Targets:
    """Every tie group after the cut, the first one included: the history grows along, the model stays.

    As `next_targets`; an item touched in an earlier group of the test counts as touched before.
    """
    return _targets(split, first_only=False, repeats=repeats, candidates=candidates)


def _targets(split: Split, *, first_only: bool, repeats: bool, candidates: Candidates) -> Targets:
    events = split.dataset.events
    opens, closes = _shelf_times(split, candidates)
    trained = np.bincount(split.train.events.user[split.train.events.item >= 0], minlength=len(events.users)) > 0
    rows = np.flatnonzero((events.item >= 0) & trained[events.user])
    user, item, timestamp = events.user[rows], events.item[rows], events.timestamp[rows]
    group = tie_groups(user, timestamp)
    keep = (timestamp >= split.cut) & (opens[item] < timestamp) & (timestamp < closes[item])
    if first_only:
        tested = np.flatnonzero(timestamp >= split.cut)
        users, firsts = np.unique(user[tested], return_index=True)
        first_group = np.full(len(events.users), -1, dtype=np.int64)
        first_group[users] = group[tested[firsts]]
        keep &= group == first_group[user]
    if not repeats:
        keep &= _first_touch(user, item, group)
    keep[1:] &= (item[1:] != item[:-1]) | (group[1:] != group[:-1])  # an item twice in one group is one target
    user, item, timestamp, group = user[keep], item[keep], timestamp[keep], group[keep]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return Targets(
        user=user[starts],
        timestamp=timestamp[starts],
        offsets=np.append(starts, len(item)).astype(np.int64),
        item=item,
        opens=opens,
        closes=closes,
        newest_train=split.train.events.newest,
    )


def _shelf_times(split: Split, candidates: Candidates) -> tuple[I64, I64]:
    """The moments between which each item is a candidate."""
    if candidates == "warm":
        return np.where(split.train.item_counts > 0, ALWAYS, NEVER), np.full(len(split.dataset.items), NEVER)
    if candidates != "available":
        raise InputError(f"unknown candidates {candidates!r}", mend="use warm or available")
    return split.dataset.first_seen, split.dataset.catalogue.available_until


def _first_touch(user: I32, item: I32, group: I64) -> Bool:
    """Whether an event lies in the first tie group in which its user touched its item."""
    order = np.lexsort((group, item, user))
    starts = np.ones(len(order), dtype=np.bool_)
    starts[1:] = (np.diff(user[order]) != 0) | (np.diff(item[order]) != 0)
    first_group = group[order][np.flatnonzero(starts)][np.cumsum(starts) - 1]
    touched = np.empty(len(order), dtype=np.bool_)
    touched[order] = group[order] == first_group
    return touched
