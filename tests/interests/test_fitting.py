"""Fitting P and b: planted truth found again on both readings, and what holds for any input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.core.errors import InputError
from evorec.interests.fitting import fit_degrees, fit_shares
from evorec.interests.markov import evolve, evolve_shares, fit_transitions
from evorec.interests.state import shares

POSITIVE = st.floats(0.01, 1)


def moved(p, b):
    """M of the shares, scaled to sum to 1: all that can be identified."""
    m = (1 - b)[:, None] * p + b[:, None]
    return m / m.sum()


class TestShares:
    def test_a_planted_m_is_found(self):
        """Four topics, 3,000 windows of 20 events: every entry of M (scaled to sum to 1) within .01."""
        rng = np.random.default_rng(1)
        p = np.array([[0.7, 0.2, 0, 0], [0.3, 0.6, 0.1, 0], [0, 0.2, 0.9, 0.3], [0, 0, 0, 0.7]])
        b = np.array([0.0, 0.2, 0.0, 0.1])
        before = rng.dirichlet([0.4] * 4, size=3000)
        after = np.stack([rng.multinomial(20, row) for row in evolve_shares(before, p, b)])
        assert np.abs(moved(*fit_shares(before, after)) - moved(p, b)).max() < 0.01

    def test_where_nothing_switches_on_it_agrees_with_p_alone(self):
        rng = np.random.default_rng(2)
        p = np.array([[0.8, 0.3], [0.2, 0.7]])
        before = rng.dirichlet([0.5] * 2, size=1500)
        after = np.stack([rng.multinomial(10, row) for row in before @ p.T])
        found, b = fit_shares(before, after)
        alone = fit_transitions(before, after, prior=1.0)
        np.testing.assert_allclose(moved(found, b), moved(alone, np.zeros(2)), atol=0.01)

    def test_without_events_everything_stays(self):
        p, b = fit_shares(np.zeros((0, 3)), np.zeros((0, 3)))
        assert p.diagonal().min() > 0.95
        assert b.max() < 0.06

    @settings(max_examples=10, deadline=None)
    @given(arrays(float, (6, 3), elements=POSITIVE), arrays(float, (6, 3), elements=st.floats(0, 5)))
    def test_p_and_b_are_what_evolution_takes(self, before, after):
        before = shares(before)
        p, b = fit_shares(before, after, iterations=10)
        np.testing.assert_allclose(p.sum(axis=0), 1)
        out = evolve_shares(before, p, b)
        np.testing.assert_allclose(out.sum(axis=1), 1)

    def test_faults_are_named(self):
        with pytest.raises(InputError, match="differ"):
            fit_shares(np.zeros((2, 3)), np.zeros((2, 2)))
        with pytest.raises(InputError, match="negative"):
            fit_shares(np.array([[np.nan]]), np.ones((1, 1)))


class TestDegrees:
    def test_planted_p_and_b_are_found(self):
        """Three topics, 10,000 steps of independent degrees: every entry within .05."""
        rng = np.random.default_rng(3)
        p, b = np.array([[0.6, 0.2, 0], [0, 0.9, 0], [0.1, 0.1, 0.5]]), np.array([0.1, 0.0, 0.3])
        before = rng.random((10000, 3))
        after = rng.random((10000, 3)) < evolve(before, p, b)
        found, switch = fit_degrees(before, after)
        np.testing.assert_allclose(found, p, atol=0.05)
        np.testing.assert_allclose(switch, b, atol=0.05)

    @settings(max_examples=10, deadline=None)
    @given(arrays(float, (6, 3), elements=st.floats(0, 1)), arrays(float, (6, 3), elements=st.floats(0, 1)))
    def test_rows_leave_room_to_forget(self, before, after):
        p, b = fit_degrees(before, after, iterations=20)
        assert p.min() >= 0
        assert p.sum(axis=1).max() <= 1 + 1e-9
        out = evolve(before, p, b)
        assert out.min() >= 0
        assert out.max() <= 1 + 1e-9

    def test_counts_are_refused(self):
        with pytest.raises(InputError, match="above 1"):
            fit_degrees(np.ones((1, 2)), np.array([[2.0, 0.0]]))
