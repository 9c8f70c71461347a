"""Results: lists as arrays, records and tables say the same."""

import json

import numpy as np

from evorec.core.columns import RECOMMENDATION_COLUMNS
from evorec.core.ids import Vocabulary
from evorec.engine.results import Recommendations

LISTS = Recommendations(
    user_ids=("ann", "李"),
    items=Vocabulary(("x", "y", "茶")),
    item=np.array([[2, 0], [1, -1]]),
    score=np.array([[0.5, 0.25], [1.0, np.nan]], dtype=np.float32),
    fallback=np.array([False, True]),
    hindsight=np.array([True, False]),
    trained_until=9,
)


def test_records():
    records = list(LISTS.records())
    assert records == [
        {"user_id": "ann", "items": ["茶", "x"], "scores": [0.5, 0.25], "fallback": False, "hindsight": True},
        {"user_id": "李", "items": ["y"], "scores": [1.0], "fallback": True},
    ]
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    assert [LISTS.list_of(q) for q in range(len(LISTS))] == [record["items"] for record in records]


ROWS = [
    {"user_id": "ann", "rank": 1, "item_id": "茶", "score": 0.5, "fallback": False},
    {"user_id": "ann", "rank": 2, "item_id": "x", "score": 0.25, "fallback": False},
    {"user_id": "李", "rank": 1, "item_id": "y", "score": 1.0, "fallback": True},
]


def test_tables():
    assert LISTS.to_pandas().to_dict("records") == ROWS
    assert LISTS.to_polars().to_dicts() == ROWS
    assert LISTS.to_arrow().to_pylist() == ROWS
    assert tuple(LISTS.columns()) == RECOMMENDATION_COLUMNS
