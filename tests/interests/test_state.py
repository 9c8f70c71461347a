"""The interest state: what is streamed equals what is replayed, and planted interests are recovered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.core.errors import InputError
from evorec.core.types import ALWAYS, DAY
from evorec.data.simulate import SimulationConfig, simulate
from evorec.interests.state import (
    InterestConfig,
    InterestState,
    batch_evidence,
    degrees,
    fit_half_life,
    fit_short_half_life,
    interest_path,
    share_error,
    shares,
)

TOPICS = 3
EVIDENCE = arrays(float, (4, TOPICS), elements=st.floats(0, 50))
# Few days, so that many events tie; weights and topics of any size.
LOG = st.lists(
    st.tuples(st.integers(0, 12), arrays(float, TOPICS, elements=st.floats(0, 1)), st.floats(-3, 3)), max_size=15
)


def replay(log, as_of, half_life_days):
    seen = sorted([event for event in log if event[0] * DAY < as_of], key=lambda event: event[0])
    return batch_evidence(
        offsets=np.array([0, len(seen)]),
        membership=np.array([topics for _, topics, _ in seen], dtype=np.float32).reshape(-1, TOPICS),
        timestamps=np.array([day for day, _, _ in seen], dtype=np.int64) * DAY,
        as_of=np.array([as_of]),
        half_life_days=half_life_days,
        weights=np.array([weight for *_, weight in seen]),
    )[0]


class TestState:
    @given(LOG, st.integers(0, 30))
    def test_streamed_in_any_order_equals_replayed(self, log, later):
        state = InterestState(TOPICS, InterestConfig(short_days=2, long_days=9))
        for day, topics, weight in log:  # as drawn: ties, and late events
            state.observe(topics, day * DAY, weight)
        as_of = (max((day for day, *_ in log), default=0) + later) * DAY
        for streamed, half_life in zip(state.at(as_of), (2, 9), strict=True):
            np.testing.assert_allclose(streamed, replay(log, as_of, half_life), atol=1e-6, rtol=1e-6)

    @given(LOG.filter(len))
    def test_the_newest_group_stays_open(self, log):
        state = InterestState(TOPICS)
        for day, topics, weight in log:
            state.observe(topics, day * DAY, weight)
        newest = max(day for day, *_ in log) * DAY
        assert state.newest == newest
        older = [event for event in log if event[0] * DAY < newest]
        np.testing.assert_allclose(state.at(newest)[0], replay(older, newest, 30), atol=1e-6, rtol=1e-6)

    @given(LOG, st.randoms(use_true_random=False), st.integers(0, 30))
    def test_two_orders_of_arrival_end_in_one_state(self, log, random, later):
        shuffled = list(log)
        random.shuffle(shuffled)
        one, other = (InterestState(TOPICS, InterestConfig(short_days=1, long_days=50)) for _ in range(2))
        for state, rows in ((one, log), (other, shuffled)):
            for day, topics, weight in rows:
                state.observe(topics, day * DAY, weight)
        as_of = max(one.newest, 0) + later * DAY
        np.testing.assert_allclose(one.at(as_of), other.at(as_of), atol=1e-6)

    @given(LOG, st.integers(0, 12), arrays(float, TOPICS, elements=st.floats(0, 1)), st.floats(0.1, 3))
    def test_what_is_taken_back_at_once_was_never_there(self, log, day, topics, weight):
        one, other = InterestState(TOPICS), InterestState(TOPICS)
        for state, rows in ((one, log), (other, [*log, (day, topics, weight), (day, topics, -weight)])):
            for at, content, strength in rows:
                state.observe(content, at * DAY, strength)
        np.testing.assert_allclose(one.at(20 * DAY), other.at(20 * DAY), atol=1e-6)

    def test_reading_changes_nothing(self):
        state = InterestState(2)
        state.observe(np.array([1, 0]), 0)
        state.at(5 * DAY)[0][:] = 99
        assert state.at(30 * DAY)[0].tolist() == [0.5, 0.0]

    def test_an_empty_state_is_nothing(self):
        state = InterestState(2)
        assert state.newest == ALWAYS
        assert [m.tolist() for m in state.at(DAY)] == [[0, 0], [0, 0]]

    def test_it_cannot_run_backwards(self):
        state = InterestState(1)
        state.observe(np.ones(1), 2 * DAY)
        with pytest.raises(InputError, match="moved past"):
            state.at(DAY)

    def test_half_lives_must_be_positive(self):
        for name in ("short_days", "long_days", "saturation"):
            with pytest.raises(InputError, match="above 0"):
                InterestConfig(**{name: 0})


class TestReadings:
    def test_golden(self):
        # One event a half-life ago counts 1/2; two half-lives ago 1/4.
        m = replay([(0, [1, 0, 0], 1), (10, [0, 1, 0], 1)], 20 * DAY, 10)
        assert m.tolist() == [0.25, 0.5, 0]
        np.testing.assert_allclose(shares(m), [1 / 3, 2 / 3, 0])
        np.testing.assert_allclose(degrees(m, 3), 1 - np.exp(-m / 3), rtol=1e-6)

    @given(EVIDENCE)
    def test_shares_sum_to_one_or_to_nothing(self, m):
        total = shares(m).sum(axis=1)
        np.testing.assert_allclose(total[m.sum(axis=1) > 0], 1)
        assert (total[m.sum(axis=1) == 0] == 0).all()

    @given(EVIDENCE, st.floats(0.1, 10))
    def test_degrees_stay_in_the_unit_interval_and_grow(self, m, saturation):
        assert degrees(m, saturation).min() >= 0
        assert degrees(m, saturation).max() <= 1
        assert (degrees(m + 1, saturation) >= degrees(m, saturation)).all()

    def test_evidence_against_is_no_share_and_no_degree(self):
        # Two events for the first topic, one against the second, one taken back from the first a half-life later.
        m = replay([(0, [1, 0, 0], 2), (0, [0, 1, 0], -1), (10, [1, 0, 0], -0.5)], 10 * DAY + 1, 10)
        np.testing.assert_allclose(m, [1 - 0.5, -0.5, 0], atol=1e-6)
        assert shares(m).tolist() == [1, 0, 0]
        np.testing.assert_allclose(degrees(m, 3), [1 - np.exp(-0.5 / 3), 0, 0], rtol=1e-6)
        assert shares(-np.abs(m)).tolist() == [0, 0, 0]

    @given(arrays(float, (4, TOPICS), elements=st.floats(-50, 50)))
    def test_readings_of_any_evidence_are_what_they_say(self, m):
        total = shares(m).sum(axis=1)
        np.testing.assert_allclose(total[(m > 0).any(axis=1)], 1)
        assert (total[(m <= 0).all(axis=1)] == 0).all()
        assert degrees(m, 3).min() >= 0
        assert degrees(m, 3).max() <= 1
        assert np.isfinite(share_error(m)).all()
        assert share_error(m).max() <= 0.5

    @given(EVIDENCE)
    def test_errors_shrink_with_evidence(self, m):
        assert (share_error(100 * (m + 1)) < share_error(m + 1)).all()
        assert share_error(m).max() <= 0.5

    def test_nobody_and_no_topics_are_fine(self):
        nothing = np.zeros((1, 0))
        assert shares(nothing).shape == degrees(nothing, 1).shape == share_error(nothing).shape == (1, 0)


@given(LOG.filter(len), st.lists(st.integers(0, 15), min_size=1, max_size=4))
def test_a_path_sees_at_each_moment_only_what_was_before(log, days):
    log = sorted(log, key=lambda event: event[0])
    path = interest_path(
        np.array([topics for _, topics, _ in log], dtype=np.float32),
        np.array([day for day, *_ in log]) * DAY,
        np.array(days) * DAY,
        half_life_days=5,
        weights=np.array([weight for *_, weight in log]),
    )
    for moment, found in zip(days, path, strict=True):
        np.testing.assert_allclose(found, replay(log, moment * DAY, 5), atol=1e-5)


class TestPlantedTruth:
    @pytest.mark.parametrize("planted", [10.0, 30.0, 120.0])
    @pytest.mark.parametrize("habit", [0.6, 0.9])
    def test_a_half_life_is_found_within_a_factor_of_two(self, planted, habit):
        s = simulate(
            SimulationConfig(
                users=300,
                events_per_user=60,
                habit_strength=habit,
                transition_strength=0,
                drift_share=0,
                half_life_days=planted,
            ),
            seed=3,
        )
        found = fit_half_life(
            offsets=s.events.offsets, membership=s.truth.membership[s.events.item], timestamps=s.events.timestamp
        )
        assert planted / 2 <= found <= planted * 2

    def test_the_order_inside_a_tie_group_means_nothing(self):
        s = simulate(SimulationConfig(users=40, tie_share=0.5), seed=4)
        arrays_of = {"offsets": s.events.offsets, "timestamps": s.events.timestamp}
        order = np.lexsort((-np.arange(len(s.events)), s.events.tie_group))
        chosen = [
            fit_half_life(membership=s.truth.membership[item], **arrays_of)
            for item in (s.events.item, s.events.item[order])
        ]
        assert chosen[0] == chosen[1]

    def test_events_without_topics_tell_nothing(self):
        nothing = np.zeros((4, 0), dtype=np.float32)
        for membership in (nothing, np.zeros((4, 2), dtype=np.float32)):
            found = fit_half_life(
                offsets=np.array([0, 4]), membership=membership, timestamps=np.arange(4) * DAY, grid=(5, 10)
            )
            assert found == 5

    def test_preferences_are_recovered(self):
        """Long-memory shares against the planted preference: total variation below .15 for users with 80+ events."""
        s = simulate(
            SimulationConfig(users=60, events_per_user=150, transition_strength=0, habit_strength=0, drift_share=0),
            seed=5,
        )
        many = np.flatnonzero(np.diff(s.events.offsets) >= 80).astype(np.int32)
        history = s.events.queries(many, np.full(len(many), s.events.newest + 1))
        found = shares(
            batch_evidence(
                offsets=history.offsets,
                membership=s.truth.membership[history.item],
                timestamps=history.timestamp,
                as_of=history.as_of,
                half_life_days=365,
            )
        )
        distance = 0.5 * np.abs(found - s.truth.before[many]).sum(axis=1)
        assert len(many) > 20
        assert distance.mean() < 0.1
        assert distance.max() < 0.2

    def test_after_a_change_point_the_new_topic_leads_in_the_short_term(self):
        """Nine in ten users who changed are seen at the new topic by the short-term share at the end of the log."""
        s = simulate(
            SimulationConfig(users=100, events_per_user=100, transition_strength=0, habit_strength=0, drift_share=1),
            seed=6,
        )
        many = np.flatnonzero(np.diff(s.events.offsets) >= 50).astype(np.int32)
        history = s.events.queries(many, np.full(len(many), s.events.newest + 1))
        short = batch_evidence(
            offsets=history.offsets,
            membership=s.truth.membership[history.item],
            timestamps=history.timestamp,
            as_of=history.as_of,
            half_life_days=30,
        )
        assert (short.argmax(axis=1) == s.truth.change_to[many]).mean() > 0.9


def two_memories(short_days, long_days, users=150, events=60, topics=12):
    """Events that repeat a topic of the user's past: half of them in a short memory, half in a long one."""
    rng = np.random.default_rng(0)
    day = np.sort(rng.uniform(0, 730, (users, events)), axis=1)
    topic = rng.integers(0, topics, (users, events))
    for u in range(users):
        for k in range(1, events):
            if rng.random() < 0.1:
                continue
            half_life = short_days if rng.random() < 0.5 else long_days
            left = np.exp2(-(day[u, k] - day[u, :k]) / half_life)
            topic[u, k] = topic[u, rng.choice(k, p=left / left.sum())]
    return {
        "offsets": np.arange(users + 1) * events,
        "membership": np.eye(topics, dtype=np.float32)[topic.ravel()],
        "timestamps": (day.ravel() * DAY).astype(np.int64),
    }


class TestShortHalfLife:
    @pytest.mark.parametrize("planted", [4.0, 15.0, 60.0])
    def test_a_planted_one_is_found_within_a_factor_of_two(self, planted):
        found = fit_short_half_life(**two_memories(planted, 480.0), long_days=480.0)
        assert planted / 2 <= found <= 2 * planted

    def test_it_is_at_most_a_quarter_of_the_long_one(self):
        told = two_memories(15.0, 60.0, users=20)
        assert fit_short_half_life(**told, long_days=1.0) == 0.25
        assert fit_short_half_life(**told, long_days=8.0) <= 2

    def test_without_topics_every_one_is_as_good(self):
        told = two_memories(15.0, 60.0, users=2)
        told["membership"] = np.zeros_like(told["membership"])
        assert fit_short_half_life(**told, long_days=60.0) == 15
