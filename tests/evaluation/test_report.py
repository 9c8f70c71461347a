"""The report: tables, JSON, strata."""

import json

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.evaluation.baselines import popularity, transitions
from evorec.evaluation.protocol import Protocol, evaluate
from evorec.evaluation.report import machine, peak_memory, report


@pytest.fixture(scope="module")
def evaluations(split):
    asked = Protocol(kind="successive", candidates="available")
    drift = np.linspace(0, 1, len(asked.targets(split)))
    return {
        "popularity": evaluate(popularity(split.train.events), split, asked, drift=drift),
        "转移": evaluate(transitions(split.train.events), split, asked, drift=drift),
    }


def test_the_report_states_what_was_asked_and_where(evaluations):
    found = report(evaluations, baseline="popularity", seed=3).circumstances
    result = evaluations["popularity"]
    assert (found["kind"], found["clock"], found["k"]) == ("successive", "frozen", 10)
    assert (found["queries"], found["users"]) == (result.queries, result.users)
    assert (found["tie_share"], found["seed"], found["baseline"]) == (result.tie_share, 3, "popularity")
    assert found["cores"] >= 1
    assert found["peak_memory_mb"] > 10
    assert found["cut"].startswith("1970-")


def test_every_system_has_every_figure(evaluations):
    vectors = np.random.default_rng(0).normal(size=(30, 4))
    first, second = report(evaluations, baseline="popularity", vectors=vectors).systems
    assert first["ndcg"] == evaluations["popularity"].interval("ndcg")
    assert first["difference"] is None
    assert second["difference"].mean == pytest.approx(second["ndcg"].mean - first["ndcg"].mean)
    assert second["verdict"] in {"better", "not worse", "worse", "inside the interval"}
    assert 0 <= first["personalisation"] < second["personalisation"] <= 1
    assert 0 < first["intra_list_diversity"] < 2
    assert second["debiased_ndcg"].low <= second["debiased_ndcg"].mean <= second["debiased_ndcg"].high


def test_strata_part_the_queries(evaluations):
    strata = report(evaluations).strata
    names = {entry["stratum"] for entry in strata}
    assert names == {"history length", "time since last event", "drift", "target"}
    for name in names:
        assert sum(entry["queries"] for entry in strata if entry["stratum"] == name) == evaluations["转移"].queries


def test_json_holds_no_nan(evaluations):
    found = json.loads(json.dumps(report(evaluations, baseline="转移").as_dict(), allow_nan=False))
    assert found["systems"][0]["intra_list_diversity"] is None
    assert set(found["systems"][0]["ndcg"]) == {"mean", "low", "high"}


def test_tables_are_rectangular_and_the_text_shows_n(evaluations):
    found = report(evaluations, baseline="popularity")
    for table in (found.table(), found.strata_table()):
        assert len({len(row) for row in table}) == 1
    text = found.text()
    assert f"queries: {evaluations['转移'].queries}" in text
    assert "NDCG@10" in text
    assert "转移" in text


def test_bad_questions_are_refused(evaluations, split):
    with pytest.raises(InputError, match="nothing to report"):
        report({})
    with pytest.raises(InputError, match="no system is called"):
        report(evaluations, baseline="best")
    with pytest.raises(InputError, match="different queries"):
        report({**evaluations, "other": evaluate(popularity(split.train.events), split)})


def test_the_machine_is_described():
    assert set(machine()) == {"cpu", "cores", "python", "platform"}
    assert machine()["cpu"]
    assert peak_memory() > 0
