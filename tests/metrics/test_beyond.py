"""Beyond accuracy: values worked by hand, and agreement with the plain definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.metrics.beyond import coverage, intra_list_diversity, novelty, personalisation

LISTS = st.lists(st.permutations(range(9)).map(lambda p: p[:4]), min_size=2, max_size=12).map(np.array)


def test_coverage_counts_every_item_once_and_no_padding():
    assert coverage(np.array([[0, 1, -1], [1, 3, 0]]), 6) == 0.5


def test_novelty_by_hand():
    counts = np.array([8, 4, 4, 0])
    found = novelty(np.array([[0, 1], [3, -1], [-1, -1]]), counts)
    assert found[:2].tolist() == [1.5, 4]  # bits 1 and 2; an item without events counts as one of 16
    assert np.isnan(found[2])


@given(LISTS)
def test_personalisation_equals_the_mean_over_all_pairs(top):
    overlaps = [len(set(a) & set(b)) / 4 for a, b in itertools.combinations(top.tolist(), 2)]
    assert personalisation(top) == pytest.approx(1 - np.mean(overlaps))


def test_personalisation_at_its_ends():
    assert personalisation(np.array([[1, 2]] * 5)) == 0
    assert personalisation(np.array([[1, 2], [3, 4], [5, 6]])) == 1
    assert np.isnan(personalisation(np.array([[1, 2]])))
    assert np.isnan(personalisation(np.array([[-1], [-1]])))


@given(LISTS, st.integers(0, 9))
def test_diversity_equals_the_mean_over_the_pairs_of_a_list(top, seed):
    vectors = np.random.default_rng(seed).normal(size=(9, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [1 - np.mean([unit[a] @ unit[b] for a, b in itertools.combinations(row, 2)]) for row in top.tolist()]
    assert intra_list_diversity(top, vectors) == pytest.approx(np.array(expected))


def test_diversity_leaves_out_items_it_knows_nothing_of():
    vectors = np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32)
    found = intra_list_diversity(np.array([[0, 1, 2], [0, 2, -1]]), vectors)
    assert found[0] == pytest.approx(1)
    assert np.isnan(found[1])
