"""Remarks in memory: sorted, each held once, cut at the moment asked about, and saved whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.store.remarks import RemarkLog

EMBEDDING = np.eye(4, dtype=np.float32)
TOPICS = np.array([[1, 0], [0, 1], [0.5, 0.5], [0, 0]], dtype=np.float32)
TEXTS = {
    text: (np.full(4, number, np.float32), np.array([number, 1 - number], np.float32))
    for text, number in (("tents", 0.25), ("sonatas", 0.5), ("帐篷", 0.75))
}
USERS = "abc"
# A user, a moment, and what is said: words, or an item taken back.
ROWS = st.lists(
    st.tuples(st.sampled_from(USERS), st.integers(0, 6), st.sampled_from([*TEXTS, 0, 1, 2, 3])),
    max_size=20,
    unique=True,
)


def weight_of(what):
    return -0.5 - what / 8 if isinstance(what, int) else 0.25 + len(what) / 8


def add(log, user, at, what):
    if isinstance(what, int):
        return log.take_back(user, at, what, weight_of(what))
    return log.say(user, at, what, TEXTS[what], weight_of(what))


def log_of(rows):
    log = RemarkLog()
    assert all(add(log, *row) for row in rows)
    return log


def told(log, users, as_of):
    """All remarks as plain values, by query, each query's sorted."""
    found = log.of(users, np.full(len(users), as_of), EMBEDDING, TOPICS)
    if found is None:
        return [[] for _ in users]
    rows = zip(
        found.timestamp.tolist(), found.weight.tolist(), found.embedding.tolist(), found.topics.tolist(), strict=True
    )
    out = [[] for _ in users]
    for q, row in zip(found.owner, rows, strict=True):
        out[q].append(row)
    assert all([row[0] for row in held] == sorted(row[0] for row in held) for held in out)
    return [sorted(held) for held in out]


def expected(rows, users, as_of):
    def row(at, what):
        embedding, topics = (EMBEDDING[what], TOPICS[what]) if isinstance(what, int) else TEXTS[what]
        return at, weight_of(what), embedding.tolist(), topics.tolist()

    return [sorted(row(at, what) for u, at, what in rows if u == user and at < as_of) for user in users]


@given(ROWS, st.integers(0, 8))
def test_of_is_exactly_what_was_said_before_the_moment(rows, as_of):
    log = log_of(rows)
    assert told(log, "abc?", as_of) == expected(rows, "abc?", as_of)
    assert len(log) == len(rows)
    assert log.newest == max((at for _, at, _ in rows), default=None)
    assert set(log.user_ids()) == {user for user, *_ in rows}


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_means_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert told(log_of(rows), USERS, 9) == told(log_of(shuffled), USERS, 9)


@given(ROWS)
def test_a_remark_held_already_changes_nothing(rows):
    log = log_of(rows)
    assert not any(add(log, *row) for row in rows)
    assert told(log, USERS, 9) == expected(rows, USERS, 9)


@given(ROWS, st.randoms(use_true_random=False))
def test_saved_and_taken_over(rows, random):
    log = log_of(rows)
    again = RemarkLog.from_saved(*log.saved())
    assert told(again, USERS, 9) == told(log, USERS, 9)
    assert again.user_ids() == log.user_ids()
    assert all(again.knows(text) == log.knows(text) for text in TEXTS)
    (names, columns), (names_before, columns_before) = again.saved(), log.saved()
    assert names == names_before
    assert all(np.array_equal(columns[name], held) for name, held in columns_before.items())
    new = [(user, at, what) for user in USERS for at in (7, 8) for what in (0, "tents")]
    random.shuffle(new)
    assert all(add(one, *row) for one in (log, again) for row in new)  # what was taken over goes on
    assert told(again, USERS, 10) == told(log, USERS, 10)


def test_each_query_has_a_moment_of_its_own():
    log = log_of([("a", 1, 0), ("a", 3, 1), ("b", 2, "tents")])
    found = log.of(["a", "b", "a", "a"], np.array([3, 2, 4, 1]), EMBEDDING, TOPICS)
    assert found.offsets.tolist() == [0, 1, 1, 3, 3]
    assert found.timestamp.tolist() == [1, 1, 3]
    assert found.weight.dtype == np.float32


@given(ROWS, st.integers(0, 4), st.integers(0, 4))
def test_a_slice_is_a_batch_of_its_own(rows, start, length):
    log, stop = log_of(rows), min(4, start + length)
    whole = log.of("abc?", np.full(4, 9), EMBEDDING, TOPICS)
    if whole is None:
        return
    part, alone = whole.slice(start, stop), log.of("abc?"[start:stop], np.full(stop - start, 9), EMBEDDING, TOPICS)
    assert part.offsets.tolist() == ([0] * (stop - start + 1) if alone is None else alone.offsets.tolist())
    if alone is not None:
        for name in ("embedding", "topics", "weight", "timestamp"):
            assert np.array_equal(getattr(part, name), getattr(alone, name)), name


def test_where_nobody_spoke_there_is_nothing():
    assert RemarkLog().of(["a"], np.array([9]), EMBEDDING, TOPICS) is None
    assert RemarkLog().of([], np.zeros(0, dtype=np.int64), EMBEDDING, TOPICS) is None
    assert log_of([("a", 5, 0)]).of(["a", "b"], np.array([5, 9]), EMBEDDING, TOPICS) is None
    assert RemarkLog().newest is None


def test_words_are_read_once():
    log = RemarkLog()
    assert not log.knows("tents")
    with pytest.raises(KeyError):
        log.say("a", 1, "tents")
    assert log.say("a", 1, "tents", TEXTS["tents"])
    assert log.say("b", 2, "tents")
    assert log.knows("tents")
    assert not log.knows("Tents")


def test_one_item_may_be_taken_back_twice_and_many_at_once():
    log = log_of([("a", 1, 0), ("a", 2, 0), ("a", 2, 1), ("a", 2, "tents")])
    assert len(log) == 4
    assert not log.take_back("a", 2, 0, -0.1)  # another weight makes no other remark


def test_of_one_thing_said_twice_the_stronger_stands_whichever_came_first():
    topics, embedding = np.ones((1, 1), np.float32), np.ones((1, 2), np.float32)
    for weights in ((-0.3, -1.0), (-1.0, -0.3)):
        log = RemarkLog()
        told = [log.take_back("ann", 5, 0, weight) for weight in weights]
        held = log.of(["ann"], np.array([9]), embedding, topics)
        assert told == [True, False] and held.weight.tolist() == [-1.0]


def test_who_was_introduced_has_said_nothing():
    log = log_of([("b", 1, "tents")])
    for user in ("a", "b", "a"):
        log.introduce(user)
    kept = RemarkLog.from_saved(*log.saved())
    for held in (log, kept):
        assert sorted(held.user_ids()) == ["a", "b"]
        assert [held.has_said(user) for user in "abc"] == [False, True, False]
        assert (len(held), held.newest) == (1, 1)
        assert held.of(["a"], np.array([9]), EMBEDDING, TOPICS) is None
    assert kept.say("a", 2, "tents")
    assert kept.has_said("a")


@given(ROWS, st.integers(0, 7))
def test_texts_stand_in_the_order_of_the_remarks(rows, as_of):
    log = log_of(rows)
    for user in (*USERS, "nobody"):
        texts, found = log.texts(user, as_of), log.of([user], np.array([as_of]), EMBEDDING, TOPICS)
        assert len(texts) == (0 if found is None else len(found.weight))
        for row, text in enumerate(texts):
            assert (text == "") == (found.weight[row] < 0)
            if text:
                assert np.array_equal(found.embedding[row], TEXTS[text][0])
