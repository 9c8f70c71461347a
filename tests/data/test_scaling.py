"""Min-max scaling: fitted on one part, applied to another, and undone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.core.errors import InputError
from evorec.data.scaling import MinMax, fit_min_max

NUMBERS = st.one_of(st.integers(-1000, 1000).map(float), st.just(np.nan))
TABLES = st.tuples(st.integers(1, 8), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=NUMBERS)
)


@given(TABLES)
def test_the_fitted_part_fills_zero_to_one(values: np.ndarray) -> None:
    scaled = fit_min_max(values).transform(values)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(values))
    for column, original in zip(scaled.T, values.T, strict=True):
        found = column[~np.isnan(column)]
        if len(found):
            low, high = original[~np.isnan(original)].min(), original[~np.isnan(original)].max()
            assert found.min() == 0
            assert found.max() == (high > low)


@given(TABLES)
def test_inverse_undoes_transform(values: np.ndarray) -> None:
    scaling = fit_min_max(values)
    np.testing.assert_allclose(scaling.inverse(scaling.transform(values)), values, atol=1e-3)


@given(TABLES)
def test_order_is_kept(values: np.ndarray) -> None:
    scaled = fit_min_max(values).transform(values)
    for column, original in zip(scaled.T, values.T, strict=True):
        known = ~np.isnan(original)
        assert (np.diff(column[known][np.argsort(original[known])]) >= 0).all()


def test_beyond_the_range_constant_and_empty_columns() -> None:
    scaling = fit_min_max(np.array([[0.0, 5.0, np.nan], [10.0, 5.0, np.inf]]))
    np.testing.assert_array_equal(scaling.transform(np.array([20.0, 7.0, 1.0])), [2, 0, np.nan])
    np.testing.assert_array_equal(scaling.transform(np.array([[-5.0, np.nan, np.nan]])), [[-0.5, np.nan, np.nan]])
    assert scaling.inverse(np.array([0.5, 0.0, 0.0]))[:2].tolist() == [5, 5]


def test_no_rows() -> None:
    assert np.isnan(fit_min_max(np.zeros((0, 2))).transform(np.ones((1, 2)))).all()


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        fit_min_max(np.zeros(3))
    with pytest.raises(InputError, match="2 fitted columns"):
        fit_min_max(np.zeros((3, 2))).transform(np.zeros((3, 1)))
    with pytest.raises(InputError, match="not valid"):
        MinMax(low=np.ones(1), high=np.zeros(1))
