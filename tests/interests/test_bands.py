"""Bands: they cover what they say, on smooth shares and on counts, and keep to the topic and level of a forecast."""

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.interests.bands import ShareBands, rounded
from evorec.metrics.forecast import inside_band


def covered(bands, said, came):
    low, high, low_inside, high_inside = bands.around(said)
    return inside_band(came, low, high, low_inside=low_inside, high_inside=high_inside)


class TestCoverage:
    @pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
    def test_smooth_shares(self, coverage):
        """6,000 windows to fit, 6,000 to hold: within .02 of what is stated, ends counted or not."""
        rng = np.random.default_rng(0)
        said = rng.uniform(0.05, 0.95, (12000, 2))
        came = rng.beta(8 * said, 8 * (1 - said))
        bands = ShareBands.fit(said[::2], came[::2], coverage=coverage)
        assert abs(covered(bands, said[1::2], came[1::2]).mean() - coverage) < 0.02
        low, high, *_ = bands.around(said[1::2])
        assert abs(inside_band(came[1::2], low, high).mean() - coverage) < 0.02

    def test_rare_topics_in_few_events(self):
        """Shares of 3 events of a topic of 1 to 3%: nearly all 0, and still 80% by the chances of the ends."""
        rng = np.random.default_rng(1)
        said = rng.uniform(0.01, 0.03, (8000, 1))
        came = rounded(rng.binomial(3, said) / 3)
        bands = ShareBands.fit(said[::2], came[::2])
        assert abs(covered(bands, said[1::2], came[1::2]).mean() - 0.8) < 0.02
        low, high, *_ = bands.around(said)
        assert low.max() == high.max() == 0
        assert inside_band(came, low, high).mean() > 0.9

    def test_exactly_on_what_it_was_fitted_on(self):
        came = np.repeat([[0.0], [0.5], [1.0]], 30, axis=0)
        bands = ShareBands.fit(np.zeros((90, 1)), came)
        np.testing.assert_allclose(covered(bands, np.zeros((90, 1)), came).mean(), 0.8)


def test_a_higher_forecast_has_a_higher_band():
    rng = np.random.default_rng(2)
    said = rng.uniform(0.1, 0.9, (5000, 1))
    bands = ShareBands.fit(said, rng.beta(20 * said, 20 * (1 - said)))
    low, high, *_ = bands.around(np.array([[0.2], [0.8]]))
    assert low[0, 0] < low[1, 0]
    assert high[0, 0] < high[1, 0]


def test_arrays_hold_all_of_it():
    rng = np.random.default_rng(3)
    said = rng.uniform(size=(900, 2))
    bands = ShareBands.fit(said, said)
    for one, other in zip(ShareBands.restore(bands.arrays()).around(said), bands.around(said), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("said", "came", "coverage", "fault"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), 0.8, "differ"),
        (np.zeros((2, 2)), np.zeros((2, 1)), 0.8, "differ"),
        (np.zeros((2, 2)), np.zeros((2, 2)), 1.0, "coverage"),
    ],
)
def test_faults_are_named(said, came, coverage, fault):
    with pytest.raises(InputError, match=fault):
        ShareBands.fit(said, came, coverage=coverage)


def test_topics_must_agree():
    bands = ShareBands.fit(np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(InputError, match="shape"):
        bands.around(np.zeros((2, 3)))
