"""The benchmark of updates: three models under one protocol, and rows that replace their own kind only."""

import pytest

from evorec.data.simulate import SimulationConfig, simulate
from evorec.recipes.config import fast


@pytest.fixture
def bench(benchmarks, monkeypatch, tmp_path):
    """The module, with results of its own."""
    import update

    monkeypatch.setattr(update, "RESULTS", tmp_path / "results.md")
    return update


def rows_of(bench):
    return [line.split(" | ") for line in bench.RESULTS.read_text(encoding="utf-8").splitlines()
            if line.startswith("| ")][2:]  # fmt: skip


def test_rows_are_measured_and_kept(bench):
    dataset = simulate(SimulationConfig(users=80, items=60, topics=3, events_per_user=14), seed=1).dataset
    rows = bench.measured(dataset, fast("lexical"))
    assert [row[0] for row in rows] == ["next", "successive"]
    assert all(len(row) == len(bench.COLUMNS) - 2 for row in rows)
    bench.keep(["fast", "b"], rows)
    bench.keep(["fast", "a"], rows)
    bench.keep(["fast", "b"], [[*rows[0][:-1], "new"]])
    held = rows_of(bench)
    assert [row[1] for row in held] == ["a", "a", "b"]
    assert held[-1][-1] == "new |"
