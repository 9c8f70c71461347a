"""How interests move, as training fits it: half-lives and P on a planted log."""

import json
from dataclasses import replace

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.interests.bands import rounded
from evorec.interests.forecast import forecast_users
from evorec.interests.model import InterestModel
from evorec.interests.topics import topics_from_categories
from evorec.metrics.forecast import inside_band
from evorec.models.base import Items, RunOptions
from evorec.recipes.evolution import fit_interests

KNOWN = 150  # users of the long log that its model was fitted on


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
    assert one.settings() == other.settings()
    assert set(one.arrays()) == set(other.arrays())
    assert all(np.array_equal(held, other.arrays()[name]) for name, held in one.arrays().items())


def test_another_order_inside_tie_groups_gives_the_same_model():
    s = simulate(SimulationConfig(users=60, items=40, topics=3, whole_days=True, days=40), 3)
    _, items = table_of(s.dataset)
    one = fit_interests(s.dataset, items, RunOptions())
    back = np.argsort(-np.arange(len(s.dataset.items)))  # the same items under names that sort the other way round
    names = [f"item-{place:03d}" for place in np.argsort(back)]
    events = Events.create(
        user_ids=s.events.users.decode(s.events.user),
        item_ids=[names[row] for row in s.dataset.events.item],
        timestamps=s.events.timestamp.tolist(),
    )
    data = Dataset.create(events)
    turned = Items(
        ids=data.items, embedding=items.embedding[back], topics=items.topics[back], first_seen=data.first_seen
    )
    other = fit_interests(data, turned, RunOptions())
    assert one.config == other.config
    np.testing.assert_allclose(one.transition, other.transition, atol=1e-4)


@pytest.fixture(scope="module")
def long():
    """220 users with about 60 events, items told apart by content, and a model fitted on the first 150 users."""
    s = simulate(SimulationConfig(users=220, items=60, topics=4, events_per_user=60, drift_share=0.3), 4)
    topics, items = table_of(s.dataset)
    vectors = np.random.default_rng(0).normal(size=(60, 8)) / 4 + 2 * np.eye(8)[s.truth.item_topic]
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    items = Items(ids=items.ids, embedding=unit, topics=topics.membership, first_seen=items.first_seen)
    first = replace(s.dataset, events=s.dataset.events.select(s.dataset.events.user < KNOWN))
    return s, items, fit_interests(first, items, RunOptions())


class TestParts:
    def test_a_long_log_has_them_all(self, long):
        _, _, model = long
        assert None not in (model.forecaster, model.bands, model.spread, model.detector)
        assert model.step == 5
        assert model.detector.config.per in (10, 20, 40)
        assert model.config.short_days <= model.config.long_days / 4
        np.testing.assert_allclose(model.transition.sum(axis=0), 1)
        assert model.switch_on.shape == (4,)

    def test_its_settings_can_be_saved(self, long):
        _, _, model = long
        settings = json.loads(json.dumps(model.settings(), allow_nan=False))
        again = InterestModel.restore(settings, model.arrays())
        assert again.settings() == model.settings()

    def test_bands_hold_what_they_promise(self, long):
        """The newest events of users it has not seen: eight in ten shares lie inside, give or take 7.5 points."""
        s, items, model = long
        events = s.events
        users = KNOWN + np.flatnonzero(np.diff(events.offsets)[KNOWN:] >= 3 * model.step).astype(np.int32)
        assert len(users) > 40
        as_of = events.timestamp[events.offsets[users + 1] - model.step]
        before = events.queries(users, as_of)
        said = forecast_users(
            model.forecaster,
            offsets=before.offsets,
            membership=items.topics[before.item],
            timestamps=before.timestamp,
            as_of=as_of,
        )
        rows = events.offsets[users + 1][:, None] - np.arange(1, model.step + 1)
        came = rounded(items.topics[events.item[rows]].mean(axis=1))
        low, high, low_inside, high_inside = model.bands.around(said)
        inside = inside_band(came, low, high, low_inside=low_inside, high_inside=high_inside)
        assert inside.mean() == pytest.approx(0.8, abs=0.075)

    def test_short_histories_look_two_events_ahead(self):
        _, model, _ = fitted(SimulationConfig(users=300, items=40, topics=3, events_per_user=6))
        assert model.step == 2

    def test_items_without_topics_leave_half_lives_alone(self, long):
        s, items, _ = long
        bare = Items(ids=items.ids, embedding=items.embedding, topics=items.topics[:, :0], first_seen=items.first_seen)
        model = fit_interests(s.dataset, bare, RunOptions())
        assert model.transition.shape == (0, 0)
        assert (model.forecaster, model.bands, model.detector) == (None, None, None)

    @pytest.mark.parametrize("rows", [1, 2, 5, 40])
    def test_any_length_of_log_has_a_model(self, rows):
        names = ["x", "y", "z"]
        events = Events.create(
            user_ids=[f"u{k % 3}" for k in range(rows)],
            item_ids=[names[k % 3] for k in range(rows)],
            timestamps=[k // 2 * DAY for k in range(rows)],
        )
        data = Dataset.create(events)
        topics = np.eye(3, dtype=np.float32)[: len(data.items)]
        items = Items(ids=data.items, embedding=topics, topics=topics, first_seen=data.first_seen)
        model = fit_interests(data, items, RunOptions())
        assert model.config.long_days > 0
        assert InterestModel.restore(model.settings(), model.arrays()).step == model.step


def test_a_log_too_short_to_tell_gives_defaults():
    data = Dataset.create(Events.create(user_ids=["a", "b"], item_ids=["x", "y"], timestamps=[1, 2]))
    _, items = table_of(data)
    model = fit_interests(data, items, RunOptions())
    assert model.transition.shape == (items.topics.shape[1],) * 2
    assert (model.forecaster, model.bands, model.spread, model.detector) == (None,) * 4


def test_a_catalogue_with_one_topic_and_no_content_trains():
    """Nothing tells users apart: no detector, and no error."""
    rows = [(f"u{u:03d}", f"i{(u + k) % 50:02d}", (u + 120 * k) * DAY) for u in range(120) for k in range(12)]
    user_ids, item_ids, times = zip(*rows, strict=True)
    log = Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=times)
    data = Dataset.create(log, Catalogue.create(item_ids=log.items, categories=[("music",)] * len(log.items)))
    _, items = table_of(data)
    assert fit_interests(data, items, RunOptions()).detector is None
