"""Targets: against a plain re-implementation, and the laws of time and ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.data.split import Split
from evorec.data.targets import next_targets, successive_targets

CUT = 6
ROW = st.tuples(st.sampled_from("abcd"), st.sampled_from("vwxyz"), st.integers(0, 10))
ROWS = st.lists(ROW, max_size=40).map(lambda rows: [*rows, ("a", "x", 0), ("a", "y", 9)])


def split_of(rows, catalogue=None):
    users, items, times = zip(*rows, strict=True)
    return Split(
        dataset=Dataset.create(Events.create(user_ids=users, item_ids=items, timestamps=times), catalogue), cut=CUT
    )


def named(targets, split):
    """Targets as plain tuples (user, time, items)."""
    users, items = split.dataset.events.users, split.dataset.items
    return [
        (users.ids[u], int(t), tuple(items.decode(targets.item[low:high])))
        for u, t, low, high in zip(
            targets.user, targets.timestamp, targets.offsets[:-1], targets.offsets[1:], strict=True
        )
    ]


def slow_targets(rows, *, first_only, repeats, candidates):
    """The definitions, word by word."""
    warm = {item for _, item, time in rows if time < CUT}
    first_seen = {}
    for _, item, time in rows:
        first_seen[item] = min(time, first_seen.get(item, time))
    found = []
    for user in sorted({user for user, _, _ in rows}):
        own = [(time, item) for who, item, time in rows if who == user]
        if not any(time < CUT for time, _ in own):
            continue
        groups = sorted({time for time, _ in own if time >= CUT})
        for time in groups[:1] if first_only else groups:
            touched = set() if repeats else {item for when, item in own if when < time}
            offered = warm if candidates == "warm" else {item for item, when in first_seen.items() if when < time}
            relevant = {item for when, item in own if when == time} & offered - touched
            if relevant:
                found.append((user, time, tuple(sorted(relevant))))
    return found


@given(ROWS, st.booleans(), st.booleans(), st.sampled_from(["warm", "available"]))
@settings(max_examples=200)
def test_equals_the_plain_reading_of_the_definitions(rows, first_only, repeats, candidates):
    split = split_of(rows)
    find = next_targets if first_only else successive_targets
    found = named(find(split, repeats=repeats, candidates=candidates), split)
    assert found == slow_targets(rows, first_only=first_only, repeats=repeats, candidates=candidates)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_target(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = split_of(rows), split_of(shuffled)
    assert named(successive_targets(one), one) == named(successive_targets(other), other)


@given(ROWS, st.sampled_from(["frozen", "query_time"]))
def test_a_history_is_all_of_the_user_strictly_before_the_target(rows, clock):
    split = split_of(rows)
    targets = successive_targets(split)
    queries = targets.queries(split.dataset.events, clock)
    events = split.dataset.events
    for q, (user, time) in enumerate(zip(targets.user, targets.timestamp, strict=True)):
        own = (events.user == user) & (events.timestamp < time)
        rows_of_q = slice(queries.offsets[q], queries.offsets[q + 1])
        assert np.array_equal(queries.item[rows_of_q], events.item[own])
        newest = max(split.train.events.newest, int(events.timestamp[own].max()))
        assert queries.as_of[q] == (newest + 1 if clock == "frozen" else time)


@given(ROWS, st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("vwxyz"), st.integers(CUT, 20)), max_size=9))
def test_nothing_after_the_cut_changes_a_next_query(rows, later):
    def asked(log):
        split = split_of(log)
        targets = next_targets(split)
        queries = targets.queries(split.dataset.events)
        users = split.dataset.events.users
        return {
            users.ids[user]: (
                split.dataset.items.decode(queries.item[queries.offsets[q] : queries.offsets[q + 1]]),
                queries.timestamp[queries.offsets[q] : queries.offsets[q + 1]].tolist(),
                int(queries.as_of[q]),
            )
            for q, user in enumerate(targets.user)
        }

    before, after = asked(rows), asked(rows + later)
    assert all(before[user] == after[user] for user in before.keys() & after.keys())


def test_cold_and_withdrawn_items_among_what_is_available():
    catalogue = Catalogue.create(
        item_ids=["cold", "gone", "future"], available_from=[3, 1, 9], available_until=[99, 7, 99]
    )
    rows = [("a", "old", 1), ("a", "cold", 8), ("a", "gone", 8), ("a", "future", 8)]
    split = split_of(rows, catalogue)
    assert named(next_targets(split), split) == []
    targets = next_targets(split, candidates="available")
    assert named(targets, split) == [("a", 8, ("cold",))]
    assert dict(zip(split.dataset.items, targets.candidates()[0].tolist(), strict=True)) == {
        "cold": True,
        "future": False,
        "gone": False,
        "old": True,
    }


def test_words_without_an_item_are_neither_target_nor_history():
    split = split_of([("a", "x", 1), ("b", "y", 1), ("a", "", 7), ("a", "y", 8), ("c", "", 2), ("c", "x", 9)])
    assert named(next_targets(split), split) == [("a", 8, ("y",))]


@given(ROWS, st.integers(0, 9), st.integers(0, 9), st.randoms(use_true_random=False))
def test_a_part_keeps_users_items_and_offsets_together(rows, start, stop, random):
    split = split_of(rows)
    targets = successive_targets(split)
    whole = named(targets, split)
    if start <= min(stop, len(whole)):
        assert named(targets.slice(start, stop), split) == whole[start:stop]
    some = [q for q in range(len(whole)) if random.random() < 0.5]
    assert named(targets.take(np.array(some, dtype=np.int64)), split) == [whole[q] for q in some]


def test_unknown_words_are_refused():
    split = split_of([("a", "x", 1), ("b", "y", 1), ("a", "y", 7)])
    with pytest.raises(InputError, match="unknown candidates"):
        next_targets(split, candidates="all")
    with pytest.raises(InputError, match="unknown clock"):
        next_targets(split).queries(split.dataset.events, "wall")
