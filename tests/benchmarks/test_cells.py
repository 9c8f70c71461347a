"""Benchmark cells: questions equal the protocol, cells are kept, lists that break the rules are refused."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def bench(benchmarks, monkeypatch, tmp_path):
    """The benchmark modules over one simulated set, with a folder of their own."""
    import cells
    import questions
    from exchange import Question

    from evorec.data.simulate import SimulationConfig, simulate
    from evorec.data.split import split_by_time

    dataset = simulate(SimulationConfig(users=60, items=40, events_per_user=12), seed=1).dataset
    whole = split_by_time(dataset)
    monkeypatch.setattr(cells, "KEPT", tmp_path)
    monkeypatch.setattr(cells, "FOLDER", tmp_path)
    monkeypatch.setattr(cells, "split_of", lambda name, stage: whole if stage == "test" else split_by_time(whole.train))
    return cells, questions, Question


PROGRAM = """
import sys
import numpy as np
from pathlib import Path
sys.path.insert(0, {peers!r})
from exchange import Fitted, answer

def fit(question, settings):
    with Path({log!r}).open("a") as runs:
        runs.write("run\\n")
    if settings["score"] < 0:
        raise SystemExit("no such score")
    counts = np.bincount(question.item[question.train], minlength=question.items).astype(float)
    return Fitted(
        systems={{"lists": question.by_score(lambda asked: np.tile(settings["score"] * counts, (len(asked), 1)))}},
        chosen={{"epochs": 3}},
    )

answer(fit)
"""


def popular(cells, folder, *scores, watches=True):
    program = folder / "popular.py"
    program.write_text(PROGRAM.format(peers=str(Path(cells.__file__).parent / "peers"), log=str(folder / "runs")))
    return cells.System(
        name="popular, by count",
        program=program,
        python=Path(sys.executable),
        versions="popular==1",
        settings=tuple({"score": score} for score in scores),
        watches=watches,
    )


def runs(folder):
    return len((folder / "runs").read_text().splitlines())


@pytest.mark.parametrize("repeats", [False, True])
def test_a_cell_measures_as_the_protocol_and_is_run_once(bench, tmp_path, repeats):
    from evorec.evaluation.baselines import popularity
    from evorec.evaluation.protocol import Protocol, evaluate

    cells, _, _ = bench
    system = popular(cells, tmp_path, 1, 0)
    one = cells.Bench("simulated", repeats=repeats)
    settings = cells.choose(one, system)
    assert settings == {"score": 1, "epochs": 3}
    cell = one.run(system, settings, "test")
    split = cells.split_of("simulated", "test")
    for kind in ("next", "successive"):
        straight = evaluate(popularity(split.train.events), split, Protocol(kind=kind, repeats=repeats))
        found = cell["answers"]["lists"][kind]
        assert (found["queries"], found["users"]) == (straight.queries, straight.users)
        for metric in ("ndcg", "recall", "mrr"):
            assert found[metric][0] == pytest.approx(straight.mean(metric))
    assert cell["fit_seconds"] >= 0 and cell["peak_mb"] > 1
    assert runs(tmp_path) == 3
    apart = cells.differences(one, one.run(system, {"score": 0}, "test"), cell)["lists"]
    zero = evaluate(lambda asked: np.zeros((len(asked), len(split.dataset.items))), split, straight.protocol)
    assert apart.mean == pytest.approx(zero.mean() - straight.mean())
    again = cells.Bench("simulated", repeats=repeats)
    assert again.run(system, cells.choose(again, system), "test") == json.loads(json.dumps(cell))
    assert runs(tmp_path) == 4
    again.run(replace(system, versions="popular==2"), settings, "test")
    assert runs(tmp_path) == 5


def test_a_system_that_fails_keeps_no_cell(bench, tmp_path):
    cells, _, _ = bench
    system = popular(cells, tmp_path, -1, watches=False)
    one = cells.Bench("simulated", repeats=False)
    for _ in range(2):
        with pytest.raises(cells.CellError, match="no such score"):
            one.run(system, cells.choose(one, system), "test")
    assert runs(tmp_path) == 2


def test_histories_of_a_question_end_before_the_target(bench, tmp_path):
    cells, questions, question_class = bench
    asked = cells.Bench("simulated", repeats=False).asked("test")
    questions.question(asked, "simulated", "test").save(tmp_path / "question.npz")
    found = question_class.load(tmp_path / "question.npz")
    events = asked.split.dataset.events
    straight = asked.targets.queries(events)
    for start, stop in found.blocks(7):
        block, part = found.queries(start, stop), straight.slice(start, stop)
        for name in ("offsets", "item", "timestamp", "as_of"):
            assert np.array_equal(getattr(block, name), getattr(part, name))
        assert np.array_equal(found.candidates(start, stop), asked.targets.slice(start, stop).candidates())
    assert not len(found.relevant)
    assert found.timestamp[found.train].max() < asked.split.cut


def test_lists_that_break_the_rules_are_refused(bench):
    cells, _, _ = bench
    asked = cells.Bench("simulated", repeats=False).asked("test")
    good = np.full((len(asked.targets), 10), -1, dtype=np.int32)
    cells.check(good, asked)
    told = asked.targets.queries(asked.split.dataset.events)
    unseen = np.setdiff1d(np.flatnonzero(asked.split.train.item_counts), told.item[: told.offsets[1]])
    for row in ([unseen[0], unseen[0]], [told.item[0], unseen[0]]):
        bad = good.copy()
        bad[0, :2] = row
        with pytest.raises(cells.CellError):
            cells.check(bad, asked)
    with pytest.raises(cells.CellError):
        cells.check(good[1:], asked)


class Net:
    """A net whose only weight counts its epochs."""

    def __init__(self):
        self.weight = np.zeros(1)

    def state_dict(self):
        return {"weight": Weight(self.weight.copy())}

    def load_state_dict(self, state):
        self.weight = state["weight"].value


class Weight:
    def __init__(self, value):
        self.value = value

    def clone(self):
        return self


def test_training_stops_after_the_best_epoch_and_goes_back_to_it(bench):
    from exchange import PATIENCE, train

    class Watched:
        """NDCG after each epoch."""

        def accuracy(self, lists):
            return [0.1, 0.3, 0.2, 0.3][min(3, int(net.weight[0]) - 1)]

    net = Net()

    def epoch():
        net.weight = net.weight + 1
        epochs.append(1)
        return net

    epochs = []
    assert train(Watched(), None, {"minutes": 1}, epoch) == {"epochs": 2, "stopped_by": "patience"}
    assert (len(epochs), net.weight[0]) == (2 + PATIENCE, 2)
    assert train(Watched(), None, {"minutes": 0}, epoch)["stopped_by"] == "time"
    net, epochs = Net(), []
    assert train(Watched(), None, {"epochs": 4}, epoch) == {}
    assert (len(epochs), net.weight[0]) == (4, 4)


def test_the_table_says_what_of_how_many_and_on_what(bench, tmp_path):
    cells, _, _ = bench
    import versus

    system = popular(cells, tmp_path, 1, watches=False)
    other = replace(system, name="reversed", settings=({"score": 0},))
    broken = replace(system, name="broken", settings=({"score": -1},))
    missing = replace(system, name="missing", python=tmp_path / "nowhere")
    one = cells.Bench("simulated", repeats=False)
    for each in (system, other, broken, missing):
        each.settings[0]["seed"] = 0
    held, failed = versus.run_all(one, [system, other, broken, missing])
    assert failed == ["broken on simulated", "missing on simulated"]
    table = "\n".join(versus.table_of(one, held, against="reversed"))
    asked = one.asked("test")
    assert f"`next` {len(asked.first):,} queries" in table and f"`successive` {len(asked.targets):,} queries" in table
    first, second = table.splitlines()[-2:]
    assert first.startswith("| popular, by count | score 1 | 0.") and " - " not in first
    assert second.startswith("| reversed | score 0 | 0.") and " - " in second
    assert "popular==1" in " ".join(versus.circumstances(held))


def test_every_peer_pins_its_packages(bench):
    import versus

    for system in versus.peers(seed=0, minutes=1):
        assert system.program.exists()
        assert all("==" in pin for pin in system.versions.split())
        assert len({json.dumps(settings) for settings in system.settings}) == len(system.settings)
