"""Splits: one global cut in time, rolling cuts inside the training time, and seeded random splits of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import Bool, Events
from evorec.data.dataset import Dataset


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise InputError(f"a fraction of {fraction} leaves one part empty", mend="give a number between 0 and 1")


def time_cut(events: Events, fraction: float = 0.9) -> int:
    """The timestamp that ends the training time: the one at rank floor(fraction * (n - 1)), in UTC microseconds.

    >>> log = Events.create(user_ids="abcde", item_ids="xxyyz", timestamps=[1, 2, 3, 4, 5])
    >>> time_cut(log, 0.5)
    3
    """
    _check_fraction(fraction)
    if not len(events):
        raise InputError("the event log is empty", mend="check the file, the filters and the column mapping")
    rank = int(fraction * (len(events) - 1))
    return int(np.partition(events.timestamp, rank)[rank])


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """One dataset cut at one moment for everybody: train is before `cut` (UTC microseconds), test from it on.

    A split by time alone keeps later events of others out of training; leave-one-out per user does not.
    """

    dataset: Dataset
    cut: int

    def __post_init__(self) -> None:
        timestamp = self.dataset.events.timestamp
        if not (timestamp < self.cut).any() or not (timestamp >= self.cut).any():
            raise InputError("the cut leaves no event on one of its sides", mend="cut within the time of the log")

    @cached_property
    def train(self) -> Dataset:
        """What a model may learn from: the events before the cut."""
        return self.dataset.before(self.cut)

    @cached_property
    def test(self) -> Dataset:
        """The events from the cut on."""
        events = self.dataset.events
        return Dataset(
            events=events.select(events.timestamp >= self.cut),
            catalogue=self.dataset.catalogue,
            users=self.dataset.users,
        )


def split_by_time(dataset: Dataset, cut: int | None = None) -> Split:
    """Split at `cut` (UTC microseconds), by default at `time_cut(events, 0.9)`.

    >>> log = Events.create(user_ids="abcde", item_ids="xxyyz", timestamps=[1, 2, 3, 4, 5])
    >>> split = split_by_time(Dataset.create(log), 4)
    >>> len(split.train.events), len(split.test.events)
    (3, 2)
    """
    return Split(dataset=dataset, cut=time_cut(dataset.events) if cut is None else cut)


def rolling_splits(dataset: Dataset, count: int, width: float = 0.1) -> list[Split]:
    """Up to `count` splits inside one training time, oldest first, for choosing settings without a look at the test.

    The last `count * width` of the events are divided into `count` windows; each split trains on everything before
    one window and tests on that window alone. Windows that coincide, where timestamps are coarse, are merged.

    >>> log = Events.create(user_ids="a" * 10, item_ids="x" * 10, timestamps=range(10))
    >>> [(len(s.train.events), len(s.test.events)) for s in rolling_splits(Dataset.create(log), 2, width=0.2)]
    [(5, 2), (7, 3)]
    """
    if count < 1 or not 0 < count * width < 1:
        raise InputError(f"{count} windows of {width} do not fit into a log", mend="take fewer or narrower windows")
    events = dataset.events
    found = sorted({time_cut(events, 1 - width * k) for k in range(count, 0, -1)} - {int(events.timestamp.min())})
    if not found:
        raise InputError("too few distinct timestamps for a split by time", mend="bring a longer log")
    ends = [*found[1:], events.newest + 1]
    return [Split(dataset=dataset.before(end), cut=cut) for cut, end in zip(found, ends, strict=True)]


def random_split(
    n: int, fraction: float, *, seed: int, strata: Sequence[str] | NDArray[np.int64] | None = None
) -> Bool:
    """`bool[n]`, true for floor(fraction * n) rows (or users) drawn at random.

    With `strata` (one label per row) every stratum gives its share, to within one row. For events use
    `split_by_time`: a random split of events trains on the future.

    >>> drawn = random_split(10, 0.4, seed=1, strata=["en"] * 5 + ["zh"] * 5)
    >>> int(drawn[:5].sum()), int(drawn[5:].sum())
    (2, 2)
    """
    _check_fraction(fraction)
    order = generator(seed, "random split").permutation(n)
    if strata is not None:
        if len(strata) != n:
            raise InputError(f"{len(strata)} strata for {n} rows", mend="give one label per row")
        codes = np.unique(np.asarray(strata), return_inverse=True)[1]
        order = order[np.argsort(codes[order], kind="stable")]
    # Evenly spaced ranks: floor(fraction * n) in all, and within one of the fair share in any run of the order.
    steps = np.floor(np.arange(n + 1) * fraction + 1e-9)
    drawn = np.zeros(n, dtype=np.bool_)
    drawn[order[np.diff(steps) > 0]] = True
    return drawn
