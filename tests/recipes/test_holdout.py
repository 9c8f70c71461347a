"""Hold-out: trained on the past alone, measured beside the baselines."""

import numpy as np
import pytest

from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.data.split import split_by_time
from evorec.evaluation.protocol import Protocol
from evorec.recipes.config import fast
from evorec.recipes.holdout import hold_out

PROTOCOLS = (Protocol(kind="next", clock="frozen"), Protocol(kind="successive", clock="frozen"))


@pytest.fixture(scope="module")
def data():
    return simulate(SimulationConfig(users=60, items=40, topics=3, events_per_user=15), 2).dataset


@pytest.fixture(scope="module")
def held(data):
    return hold_out(data, fast("lexical"), PROTOCOLS, members=True)


def test_the_engine_saw_nothing_after_the_cut(data, held):
    cut = split_by_time(data).cut
    assert held.engine.model.trained_until < cut <= data.events.newest
    assert held.engine.log.newest < cut


def test_every_system_is_measured_under_every_protocol(held):
    assert set(held.evaluations) == set(PROTOCOLS)
    names = [spec.name for spec in fast().scorers if not spec.optional]
    expected = {"fast", *(f"{name} alone" for name in names), "popularity, 7 days", "popularity, 30 days"}
    for found in held.evaluations.values():
        assert expected <= set(found)
        assert len({len(e.ndcg) for e in found.values() if hasattr(e, "ndcg")}) <= 1
    assert held.fit_seconds > 0


def test_what_comes_after_the_cut_changes_no_model(data, held):
    """Other events after the cut, the same model: weights, settings and vectors are bit-identical."""
    events, cut = data.events, split_by_time(data).cut
    late = events.timestamp >= cut
    item = events.item.copy()
    item[late] = np.roll(item[late], 7)
    other = Events.from_codes(
        users=events.users, items=events.items, user=events.user, item=item, timestamp=events.timestamp
    )
    again = hold_out(Dataset.create(other, data.catalogue), fast("lexical"), PROTOCOLS[:1]).engine.model
    model = held.engine.model
    assert np.array_equal(again.items.embedding, model.items.embedding)
    assert np.array_equal(again.blend.weights, model.blend.weights)
    assert again.specs == model.specs
    assert again.card == model.card
