"""Windows: a user's events cut into consecutive pieces of about the same number, closed where tie groups end."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from evorec.core.errors import InputError
from evorec.core.types import F32, F64, I64, tie_groups


@dataclass(frozen=True, eq=False, kw_only=True)
class Windows:
    """Windows of all users, ragged: those of user u are rows offsets[u]:offsets[u + 1], in time order.

    The events of window w are rows bounds[w]:bounds[w + 1] of `content float32[n, topics]`, content vectors that sum
    to 1, and of `age float64[n]`: how many events of the same window are newer, averaged inside tie groups. `start`,
    `end` `int64[w]` are the timestamps of a window's first and last event (UTC microseconds); `size` is the number of
    events that was asked for.
    """

    offsets: I64
    bounds: I64
    content: F32
    age: F64
    start: I64
    end: I64
    size: int

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def events(self) -> I64:
        """`int64[w]`: how many events each window holds."""
        return np.diff(self.bounds)

    @cached_property
    def owner(self) -> I64:
        """`int64[w]`: the user each window belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @cached_property
    def counts(self) -> F64:
        """`float64[w, topics]`: summed content vectors of each window's events."""
        return self._summed(np.ones(len(self.content), dtype=np.float32))

    @cached_property
    def newest(self) -> I64:
        """`int64[m]`: the last window of every user that has one."""
        return (self.offsets[1:] - 1)[np.diff(self.offsets) > 0]

    def followed(self, steps: int, users: I64 | None = None) -> I64:
        """`int64[n]`: windows whose user (one of `users`) has another one `steps` further; that one is row + steps."""
        if steps < 1:
            raise InputError(f"{steps} windows ahead is not ahead", mend="give steps of at least 1")
        rows = np.arange(len(self))
        kept = rows + steps < self.offsets[self.owner + 1]
        if users is not None:
            kept &= np.isin(self.owner, users)
        return rows[kept]

    def decayed(self, half_life: float) -> F64:
        """Evidence `float64[w, topics]` at the end of every window: the user's events so far, halved by each
        `half_life` newer events (`inf`: all count in full; 0: only this window counts, in full).
        """
        if not half_life >= 0:
            raise InputError(f"the half-life is {half_life} events", mend="give a number of events of at least 0")
        if half_life == 0:
            return self.counts.copy()
        state = self._summed(np.exp2(-self.age / half_life).astype(np.float32))
        kept = np.exp2(-self.events / half_life)[:, None]
        order = np.arange(len(self)) - self.offsets[self.owner]
        by_order = np.argsort(order, kind="stable")
        ends = np.cumsum(np.bincount(order)) if len(self) else np.zeros(0, dtype=np.int64)
        for low, high in pairwise(ends):  # the second windows of all users, then the third
            rows = by_order[low:high]
            state[rows] += kept[rows] * state[rows - 1]
        return state

    def _summed(self, weight: F32) -> F64:
        rows = sp.csr_matrix((weight, np.arange(len(self.content)), self.bounds), shape=(len(self), len(self.content)))
        return np.asarray(rows @ self.content, dtype=np.float64)


def windows(*, offsets: I64, membership: F32, timestamps: I64, size: int, keep_oldest: bool = False) -> Windows:
    """Consecutive windows of at least `size` events, each closed at the first tie-group end that reaches it.

    Events of user u are rows offsets[u]:offsets[u + 1] of `membership float32[n, topics]` (content vectors; a row of
    zeros is no evidence and is left out) and of `timestamps int64[n]` (UTC microseconds, ascending). Windows are cut
    from a user's first event on and an incomplete last one is dropped. With `keep_oldest` they are cut backwards from
    the last event, so that the newest window is complete and the oldest takes what is left: what a forecast from
    "now" reads.

    >>> cut = windows(offsets=np.array([0, 5]), membership=np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 0]],
    ...               timestamps=np.array([1, 2, 2, 3, 4]), size=2)
    >>> cut.counts.tolist(), cut.end.tolist()
    ([[2.0, 1.0], [1.0, 1.0]], [2, 4])
    >>> cut.decayed(1.0)[0].round(3).tolist()  # two events at one moment are half an event old each
    [0.957, 0.707]
    """
    if size < 1:
        raise InputError(f"a window of {size} events holds nothing", mend="give a size of at least 1")
    if len(membership) != len(timestamps) or offsets[-1] != len(timestamps):
        raise InputError("offsets, membership and timestamps differ in length", mend="give one row per event")
    known = membership.any(axis=1)
    kept = np.concatenate(([0], np.cumsum(known)))[offsets]
    content, timestamps = membership[known], timestamps[known]
    group = tie_groups(np.repeat(np.arange(len(kept) - 1), np.diff(kept)), timestamps)
    if keep_oldest:  # the same cut on mirrored rows
        n, last = len(group), group.max(initial=0)
        stop, first = (n - rows[::-1] for rows in _cut(n - kept[::-1], last - group[::-1], size, False))
    else:
        first, stop = _cut(kept, group, size, True)
    length = stop - first
    bounds = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    rows = np.repeat(first - bounds[:-1], length) + np.arange(bounds[-1])
    newer = (np.repeat(stop, length) - 1 - rows).astype(np.float64)
    together = tie_groups(np.zeros(len(rows)), group[rows])  # a tie group never spans two windows
    return Windows(
        offsets=np.searchsorted(first, kept).astype(np.int64),
        bounds=bounds,
        content=np.asarray(content[rows], dtype=np.float32),
        age=(np.bincount(together, newer) / np.bincount(together))[together] if len(rows) else newer,
        start=timestamps[first],
        end=timestamps[stop - 1],
        size=size,
    )


def _cut(offsets: I64, group: I64, size: int, whole: bool) -> tuple[I64, I64]:
    """First row and one past the last of every window, ascending; all users jump from window to window at once."""
    group_stop = np.cumsum(np.bincount(group)) if len(group) else np.zeros(0, dtype=np.int64)
    at, stop = offsets[:-1], offsets[1:]
    firsts, stops = [at[:0]], [at[:0]]
    while True:
        going = at + size <= stop if whole else at < stop
        at, stop = at[going], stop[going]
        if not len(at):
            break
        firsts.append(at)
        at = group_stop[group[np.minimum(at + size, stop) - 1]]
        stops.append(at)
    first = np.concatenate(firsts)
    by_row = np.argsort(first)
    return first[by_row], np.concatenate(stops)[by_row]
