"""The item table is append-only, and shares per query add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import Queries
from evorec.models.base import shares_per_query


def test_rows_that_stand_do_not_move(table):
    items = table(embedding=np.eye(2), topics=np.eye(2))
    more = items.appended(
        ("new",),
        embedding=np.ones((1, 2), dtype=np.float32),
        topics=np.zeros((1, 2), dtype=np.float32),
        first_seen=np.array([9]),
    )
    assert more.ids.ids == ("i0", "i1", "new")
    assert np.array_equal(more.embedding[:2], items.embedding)
    assert more.first_seen.tolist() == [0, 0, 9]
    with pytest.raises(InputError, match="embedding does not have one row per item"):
        items.appended(("x",), embedding=items.embedding[:0], topics=items.topics[:1], first_seen=np.array([1]))
    with pytest.raises(InputError, match="twice"):
        items.appended(("i0",), embedding=items.embedding[:1], topics=items.topics[:1], first_seen=np.array([1]))


@given(st.lists(st.lists(st.floats(-5, 5), max_size=4), max_size=4))
def test_shares_sum_to_one_or_to_nothing(contributions):
    flat = np.array([c for of_query in contributions for c in of_query], dtype=np.float64)
    queries = Queries(
        offsets=np.cumsum([0, *map(len, contributions)]),
        item=np.zeros(len(flat), dtype=np.int32),
        timestamp=np.zeros(len(flat), dtype=np.int64),
        as_of=np.ones(len(contributions), dtype=np.int64),
    )
    share = shares_per_query(queries, flat)
    assert (share >= 0).all()
    for q, of_query in enumerate(contributions):
        total = share[queries.owner == q].sum()
        assert total == pytest.approx(1 if sum(max(c, 0) for c in of_query) > 0 else 0)
