"""Histories as batches: windows of whole tie groups, padded, with what follows each group as its targets."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evorec.core.rng import lots
from evorec.core.types import F32, I64, Bool, Events, Queries

_LEAST = 1e-3  # weight: what speaks less for an item, or against it, reads like this
OVERLAP = 0.25  # of a window: context for what comes after it, learned from in the window before


@dataclass(frozen=True, eq=False, kw_only=True)
class Padded:
    """Histories side by side: `[b, n]` arrays, left-aligned.

    `row int64` points into the arrays they were cut from, `group int64` numbers tie groups, -1 where padded.
    """

    row: I64
    group: I64

    @property
    def valid(self) -> Bool:
        """`bool[b, n]`: what is not padding."""
        return np.asarray(self.group >= 0)


def padded(start: I64, stop: I64, tie_group: I64) -> Padded:
    """Rows `start[k]:stop[k]` of arrays in which `tie_group int64[m]` numbers the tie groups."""
    row = start[:, None] + np.arange(int((stop - start).max()))
    valid = row < stop[:, None]
    row = np.where(valid, row, start[:, None])
    return Padded(row=row, group=np.where(valid, tie_group[row], -1))


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowsOfHistory:
    """Pieces `start:stop` of a log's rows, each of one user, and the row from which on a piece is learned from."""

    start: I64
    stop: I64
    learn: I64

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: I64) -> "WindowsOfHistory":
        """The windows at positions `rows`."""
        return WindowsOfHistory(start=self.start[rows], stop=self.stop[rows], learn=self.learn[rows])

    def batches(self, tokens: int, rng: np.random.Generator) -> Iterator["WindowsOfHistory"]:
        """Windows of like length together, at most `tokens` places a batch, in random order."""
        length = self.stop - self.start
        order = np.argsort(length * rng.uniform(0.9, 1.1, len(length)), kind="stable")
        pieces = filled(length[order], tokens)
        for number in rng.permutation(len(pieces)):
            yield self.take(order[pieces[number]])


def filled(length: I64, tokens: int) -> list[slice]:
    """Runs of rows that fill at most `tokens` places when padded to the longest of them; each has at least one row.

    >>> filled(np.array([1, 2, 2, 9]), 6)
    [slice(0, 3, None), slice(3, 4, None)]
    """
    widest = np.maximum.accumulate(length)
    found, first = [], 0
    for k in range(1, len(length) + 1):
        if k == len(length) or (k - first + 1) * widest[k] > tokens:
            found.append(slice(first, k))
            first = k
    return found


def cut_histories(events: Events, length: int) -> WindowsOfHistory:
    """Windows of at most `length` events, in whole tie groups, of every user with at least two groups.

    They are cut from the newest event backwards and overlap by a quarter: the older part of a window is context. A tie
    group longer than a window keeps its first `length` events (by item).

    >>> log = Events.create(user_ids=["a"] * 5, item_ids="vwxyz", timestamps=[1, 2, 3, 4, 5])
    >>> cut = cut_histories(log, 4)
    >>> list(zip(cut.start.tolist(), cut.stop.tolist(), cut.learn.tolist()))
    [(1, 5, 2), (0, 2, 0)]
    """
    offsets = events.offsets
    opens = np.flatnonzero(np.diff(events.tie_group, prepend=-1))
    found: list[tuple[int, int, int]] = []
    for first, last in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        if last - first < 2:
            continue
        if last - first <= length:
            found.append((first, last, first))
            continue
        groups = opens[np.searchsorted(opens, first) : np.searchsorted(opens, last)]
        stop = last
        while stop > first:
            whole = groups[groups >= stop - length]
            newest = int(groups[groups < stop][-1])
            start = min(int(whole[0]) if len(whole) else newest, newest)
            learn = first
            if start > first:
                later = groups[groups >= start + int(length * OVERLAP)]
                learn = min(int(later[0]) if len(later) else newest, newest)
            found.append((start, min(stop, start + length), learn))
            stop = learn
    columns = np.asarray(found, dtype=np.int64).reshape(-1, 3)
    return WindowsOfHistory(start=columns[:, 0], stop=columns[:, 1], learn=columns[:, 2])


def capped(events: Events, most: int) -> Events:
    """At most `most` events of each tie group, drawn by chance, always the same.

    A window has to hold two groups, the one that is asked from and the one that follows.

    >>> log = Events.create(user_ids=["a"] * 3, item_ids="xyz", timestamps=[1, 1, 2])
    >>> np.bincount(capped(log, 1).tie_group).tolist()
    [1, 1]
    """
    group = events.tie_group
    if not len(group) or np.bincount(group).max() <= most:
        return events
    order = np.lexsort((lots(events.items)[events.item], group))
    place = np.empty(len(group), dtype=np.int64)
    place[order] = np.arange(len(group)) - np.searchsorted(group[order], group[order])
    return events.select(place < most)


@dataclass(frozen=True, eq=False, kw_only=True)
class Steps:
    """What is learned from one batch: tie groups that are followed by another, and what followed.

    `place int64[v]` are the valid places of the flattened batch and `state int64[v]` the group each belongs to, of
    `states` in all. Step s is asked from group `asked int64[s]` after `silence int64[s]` microseconds, at
    `time int64[s]`; its targets are `target int64[t]` (rows of the item table) with `step int64[t]` and
    `weight float32[t]`, which sums to 1 in each step.
    """

    place: I64
    state: I64
    states: int
    asked: I64
    silence: I64
    time: I64
    target: I64
    step: I64
    weight: F32


def steps_of(events: Events, windows: WindowsOfHistory, new: Bool) -> tuple[Padded, Steps]:
    """The batch of some windows, and its steps; `new bool[n]` marks first touches.

    An item that its user has touched before is no target: what is asked is what comes next that is new.
    """
    batch = padded(windows.start, windows.stop, events.tie_group)
    place = np.flatnonzero(batch.valid.ravel())
    owner, row, group = place // batch.row.shape[1], batch.row.ravel()[place], batch.group.ravel()[place]
    opens = np.ones(len(place), dtype=np.bool_)
    opens[1:] = (np.diff(owner) != 0) | (np.diff(group) != 0)
    state = np.cumsum(opens) - 1
    time, holder = events.timestamp[row[opens]], owner[opens]
    follows = np.zeros(len(time), dtype=np.bool_)
    follows[1:] = np.diff(holder) == 0
    wanted = follows[state] & (row >= windows.learn[owner]) & new[row]
    after, step = np.unique(state[wanted], return_inverse=True)
    return batch, Steps(
        place=place,
        state=state,
        states=len(time),
        asked=after - 1,
        silence=time[after] - time[after - 1],
        time=time[after],
        target=events.item[row[wanted]].astype(np.int64),
        step=step,
        weight=(1.0 / np.bincount(step)[step]).astype(np.float32) if len(step) else np.zeros(0, dtype=np.float32),
    )


def first_touches(events: Events) -> Bool:
    """`bool[n]`: whether the event's user touches its item for the first time; of a tie group, once.

    >>> log = Events.create(user_ids=["a"] * 3, item_ids=["x", "y", "x"], timestamps=[1, 2, 3])
    >>> first_touches(log).tolist()
    [True, True, False]
    """
    key = events.user.astype(np.int64) * max(1, len(events.items)) + events.item
    new = np.zeros(len(events), dtype=np.bool_)
    new[np.unique(key, return_index=True)[1]] = True
    return new


def latest(queries: Queries, length: int) -> tuple[I64, Padded]:
    """The newest tie groups of at most about `length` events of every query that has a history, and which those are."""
    kept = np.flatnonzero(queries.among_latest(length))
    count = np.bincount(queries.owner[kept], minlength=len(queries))
    asked = np.flatnonzero(count)
    stop = np.cumsum(count)[asked]
    batch = padded(np.maximum(stop - count[asked], stop - 2 * length), stop, queries.tie_group[kept])
    return asked, Padded(row=kept[batch.row], group=batch.group)


def strength(weights: F32) -> F32:
    """`float32[n]`: the logarithm of how strongly each event speaks for its item, as a net reads it."""
    return np.log(np.maximum(weights, _LEAST)).astype(np.float32)
