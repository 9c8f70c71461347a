"""Weights between pairs of items: the strongest of each row, what is new, and one person's pairs kept apart."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from evorec.data.simulate import SimulationConfig, simulate
from evorec.models.base import RunOptions
from evorec.models.pairs import PairScorer, no_pairs, packed, strongest, unpacked
from evorec.models.taste import Taste
from evorec.models.transitions import Transitions


class TestStrongest:
    def test_ties_go_to_the_smaller_column(self):
        kept = strongest(sp.csr_matrix([[1.0, 2.0, 2.0, 2.0], [0, 0, 0, 5.0]]), 2).toarray()
        assert kept.tolist() == [[0, 2, 2, 0], [0, 0, 0, 5]]

    @given(st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=5), st.integers(1, 6))
    def test_it_is_a_sort(self, rows, limit):
        dense = np.array(rows, dtype=np.float64)
        kept = strongest(sp.csr_matrix(dense), limit).toarray()
        for row, found in zip(dense, kept, strict=True):
            best = [k for k in np.lexsort((np.arange(5), -row))[:limit] if row[k] > 0]
            assert np.flatnonzero(found).tolist() == sorted(best)
            assert found[best].tolist() == row[best].tolist()


def test_there_and_back():
    for matrix in (sp.csr_matrix([[0, 0.5], [2, 0]], dtype=np.float32), no_pairs(3), no_pairs(0)):
        back = unpacked(packed(matrix))
        assert back.dtype == matrix.dtype
        assert back.toarray().tolist() == matrix.toarray().tolist()


SCORERS = [Taste, Transitions]


def test_every_pair_scorer_is_tested_here():
    assert set(PairScorer.__subclasses__()) == set(SCORERS)


@pytest.fixture(scope="module")
def drawn():
    """A simulated log with tie groups."""
    return simulate(SimulationConfig(users=60, items=80, events_per_user=12, tie_share=0.3), seed=7)


@pytest.fixture(scope="module", params=SCORERS)
def scorer(request, drawn):
    return request.param().fit(drawn.dataset, RunOptions())


class TestWhatIsNew:
    def test_an_item_newer_than_the_fit_is_unknown(self, scorer, drawn, ask, table):
        size = len(drawn.dataset.items)
        items, old = table(embedding=np.zeros((size + 1, 0))), int(scorer.weights.tocoo().row[0])
        evidence, known = scorer.score(ask([(old, 1), (size, 2)]), items)
        assert known[0].any()
        assert not known[0, size]
        assert evidence[0, size] == 0
        assert not scorer.attribute(ask([(old, 1)]), items, size).any()

    def test_a_history_of_nothing_known_is_unknown(self, scorer, drawn, ask, table):
        size = len(drawn.dataset.items)
        assert not scorer.score(ask([], [(size, 1)]), table(embedding=np.zeros((size + 1, 0))))[1].any()


class TestPrivacy:
    def test_no_pair_of_a_single_user_is_in_the_model(self, scorer, drawn):
        events = drawn.events
        shared = unpacked(scorer.arrays()).tocoo()
        users_of = [set(events.user[events.item == item].tolist()) for item in range(len(events.items))]
        assert shared.nnz
        for start, end in zip(shared.row, shared.col, strict=True):
            assert len(users_of[start] & users_of[end]) >= 2

    def test_the_two_parts_make_the_whole(self, scorer):
        assert scorer.private.nnz
        assert abs(scorer.weights - scorer.shared - scorer.private).max() == 0
        assert scorer.shared.multiply(scorer.private).nnz == 0
        restored = type(scorer)().restore(scorer.arrays())
        assert restored.private.nnz == 0
        assert abs(restored.weights - scorer.shared).max() == 0
        restored.restore_personal(scorer.personal())
        assert abs(restored.weights - scorer.weights).max() == 0
        assert restored.unit == scorer.unit
