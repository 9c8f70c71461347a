"""Interest match: the cosine between I_u and C_i, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.core.errors import InputError
from evorec.core.types import DAY, Queries
from evorec.interests.state import InterestConfig, InterestState
from evorec.models.base import Items
from evorec.models.match import InterestMatch, InterestMatchConfig, interests

TOPICS = [[1, 0], [0, 1], [0.5, 0.5], [0, 0]]
MATCH = InterestMatch(InterestMatchConfig(half_life_days=10))
# What one user did: day, item and weight; and said: day, topics and weight.
DONE = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.floats(-2, 2)), max_size=8).map(sorted)
SAID = st.lists(
    st.tuples(st.integers(0, 30), arrays(np.float32, 2, elements=st.floats(0, 1, width=32)), st.floats(-2, 2)),
    max_size=5,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


def test_golden(ask, table):
    # i1 is the newest event, i0 is ten days older and counts half: I = (1/2, 1).
    queries, items = ask([(0, 80), (1, 90)]), table(topics=TOPICS)
    np.testing.assert_allclose(interests(queries, items, half_life_days=10), [[0.5, 1.0]])
    evidence, known = MATCH.score(queries, items)
    length = np.hypot(0.5, 1.0)
    np.testing.assert_allclose(evidence[0], [0.5 / length, 1.0 / length, 1.5 / length / 2**0.5, 0], rtol=1e-6)
    assert known.tolist() == [[True, True, True, False]]


def test_time_alone_changes_no_match(ask, table):
    """All events fade alike, so that the direction of I_u, and with it the cosine, stays."""
    early, late = (MATCH.score(ask([(0, 80), (1, 90)], as_of=day), table(topics=TOPICS))[0] for day in (100, 400))
    np.testing.assert_allclose(early, late, rtol=1e-5)


def test_no_topics_no_knowledge(ask, table):
    assert not MATCH.score(ask([], [(3, 1)]), table(topics=TOPICS))[1].any()
    assert not MATCH.score(ask([(0, 1)]), table(topics=np.zeros((4, 0))))[1].any()


def test_attribution_is_faithful(ask, table, faithful):
    share = faithful(MATCH, ask([(1, 70), (0, 80), (0, 99)]), table(topics=TOPICS), 0)
    np.testing.assert_allclose(share, np.array([0, 0.25, 2**-0.1]) / (0.25 + 2**-0.1), rtol=1e-6)


def test_words_and_weights_golden(ask, beside, table):
    # i0 counts half and is ten days old; words for the second topic, weight 2, are new; i1 is taken back in part.
    queries = replace(ask([(0, 80), (1, 85)]), weight=np.array([0.5, 2**0.5], np.float32))
    queries = beside(queries, [(85, None, [0, 1], -(2**-0.5)), (90, None, [0, 1], 2)])
    m = interests(queries, table(topics=TOPICS), half_life_days=10)
    np.testing.assert_allclose(m, [[0.5 / 2, 2 + 1 - 0.5]], rtol=1e-6)
    evidence, _ = MATCH.score(queries, table(topics=TOPICS))
    np.testing.assert_allclose(evidence[0, :2], np.array([0.25, 2.5]) / np.hypot(0.25, 2.5), rtol=1e-6)


def test_words_alone_are_interests(ask, beside, table):
    evidence, known = MATCH.score(beside(ask([], []), [(5, None, [0, 1], 1)], []), table(topics=TOPICS))
    assert known.tolist() == [[True, True, True, False], [False] * 4]
    np.testing.assert_allclose(evidence[0], [0, 1, 2**-0.5, 0], rtol=1e-6)


def test_what_speaks_against_all_topics_is_no_interest(ask, beside, table):
    _, known = MATCH.score(beside(ask([(0, 5)]), [(6, None, [1, 0], -3)]), table(topics=TOPICS))
    assert not known.any()


def test_what_is_taken_back_is_no_match(ask, beside, table):
    queries = beside(ask([(0, 5), (1, 5)]), [(6, None, [1, 0], -3)])
    np.testing.assert_allclose(MATCH.score(queries, table(topics=TOPICS))[0][0], [0, 1, 2**-0.5, 0], rtol=1e-6)


@given(DONE, SAID, st.randoms(use_true_random=False))
def test_it_is_the_state_that_was_streamed(beside, done, said, random):
    """I_u of the scorer, from events and remarks, is what the streamed state holds just after the newest of them."""
    queries = Queries(
        offsets=np.array([0, len(done)]),
        item=np.array([row for _, row, _ in done], dtype=np.int32),
        timestamp=np.array([day * DAY for day, *_ in done], dtype=np.int64),
        as_of=np.array([31 * DAY]),
        weight=np.array([weight for *_, weight in done], dtype=np.float32),
    )
    topics = np.asarray(TOPICS, dtype=np.float32)
    items = Items(
        ids=tuple("abcd"), embedding=np.zeros((4, 0), np.float32), topics=topics, first_seen=np.zeros(4, np.int64)
    )
    stream = [(day, topics[row], weight) for day, row, weight in done] + said
    random.shuffle(stream)
    state = InterestState(2, InterestConfig(short_days=10))
    for day, content, weight in stream:
        state.observe(content, day * DAY, float(np.float32(weight)))
    spoken = [(day, None, content, weight) for day, content, weight in said]
    found = interests(beside(queries, spoken), items, half_life_days=10)[0]
    np.testing.assert_allclose(found, state.at(max(state.newest, 0) + 1)[0], atol=1e-5)


def test_attribution_counts_weights(ask, table):
    share = MATCH.attribute(
        replace(ask([(0, 90), (0, 90), (1, 90)]), weight=np.array([0.5, 1.5, 1], np.float32)), table(topics=TOPICS), 0
    )
    np.testing.assert_allclose(share, [0.25, 0.75, 0], rtol=1e-6)


def test_words_leave_the_shares_of_events_alone(ask, beside, table):
    plain, items = ask([(0, 80), (0, 90), (1, 90)]), table(topics=TOPICS)
    with_words = beside(plain, [(95, None, [1, 0], 1)])
    np.testing.assert_allclose(MATCH.attribute(with_words, items, 0), MATCH.attribute(plain, items, 0), rtol=1e-6)
    assert MATCH.attribute(beside(ask([]), [(95, None, [1, 0], 1)]), items, 0).shape == (0,)


def test_faults_are_named():
    with pytest.raises(InputError, match="half_life_days"):
        InterestMatchConfig(half_life_days=-1)


def test_people_without_a_history_have_nothing_to_attribute(ask, table):
    assert MATCH.attribute(ask([]), table(topics=TOPICS), 0).shape == (0,)
    assert MATCH.attribute(ask([], [(0, 1)], []), table(topics=TOPICS), 0).tolist() == [1.0]
