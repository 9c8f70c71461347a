"""Weights between pairs of items: the strongest of each row, and the way to disk and back."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from evorec.models.pairs import no_pairs, packed, strongest, unpacked


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
