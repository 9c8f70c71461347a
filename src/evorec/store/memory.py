"""An event log in memory: the training log, compact, and what came since, per user."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evorec.core.types import ALWAYS, I64, Events, Queries


class MemoryLog:
    """Histories held in memory; whole on every read, in whatever order events came.

    >>> log = MemoryLog(Events.create(user_ids=["ann"], item_ids=["x"], timestamps=[5]))
    >>> log.append("ann", 0, 9), log.append("ann", 0, 9), log.append("bo", 0, 7)
    (True, False, True)
    >>> log.queries(["ann", "bo"], np.array([100, 7])).offsets.tolist()
    [0, 2, 2]
    """

    def __init__(self, events: Events) -> None:
        repeated = np.zeros(len(events), dtype=np.bool_)  # one user, moment and item is one event, as in `append`
        repeated[1:] = (
            (np.diff(events.user) == 0)
            & (np.diff(events.timestamp) == 0)
            & (np.diff(events.item) == 0)
            & (events.item[1:] >= 0)
        )
        if events.weight is not None and repeated.any():  # of the same thing twice the stronger stands
            first = np.flatnonzero(~repeated)
            strongest = np.maximum.reduceat(events.weight, first)
            events = replace(events, weight=np.repeat(strongest, np.diff(np.append(first, len(events)))))
        self._base = events.select(~repeated)
        if self._base.weight is not None:
            self._base = replace(self._base, weight=self._base.weight.copy())  # ours to change
        self._recent: dict[str, list[tuple[int, int, float]]] = {}
        self._newest = events.newest if len(events) else ALWAYS

    @property
    def newest(self) -> int:
        """Timestamp of the newest event, UTC microseconds."""
        return self._newest

    def user_ids(self) -> list[str]:
        """Users of the training log in its order, then those that came since."""
        offsets = self._base.offsets
        held = [u for code, u in enumerate(self._base.users) if offsets[code] < offsets[code + 1]]
        known = set(held)
        return held + [u for u in self._recent if u not in known]

    def _rows(self, user_id: str) -> tuple[int, int]:
        code = self._base.users.code(user_id)
        if code < 0:
            return 0, 0
        return int(self._base.offsets[code]), int(self._base.offsets[code + 1])

    def append(self, user_id: str, item: int, timestamp: int, weight: float = 1.0) -> bool:
        """Add one event in O(log history); False where this event is already held: then the stronger weight stands."""
        start, stop = self._rows(user_id)
        first = start + int(np.searchsorted(self._base.timestamp[start:stop], timestamp))
        while first < stop and self._base.timestamp[first] == timestamp:
            if self._base.item[first] == item:
                if self._base.weight is not None and weight > self._base.weight[first]:
                    self._base.weight[first] = weight
                return False
            first += 1
        recent = self._recent.setdefault(user_id, [])
        place = bisect_left(recent, (timestamp, item, -np.inf))
        if place < len(recent) and recent[place][:2] == (timestamp, item):
            recent[place] = (timestamp, item, max(weight, recent[place][2]))
            return False
        recent.insert(place, (timestamp, item, weight))
        self._newest = max(self._newest, timestamp)
        return True

    def queries(self, user_ids: Sequence[str], as_of: I64) -> Queries:
        """Histories of `user_ids` before their `as_of int64[q]`."""
        items, times, weights, offsets = [], [], [], [0]
        for user_id, moment in zip(user_ids, as_of, strict=True):
            start, stop = self._rows(user_id)
            stop = start + int(np.searchsorted(self._base.timestamp[start:stop], moment))
            item, time = self._base.item[start:stop], self._base.timestamp[start:stop]
            weight = self._base.weights[start:stop]
            recent = [event for event in self._recent.get(user_id, ()) if event[0] < moment]
            if recent:
                item = np.concatenate([item, np.asarray([event[1] for event in recent], dtype=np.int32)])
                time = np.concatenate([time, np.asarray([event[0] for event in recent], dtype=np.int64)])
                weight = np.concatenate([weight, np.asarray([event[2] for event in recent], dtype=np.float32)])
                order = np.lexsort((item, time))
                item, time, weight = item[order], time[order], weight[order]
            has_item = item >= 0
            items.append(item[has_item])
            times.append(time[has_item])
            weights.append(weight[has_item])
            offsets.append(offsets[-1] + int(has_item.sum()))
        weighted = np.concatenate([np.zeros(0, dtype=np.float32), *weights])
        return Queries(
            offsets=np.asarray(offsets, dtype=np.int64),
            item=np.concatenate([np.zeros(0, dtype=np.int32), *items]).astype(np.int32),
            timestamp=np.concatenate([np.zeros(0, dtype=np.int64), *times]).astype(np.int64),
            as_of=np.asarray(as_of, dtype=np.int64),
            weight=None if (weighted == 1).all() else weighted,
        )

    def columns(self) -> tuple[list[str], Queries]:
        """Everything held, for saving: user ids, and the whole history of each."""
        ids = self.user_ids()
        return ids, self.queries(ids, np.full(len(ids), np.iinfo(np.int64).max))
