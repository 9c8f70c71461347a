"""Transitions: counts worked by hand, tie groups without an order, and one person's paths kept apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.models.base import RunOptions
from evorec.models.transitions import (
    Transitions,
    TransitionsConfig,
    count_transitions,
    history_weights,
    one_person_pairs,
)

RUN = RunOptions()
ROWS = st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from("abcd"), st.integers(0, 6)), max_size=20, unique=True)


def counted(events, *, reach=10.0, power=0.5):
    return count_transitions(events, reach=reach, distance_power=power).toarray()


def of_rows(rows):
    user_ids, item_ids, times = zip(*rows, strict=True) if rows else ((), (), ())
    return Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=times)


class TestCounts:
    def test_a_chain_counts_forward_by_distance(self, log):
        # a -> b and b -> c are one event apart, a -> c two: 2^-1/2.
        found = counted(log(("u", "a", 1), ("u", "b", 2), ("u", "c", 3)))
        np.testing.assert_allclose(found, [[0, 1, 2**-0.5], [0, 0, 1], [0, 0, 0]], rtol=1e-6)

    def test_a_pair_counts_once_per_user(self, log):
        found = counted(log(("u", "a", 1), ("u", "b", 2), ("v", "a", 5), ("v", "b", 6)))
        np.testing.assert_allclose(found, [[0, 2], [0, 0]])

    def test_inside_a_tie_group_counts_are_symmetric(self, log):
        found = counted(log(("u", "a", 1), ("u", "b", 1)))
        np.testing.assert_allclose(found, [[0, 1], [1, 0]])
        # Three in one group: the mean distance between two places is 4/3.
        three = counted(log(("u", "a", 1), ("u", "b", 1), ("u", "c", 1)))
        np.testing.assert_allclose(three, (4 / 3) ** -0.5 * (1 - np.eye(3)), rtol=1e-6)

    def test_between_groups_the_distance_is_that_of_their_middles(self, log):
        # {a, b} then c: the middle of places 0 and 1 is 1.5 away from place 2.
        found = counted(log(("u", "a", 1), ("u", "b", 1), ("u", "c", 2)))
        np.testing.assert_allclose(found[:2, 2], 1.5**-0.5, rtol=1e-6)
        assert not found[2].any()

    def test_a_giant_basket_is_capped(self):
        reach, size = 3.0, 21
        names = [f"i{k:02d}" for k in range(size)]
        found = counted(
            Events.create(user_ids=["u"] * size, item_ids=names, timestamps=[1] * size), reach=reach, power=0
        )
        np.testing.assert_allclose(found.sum(axis=1), reach, rtol=1e-5)
        np.testing.assert_allclose(found, found.T)
        # Two such baskets in a row: the item in front of them gives at most `reach` to each.
        two = counted(
            Events.create(user_ids=["u"] * 2 * size, item_ids=names * 2, timestamps=[1] * size + [2] * size),
            reach=reach,
            power=0,
        )
        assert two.sum(axis=1).max() <= 3 * reach + 1e-4

    def test_reach_ends_pairs_but_the_next_group_always_counts(self, log):
        rows = [("u", "a", 1), ("u", "b", 2), ("u", "c", 3)]
        np.testing.assert_allclose(counted(log(*rows), reach=1), [[0, 1, 0], [0, 0, 1], [0, 0, 0]])

    def test_an_item_taken_again_at_once(self, log):
        assert counted(log(("u", "a", 1), ("u", "a", 2))).tolist() == [[1.0]]

    @given(ROWS, st.randoms(use_true_random=False))
    def test_names_carry_no_order(self, rows, random):
        """Other codes for the same items permute the counts: nothing hangs on the order inside a group."""
        renamed = dict(zip("abcd", random.sample("abcd", 4), strict=True))
        one, other = of_rows(rows), of_rows([(u, renamed[i], t) for u, i, t in rows])
        to = other.items.encode([renamed[name] for name in one.items])
        np.testing.assert_allclose(counted(one), counted(other)[np.ix_(to, to)], atol=1e-5)

    @given(ROWS)
    def test_an_empty_or_any_log_gives_weights_of_users_own_pairs(self, rows):
        events = of_rows(rows)
        found = counted(events)
        assert (found >= 0).all()
        for start, end in zip(*np.nonzero(found), strict=True):
            names = {events.items.ids[start], events.items.ids[end]}
            assert any(names <= {i for u, i, _ in rows if u == user} for user in "uvw")


class TestScorer:
    def test_golden(self, log, ask, table):
        # Counts: a -> b twice, a -> c and b -> c once each with power 0; nothing damped.
        events = log(("u", "i0", 1), ("u", "i1", 2), ("v", "i0", 1), ("v", "i1", 2), ("v", "i2", 3))
        config = TransitionsConfig(distance_power=0, from_power=0, to_power=0, half_life_events=1)
        scorer = Transitions(config).fit(Dataset.create(events), RUN)
        assert scorer.weights.toarray().tolist() == [[0, 2, 1], [0, 0, 1], [0, 0, 0]]
        assert scorer.unit == pytest.approx(0.1)  # a tenth of the median of 2, 1, 1
        evidence, known = scorer.score(ask([(0, 1), (1, 2)]), table(embedding=np.zeros((4, 0))))
        # i1 is the newest (weight 1), i0 one back (1/2): x = (0, 2/2, 1/2 + 1).
        np.testing.assert_allclose(evidence, [[0, np.log1p(10), np.log1p(15), 0]], rtol=1e-6)
        assert known.tolist() == [[False, True, True, False]]  # nobody ever went to i0; i3 is new

    def test_damping_divides_by_powers_of_the_margins(self, log):
        events = log(("u", "a", 1), ("u", "b", 2), ("v", "a", 1), ("v", "b", 2), ("w", "a", 1), ("w", "c", 2))
        scorer = Transitions(TransitionsConfig(from_power=0.5, to_power=1)).fit(Dataset.create(events), RUN)
        np.testing.assert_allclose(scorer.weights.toarray()[0], [0, 3**-0.5, 3**-0.5], rtol=1e-6)

    def test_a_history_without_transitions_is_unknown(self, log, ask, table):
        scorer = Transitions().fit(Dataset.create(log(("u", "i0", 1), ("u", "i1", 2))), RUN)
        assert not scorer.score(ask([(1, 1)]), table(embedding=np.zeros((2, 0))))[1].any()

    def test_history_counts_by_age_blind_to_ties(self, ask):
        queries = ask([(0, 1), (1, 2), (2, 2)])
        weight = history_weights(queries, half_life_events=1, limit=9)
        np.testing.assert_allclose(weight, [0.25, 0.5**0.5, 0.5**0.5])
        assert history_weights(queries, half_life_events=1, limit=1)[0] == 0

    def test_attribution_is_faithful(self, log, ask, table, faithful):
        events = log(
            ("u", "i0", 1), ("u", "i3", 2), ("v", "i1", 1), ("v", "i3", 2), ("w", "i0", 1), ("w", "i3", 2),
            ("x", "i2", 1), ("x", "i4", 2),
        )  # fmt: skip
        scorer = Transitions().fit(Dataset.create(events), RUN)
        share = faithful(scorer, ask([(0, 1), (1, 2), (2, 3)]), table(embedding=np.zeros((5, 0))), 3)
        assert share[2] == 0

    def test_faults_are_named(self):
        with pytest.raises(InputError, match="at least 1"):
            TransitionsConfig(reach=0.5)
        with pytest.raises(InputError, match="half_life_events"):
            TransitionsConfig(half_life_events=0)


class TestPrivacy:
    def test_support_counts_users_not_events(self, log):
        events = log(("u", "a", 1), ("u", "b", 2), ("u", "a", 3), ("u", "b", 4), ("v", "a", 1), ("v", "c", 2))
        alone = one_person_pairs(events, reach=10)
        assert alone[0, 1]
        assert alone[0, 2]
        assert not one_person_pairs(log(("u", "a", 1), ("u", "b", 2), ("v", "a", 1), ("v", "b", 2)), reach=10)[0, 1]

    def test_having_both_items_is_no_support_for_their_order(self, log):
        events = log(("u", "a", 1), ("u", "b", 2), ("v", "b", 1), ("v", "a", 2))
        alone = one_person_pairs(events, reach=10)
        assert alone[0, 1]
        assert alone[1, 0]


def test_planted_successors_are_found():
    """The strongest transition of an item leads to one of its planted successors, for 3 in 4 of the busy items."""
    s = simulate(
        SimulationConfig(users=400, items=60, topics=4, events_per_user=60, transition_strength=0.9, habit_strength=0,
                         new_item_share=0), seed=8
    )  # fmt: skip
    scorer = Transitions(TransitionsConfig(from_power=1, to_power=0.5)).fit(s.dataset, RUN)
    weights = scorer.weights.toarray()
    np.fill_diagonal(weights, 0)
    best = weights.argmax(axis=1)
    busy = np.flatnonzero(s.dataset.item_counts >= 50)
    assert len(busy) >= 20
    assert np.mean([best[item] in s.truth.successor[item] for item in busy]) > 0.75
