"""The protocol: ranking, evaluation and comparison."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, Events, Queries
from evorec.data.dataset import Dataset
from evorec.data.split import Split, split_by_time
from evorec.evaluation import protocol as module
from evorec.evaluation.baselines import popularity, transitions
from evorec.evaluation.protocol import Protocol, compare, evaluate, rank, tie_order
from evorec.metrics.bootstrap import Interval


def simulated(seed=0, *, users=80, items=60, length=12):
    """Users who walk along a ring of items, mostly one step at a time; some steps share a day."""
    rng = np.random.default_rng(seed)
    steps = np.where(rng.random((users, length)) < 0.8, 1, rng.integers(0, items, (users, length)))
    item = (rng.integers(0, items, (users, 1)) + np.cumsum(steps, axis=1)) % items
    day = rng.integers(0, 20, (users, 1)) + np.cumsum(rng.integers(0, 5, (users, length)), axis=1)
    log = Events.create(
        user_ids=[f"u{u:03}" for u in np.repeat(np.arange(users), length)],
        item_ids=[f"i{i:02}" for i in item.ravel()],
        timestamps=day.ravel() * DAY,
    )
    return split_by_time(Dataset.create(log), 25 * DAY)


def empty_queries(n):
    none = np.zeros(0, dtype=np.int64)
    return Queries(
        offsets=np.zeros(n + 1, dtype=np.int64), item=none.astype(np.int32), timestamp=none, as_of=np.ones(n, np.int64)
    )


@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=60)
def test_rank_is_a_full_sort_by_score_then_order(seed, k, kind):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, size=(5, 9)).astype(kind)  # few values: many ties
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    candidates, order = rng.random(scores.shape) < 0.8, rng.permutation(9)
    place = np.argsort(order)
    top = rank(scores, empty_queries(5), candidates, order, k=k)
    assert top.shape == (5, k)
    for q in range(5):
        usable = [i for i in range(9) if candidates[q, i] and scores[q, i] > -np.inf]
        best = sorted(usable, key=lambda i, q=q: (-scores[q, i], place[i]))[:k]
        assert top[q].tolist() == best + [-1] * (k - len(best))


def test_rank_refuses_what_it_cannot_order():
    everything = np.ones((1, 2), dtype=bool)
    with pytest.raises(InputError, match="not a number"):
        rank(np.array([[np.nan, 1.0]]), empty_queries(1), everything, np.arange(2), k=1)
    with pytest.raises(InputError, match="shape"):
        rank(np.ones((1, 3)), empty_queries(1), everything, np.arange(2), k=1)


def test_ties_go_to_the_item_with_more_events_then_to_the_smaller_id():
    assert tie_order(np.array([2, 7, 7, 0])).tolist() == [1, 2, 0, 3]


@pytest.mark.parametrize("kind", ["next", "successive"])
@pytest.mark.parametrize("repeats", [False, True])
def test_blocks_of_queries_change_nothing(kind, repeats, monkeypatch):
    split, asked = simulated(), Protocol(kind=kind, repeats=repeats)
    whole = evaluate(transitions(split.train.events), split, asked)
    monkeypatch.setattr(module, "_CELLS", 180)
    blocks = evaluate(transitions(split.train.events), split, asked)
    assert np.array_equal(whole.top, blocks.top)
    assert np.array_equal(whole.history_length, blocks.history_length)
    assert np.array_equal(whole.idle_days, blocks.idle_days)


def test_seen_items_are_left_out_unless_repeats():
    split = simulated()
    for repeats in (False, True):
        asked = Protocol(kind="successive", repeats=repeats)
        result = evaluate(popularity(split.train.events), split, asked)
        queries = result.targets.queries(split.dataset.events)
        overlap = [
            bool(set(result.top[q].tolist()) & set(queries.item[queries.offsets[q] : queries.offsets[q + 1]].tolist()))
            for q in range(len(queries))
        ]
        assert any(overlap) == repeats


def test_both_clocks_ask_for_the_same_targets():
    split = simulated()
    told = []

    def listening(queries):
        told.append(queries.as_of)
        return np.zeros((len(queries), len(split.dataset.items)))

    frozen = evaluate(listening, split, Protocol(clock="frozen"))
    timed = evaluate(listening, split, Protocol(clock="query_time"))
    assert np.array_equal(frozen.targets.item, timed.targets.item)
    assert (told[0] == split.train.events.newest + 1).all()
    assert np.array_equal(told[1], timed.targets.timestamp)


def test_strata_inputs_by_hand():
    log = Events.create(
        user_ids=["a", "a", "a", "b"], item_ids=["x", "y", "z", "z"], timestamps=[0, 2 * DAY, 7 * DAY, 0]
    )
    split = Split(dataset=Dataset.create(log), cut=5 * DAY)
    result = evaluate(popularity(split.train.events), split, drift=np.array([0.3]))
    assert (result.queries, result.users) == (1, 1)
    assert (result.history_length.tolist(), result.idle_days.tolist()) == ([2], [5.0])
    assert result.tie_share == 0
    assert result.mean("ndcg") == 1
    with pytest.raises(InputError, match="2 entries for 1 targets"):
        evaluate(popularity(split.train.events), split, drift=np.zeros(2))


def test_cold_items_are_candidates_where_available_and_hits_count():
    catalogue = Catalogue.create(item_ids=["cold"], available_from=[1])
    log = Events.create(user_ids=["a", "b", "a"], item_ids=["x", "y", "cold"], timestamps=[1, 2, 9])
    split = Split(dataset=Dataset.create(log, catalogue), cut=5)
    result = evaluate(lambda queries: np.array([[1.0, 0, 0]]), split, Protocol(candidates="available"))
    assert split.dataset.items.decode(result.top[0, :2]) == ["cold", "y"]
    assert (result.mean("ndcg"), result.cold.tolist()) == (1, [1.0])
    assert result.coverage() == 2 / 3


@given(st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_inside_tie_groups_changes_no_metric(random):
    split = simulated(users=30, items=15)
    events = split.dataset.events
    order = list(range(len(events)))
    random.shuffle(order)
    shuffled = Events.create(
        user_ids=[events.users.ids[events.user[r]] for r in order],
        item_ids=[events.items.ids[events.item[r]] for r in order],
        timestamps=[int(events.timestamp[r]) for r in order],
    )
    other = Split(dataset=Dataset.create(shuffled), cut=split.cut)
    for asked in (Protocol(), Protocol(kind="successive", candidates="available")):
        one = evaluate(popularity(split.train.events, 7), split, asked)
        two = evaluate(popularity(other.train.events, 7), other, asked)
        assert np.array_equal(one.top, two.top)
        assert all(np.array_equal(one.per_query[name], two.per_query[name]) for name in one.per_query)


def test_planted_transitions_beat_popularity_and_the_verdict_says_so():
    split, asked = simulated(), Protocol(kind="successive")
    good = evaluate(transitions(split.train.events), split, asked)
    plain = evaluate(popularity(split.train.events), split, asked)
    assert compare(good, plain).verdict == "better"
    assert compare(plain, good).verdict == "worse"
    same = compare(good, good)
    assert (same.difference.mean, same.verdict) == (0, "not worse")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.001, 0.2, "better"),
        (-0.019, 0.2, "not worse"),
        (-0.019, -0.001, "not worse"),
        (-0.3, -0.001, "worse"),
        (-0.3, 0.3, "inside the interval"),
    ],
)
def test_verdicts(low, high, verdict):
    assert module._verdict(Interval(mean=(low + high) / 2, low=low, high=high), 1.0) == verdict


def test_only_the_same_queries_are_compared():
    split = simulated()
    one = evaluate(popularity(split.train.events), split)
    for asked in (Protocol(k=5), Protocol(clock="query_time")):
        with pytest.raises(InputError, match="different queries"):
            compare(one, evaluate(popularity(split.train.events), split, asked))
    other = simulated(seed=1)
    with pytest.raises(InputError, match="different queries"):
        compare(one, evaluate(popularity(other.train.events), other))


@pytest.mark.parametrize(
    "wrong", [{"kind": "leave-one-out"}, {"clock": "wall"}, {"candidates": "all"}, {"k": 0}], ids=str
)
def test_a_protocol_is_checked(wrong):
    with pytest.raises(InputError, match=r"unknown|at least 1"):
        Protocol(**wrong)


def test_no_target_at_all_is_an_error_that_says_what_to_do():
    log = Events.create(user_ids=["a", "b"], item_ids=["x", "y"], timestamps=[1, 9])
    with pytest.raises(InputError, match="no user has both") as caught:
        evaluate(popularity(log), Split(dataset=Dataset.create(log), cut=5))
    assert "cut earlier" in str(caught.value)
