"""Accuracy by the age of the model: bins part the queries, and what goes stale is seen to."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.split import Split
from evorec.evaluation.age import age_bins, by_model_age
from evorec.evaluation.protocol import Protocol, evaluate
from evorec.evaluation.report import report


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 5))
def test_bins_are_ordered_and_equal_ages_share_one(ages, bins):
    age = np.asarray(ages, dtype=np.float64)
    place = age_bins(age, bins=bins)
    assert place.min() >= 0
    assert place.max() < bins
    order = np.argsort(age, kind="stable")
    assert (np.diff(place[order]) >= 0).all()
    assert len({(a, p) for a, p in zip(ages, place.tolist(), strict=True)}) == len(set(ages))


@pytest.fixture(scope="module")
def evaluations():
    """Planted: in each of four weeks after the cut people take that week's item; one system knows the first only."""
    cut = 28 * DAY
    rows = [("u0", f"i{k}", k) for k in range(4)]
    rows += [(f"u{u}", "old", DAY) for u in range(200)]
    rows += [(f"u{u}", f"i{u // 50}", cut + 7 * DAY * (u // 50) + u % 50 * DAY // 10 + 1) for u in range(1, 200)]
    users, items, times = zip(*rows, strict=True)
    split = Split(dataset=Dataset.create(Events.create(user_ids=users, item_ids=items, timestamps=times)), cut=cut)
    code = split.dataset.items.code

    def one_item(week):
        def score(queries):
            weeks = np.clip((queries.as_of - cut) // (7 * DAY), 0, 3) if week is None else np.full(len(queries), week)
            found = np.full((len(queries), len(split.dataset.items)), -np.inf)
            found[np.arange(len(queries)), [code(f"i{w}") for w in weeks.tolist()]] = 1
            return found

        return score

    asked = Protocol(kind="successive", clock="query_time")
    return {"stale": evaluate(one_item(0), split, asked), "kept up": evaluate(one_item(None), split, asked)}


def test_what_goes_stale_is_seen(evaluations):
    found = by_model_age(evaluations, bins=4)
    assert len(found) == 3  # 199 queries: not 50 for each of four
    assert sum(entry["queries"] for entry in found) == evaluations["stale"].queries
    assert found[0]["from_days"] < found[0]["to_days"] < found[1]["from_days"]
    for metric in ("ndcg", "recall"):
        stale = [entry[metric]["stale"].mean for entry in found]
        assert stale[0] > 0.7
        assert stale[1:] == [0, 0]
        assert all(entry[metric]["kept up"].mean == 1 for entry in found)
    assert found[0]["ndcg"]["stale"].low < found[0]["ndcg"]["stale"].mean


def test_few_queries_are_one_bin(evaluations):
    stale = evaluations["stale"]
    few = by_model_age({"stale": stale}, bins=1)
    assert [entry["queries"] for entry in few] == [stale.queries]
    assert few[0]["ndcg"]["stale"] == stale.interval("ndcg")


def test_the_report_tells_it(evaluations):
    found = report(evaluations)
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))["by_model_age"]
    assert [entry["queries"] for entry in told] == [entry["queries"] for entry in found.by_model_age]
    assert set(told[0]) == {"from_days", "to_days", "queries", "users", "ndcg", "recall"}
    assert set(told[0]["ndcg"]) == set(evaluations)
    table = found.age_table(["stale"])
    assert len({len(row) for row in table}) == 1
    assert table[0][-2:] == ["NDCG@10, stale", "Recall@10, stale"]
    assert "days since the cut" in found.text()
