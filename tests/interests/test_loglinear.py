"""The log-linear forecaster's parts: its fit, what everybody does now, and what P cannot say."""

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.interests.forecast import MarkovForecaster
from evorec.interests.loglinear import LogLinearConfig, LogLinearForecaster, PopulationSeries, fit_log_linear
from evorec.interests.windows import windows
from evorec.metrics.forecast import cross_entropy


class TestFit:
    def test_the_right_log_share_gets_the_weight(self):
        """Of two forecasts that compete, the one that events follow gets weight 1, the other 0, within .1."""
        rng = np.random.default_rng(0)
        right, wrong = rng.dirichlet(np.ones(3), size=(2, 3000))
        after = np.stack([rng.multinomial(10, row) for row in right]).astype(float)
        weights, rest = fit_log_linear(np.log([right, wrong]), np.ones((3000, 1)), after, ridge=1.0)
        np.testing.assert_allclose(weights, [1, 0], atol=0.1)
        assert np.abs(rest - rest.mean()).max() < 0.1

    def test_the_ridge_pulls_to_zero_but_for_the_constant(self):
        rng = np.random.default_rng(1)
        features = np.hstack([rng.normal(size=(200, 1)), np.ones((200, 1))])
        after = np.stack([features[:, 0] > -0.5, features[:, 0] <= -0.5], axis=1).astype(float)
        _, coefficients = fit_log_linear(np.zeros((1, 200, 2)), features, after, ridge=1e6)
        assert np.abs(coefficients[0]).max() < 1e-3
        share = after.mean(axis=0)
        np.testing.assert_allclose(coefficients[1, 0] - coefficients[1, 1], np.log(share[0] / share[1]), atol=0.01)


class TestSeries:
    def test_only_earlier_days_count(self):
        log = {
            "offsets": np.arange(5),
            "membership": np.eye(2, dtype=np.float32)[[0, 0, 1, 1]],
            "timestamps": np.array([10 * DAY + 5, 10 * DAY + 6, 12 * DAY, 12 * DAY]),
        }
        found = PopulationSeries.of(windows(**log, size=1), np.arange(4))
        series = PopulationSeries(first=found.first, daily=found.daily, half_lives_days=(1.0,))
        at = np.array([10 * DAY + 9, 11 * DAY, 13 * DAY, 0])
        np.testing.assert_allclose(series.before(at)[0], [[0, 0], [1, 0], [0.25, 1], [0, 0]])

    def test_users_left_out_are_not_in_it(self):
        log = {
            "offsets": np.arange(4),
            "membership": np.eye(2, dtype=np.float32)[[0, 1, 1]],
            "timestamps": np.array([0, 0, 0]),
        }
        series = PopulationSeries.of(windows(**log, size=1), np.array([1, 2]))
        found = series.before(np.array([DAY]))[:, 0]
        np.testing.assert_allclose(found, [[0, 2 * 0.5 ** (1 / 7)], [0, 2 * 0.5 ** (1 / 30)]])

    def test_no_day_is_one_persons(self):
        """One person on day 0 waits for the next, who comes on day 3; a third alone on day 5 stays out."""
        log = {
            "offsets": np.arange(4),
            "membership": np.eye(3, dtype=np.float32),
            "timestamps": np.array([0, 3, 5]) * DAY,
        }
        series = PopulationSeries.of(windows(**log, size=1), np.arange(3))
        assert series.daily.sum(axis=1).tolist() == [0, 0, 0, 2, 0, 0]

    def test_a_placeholder_for_a_date_is_refused(self):
        """The year 9999 would be 2.9 million days, one row each."""
        log = {
            "offsets": np.arange(4),
            "membership": np.eye(3, dtype=np.float32),
            "timestamps": np.array([0, 1, 8029 * 365]) * DAY,
        }
        cut = windows(**log, size=1)
        with pytest.raises(InputError, match="8,029 years apart"):
            PopulationSeries.of(cut, np.arange(3))
        assert len(PopulationSeries.of(cut, np.arange(2)).daily) == 2


def test_what_everybody_does_now_moves_the_forecast():
    """A fashion of ten days takes everybody: forecasts follow it, though users do not persist."""
    rng = np.random.default_rng(0)
    users, events = 200, 8
    days = np.sort(rng.integers(0, 100, (users, events)), axis=1)
    fashion = (days // 10) % 2
    topics = np.where(rng.random((users, events)) < 0.9, fashion, 1 - fashion)
    log = {
        "offsets": np.arange(0, users * events + 1, events),
        "membership": np.eye(2, dtype=np.float32)[topics.ravel()],
        "timestamps": days.ravel() * DAY,
    }
    cut = windows(**log, size=1)
    train, rows = np.arange(150), cut.followed(1, np.arange(150, users))
    best = LogLinearForecaster(LogLinearConfig(ridges=(10.0,))).fit(cut, train)
    plain = MarkovForecaster().fit(cut, train)
    after = cut.counts[rows + 1]
    gain = cross_entropy(after, plain.forecast(cut, rows)) - cross_entropy(after, best.forecast(cut, rows))
    assert gain.mean() > 0.01
