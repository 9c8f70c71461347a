"""A shop in which interests turn, with histories long enough for bands, alarms and change points."""

from dataclasses import replace

import numpy as np
import pytest


@pytest.fixture(scope="session")
def shop():
    """A simulated log: 120 users with about 50 events, half of whom move to another topic at a known moment."""
    from evorec.data.simulate import SimulationConfig, simulate

    drawn = simulate(
        SimulationConfig(
            users=120, items=80, topics=4, events_per_user=50, drift_share=0.5, transition_strength=0.2,
            habit_strength=0.1, new_item_share=0,
        )
    )  # fmt: skip
    rows = np.stack([drawn.events.user, drawn.events.item, drawn.events.timestamp])
    return replace(drawn, events=drawn.events.select(np.append(True, np.diff(rows).any(axis=0))))


@pytest.fixture(scope="session")
def shop_engine(shop):
    """An engine trained on all of `shop`. Observe into a copy: see `fresh_shop`."""
    from evorec.recipes.config import fast
    from evorec.recipes.training import fit

    return fit(shop.dataset, fast("lexical"))


@pytest.fixture
def fresh_shop(shop, shop_engine):
    """A function: an engine of the shop's model over a log of its own, by default the training log."""
    from evorec.engine.engine import Engine
    from evorec.store.memory import MemoryLog

    def make(events=None):
        return Engine(shop_engine.model, MemoryLog(shop.events if events is None else events))

    return make
