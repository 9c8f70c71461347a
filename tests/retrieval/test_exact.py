"""Exact top-k: the same list as a plain sort, whatever the scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.retrieval.exact import top_k


def by_sorting(scores, k):
    out = np.full((len(scores), k), -1)
    for q, row in enumerate(scores):
        best = [r for r in np.lexsort((np.arange(len(row)), -row)) if row[r] > -np.inf][:k]
        out[q, : len(best)] = best
    return out


@given(
    st.integers(0, 3),
    st.integers(0, 400),
    st.integers(1, 90),
    st.integers(0, 2**20),
    st.sampled_from([1, 2, 5, 1000]),
    st.floats(0, 1),
)
def test_it_is_a_sort(queries, width, k, seed, levels, barred):
    """Few levels make many ties across blocks; the barred are -inf."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-levels, levels, (queries, width)).astype(np.float32)
    scores[rng.random(scores.shape) < barred] = -np.inf
    assert top_k(scores, k).tolist() == by_sorting(scores, k).tolist()


@pytest.mark.parametrize("k", [1, 10, 300])
def test_long_rows_of_plain_numbers(k):
    scores = np.random.default_rng(0).normal(size=(5, 5000)).astype(np.float32)
    assert top_k(scores, k).tolist() == by_sorting(scores, k).tolist()


def test_the_scores_are_left_alone():
    scores = np.array([[1.0, -np.inf, 3.0]], dtype=np.float32)
    before = scores.copy()
    top_k(scores, 2)
    assert np.array_equal(scores, before)
