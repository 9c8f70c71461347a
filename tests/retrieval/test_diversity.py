"""Diversity: laws of maximal marginal relevance."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evorec.retrieval.diversity import diversify

LISTS = st.tuples(st.integers(0, 12), st.integers(1, 15), st.integers(0, 2**20))


def made(drawn):
    size, k, seed = drawn
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(size, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.sort(rng.normal(size=size))[::-1], vectors, k


def alikeness(vectors, chosen):
    cosine = vectors[chosen] @ vectors[chosen].T
    return float(cosine[np.triu_indices(len(chosen), 1)].mean())


@given(LISTS, st.floats(0, 1))
def test_it_chooses_distinct_positions(drawn, weight):
    scores, vectors, k = made(drawn)
    chosen = diversify(scores, vectors, k, weight).tolist()
    assert len(chosen) == min(k, len(scores))
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(range(len(scores)))


@given(LISTS)
def test_weight_zero_keeps_the_order(drawn):
    scores, vectors, k = made(drawn)
    assert diversify(scores, vectors, k, 0.0).tolist() == list(range(min(k, len(scores))))


@given(LISTS.filter(lambda drawn: drawn[0]), st.floats(0, 0.99))
def test_the_best_stays_first(drawn, weight):
    scores, vectors, k = made(drawn)
    assert diversify(scores, vectors, k, weight)[0] == 0


@given(LISTS, st.floats(0, 1), st.integers(-3, 3), st.integers(-50, 50))
def test_only_relative_scores_matter(drawn, weight, power, shift):
    scores, vectors, k = made(drawn)
    scores = np.round(scores * 1024)  # whole numbers, so that scaling and shifting are exact
    moved = scores * 2.0**power + shift
    assert diversify(moved, vectors, k, weight).tolist() == diversify(scores, vectors, k, weight).tolist()


def test_on_average_it_makes_lists_less_alike():
    plain, diverse = [], []
    for seed in range(30):
        scores, vectors, _ = made((12, 5, seed))
        plain.append(alikeness(vectors, diversify(scores, vectors, 5, 0.0)))
        diverse.append(alikeness(vectors, diversify(scores, vectors, 5, 0.8)))
    assert np.mean(diverse) < np.mean(plain) - 0.1


def test_a_twin_waits():
    twins = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert diversify(np.array([3.0, 2.9, 2.8]), twins, 3, 0.5).tolist() == [0, 2, 1]
