"""Words that steer: what counts as a wish, the formula by hand, and laws that any words keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.models.blend import context
from evorec.models.words import STRENGTH, nearness_of_each, steer, unsaid, wishes

EMBEDDING = [[1, 0], [0.8, 0.6], [0, 1]]
TOPICS = [[1, 0], [0.5, 0.5], [0, 1]]


def deviations(x):
    return (np.asarray(x) - np.mean(x)) / np.std(x)


class TestWishes:
    def test_they_halve_with_every_two_events_and_words_that_follow(self, ask, beside):
        asked = beside(ask([(0, 1), (1, 5), (2, 6)]), [(2, [1, 0], [0, 0], 1), (7, [1, 0], [0, 0], 2)])
        np.testing.assert_allclose(wishes(asked), [2**-1.5, 2])

    def test_long_ago_is_none(self, ask, beside):
        asked = beside(ask([(0, day) for day in range(2, 12)]), [(1, [1, 0], [0, 0], 1)])
        assert wishes(asked).tolist() == [0]
        assert unsaid(asked) is asked

    def test_time_alone_takes_none_away(self, ask, beside):
        early, late = (wishes(beside(ask([], as_of=day), [(2, [1, 0], [0, 0], 1)])) for day in (3, 99))
        assert early.tolist() == late.tolist() == [1]

    def test_a_review_is_none_and_neither_is_what_speaks_against(self, ask, beside):
        asked = beside(ask([(0, 3)]), [(3, [1, 0], [0, 0], 1), (4, [1, 0], [0, 0], -1), (5, [0, 1], [0, 0], 1)])
        assert (wishes(asked) > 0).tolist() == [False, False, True]
        rest = unsaid(asked).remarks
        assert rest.weight.tolist() == [1, -1]
        assert rest.offsets.tolist() == [0, 2]

    def test_without_remarks(self, ask):
        asked = ask([(0, 1)])
        assert len(wishes(asked)) == 0
        assert unsaid(asked) is asked

    def test_all_taken_out(self, ask, beside):
        assert unsaid(beside(ask([], []), [(3, [1, 0], [0, 0], 1)], [])).remarks is None


class TestSteer:
    def test_golden_by_content(self, ask, beside, table):
        """Topics in unequal parts are a mixture: content alone decides."""
        items, score = table(EMBEDDING, TOPICS), np.array([[3, 1, 2]], np.float32)
        added = steer(score, beside(ask([]), [(1, [0, 1], [0.3, 0.7], 1)]), items)
        np.testing.assert_allclose(added[0], STRENGTH * np.std([3, 1, 2]) * deviations([0, 0.6, 1]), rtol=1e-5)

    def test_golden_by_named_topics(self, ask, beside, table):
        items, score = table(EMBEDDING, TOPICS), np.array([[3, 1, 2]], np.float32)
        added = steer(score, beside(ask([]), [(1, [0, 1], [1, 0], 1)]), items)
        near = deviations([1, 0.5**0.5, 0]) + 0.25 * deviations([0, 0.6, 1])
        np.testing.assert_allclose(added[0], STRENGTH * np.std([3, 1, 2]) * near, rtol=1e-5)

    def test_two_wishes_share_and_a_weak_one_counts_less(self, ask, beside, table):
        items, score = table(EMBEDDING), np.array([[3, 1, 2]], np.float32)

        def said(*spoken):
            return steer(score, beside(ask([]), [(1, vector, None, weight) for vector, weight in spoken]), items)[0]

        one, other = said(([0, 1], 1)), said(([1, 0], 1))
        both = said(([0, 1], 1), ([1, 0], 1))
        np.testing.assert_allclose(both, (one + other) / 2, atol=1e-5)
        np.testing.assert_allclose(said(([0, 1], 0.5)), one / 2, atol=1e-5)
        np.testing.assert_allclose(said(([0, 1], 4)), one, atol=1e-5)

    def test_others_are_left_alone(self, ask, beside, table):
        items, score = table(EMBEDDING, TOPICS), np.array([[3, 1, 2]] * 3, np.float32)
        added = steer(score, beside(ask([], [], [(0, 1)]), [], [(1, [0, 1], [0, 0], 1)], []), items)
        assert not added[[0, 2]].any()
        assert added[1].any()
        assert not steer(score[:1], ask([]), items).any()

    def test_words_near_nothing_and_items_all_alike_add_nothing(self, ask, beside, table):
        score = np.array([[3, 1, 2]], np.float32)
        assert not steer(score, beside(ask([]), [(1, [0, 0], [0, 0], 1)]), table(EMBEDDING, TOPICS)).any()
        same = table([[1, 0]] * 3, [[1, 0]] * 3)
        np.testing.assert_allclose(steer(score, beside(ask([]), [(1, [1, 0], [1, 0], 1)]), same), 0, atol=1e-5)

    @given(st.floats(0.1, 50), st.floats(-20, 20))
    def test_they_weigh_the_same_beside_evidence_of_any_size(self, ask, beside, table, scale, shift):
        asked, items = beside(ask([]), [(1, [0, 1], [0, 0], 1)]), table(EMBEDDING, TOPICS)
        score = np.array([[3, 1, 2]], np.float32)
        plain, other = steer(score, asked, items), steer((score * scale + shift).astype(np.float32), asked, items)
        np.testing.assert_allclose(other, plain * scale, rtol=1e-3, atol=1e-3)

    def test_each_remark_has_its_part(self, ask, beside, table):
        items, score = table(EMBEDDING), np.array([[3, 1, 2]], np.float32)
        asked = beside(ask([]), [(1, [0, 1], None, 1), (1, [1, 0], None, 1)])
        for row in range(3):
            parts = nearness_of_each(asked, items, row)
            whole = steer(score, asked, items)[0, row]
            assert parts.sum() / 2 * STRENGTH * score.std() == pytest.approx(whole, abs=1e-5)
        assert nearness_of_each(ask([]), items, 0).tolist() == []


def test_who_merely_speaks_stands_in_no_other_context(ask, beside, table):
    """Not in session, of no longer history, drifting no more: weights of the blend are those of the events."""
    items, plain = table(EMBEDDING, TOPICS), ask([(0, 1), (1, 20)], [])
    spoken = beside(plain, [(99, [0, 1], [0, 1], 1)], [(99, [0, 1], [0, 1], 1), (99.5, [0, 1], [0, 1], -1)])
    assert np.array_equal(context(plain, items), context(spoken, items))
