"""Forecast metrics: values by hand, and the laws that tie them together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.core.errors import InputError
from evorec.metrics.forecast import cross_entropy, entropy_floor, inside_band, total_variation

COUNTS = arrays(float, (4, 3), elements=st.floats(0.1, 9))


def test_by_hand():
    after, said = np.array([[2, 1, 1]]), np.array([[0.25, 0.25, 0.5]])
    assert cross_entropy(after, said)[0] == pytest.approx(0.75 * np.log(4) + 0.25 * np.log(2))
    assert entropy_floor(after)[0] == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(4))
    assert total_variation(after, said)[0] == pytest.approx(0.25)


@given(COUNTS, COUNTS)
def test_the_floor_is_reached_by_the_truth_alone(after, other):
    truth, said = after / after.sum(axis=1, keepdims=True), other / other.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(cross_entropy(after, truth), entropy_floor(after), atol=1e-9)
    assert (cross_entropy(after, said) >= entropy_floor(after) - 1e-9).all()
    assert (total_variation(after, said) <= 1).all()
    # Pinsker's inequality ties the two distances.
    gap = cross_entropy(after, said) - entropy_floor(after)
    assert (total_variation(after, said) ** 2 <= gap / 2 + 1e-9).all()


def test_a_share_of_zero_is_no_fault():
    assert cross_entropy(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]))[0] == 0
    assert np.isfinite(cross_entropy(np.array([[1.0, 1.0]]), np.array([[1.0, 0.0]]))[0])


class TestBand:
    def test_ends_count_by_their_chance(self):
        share = np.array([0.0, 0.1, 0.3, 0.5, 0.6])
        assert inside_band(share, 0.1, 0.5).tolist() == [0, 1, 1, 1, 0]
        got = inside_band(share, 0.1, 0.5, low_inside=0.25, high_inside=0.75)
        assert got.tolist() == [0, 0.25, 1, 0.75, 0]

    def test_a_band_of_one_value_takes_the_rest_of_its_mass(self):
        # 97% of shares are 0: below it nothing lies, and 80 of those 97 fall into the middle.
        got = inside_band(np.array([0.0, 0.2]), 0.0, 0.0, low_inside=0.87 / 0.97, high_inside=0.9 / 0.97)
        np.testing.assert_allclose(got, [0.8 / 0.97, 0])


@pytest.mark.parametrize(
    ("after", "said", "fault"),
    [
        ([[1.0, -1.0]], [[0.5, 0.5]], "at least 0"),
        ([[0.0, 0.0]], [[0.5, 0.5]], "holds nothing"),
        ([[1.0, 1.0]], [[0.5, 0.6]], "sum to 1"),
        ([[1.0, 1.0]], [[0.5, np.nan]], "sum to 1"),
        ([[1.0, 1.0]], [[1.0]], "differ"),
    ],
)
def test_faults_are_named(after, said, fault):
    with pytest.raises(InputError, match=fault):
        cross_entropy(np.array(after), np.array(said))
