"""Ranking metrics: values worked by hand, and their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.metrics.ranking import (
    debiased_ndcg,
    hit_rate,
    hits,
    inverse_propensity,
    ndcg,
    recall,
    reciprocal_rank,
)

TOP = np.array([[4, 2, 7], [1, 0, -1], [5, 6, 8]], dtype=np.int32)
OFFSETS, RELEVANT = np.array([0, 2, 3, 7]), np.array([2, 9, 1, 5, 6, 8, 9], dtype=np.int32)


def test_values_worked_by_hand():
    hit, count = hits(TOP, OFFSETS, RELEVANT), np.diff(OFFSETS)
    assert hit.tolist() == [[False, True, False], [True, False, False], [True, True, True]]
    second = 1 / math.log2(3)
    assert ndcg(hit, count).tolist() == pytest.approx([second / (1 + second), 1, 1])
    assert recall(hit, count).tolist() == [0.5, 1, 1]  # the third user has four, the list three places
    assert reciprocal_rank(hit).tolist() == [0.5, 1, 1]
    assert hit_rate(hit).tolist() == [1, 1, 1]


@st.composite
def lists(draw):
    """Distinct lists of 5 of 8 items for 4 queries, with 1 to 8 relevant items each."""
    top = np.array([draw(st.permutations(range(8)))[:5] for _ in range(4)], dtype=np.int32)
    relevant = [sorted(draw(st.sets(st.integers(0, 7), min_size=1))) for _ in range(4)]
    return top, np.cumsum([0, *map(len, relevant)]), np.concatenate(relevant).astype(np.int32)


@given(lists())
def test_hits_are_membership(given_lists):
    top, offsets, relevant = given_lists
    hit = hits(top, offsets, relevant)
    for q in range(len(top)):
        assert hit[q].tolist() == [item in relevant[offsets[q] : offsets[q + 1]] for item in top[q]]


@given(lists())
def test_every_metric_lies_in_0_1_and_agrees_on_no_hit(given_lists):
    top, offsets, relevant = given_lists
    hit, count = hits(top, offsets, relevant), np.diff(offsets)
    for values in (ndcg(hit, count), recall(hit, count), reciprocal_rank(hit), hit_rate(hit)):
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
        assert np.array_equal(values > 0, hit.any(axis=1))


@given(lists(), st.integers(0, 3))
def test_moving_a_hit_forward_never_lowers_a_metric(given_lists, place):
    top, offsets, relevant = given_lists
    hit, count = hits(top, offsets, relevant), np.diff(offsets)
    swap = hit[:, place + 1] & ~hit[:, place]
    better = hit.copy()
    better[swap, place], better[swap, place + 1] = True, False
    assert (ndcg(better, count)[swap] > ndcg(hit, count)[swap]).all()
    assert (reciprocal_rank(better) >= reciprocal_rank(hit)).all()
    assert np.array_equal(recall(better, count), recall(hit, count))


@given(lists())
def test_a_perfect_list_reaches_1(given_lists):
    _, offsets, relevant = given_lists
    count = np.diff(offsets)
    perfect = np.full((4, 5), -1, dtype=np.int32)
    for q in range(4):
        own = relevant[offsets[q] : offsets[q + 1]][:5]
        perfect[q, : len(own)] = own
    hit = hits(perfect, offsets, relevant)
    assert ndcg(hit, count) == pytest.approx(np.ones(4))
    assert recall(hit, count).tolist() == [1] * 4


@given(lists(), st.permutations(range(4)))
def test_queries_do_not_touch_one_another(given_lists, order):
    top, offsets, relevant = given_lists
    order = list(order)
    own = [relevant[offsets[q] : offsets[q + 1]] for q in order]
    moved = hits(top[order], np.cumsum([0, *map(len, own)]), np.concatenate(own))
    assert np.array_equal(moved, hits(top, offsets, relevant)[order])


def test_debiased_ndcg_by_hand():
    gain = inverse_propensity(np.array([16, 4, 1]))
    assert gain.tolist() == [0.25, 0.5, 1]
    top, offsets, relevant = np.array([[0, 2]]), np.array([0, 3]), np.array([0, 1, 2])
    value, weight = debiased_ndcg(hits(top, offsets, relevant), offsets, gain[relevant], gain[top])
    second = 1 / math.log2(3)
    assert weight.tolist() == pytest.approx([1 + 0.5 * second])  # the two rarest lead the ideal of two places
    assert value.tolist() == pytest.approx([(0.25 + second) / (1 + 0.5 * second)])


@given(lists(), st.floats(0.1, 5))
def test_equal_gains_give_plain_ndcg(given_lists, gain):
    top, offsets, relevant = given_lists
    hit = hits(top, offsets, relevant)
    value, _ = debiased_ndcg(hit, offsets, np.full(len(relevant), gain), np.full(top.shape, gain))
    assert value == pytest.approx(ndcg(hit, np.diff(offsets)))


@given(lists(), arrays(np.float64, 8, elements=st.floats(0.01, 1)))
def test_debiased_ndcg_stays_in_0_1(given_lists, gain):
    top, offsets, relevant = given_lists
    value, _ = debiased_ndcg(hits(top, offsets, relevant), offsets, gain[relevant], gain[top])
    assert ((value >= 0) & (value <= 1 + 1e-9)).all()
