"""Whitening: its laws on random data, its use on planted data, and few rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.encoders.base import unit_rows
from evorec.encoders.whitening import Whitening, moments


def skewed(seed: int, n: int, d: int) -> np.ndarray:
    """Correlated rows of unequal scale, away from the origin."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * np.geomspace(1, 0.1, d) @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (x + 3 * rng.normal(size=d)).astype(np.float32)


def test_moments_by_hand() -> None:
    mean, covariance = moments(np.array([[1, 0], [3, 0], [2, 3]], np.float32))
    np.testing.assert_allclose(mean, [2, 1])
    np.testing.assert_allclose(covariance, np.array([[2, 0], [0, 6]]) / 3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), d=st.integers(2, 24), keep=st.integers(1, 30), blank=st.integers(0, 5))
def test_the_training_rows_become_white(seed: int, d: int, keep: int, blank: int) -> None:
    x = np.vstack([skewed(seed, 4000, d), np.zeros((blank, d), np.float32)])
    whitening = Whitening.fit(x, dimension=keep, strength=1)
    assert whitening.dimension == min(d, keep)
    white = whitening.project(x)[:4000]
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(white.T), np.eye(whitening.dimension).squeeze(), atol=0.2)
    off_diagonal = np.atleast_2d(np.cov(white.T)) * (1 - np.eye(whitening.dimension))
    assert abs(off_diagonal).max() < 1e-2


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 40), d=st.integers(1, 12))
def test_rows_are_unit_and_zero_stays_zero(seed: int, n: int, d: int) -> None:
    x = skewed(seed, n, d)
    x[::3] = 0
    length = np.linalg.norm(Whitening.fit(x).apply(x), axis=1)
    blank = ~x.any(axis=1)
    assert np.all(length[blank] == 0)
    assert np.all(abs(length[~blank] - 1) < 1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 100))
def test_shift_and_scale_of_the_input_do_not_matter(seed: int, scale: float) -> None:
    x = skewed(seed, 300, 6)
    moved = ((x - 1) * scale).astype(np.float32)
    ours, theirs = Whitening.fit(x).apply(x), Whitening.fit(moved).apply(moved)
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=2e-2)


def test_rows_are_read_alone() -> None:
    x = skewed(1, 500, 8)
    whitening = Whitening.fit(x)
    np.testing.assert_allclose(
        whitening.apply(x[:10]), whitening.apply(np.vstack([x[:10], x[:10] + 9]))[:10], atol=1e-5
    )


def test_strength_zero_only_centres_and_rotates() -> None:
    x = skewed(2, 300, 6)
    centred = unit_rows(x - x.mean(axis=0))
    got = Whitening.fit(x, strength=0).apply(x)
    np.testing.assert_allclose(got @ got.T, centred @ centred.T, atol=1e-4)


def _separation(x: np.ndarray, group: np.ndarray) -> float:
    """Mean cosine inside groups less that between them."""
    cosine, same = x @ x.T, group[:, None] == group
    np.fill_diagonal(same, False)
    return float(cosine[same].mean() - cosine[group[:, None] != group].mean())


@pytest.mark.parametrize("items", [12, 40, 2000])
def test_planted_groups_are_separated_better_than_before_even_by_few_items(items: int) -> None:
    rng = np.random.default_rng(5)
    group = np.arange(items) % 4
    centres = rng.normal(size=(4, 64))
    x = 4 * rng.normal(size=64) + centres[group] + rng.normal(size=(items, 64)) * 0.7
    x = unit_rows(x.astype(np.float32))
    before, after = _separation(x, group), _separation(Whitening.fit(x).apply(x), group)
    assert before < 0.1
    assert after > 3 * before


def test_rows_that_do_not_differ_are_only_scaled() -> None:
    for rows in (1, 7):
        x = np.repeat(np.array([[0.3, 0.4]], np.float32), rows, axis=0)
        np.testing.assert_allclose(Whitening.fit(x).apply(x), np.repeat([[0.6, 0.8]], rows, axis=0), rtol=1e-6)
    assert Whitening.fit(np.zeros((0, 2), np.float32)).dimension == 2


def test_the_state_says_all() -> None:
    x = skewed(0, 100, 6)
    whitening = Whitening.fit(x, dimension=3)
    again = Whitening.from_arrays(whitening.arrays())
    np.testing.assert_array_equal(again.apply(x), whitening.apply(x))
    assert {name: array.dtype for name, array in whitening.arrays().items()} == dict.fromkeys(
        ("mean", "projection"), np.dtype(np.float32)
    )


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="dimension is 0"):
        Whitening.fit(np.ones((3, 2), np.float32), dimension=0)
    with pytest.raises(InputError, match=r"strength is 1\.5"):
        Whitening.fit(np.ones((3, 2), np.float32), strength=1.5)
