"""Inner validation: cuts inside the training time, settings that the planted truth prefers, nothing from later."""

import numpy as np
import pytest

from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.models.base import RunOptions
from evorec.recipes.config import Recipe, ScorerSpec, fast
from evorec.recipes.validation import select, stages

RUN = RunOptions()
TINY = fast("lexical")


def vectors_of(dataset):
    return np.random.default_rng(0).normal(size=(len(dataset.items), 8)).astype(np.float32)


@pytest.fixture(scope="module")
def data():
    return simulate(SimulationConfig(users=80, items=60, topics=4, events_per_user=15, new_item_share=0.3), 1).dataset


def test_cuts_lie_inside_the_training_time(data):
    cuts = stages(data, vectors_of(data), TINY, RUN)
    assert len(cuts) == TINY.windows
    moments = [cut.split.cut for cut in cuts]
    assert moments == sorted(moments)
    for cut in cuts:
        assert cut.train.events.newest < cut.split.cut <= cut.split.dataset.events.newest
        assert cut.split.dataset.events.newest <= data.events.newest
        assert len(cut.targets) <= TINY.queries


def test_an_item_that_only_the_future_knows_is_no_candidate(data):
    for cut in stages(data, vectors_of(data), TINY, RUN):
        foreseen = (cut.train.item_counts > 0) | (data.catalogue.available_from > np.iinfo(np.int64).min)
        assert foreseen[cut.targets.item].all()


def test_the_same_seed_decides_the_same(data):
    one, other = (select(data, vectors_of(data), TINY, RUN) for _ in range(2))
    assert one.specs == other.specs
    assert one.notes == other.notes
    assert np.array_equal(one.blend.weights, other.blend.weights)


def test_every_choice_is_made_and_noted(data):
    chosen = select(data, vectors_of(data), TINY, RUN)
    assert [spec.name for spec in chosen.specs] == [spec.name for spec in TINY.scorers]
    for spec, asked in zip(chosen.specs, TINY.scorers, strict=True):
        assert not spec.choices
        assert all(spec.settings[name] in grid for name, grid in asked.choices.items())
    assert len(chosen.notes) == 1 + sum(1 for spec in TINY.scorers if spec.choices)
    assert (chosen.blend.weights >= 0).all()


def test_the_half_life_that_the_market_has_is_chosen():
    """Every five days another item is the fashion: a short half-life must win over a long one."""
    rng = np.random.default_rng(0)
    day = rng.uniform(0, 200, 3000)
    fashion = (day // 5).astype(int) % 40
    item = np.where(rng.random(3000) < 0.7, fashion, rng.integers(0, 40, 3000))
    log = Events.create(
        user_ids=[f"u{k:03d}" for k in rng.integers(0, 300, 3000)],
        item_ids=[f"i{k:02d}" for k in item],
        timestamps=(day * DAY).astype(np.int64).tolist(),
    )
    data = Dataset.create(log)
    recipe = Recipe(
        name="one",
        scorers=(ScorerSpec(kind="popularity", name="popularity", choices={"half_life_days": (2.0, 365.0)}),),
    )
    chosen = select(data, np.zeros((len(data.items), 2), dtype=np.float32), recipe, RUN)
    assert chosen.specs[0].settings["half_life_days"] == 2


def test_a_log_too_short_says_so():
    log = Events.create(user_ids=["a"], item_ids=["x"], timestamps=[1])
    chosen = select(Dataset.create(log), np.ones((1, 2), dtype=np.float32), TINY, RUN)
    assert "too short" in chosen.notes[-1]
    assert (chosen.blend.weights == TINY.blend.prior).all()
