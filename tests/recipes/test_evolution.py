"""How interests move, as training fits it: half-lives and P on a planted log."""

import numpy as np

from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.interests.topics import topics_from_categories
from evorec.models.base import Items, RunOptions
from evorec.recipes.evolution import fit_interests


def table_of(dataset):
    topics = topics_from_categories(dataset.catalogue.categories, dataset.item_counts)
    empty = np.zeros((len(dataset.items), 0), dtype=np.float32)
    return topics, Items(ids=dataset.items, embedding=empty, topics=topics.membership, first_seen=dataset.first_seen)


def fitted(config, seed=1):
    s = simulate(config, seed)
    topics, items = table_of(s.dataset)
    order = [topics.names.index(name) for name in s.truth.topic_names]
    return s, fit_interests(s.dataset, items, RunOptions(seed=seed)), order


def test_a_planted_half_life_is_found_within_a_factor_of_two():
    _, model, _ = fitted(
        SimulationConfig(
            users=300, events_per_user=40, habit_strength=0.9, transition_strength=0, drift_share=0, half_life_days=120
        )
    )
    assert 60 <= model.config.long_days <= 240
    assert model.config.short_days <= model.config.long_days / 4


def test_where_a_planted_transition_leads_is_found():
    """The likeliest next topic beside staying is the planted one, for at least seven in eight topics."""
    s, model, order = fitted(
        SimulationConfig(users=300, events_per_user=40, transition_strength=1, habit_strength=0, drift_share=0)
    )
    np.testing.assert_allclose(model.transition.sum(axis=0), 1)
    found, planted = model.transition[np.ix_(order, order)], s.truth.transition.copy()
    np.fill_diagonal(found, 0)
    np.fill_diagonal(planted, 0)
    assert (found.argmax(axis=0) == planted.argmax(axis=0)).mean() >= 7 / 8


def test_the_same_seed_gives_the_same_model():
    (_, one, _), (_, other, _) = (fitted(SimulationConfig(users=40), seed=2) for _ in range(2))
    assert one.config == other.config
    assert np.array_equal(one.transition, other.transition)


def test_a_log_too_short_to_tell_gives_defaults():
    data = Dataset.create(Events.create(user_ids=["a", "b"], item_ids=["x", "y"], timestamps=[1, 2]))
    _, items = table_of(data)
    model = fit_interests(data, items, RunOptions())
    assert model.transition.shape == (items.topics.shape[1],) * 2
