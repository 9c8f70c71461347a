"""What cleaning did (`CleaningReport`), the cleaning steps on event logs, and what a log looks like (`describe`)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.ids import UNKNOWN, Vocabulary
from evorec.core.types import DAY, Bool, Events
from evorec.data.feedback import Feedback, taken_back


@dataclass(frozen=True, kw_only=True)
class CleaningReport:
    """Rows in, rows dropped and why, rows out. It adds up, or it cannot be made.

    >>> read = CleaningReport(source="log.csv", rows_in=10, dropped={"missing user": 2}, rows_out=8)
    >>> cored = CleaningReport(source="k-core", rows_in=8, dropped={"fewer than 5 events": 3}, rows_out=5)
    >>> print(read.then(cored))
    log.csv: 10 rows in, 5 out
      missing user: 2
      fewer than 5 events: 3
    """

    source: str
    rows_in: int
    rows_out: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        total = self.rows_out + sum(self.dropped.values())
        if self.rows_in != total or min(self.dropped.values(), default=0) < 0:
            raise InputError(
                f"the cleaning report of {self.source} does not add up: {self.rows_in} rows in, {total} accounted for",
                mend="count every dropped row under exactly one reason",
            )

    def then(self, later: "CleaningReport") -> "CleaningReport":
        """This report followed by that of a `later` step, which must start from the rows that are left here."""
        if later.rows_in != self.rows_out:
            raise InputError(
                f"{later.source} starts from {later.rows_in} rows, but {self.source} left {self.rows_out}",
                mend="chain reports in the order in which the steps ran",
            )
        dropped = dict(self.dropped)
        for reason, count in later.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
        return CleaningReport(
            source=self.source,
            rows_in=self.rows_in,
            rows_out=later.rows_out,
            dropped=dropped,
            notes=(*self.notes, *later.notes),
        )

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return {
            "source": self.source,
            "rows_in": self.rows_in,
            "dropped": dict(self.dropped),
            "rows_out": self.rows_out,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        head = f"{self.source}: {self.rows_in:,} rows in, {self.rows_out:,} out"
        drops = (f"  {reason}: {count:,}" for reason, count in self.dropped.items())
        return "\n".join((head, *drops, *(f"  note: {note}" for note in self.notes)))


def drop_duplicates(events: Events) -> tuple[Events, CleaningReport]:
    """Keep one event per (user, item, timestamp), the last in the order of the log.

    >>> log = Events.create(user_ids=["u"] * 3, item_ids=["a", "a", "b"], timestamps=[1, 1, 1], values=[2, 3, 4])
    >>> kept, report = drop_duplicates(log)
    >>> kept.value.tolist(), dict(report.dropped)
    ([3.0, 4.0], {'duplicate': 1})
    """
    keep = last_of_equals(events.user, events.timestamp, events.item)
    return _selected(events, keep, source="drop duplicates", reason="duplicate")


def k_core(events: Events, users: int = 5, items: int = 5) -> tuple[Events, CleaningReport]:
    """Drop users with fewer than `users` events and items with fewer than `items`, again and again until none is left.

    Words without an item and cancels and returns stay as long as their user and item do; they count for nobody.
    Vocabularies shrink to who is left. The result is the largest log with the property, so it does not depend on the
    order of the steps.

    >>> log = Events.create(user_ids=["a", "a", "b", "b", "c"], item_ids=list("xyxyz"), timestamps=range(5))
    >>> kept, report = k_core(log, users=2, items=2)
    >>> list(kept.users), list(kept.items), report.rows_out
    (['a', 'b'], ['x', 'y'], 4)
    """
    counted = (events.item >= 0) & ~taken_back(events)
    keep = counted.copy()
    while True:
        by_user = np.bincount(events.user[keep], minlength=len(events.users))
        by_item = np.bincount(events.item[keep], minlength=len(events.items))
        enough = np.append(by_item >= items, True)  # the last entry is for words without an item, code -1
        stays = (by_user[events.user] >= users) & enough[events.item]
        if (keep & stays).sum() == keep.sum():
            break
        keep &= stays
    keep |= ~counted & stays
    reason = f"user with fewer than {users} events or item with fewer than {items}"
    kept, report = _selected(events, keep, source="k-core", reason=reason)
    return compact(kept), report


def compact(events: Events) -> Events:
    """The same events over vocabularies that hold only the users and items that occur."""
    users, items = np.unique(events.user), np.unique(events.item[events.item >= 0])
    # codes only move closer together, so the log stays sorted
    item = np.where(events.item < 0, UNKNOWN, np.searchsorted(items, events.item))
    return replace(
        events,
        users=Vocabulary(tuple(events.users.decode(users))),
        items=Vocabulary(tuple(events.items.decode(items))),
        user=np.searchsorted(users, events.user).astype(np.int32),
        item=item.astype(np.int32),
    )


def last_of_equals(user: NDArray[Any], timestamp: NDArray[Any], item: NDArray[Any], *further: NDArray[Any]) -> Bool:
    """`bool[n]`: rows after which no row is equal in all arrays. The first three must be sorted, `further` need not be.

    >>> zeros = np.zeros(4, dtype=int)
    >>> last_of_equals(zeros, zeros, zeros, np.array([7, 8, 7, 7])).tolist()
    [False, True, False, True]
    """
    n = len(user)
    keep = np.ones(n, dtype=bool)
    if n < 2:
        return keep
    same = (user[1:] == user[:-1]) & (timestamp[1:] == timestamp[:-1]) & (item[1:] == item[:-1])
    rows = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))  # few: only these need sorting
    run = np.cumsum(np.insert(~same, 0, True))[rows]
    keys = [key[rows] for key in further]
    order = np.lexsort((*keys, run))  # stable: equal rows stay in the order they came
    equal_to_next = np.ones(max(len(rows) - 1, 0), dtype=bool)
    for key in (run, *keys):
        equal_to_next &= key[order][1:] == key[order][:-1]
    keep[rows[order[:-1]][equal_to_next]] = False
    return keep


def what_counts(weighed: Events, feedback: Feedback) -> CleaningReport:
    """How many events speak for an interest, as weighed by `feedback`, and why the others do not.

    Those that count against an item are not lost: they move the interests away from it.

    >>> from evorec.data.feedback import weigh
    >>> log = Events.create(user_ids="aaa", item_ids="xyx", timestamps=[1, 2, 3], actions=["", "skip", "return"])
    >>> print(what_counts(weigh(log, Feedback()), Feedback()))
    what counts: 3 rows in, 1 out
      cancel or return, counts against: 1
      action 'skip', counts against: 1
    """
    n = len(weighed)
    weight = weighed.weights
    code = np.zeros(n, dtype=np.int16) if weighed.action is None else weighed.action
    by_action = np.asarray([feedback.weight(name) for name in weighed.actions])[code]
    lost, by_value, back = weight <= 0, (weight <= 0) & (by_action > 0), taken_back(weighed)
    dropped = {"cancel or return, counts against": lost & back & (by_action < 0)}
    for number, name in enumerate(weighed.actions):
        mine = lost & (code == number)
        dropped[f"action {name!r}, counts against"] = mine & ~back & (by_action < 0)
        dropped[f"action {name!r}, counts neither way"] = mine & (by_action == 0)
    dropped[f"{feedback.too_low}, counts against"] = by_value
    counts = {reason: int(rows.sum()) for reason, rows in dropped.items() if rows.any()}
    return CleaningReport(source="what counts", rows_in=n, dropped=counts, rows_out=n - int(lost.sum()))


def _selected(events: Events, keep: Bool, *, source: str, reason: str) -> tuple[Events, CleaningReport]:
    rows_in, rows_out = len(events), int(keep.sum())
    dropped = {reason: rows_in - rows_out} if rows_in > rows_out else {}
    report = CleaningReport(source=source, rows_in=rows_in, dropped=dropped, rows_out=rows_out)
    return (events if rows_in == rows_out else events.select(keep)), report


@dataclass(frozen=True, kw_only=True)
class Description:
    """What an event log looks like, and what that means for those who model it.

    Shares lie in [0, 1]. `first`, `last` are ISO 8601 UTC. `median_span_days` is the time from a user's first to last
    event, the median over users. `tie_share`: events that share user and timestamp with another. `repeat_share`: events
    on an item that the user had touched before. `new_item_share`: events in the newest tenth on items without an event
    before it. `text_coverage`: events whose item has words in the catalogue; None without a catalogue. `warnings` each
    end with the mend.
    """

    events: int
    users: int
    items: int
    first: str
    last: str
    median_span_days: float
    tie_share: float
    repeat_share: float
    new_item_share: float
    actions: Mapping[str, int]
    events_per_user: Mapping[str, float]
    text_coverage: float | None
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The description as plain values, ready for JSON."""
        return asdict(self)


def describe(events: Events, catalogue: Catalogue | None = None) -> Description:
    """Count what matters for a choice of model and protocol; refuses an empty log.

    Cancels and returns are counted under `actions` and nowhere else.

    >>> log = Events.create(user_ids=["u", "u", "v"], item_ids=["a", "b", "a"], timestamps=[0, 0, 86_400_000_000])
    >>> seen = describe(log)
    >>> seen.users, seen.items, round(seen.tie_share, 2), seen.last
    (2, 2, 0.67, '1970-01-02T00:00:00+00:00')
    """
    actions, events = _action_counts(events), events.select(~taken_back(events))
    last, n = events.newest, len(events)
    users, counts = np.unique(events.user, return_counts=True)
    spans = events.timestamp[events.offsets[users + 1] - 1] - events.timestamp[events.offsets[users]]
    with_item = events.item >= 0
    touched = events.item[with_item]
    pairs = np.unique(events.user[with_item].astype(np.int64) * max(len(events.items), 1) + touched)
    quantiles = np.quantile(counts, [0, 0.25, 0.5, 0.75, 1])
    values: dict[str, Any] = {
        "events": n,
        "users": len(users),
        "items": len(np.unique(touched)),
        "first": _iso(int(events.timestamp.min())),
        "last": _iso(last),
        "median_span_days": float(np.median(spans)) / DAY,
        "tie_share": float((np.bincount(events.tie_group)[events.tie_group] > 1).mean()),
        "repeat_share": 1 - len(pairs) / max(len(touched), 1),
        "new_item_share": _new_item_share(events),
        "actions": actions,
        "events_per_user": dict(zip(("min", "25%", "median", "75%", "max"), quantiles.tolist(), strict=True)),
        "text_coverage": None if catalogue is None else _text_coverage(events, catalogue),
    }
    return Description(**values, warnings=_warnings(values))


def _iso(timestamp: int) -> str:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=timestamp)).isoformat()
    except OverflowError:  # beyond the years 1 to 9999
        return f"{timestamp} us"


def _new_item_share(events: Events) -> float:
    cut = np.sort(events.timestamp)[int(0.9 * (len(events) - 1))]  # as the protocol cuts
    old = np.zeros(len(events.items) + 1, dtype=bool)  # the last entry takes item -1
    old[events.item[events.timestamp < cut]] = True
    late = events.item[(events.timestamp >= cut) & (events.item >= 0)]
    return float((~old[late]).mean()) if len(late) else 0.0


def _action_counts(events: Events) -> dict[str, int]:
    if events.action is None:
        return {events.actions[0]: len(events)}
    counts = np.bincount(events.action, minlength=len(events.actions))
    return {name: int(count) for name, count in zip(events.actions, counts, strict=True) if count}


def _text_coverage(events: Events, catalogue: Catalogue) -> float:
    has_words = np.array([bool(catalogue.describe(row)) for row in range(len(catalogue))] + [False])
    rows = catalogue.items.encode(events.items)  # -1, not in the catalogue, takes the last entry
    with_item = events.item >= 0
    return float(has_words[rows[events.item[with_item]]].mean()) if with_item.any() else 0.0


def _warnings(seen: Mapping[str, Any]) -> tuple[str, ...]:
    """The facts that mislead when nobody looks; thresholds are judgement, the numbers stand beside them."""
    coverage = seen["text_coverage"]
    found = (
        (
            seen["median_span_days"] < 1,
            f"half of the users stay for less than a day (median {24 * seen['median_span_days']:.1f} hours): "
            "show how interests evolve only on the users who stay longer",
        ),
        (
            seen["tie_share"] > 0.1,
            f"{seen['tie_share']:.0%} of events share user and time with another, so their order is unknown: "
            "use finer timestamps if there are any, and measures that read no order inside ties",
        ),
        (
            seen["repeat_share"] > 0.2,
            f"{seen['repeat_share']:.0%} of events repeat an item: evaluate with repeats allowed as well",
        ),
        (
            seen["new_item_share"] > 0.2,
            f"{seen['new_item_share']:.0%} of the newest tenth is on items that are new in it: "
            "give the catalogue words, so that new items can be recommended",
        ),
        (
            seen["events_per_user"]["median"] < 5,
            f"half of the users have fewer than 5 events (median {seen['events_per_user']['median']:g}): "
            "lean on popularity and content, or keep only users with more",
        ),
        (
            coverage is not None and coverage < 0.5,
            f"only {coverage or 0:.0%} of events are on items with words in the catalogue: "
            "check that both files spell item ids alike, or add titles",
        ),
    )
    return tuple(text for holds, text in found if holds)
