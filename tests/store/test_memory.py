"""The log in memory: whole on every read, in whatever order events came."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.ids import Vocabulary
from evorec.core.types import ALWAYS, Events
from evorec.store.memory import MemoryLog

ITEMS = Vocabulary(("x", "y", "z"))
ROWS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.integers(0, 6)), max_size=20, unique=True)


def log_of(rows):
    user_ids, item_ids, times = zip(*rows, strict=True) if rows else ((), (), ())
    return MemoryLog(Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=times).recoded(items=ITEMS))


def same(one, other):
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("offsets", "item", "timestamp", "as_of"))


@given(ROWS, st.integers(0, 20), st.randoms(use_true_random=False), st.integers(0, 8))
def test_appended_in_any_order_equals_held_from_the_start(rows, known, random, as_of):
    whole, grown = log_of(rows), log_of(rows[:known])
    late = rows[known:]
    random.shuffle(late)
    for user_id, item_id, timestamp in late:
        assert grown.append(user_id, ITEMS.code(item_id), timestamp)
    moments = np.full(5, as_of)
    assert same(whole.queries("abcd?", moments), grown.queries("abcd?", moments))
    assert sorted(grown.user_ids()) == sorted(whole.user_ids())
    assert grown.newest == whole.newest


@given(ROWS, st.integers(0, 20))
def test_an_event_held_already_changes_nothing(rows, known):
    log = log_of(rows[:known])
    for user_id, item_id, timestamp in rows[known:]:
        log.append(user_id, ITEMS.code(item_id), timestamp)
    assert not any(log.append(u, ITEMS.code(i), t) for u, i, t in rows)
    assert same(log.queries("abcd", np.full(4, 9)), log_of(rows).queries("abcd", np.full(4, 9)))


@given(ROWS)
def test_columns_hold_everything(rows):
    log = log_of(rows[: len(rows) // 2])
    for user_id, item_id, timestamp in rows[len(rows) // 2 :]:
        log.append(user_id, ITEMS.code(item_id), timestamp)
    ids, told = log.columns()
    held = zip((ids[o] for o in told.owner), (ITEMS.ids[i] for i in told.item), told.timestamp.tolist(), strict=True)
    assert sorted(held) == sorted(rows)


def test_each_query_has_a_moment_of_its_own():
    log = log_of([("a", "x", 1), ("a", "y", 3)])
    assert np.diff(log.queries(["a", "a", "a"], np.array([1, 3, 4])).offsets).tolist() == [0, 1, 2]


def test_words_without_an_item_are_no_history():
    log = MemoryLog(Events.create(user_ids=["a", "b"], item_ids=["", "x"], timestamps=[1, 2], texts=["茶", ""]))
    assert np.diff(log.queries(["a", "b"], np.array([9, 9])).offsets).tolist() == [0, 1]


def test_an_empty_log():
    log = log_of([])
    assert log.newest == ALWAYS
    assert log.user_ids() == []
    assert len(log.queries([], np.zeros(0, dtype=np.int64))) == 0
    assert log.append("new", 0, 5)
    assert log.newest == 5
    assert log.user_ids() == ["new"]


def test_one_event_under_two_actions_is_held_once():
    """A view and a purchase of one item at one moment: replayed or observed, the history is the same."""
    both = Events.create(user_ids="aab", item_ids="xxy", timestamps=[1, 1, 2], actions=["view", "buy", "view"])
    held = MemoryLog(both.recoded(items=ITEMS))
    grown = log_of([("b", "y", 2)])
    assert [grown.append("a", ITEMS.code("x"), 1) for _ in range(2)] == [True, False]
    moments = np.full(2, 9)
    assert same(held.queries("ab", moments), grown.queries("ab", moments))


def test_words_without_an_item_are_no_repeats():
    words = Events.create(user_ids="aa", item_ids=["", ""], timestamps=[1, 1], texts=["tea", "茶"])
    assert MemoryLog(words).user_ids() == ["a"]
