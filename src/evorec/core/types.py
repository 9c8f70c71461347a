"""Events, Queries and Remarks: the values every room speaks in. Frozen, and valid from birth."""

from collections.abc import Iterable, Sized
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.ids import UNKNOWN, Vocabulary

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

SECOND = 1_000_000
DAY = 86_400 * SECOND
ALWAYS = np.iinfo(np.int64).min  # "available since before anything"
NEVER = np.iinfo(np.int64).max  # "never withdrawn"


def check_length(name: str, values: Sized, expected: int) -> None:
    """Refuse a column that does not have `expected` entries."""
    if len(values) != expected:
        raise InputError(f"{name} has {len(values)} entries where {expected} are expected", mend="align the columns")


@dataclass(frozen=True, eq=False, kw_only=True)
class Events:
    """An event log, sorted by user, time, item; strings are held once, in vocabularies.

    `user`, `item` `int32[n]` are codes into `users` and `items` (item -1: words without an item);
    `timestamp int64[n]` is UTC in microseconds; `action int16[n]` indexes `actions`; `value float32[n]` is NaN where
    absent; `text` holds the user's own words, "" where absent. The order inside one user's tie group (equal
    timestamps) is by item code and carries no meaning. `weight float32[n]` says how strongly an event speaks for an
    interest (None: 1 each; below 0 it speaks against). Build it with `Events.create`, which sorts.

    >>> e = Events.create(user_ids=["ann", "ann", "bo"], item_ids=["x", "y", "x"], timestamps=[30, 20, 10])
    >>> len(e), e.items.decode(e.item), e.timestamp.tolist()
    (3, ['y', 'x', 'x'], [20, 30, 10])
    """

    users: Vocabulary
    items: Vocabulary
    user: I32
    item: I32
    timestamp: I64
    actions: tuple[str, ...] = ("",)
    action: I16 | None = None
    value: F32 | None = None
    text: tuple[str, ...] | None = None
    weight: F32 | None = None

    def __post_init__(self) -> None:
        n = len(self.user)
        check_length("item", self.item, n)
        check_length("timestamp", self.timestamp, n)
        for name in ("action", "value", "text", "weight"):
            column = getattr(self, name)
            if column is not None:
                check_length(name, column, n)
        if n == 0:
            return
        if self.user.min() < 0 or self.user.max() >= len(self.users):
            raise InputError("an event names a user outside the vocabulary", mend="build events with Events.create")
        if self.item.min() < UNKNOWN or self.item.max() >= len(self.items):
            raise InputError("an event names an item outside the vocabulary", mend="build events with Events.create")
        step = np.diff(self.user)
        if (step < 0).any() or ((step == 0) & (np.diff(self.timestamp) < 0)).any():
            raise InputError("events are not sorted by user and time", mend="build events with Events.create")

    @classmethod
    def create(
        cls,
        *,
        user_ids: Iterable[str],
        item_ids: Iterable[str],
        timestamps: Iterable[int],
        **optional: Any,
    ) -> "Events":
        """Events from plain columns: ids as strings ("" for no item), `timestamps` in UTC microseconds.

        `optional`: `actions` (strings), `values` (numbers), `texts` (strings), one per event.
        """
        user_list, item_list = list(user_ids), list(item_ids)
        users, items = Vocabulary.of(user_list), Vocabulary.of(i for i in item_list if i)
        names = list(optional.pop("actions", ()))
        known = tuple(sorted(set(names))) or ("",)
        values = optional.pop("values", None)
        texts = optional.pop("texts", None)
        if optional:
            raise InputError(f"unknown event column {next(iter(optional))!r}", mend="use actions, values or texts")
        return cls.from_codes(
            users=users,
            items=items,
            user=users.encode(user_list),
            item=items.encode(item_list),
            timestamp=np.asarray(list(timestamps), dtype=np.int64),
            actions=known,
            action=np.asarray([known.index(a) for a in names], dtype=np.int16) if names else None,
            value=None if values is None else np.asarray(values, dtype=np.float32),
            text=None if texts is None else tuple(texts),
        )

    @classmethod
    def from_codes(cls, *, user: I32, item: I32, timestamp: I64, **columns: Any) -> "Events":
        """Events from unsorted code arrays; takes the fields of the class and sorts them."""
        check_length("item", item, len(user))
        check_length("timestamp", timestamp, len(user))
        order = np.lexsort((item, timestamp, user))
        for name in ("action", "value", "weight"):
            if columns.get(name) is not None:
                columns[name] = columns[name][order]
        if columns.get("text") is not None:
            columns["text"] = tuple(columns["text"][k] for k in order)
        return cls(user=user[order], item=item[order], timestamp=timestamp[order], **columns)

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def offsets(self) -> I64:
        """`int64[users + 1]`: events of user code u are rows offsets[u]:offsets[u + 1]."""
        return np.searchsorted(self.user, np.arange(len(self.users) + 1)).astype(np.int64)

    @cached_property
    def weights(self) -> F32:
        """`float32[n]`: `weight`, 1 each where none is given."""
        return np.ones(len(self), dtype=np.float32) if self.weight is None else self.weight

    @cached_property
    def tie_group(self) -> I64:
        """`int64[n]`: number of the tie group (one user, one timestamp) each event belongs to, ascending."""
        return tie_groups(self.user, self.timestamp)

    @property
    def newest(self) -> int:
        """Timestamp of the newest event; refuses an empty log."""
        if not len(self):
            raise InputError("the event log is empty", mend="check the file, the filters and the column mapping")
        return int(self.timestamp.max())

    def select(self, keep: Bool) -> "Events":
        """The events where `keep bool[n]` holds; vocabularies stay as they are."""
        text = None if self.text is None else tuple(t for t, k in zip(self.text, keep, strict=True) if k)
        return replace(
            self,
            user=self.user[keep],
            item=self.item[keep],
            timestamp=self.timestamp[keep],
            action=None if self.action is None else self.action[keep],
            value=None if self.value is None else self.value[keep],
            text=text,
            weight=None if self.weight is None else self.weight[keep],
        )

    def before(self, as_of: int) -> "Events":
        """The events visible at `as_of`: timestamp strictly before it."""
        return self.select(self.timestamp < as_of)

    def recoded(self, *, users: Vocabulary | None = None, items: Vocabulary | None = None) -> "Events":
        """The same events over other vocabularies, which must hold every id that occurs."""
        users = self.users if users is None else users
        items = self.items if items is None else items
        user, item = users.encode(self.users)[self.user], self.item
        if len(self.items):
            item = np.where(self.item < 0, UNKNOWN, items.encode(self.items)[self.item]).astype(np.int32)
        if len(self) and (user.min() < 0 or (item[self.item >= 0] < 0).any()):
            raise InputError("the new vocabulary lacks an id that occurs", mend="extend the vocabulary first")
        return Events.from_codes(
            users=users,
            items=items,
            user=user,
            item=item,
            timestamp=self.timestamp,
            actions=self.actions,
            action=self.action,
            value=self.value,
            text=self.text,
            weight=self.weight,
        )

    def queries(self, users: I32, as_of: I64) -> "Queries":
        """What each of `users int32[q]` had done before its `as_of int64[q]`, as histories of items."""
        start, stop = self.offsets[users], self.offsets[users + 1]
        ragged = _ranges(start, stop - start)
        owner = np.repeat(np.arange(len(users)), stop - start)
        keep = (self.timestamp[ragged] < as_of[owner]) & (self.item[ragged] >= 0)
        rows, owner = ragged[keep], owner[keep]
        counts = np.bincount(owner, minlength=len(users))
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        weight = None if self.weight is None else self.weight[rows]
        return Queries(
            offsets=offsets, item=self.item[rows], timestamp=self.timestamp[rows], as_of=as_of, weight=weight
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Remarks:
    """What users said, declared or took back: evidence about interests beside the items they touched.

    The remarks of query q are rows offsets[q]:offsets[q + 1], in time order: `embedding float32[r, d]` and
    `topics float32[r, k]` as in the item table, `weight float32[r]` (below 0: against), `timestamp int64[r]`.
    """

    offsets: I64
    embedding: F32
    topics: F32
    weight: F32
    timestamp: I64

    def __post_init__(self) -> None:
        for name in ("embedding", "topics", "weight", "timestamp"):
            check_length(name, getattr(self, name), int(self.offsets[-1]))

    @cached_property
    def owner(self) -> I64:
        """`int64[r]`: the query each remark belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def slice(self, start: int, stop: int) -> "Remarks":
        """The remarks of queries start:stop."""
        rows = slice(self.offsets[start], self.offsets[stop])
        return Remarks(
            offsets=self.offsets[start : stop + 1] - self.offsets[start],
            embedding=self.embedding[rows],
            topics=self.topics[rows],
            weight=self.weight[rows],
            timestamp=self.timestamp[rows],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Queries:
    """Who asks and when: a batch of histories with one `as_of` each.

    The history of query q is rows offsets[q]:offsets[q + 1], in time order; `item int32[m]` are rows of the item
    table, `timestamp int64[m]` lie before `as_of int64[q]` (UTC microseconds). `weight float32[m]` says how strongly
    each event speaks for an interest (None: 1 each); `remarks` hold what users said beside it.
    """

    offsets: I64
    item: I32
    timestamp: I64
    as_of: I64
    weight: F32 | None = None
    remarks: Remarks | None = None

    def __post_init__(self) -> None:
        check_length("as_of", self.as_of, len(self.offsets) - 1)
        check_length("timestamp", self.timestamp, len(self.item))
        if self.weight is not None:
            check_length("weight", self.weight, len(self.item))
        if self.remarks is not None:
            check_length("remarks", self.remarks.offsets, len(self.offsets))
            if (self.remarks.timestamp >= self.as_of[self.remarks.owner]).any():
                raise InputError("a remark reaches past its as_of", mend="cut the remarks at as_of")
        if len(self.item) and (self.timestamp >= self.as_of[self.owner]).any():
            raise InputError("a history reaches past its as_of", mend="cut the history at as_of")

    def __len__(self) -> int:
        return len(self.as_of)

    @cached_property
    def owner(self) -> I64:
        """`int64[m]`: the query each history event belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def weights(self) -> F32:
        """`float32[m]`: `weight`, 1 each where none is given."""
        return np.ones(len(self.item), dtype=np.float32) if self.weight is None else self.weight

    @cached_property
    def tie_group(self) -> I64:
        """`int64[m]`: number of the tie group of each history event, ascending over the batch."""
        return tie_groups(self.owner, self.timestamp)

    @cached_property
    def age(self) -> F64:
        """`float64[m]`: how many events of the same query are newer, averaged inside tie groups (0 = the newest).

        Averaging makes every weight built on it blind to the order inside a tie group.
        """
        position = (self.offsets[1:][self.owner] - 1 - np.arange(len(self.item))).astype(np.float64)
        if not len(position):
            return position
        size = np.bincount(self.tie_group)
        return (np.bincount(self.tie_group, weights=position) / size)[self.tie_group]

    def slice(self, start: int, stop: int) -> "Queries":
        """Queries start:stop as a batch of their own."""
        stop = min(stop, len(self))
        low, high = self.offsets[start], self.offsets[stop]
        return Queries(
            offsets=self.offsets[start : stop + 1] - low,
            item=self.item[low:high],
            timestamp=self.timestamp[low:high],
            as_of=self.as_of[start:stop],
            weight=None if self.weight is None else self.weight[low:high],
            remarks=None if self.remarks is None else self.remarks.slice(start, stop),
        )

    @cached_property
    def newest(self) -> I64:
        """`int64[q]`: the time of the newest event or remark of each query; `as_of` - 1 where there is none."""
        newest = np.full(len(self), ALWAYS)
        held = np.diff(self.offsets) > 0
        newest[held] = self.timestamp[self.offsets[1:][held] - 1]
        if self.remarks is not None:
            np.maximum.at(newest, self.remarks.owner, self.remarks.timestamp)
        return np.where(newest == ALWAYS, self.as_of - 1, newest)

    def among_latest(self, limit: int) -> Bool:
        """`bool[m]`: the newest `limit` events of each history, and the rest of the tie group that limit falls in."""
        newer = self.offsets[1:][self.owner] - 1 - np.arange(len(self.item))
        last_of_group = np.append(np.diff(self.tie_group) != 0, True)[: len(self.item)]
        newest = newer[last_of_group]
        return np.asarray(newest[self.tie_group] < limit)


def tie_groups(owner: NDArray[Any], timestamp: I64) -> I64:
    """Number tie groups in arrays sorted by owner and time: `int64[n]`, ascending from 0.

    >>> tie_groups(np.array([0, 0, 0, 1]), np.array([5, 5, 6, 6])).tolist()
    [0, 0, 1, 2]
    """
    if not len(owner):
        return np.zeros(0, dtype=np.int64)
    starts = (np.diff(owner) != 0) | (np.diff(timestamp) != 0)
    return np.concatenate(([0], np.cumsum(starts))).astype(np.int64)


def _ranges(start: I64, length: I64) -> I64:
    """Concatenated ranges start[k] : start[k] + length[k]."""
    total = int(length.sum())
    ends = np.cumsum(length)
    return (
        np.repeat(start - np.concatenate(([0], ends[:-1])), length) + np.arange(total)
        if total
        else np.zeros(0, np.int64)
    )
