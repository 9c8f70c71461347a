"""The account of a hold-out: plain values that add up."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from evorec.data.simulate import SimulationConfig, simulate
from evorec.evaluation.protocol import Protocol
from evorec.models.blend import Blend
from evorec.recipes.account import account, weights
from evorec.recipes.config import fast
from evorec.recipes.holdout import hold_out


@pytest.fixture(scope="module")
def data():
    return simulate(SimulationConfig(users=60, items=40, topics=3, events_per_user=15), 2).dataset


@pytest.fixture(scope="module")
def held(data):
    return hold_out(data, fast("lexical"), (Protocol(kind="next"), Protocol(kind="successive")), members=True)


@pytest.fixture(scope="module")
def told(held, data):
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    found = account(held, data, sources=["茶.csv"], seed=4, measured=moment).as_dict()
    return json.loads(json.dumps(found, allow_nan=False))


def test_the_data_add_up(told, data):
    facts = told["data"]
    assert (told["recipe"], told["seed"], told["measured"]) == ("fast", 4, "2026-01-02T03:04:05+00:00")
    assert facts["sources"] == ["茶.csv"]
    assert facts["events"] == len(data.events)
    assert facts["events_before_cut"] == pytest.approx(0.9 * facts["events"], abs=0.02 * facts["events"])
    assert facts["first"] < facts["cut"] <= facts["last"]
    assert facts["items_with_events"] <= facts["items"] == len(data.items)


def test_systems_have_a_kind_and_a_cost(told):
    assert set(told["protocols"]) == {"next, frozen clock", "successive, frozen clock"}
    for one in told["protocols"].values():
        kinds = {entry["name"]: entry["kind"] for entry in one["systems"]}
        assert kinds.pop("fast") == "recipe"
        baselines = {name for name, kind in kinds.items() if kind == "baseline"}
        assert baselines == {"popularity, 7 days", "popularity, 30 days", "directed transitions"}
        assert all(kind == "part" and name.endswith(" alone") for name, kind in kinds.items() if name not in baselines)
        for entry in one["systems"]:
            assert (entry["fit_seconds"] is None) == (entry["kind"] == "part")
            answered = entry["seconds_per_1000"] * one["circumstances"]["queries"] / 1000
            assert answered == pytest.approx(entry["seconds"])


def test_claims_agree_with_the_differences_of_the_report(told):
    for one in told["protocols"].values():
        claim = one["claims"]["baseline"]
        assert claim["system"] == "fast"
        against = next(entry for entry in one["systems"] if entry["name"] == claim["against"])
        for side, other in (("mean", "mean"), ("low", "high"), ("high", "low")):
            assert claim["difference"][side] == pytest.approx(-against["difference"][other], abs=1e-12)
        best = max(one["systems"], key=lambda entry: entry["ndcg"]["mean"])
        assert one["claims"]["lead"]["system"] == best["name"]


def test_weights_have_intervals_only_where_they_were_fitted(held):
    blend = held.engine.model.blend
    for found, error in zip(weights(blend), blend.error, strict=True):
        assert 0 <= found["low"] <= found["weight"] <= found["high"]
        assert found["high"] == pytest.approx(found["weight"] + 1.96 * error)
    prior = weights(Blend(blend.scorers))
    assert {(one["weight"], one["low"], one["high"]) for one in prior} == {(0.5, None, None)}
    assert np.isnan(Blend(blend.scorers).error).all()
