"""Evolution of interests: golden values, laws of both readings, and a planted transition found again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.core.errors import InputError
from evorec.data.simulate import Cause, SimulationConfig, simulate
from evorec.interests.markov import evolve, evolve_shares, fit_transitions, limit_degrees, limit_shares
from evorec.interests.state import batch_evidence, shares

P, B, I = np.array([[0.8, 0.3], [0.2, 0.7]]), np.array([0.1, 0.2]), np.array([0.6, 0.4])  # noqa: E741
UNIT = st.floats(0, 1)
POSITIVE = st.floats(0.01, 1)


def matrices(axis):
    """P whose sums along `axis` are 1."""
    return (
        st.integers(1, 6)
        .flatmap(lambda k: arrays(float, (k, k), elements=POSITIVE))
        .map(lambda m: m / m.sum(axis=axis, keepdims=True))
    )


def vectors(draw, size, elements=UNIT):
    return draw(arrays(float, size, elements=elements))


class TestDegrees:
    def test_golden(self):
        np.testing.assert_allclose(evolve(I, P, B), [0.64, 0.52], atol=1e-12)

    def test_without_b_it_is_p_alone(self):
        np.testing.assert_allclose(evolve(I, P, np.zeros(2)), P @ I)

    @given(matrices(axis=1), st.floats(0, 1), st.integers(0, 5), st.data())
    def test_degrees_stay_in_the_unit_interval(self, p, kept, steps, data):
        degrees, b = vectors(data.draw, (3, len(p))), vectors(data.draw, len(p))
        out = evolve(degrees, kept * p, b, steps)
        assert out.min() >= 0
        assert out.max() <= 1 + 1e-12

    @given(matrices(axis=1), st.floats(0, 0.95), st.data())
    def test_the_limit_is_where_evolution_ends(self, p, kept, data):
        b = vectors(data.draw, len(p))
        limit = limit_degrees(kept * p, b)
        np.testing.assert_allclose(evolve(limit, kept * p, b), limit, atol=1e-9)
        np.testing.assert_allclose(evolve(vectors(data.draw, len(p)), kept * p, b, steps=600), limit, atol=1e-6)

    def test_a_p_that_never_forgets_has_no_limit(self):
        with pytest.raises(InputError, match="never forgets"):
            limit_degrees(np.eye(2), np.zeros(2))
        # With b above 0 everybody ends at all ones, as the formula says.
        np.testing.assert_allclose(limit_degrees(np.eye(2), B), [1, 1])

    @given(matrices(axis=1), st.data())
    def test_steps_add_up(self, p, data):
        degrees, b = vectors(data.draw, len(p)), vectors(data.draw, len(p))
        np.testing.assert_allclose(evolve(evolve(degrees, p, b, 2), p, b, 3), evolve(degrees, p, b, 5), atol=1e-12)

    def test_reaching_past_one_is_refused(self):
        with pytest.raises(InputError, match="exceeds 1"):
            evolve(np.array([1.0, 1.0]), P, B)


class TestShares:
    def test_golden(self):
        np.testing.assert_allclose(evolve_shares(I, P, B), [0.64 / 1.16, 0.52 / 1.16], atol=1e-12)
        np.testing.assert_allclose(evolve_shares(I, P, B).round(4), [0.5517, 0.4483])

    @given(matrices(axis=0), st.integers(0, 5), st.data())
    def test_shares_sum_to_one(self, p, steps, data):
        start = shares(vectors(data.draw, (3, len(p)), POSITIVE))
        out = evolve_shares(start, p, vectors(data.draw, len(p), st.floats(0, 0.99)), steps)
        assert out.min() >= 0
        np.testing.assert_allclose(out.sum(axis=1), 1)

    @given(matrices(axis=0), st.data())
    def test_one_step_is_evolve_rescaled(self, p, data):
        start, b = shares(vectors(data.draw, len(p), POSITIVE)), vectors(data.draw, len(p))
        carried = p @ start
        moved = carried + b * (1 - carried)
        np.testing.assert_allclose(evolve_shares(start, p, b), moved / moved.sum(), atol=1e-12)

    @given(matrices(axis=0), st.data())
    def test_the_limit_is_where_evolution_ends(self, p, data):
        b = vectors(data.draw, len(p), st.floats(0.05, 0.9))
        limit = limit_shares(p, b)
        np.testing.assert_allclose(evolve_shares(limit, p, b), limit, atol=1e-9)
        start = shares(vectors(data.draw, len(p), POSITIVE))
        np.testing.assert_allclose(evolve_shares(start, p, b, steps=400), limit, atol=1e-6)

    def test_columns_must_sum_to_one(self):
        for function in (lambda p: evolve_shares(I, p, B), lambda p: limit_shares(p, B)):
            with pytest.raises(InputError, match="every column of P sums to 1"):
                function(0.9 * P)


@pytest.mark.parametrize(
    ("p", "b", "fault"),
    [
        (P[:1], B, "P has shape"),
        (P, np.array([0.1]), "P has shape"),
        (-P, B, "must not be negative"),
        (P, np.array([0.1, 1.2]), r"lie in \[0, 1\]"),
    ],
)
def test_faults_are_named(p, b, fault):
    with pytest.raises(InputError, match=fault):
        evolve(I, p, b)


class TestFit:
    def test_without_events_everything_stays(self):
        assert fit_transitions(np.zeros((0, 3)), np.zeros((0, 3))).tolist() == np.eye(3).tolist()

    def test_the_prior_counts_events_that_stay(self):
        # From topic 0 ten events went to topic 1; ten imagined ones stayed: half and half.
        p = fit_transitions(np.array([[1.0, 0.0]]), np.array([[0.0, 10.0]]), prior=10)
        np.testing.assert_allclose(p, [[0.5, 0], [0.5, 1]], atol=1e-6)

    def test_shapes_must_agree(self):
        with pytest.raises(InputError, match="differ"):
            fit_transitions(np.zeros((2, 3)), np.zeros((2, 2)))

    @given(arrays(float, (8, 3), elements=POSITIVE), arrays(float, (8, 3), elements=st.floats(0, 5)))
    def test_columns_sum_to_one(self, before, after):
        p = fit_transitions(shares(before), after)
        assert p.min() >= 0
        np.testing.assert_allclose(p.sum(axis=0), 1)

    def test_a_planted_topic_transition_is_found(self):
        """Every event follows the one before by P, so one-hot shares of the last event tell P: within .05 each."""
        s = simulate(
            SimulationConfig(users=300, topics=5, transition_strength=1, habit_strength=0, drift_share=0), seed=1
        )
        topic = s.truth.item_topic[s.events.item]
        follows = (s.events.user[1:] == s.events.user[:-1]) & (s.truth.cause[1:] == Cause.TRANSITION)
        one_hot = np.eye(5)
        found = fit_transitions(one_hot[topic[:-1][follows]], one_hot[topic[1:][follows]])
        assert np.abs(found - s.truth.transition).max() < 0.05

    def test_where_interests_lead_is_found_through_decayed_shares(self):
        """From short-memory shares, as training reads them, the planted next topic leads beside staying."""
        s = simulate(
            SimulationConfig(users=300, topics=5, transition_strength=1, habit_strength=0, drift_share=0), seed=2
        )
        events = s.events
        later = np.flatnonzero(np.append(False, events.user[1:] == events.user[:-1]))
        past = events.queries(events.user[later], events.timestamp[later])
        evidence = batch_evidence(
            offsets=past.offsets,
            membership=s.truth.membership[past.item],
            timestamps=past.timestamp,
            as_of=past.as_of,
            half_life_days=1.0,
        )
        known = evidence.sum(axis=1) > 0
        found = fit_transitions(shares(evidence[known]), s.truth.membership[events.item[later[known]]])
        assert found.argmax(axis=0).tolist() == s.truth.transition.argmax(axis=0).tolist()
        assert np.abs(found - s.truth.transition).max() < 0.15
