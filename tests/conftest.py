"""What all tests share: the repository's folders, reproducible property tests, charts without a screen."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

# No deadline: a busy machine is no failure. Derandomised: the same commit gives the same verdict.
settings.register_profile("evorec", deadline=None, derandomize=True)
settings.load_profile("evorec")


@pytest.fixture(scope="session")
def root():
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def manual(root):
    """Every page that a person wrote for people, by path from the root."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in pages}


@pytest.fixture(scope="session")
def simulation():
    """A small simulated log: two domains, tie groups, new items; each event once, as cleaning leaves them."""
    from evorec.data.simulate import SimulationConfig, simulate

    config = SimulationConfig(
        users=100, items=90, topics=4, events_per_user=16, tie_share=0.3, new_item_share=0.1, domains=2
    )
    drawn = simulate(config)
    rows = np.stack([drawn.events.user, drawn.events.item, drawn.events.timestamp])
    return replace(drawn, events=drawn.events.select(np.append(True, np.diff(rows).any(axis=0))))


@pytest.fixture(scope="session")
def engine(simulation):
    """An engine trained on all of `simulation`, in which every scorer has a voice. Observe into a copy: see `fresh`."""
    from evorec.recipes.config import fast
    from evorec.recipes.training import fit

    trained = fit(simulation.dataset, fast("lexical"))
    blend = trained.model.blend
    blend.weights, blend.absent = blend.weights * 0 + 0.5, blend.absent * 0
    return trained


@pytest.fixture
def fresh(engine, simulation):
    """A function: an engine of the same model over a log of its own, by default the training log."""
    from evorec.engine.engine import Engine
    from evorec.store.memory import MemoryLog

    def make(events=None):
        return Engine(engine.model, MemoryLog(simulation.events if events is None else events))

    return make


@pytest.fixture(scope="session")
def saved(engine, tmp_path_factory):
    """The folder `engine` was saved to. Change a copy."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    engine.save(folder)
    return folder
