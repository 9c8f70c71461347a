"""Histories as batches: windows of whole tie groups, and what follows each group."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.types import Events
from evorec.models.histories import cut_histories, first_touches, latest, padded, steps_of

LOGS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 12)), min_size=1, max_size=40)


def events_of(rows):
    return Events.create(
        user_ids=[f"u{user}" for user, _, _ in rows],
        item_ids=[f"i{item}" for _, item, _ in rows],
        timestamps=[time for _, _, time in rows],
    )


@given(LOGS, st.integers(2, 6))
def test_windows_learn_every_event_once(rows, length):
    """Of every user with two events or more; a tie group longer than a window loses what does not fit."""
    events = events_of(rows)
    cut = cut_histories(events, length)
    assert (cut.start <= cut.learn).all()
    assert (cut.stop - cut.start <= length).all()
    count = np.zeros(len(events), dtype=int)
    for learn, stop in zip(cut.learn, cut.stop, strict=True):
        assert len(set(events.user[learn:stop].tolist())) == 1
        count[learn:stop] += 1
    assert count.max(initial=0) <= 1
    largest = np.bincount(events.tie_group).max()
    if largest <= length:
        assert (count[np.diff(events.offsets)[events.user] >= 2] == 1).all()


@given(LOGS, st.integers(2, 6))
def test_windows_keep_tie_groups_whole(rows, length):
    events = events_of(rows)
    group = events.tie_group
    for start in cut_histories(events, length).start:
        assert start == 0 or group[start] != group[start - 1]


def test_steps_by_hand():
    # a: {x} then {y, z} then {x}: the last is no target, since x was touched before.
    events = Events.create(user_ids=["a"] * 4, item_ids=["x", "y", "z", "x"], timestamps=[10, 20, 20, 50])
    batch, steps = steps_of(events, cut_histories(events, 8), first_touches(events))
    assert batch.group.tolist() == [[0, 1, 1, 2]]
    assert steps.state.tolist() == [0, 1, 1, 2]
    assert steps.asked.tolist() == [0]
    assert (steps.silence.tolist(), steps.time.tolist()) == ([10], [20])
    assert events.items.decode(steps.target) == ["y", "z"]
    assert steps.weight.tolist() == [0.5, 0.5]


def test_context_is_not_learned_from_again():
    events = Events.create(user_ids=["a"] * 6, item_ids=list("uvwxyz"), timestamps=[1, 2, 3, 4, 5, 6])
    cut = cut_histories(events, 4)
    _, steps = steps_of(events, cut, first_touches(events))
    targets = events.items.decode(steps.target)
    assert sorted(targets) == sorted(set(targets))


def test_padding_stands_at_the_end():
    batch = padded(np.array([0, 3]), np.array([3, 4]), np.array([0, 1, 1, 2]))
    assert batch.group.tolist() == [[0, 1, 1], [2, -1, -1]]
    assert batch.valid.sum() == 4


def test_the_latest_groups_of_those_who_have_any():
    events = Events.create(user_ids=["a", "a", "b", "b", "b"], item_ids=list("xyxyz"), timestamps=[1, 2, 1, 2, 2])
    asked, batch = latest(events.queries(np.array([0, 1], np.int32), np.array([1, 9])), 2)
    assert asked.tolist() == [1]
    assert batch.row.tolist() == [[1, 2]]


@given(LOGS)
def test_batches_hold_every_window_once(rows):
    cut = cut_histories(events_of(rows), 4)
    seen = [start for batch in cut.batches(8, np.random.default_rng(0)) for start in batch.start.tolist()]
    assert sorted(seen) == sorted(cut.start.tolist())
