"""Population: one user one vote, planted trends found, steady topics left alone, flows with support."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.interests.population import (
    PopulationConfig,
    flow_support,
    period_edges,
    period_votes,
    population,
    strongest_flows,
    trend,
)


def log(seed=0, users=120, each=12, rise=0.0, topics=3):
    """Users with `each` events in two years; topic 0 gains `rise` of the share over them."""
    rng = np.random.default_rng(seed)
    moments = np.sort(rng.integers(0, 730, (users, each)), axis=1)
    first = rng.random((users, each)) < 0.3 + rise * moments / 730
    topic = np.where(first, 0, rng.integers(1, topics, (users, each)))
    return np.arange(users + 1) * each, np.eye(topics, dtype=np.float32)[topic.ravel()], moments.ravel() * DAY


class TestPeriods:
    @given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 9), st.booleans())
    def test_every_event_lies_in_one(self, moments, number, equal_events):
        edges = period_edges(np.array(moments), number, equal_events=equal_events)
        assert (np.diff(edges) > 0).all()
        assert edges[0] <= min(moments)
        assert max(moments) < edges[-1]
        assert len(edges) - 1 <= number

    def test_equal_events(self):
        edges = period_edges(np.array([0, 1, 2, 3, 100, 200]), 3, equal_events=True)
        assert np.histogram([0, 1, 2, 3, 100, 200], bins=edges)[0].tolist() == [2, 2, 2]

    def test_no_events_are_refused(self):
        with pytest.raises(InputError, match="no events"):
            period_edges(np.zeros(0, dtype=np.int64), 3)


class TestShares:
    def test_heavy_users_have_one_vote(self):
        membership = np.eye(2, dtype=np.float32)[[0] * 9 + [1]]
        votes = period_votes(np.array([0, 9, 10]), membership, np.zeros(10, dtype=np.int64), np.array([0, 1]))
        assert votes.average().tolist() == [[0.5, 0.5]]

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 1000))
    def test_shares_sum_to_one_where_there_are_users(self, seed):
        offsets, membership, timestamps = log(seed, users=5, each=3)
        votes = period_votes(offsets, membership, timestamps, period_edges(timestamps, 4))
        total = votes.average().sum(axis=1)
        active = np.bincount(votes.period, minlength=votes.periods) > 0
        np.testing.assert_allclose(total, active.astype(float), atol=1e-9)

    def test_users_drawn_twice_count_twice(self):
        offsets, membership, timestamps = log(1, users=3)
        edges = period_edges(timestamps, 2)
        double = period_votes(np.append(offsets, offsets[-1] + 12), np.concatenate((membership, membership[:12])),
                              np.concatenate((timestamps, timestamps[:12])), edges)  # fmt: skip
        votes = period_votes(offsets, membership, timestamps, edges)
        np.testing.assert_allclose(votes.average(np.array([2.0, 1.0, 1.0])), double.average())


class TestTrend:
    def test_a_planted_rise_is_found(self):
        offsets, membership, timestamps = log(rise=0.4, users=300)
        edges = period_edges(timestamps, 8)
        found = trend(period_votes(offsets, membership, timestamps, edges), edges)
        assert found.low[0] < 0.2 < found.high[0]  # 0.4 in two years
        assert found.rising.tolist() == [0]
        assert sorted(found.falling.tolist()) == [1, 2]

    def test_steady_topics_are_called_rising_or_falling_at_the_level(self):
        called = 0
        for seed in range(40):
            offsets, membership, timestamps = log(seed, users=60, topics=5)
            edges = period_edges(timestamps, 6)
            found = trend(period_votes(offsets, membership, timestamps, edges), edges, least=5)
            called += len(found.rising) + len(found.falling)
        assert called / (40 * 5) <= 0.1  # nominal 0.05

    def test_too_few_periods_leave_no_slope(self):
        offsets, membership, timestamps = log(users=5)
        edges = period_edges(timestamps, 8)
        found = trend(period_votes(offsets, membership, timestamps, edges), edges)
        assert np.isnan(found.slope).all()
        assert len(found.rising) == len(found.falling) == 0


class TestFlows:
    def test_support_counts_users_not_steps(self):
        membership = np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 0, 1]]
        support = flow_support(np.array([0, 4, 6]), membership, np.array([1, 2, 3, 4, 1, 2]))
        assert support.tolist() == [[0, 1], [2, 0]]

    def test_no_order_is_read_inside_a_tie_group(self):
        membership = np.eye(3, dtype=np.float32)
        tied = np.array([1, 1, 1])
        assert not flow_support(np.array([0, 3]), membership, tied).any()
        assert not flow_support(np.array([0, 0]), membership[:0], tied[:0]).any()

    def test_the_strongest_with_enough_support(self):
        p = np.array([[0.5, 0.1, 0.3], [0.3, 0.9, 0.2], [0.2, 0.0, 0.5]])
        support = np.array([[90, 30, 30], [3, 90, 30], [30, 30, 90]])
        flows = strongest_flows(p, support, least=20, most=3)
        # P[0, 2] = .3; P[1, 0] = .3 has 3 users; then the two of .2, by target
        assert list(zip(flows.source.tolist(), flows.target.tolist(), strict=True)) == [(2, 0), (2, 1), (0, 2)]
        assert flows.support.tolist() == [30, 30, 30]

    def test_shapes_that_differ_are_refused(self):
        with pytest.raises(InputError):
            strongest_flows(np.eye(2), np.ones((3, 3), dtype=np.int64), least=1, most=1)


class TestPopulation:
    def test_all_of_it(self):
        offsets, membership, timestamps = log(rise=0.4)
        view = population(names="abc", offsets=offsets, membership=membership, timestamps=timestamps,
                          transition=np.full((3, 3), 1 / 3), drift=np.array([0.1, 0.2, np.nan]),
                          config=PopulationConfig(periods=6))  # fmt: skip
        assert view.names == ("a", "b", "c")
        assert view.shares.shape == (6, 3)
        assert (view.users <= 120).all()
        np.testing.assert_allclose(view.shares.sum(axis=1), 1)
        assert view.trend.rising.tolist() == [0]
        assert view.drift_users.sum() == 2
        assert len(view.drift_edges) == len(view.drift_users) + 1
        assert (view.flows.support >= 20).all()

    def test_periods_with_too_few_users_are_blank(self):
        offsets, membership, timestamps = log(users=5)
        view = population(names="abc", offsets=offsets, membership=membership, timestamps=timestamps,
                          transition=np.eye(3), drift=np.zeros(0), config=PopulationConfig())  # fmt: skip
        assert not view.shares.any()
        assert len(view.flows.source) == 0

    def test_names_and_transitions_fit_the_topics(self):
        offsets, membership, timestamps = log(users=5)
        with pytest.raises(InputError, match="names"):
            population(names="ab", offsets=offsets, membership=membership, timestamps=timestamps,
                       transition=np.eye(3), drift=np.zeros(0), config=PopulationConfig())  # fmt: skip

    @pytest.mark.parametrize("wrong", [{"periods": 0}, {"least": 0}, {"flows": -1}])
    def test_settings_that_mean_nothing_are_refused(self, wrong):
        with pytest.raises(InputError):
            PopulationConfig(**wrong)
