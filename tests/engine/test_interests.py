"""What people see of their interests: shares, degrees, a path, and a planted change."""

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.recipes.config import fast
from evorec.recipes.training import fit

USER = "user-07"


def test_readings_are_what_they_say(engine):
    view = engine.interests(USER)
    for shares in (view.short_term, view.long_term, view.forecast):
        assert shares.sum() == pytest.approx(1)
        assert shares.min() >= 0
    assert ((view.strength >= 0) & (view.strength <= 1)).all()
    assert 0 <= view.drift <= 1
    assert len(view.topics) == len(view.short_term)
    np.testing.assert_allclose(view.path.sum(axis=1), 1)
    assert (np.diff(view.moments) > 0).all()
    assert view.moments[0] > view.events[0]
    ranked = view.ranked()
    assert [topic["share"] for topic in ranked] == sorted((t["share"] for t in ranked), reverse=True)
    assert sum(topic["share"] for topic in ranked) == pytest.approx(1)


def test_nothing_later_changes_the_view(fresh, simulation):
    as_of = int(np.quantile(simulation.events.timestamp[simulation.events.user == 7], 0.5)) + 1
    one, other = (
        fresh().interests(USER, as_of=as_of),
        fresh(simulation.events.before(as_of)).interests(USER, as_of=as_of),
    )
    for name in ("short_term", "long_term", "forecast", "strength", "path", "moments", "events"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.events.max() < as_of


def test_silence_lets_interests_fade_but_keeps_their_shares(engine):
    now = engine.now
    soon, late = engine.interests(USER, as_of=now), engine.interests(USER, as_of=now + 3 * 365 * DAY)
    assert (late.strength <= soon.strength).all()
    np.testing.assert_allclose(late.short_term, soon.short_term, atol=1e-3)


def test_points_bound_the_path(engine):
    assert len(engine.interests(USER, points=7).moments) <= 7


def test_nobody_is_named(engine):
    with pytest.raises(InputError, match="user 'stranger' has no events"):
        engine.interests("stranger")


def test_a_single_event_is_a_view():
    events = Events.create(user_ids=["a", "b"], item_ids=["x", "y"], timestamps=[5, 9])
    catalogue = Catalogue.create(item_ids=["x", "y"], categories=[("tea",), ("books",)])
    view = fit(Dataset.create(events, catalogue), fast("lexical")).interests("a")
    assert [topic["topic"] for topic in view.ranked()] == ["tea"]
    assert view.drift == 0


def test_a_model_without_topics_says_what_to_bring():
    events = Events.create(user_ids=["a", "b"], item_ids=["x", "y"], timestamps=[5, 9])
    with pytest.raises(InputError, match="no topics"):
        fit(Dataset.create(events), fast("lexical")).interests("a")
