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


@pytest.fixture(scope="session")
def topic_of():
    """A function: the foremost topic of an item."""

    def find(engine, item_id):
        return int(engine.model.items.topics[engine.model.items.ids.code(item_id)].argmax())

    return find


@pytest.fixture(scope="session")
def mean_place():
    """A function: mean rank, from 0, of the items of a topic in the whole list of a user."""
    from evorec.engine.request import Request

    def find(engine, user, topic, **asked):
        found = engine.recommend([user], Request(k=len(engine.model.items), repeats=True), **asked).item[0]
        return float(np.flatnonzero(engine.model.items.topics[found, topic] > 0.5).mean())

    return find
