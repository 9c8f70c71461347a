"""What people see of their interests: shares, degrees, a path, turns, alarms, journeys, needs, and a planted change."""

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, NEVER, Events
from evorec.data.dataset import Dataset
from evorec.interests.journeys import JourneyConfig
from evorec.recipes.config import fast
from evorec.recipes.training import fit

USER = "user-07"
NEAR = 45 * DAY  # what is found so near to a planted change has found it


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


@pytest.fixture(scope="module")
def views(shop_engine, shop):
    """The view of every fourth user of the shop, by user code."""
    return {code: shop_engine.interests(shop.events.users.ids[code]) for code in range(0, 120, 4)}


@pytest.fixture(scope="module")
def changed(shop, shop_engine):
    """Views of users who changed, with at least 15 events on either side of it, by user code."""
    events, truth, found = shop.events, shop.truth, {}
    for code in np.flatnonzero(truth.change_time < NEVER).tolist():
        own = events.timestamp[events.offsets[code] : events.offsets[code + 1]]
        later = int((own >= truth.change_time[code]).sum())
        if min(later, len(own) - later) >= 15:
            found[code] = shop_engine.interests(events.users.ids[code])
    assert len(found) >= 8
    return found


class TestForecast:
    def test_it_lies_in_its_band(self, views):
        """The ends of a band are quantiles of what came, the forecast is a mean: it lies inside, all but rarely."""
        inside = []
        for view in views.values():
            assert (view.low >= 0).all()
            assert (view.low <= view.high).all()
            assert (view.high <= 1).all()
            assert view.forecast.sum() == pytest.approx(1)
            assert view.step >= 1
            inside.append(((view.low <= view.forecast) & (view.forecast <= view.high)).mean())
        assert np.mean(inside) > 0.9

    def test_a_short_log_knows_no_band(self, engine):
        view = engine.interests(USER)
        assert np.isnan(view.low).all() and np.isnan(view.high).all()
        assert all(topic["low"] is None and topic["high"] is None for topic in view.ranked())
        assert np.isfinite(view.forecast).all()

    def test_ranked_tells_the_band(self, views):
        for view in views.values():
            for topic in view.ranked():
                assert topic["low"] <= topic["high"]


class TestTurns:
    def test_planted_changes_are_found(self, changed, shop):
        """Of users with 15 events on either side, four in ten changes are found near their moment, toward the topic."""
        hits, toward = [], []
        for code, view in changed.items():
            moment = int(shop.truth.change_time[code])
            near = [c for c in view.changes if abs(c.moment - moment) < NEAR]
            hits.append(bool(near))
            if near:
                rose, fell = near[0].moved(1)
                toward.append(view.topics[rose[0]] == shop.truth.topic_names[shop.truth.change_to[code]])
                assert near[0].earliest <= near[0].moment <= near[0].latest
                assert rose != fell
        assert np.mean(hits) >= 0.4
        assert np.mean(toward) >= 0.9

    def test_who_did_not_change_seldom_turned(self, views, shop):
        steady = [view for code, view in views.items() if shop.truth.change_time[code] == NEVER]
        assert np.mean([bool(view.changes) for view in steady]) <= 0.25

    def test_drift_is_more_likely_where_it_was_planted(self, changed, views, shop):
        steady = [v.drift_p_value for code, v in views.items() if shop.truth.change_time[code] == NEVER]
        moved = [v.drift_p_value for v in changed.values()]
        assert np.nanmedian(moved) < 0.05 < np.nanmedian(steady)
        for p in (*steady, *moved):
            assert np.isnan(p) or 0 < p <= 1

    def test_changes_lie_among_the_events(self, views):
        for view in views.values():
            for change in view.changes:
                assert {change.moment, change.earliest, change.latest} <= set(view.events.tolist())
                assert 0 < change.p_value <= 1
                np.testing.assert_allclose([change.before.sum(), change.after.sum()], 1)

    def test_too_few_sittings_tell_no_drift(self, shop_engine, fresh_shop):
        engine, ids = fresh_shop(), shop_engine.model.items.ids.ids
        for number, item in enumerate(ids[:5]):
            engine.observe("ann", item, engine.now + number)
        view = engine.interests("ann")
        assert np.isnan(view.drift_p_value)
        assert view.changes == ()


class TestAlarms:
    def test_they_name_events_before_them(self, views):
        for view in views.values():
            for alarm in view.alarms:
                assert alarm.since <= alarm.timestamp < view.as_of
                assert {alarm.since, alarm.timestamp} <= set(view.events.tolist())

    def test_more_are_called_after_a_change_than_before(self, changed, shop):
        after = [sum(a.timestamp >= shop.truth.change_time[u] for a in v.alarms) for u, v in changed.items()]
        before = [sum(a.timestamp < shop.truth.change_time[u] for a in v.alarms) for u, v in changed.items()]
        assert sum(after) > sum(before)
        assert np.mean(np.array(after) > 0) >= 0.4

    def test_a_stream_calls_what_the_view_tells(self, changed, fresh_shop, shop):
        """A watcher that sees the events come, each before the next, calls the alarms that the view shows later."""
        events = shop.events
        for code, view in list(changed.items())[:5]:
            user, rows = events.users.ids[code], slice(events.offsets[code], events.offsets[code + 1])
            watcher = fresh_shop(events.select(events.user != code)).watch(user)
            assert watcher.called == []
            seen = []
            stream = zip(events.items.decode(events.item[rows]), events.timestamp[rows].tolist(), strict=True)
            for item, at in stream:
                alarm = watcher.observe(item, at)
                if alarm is not None:
                    assert alarm.timestamp < at
                    seen.append(alarm)
            last = watcher.read(view.as_of)
            assert tuple(seen) == tuple(watcher.called)
            assert tuple(seen) + (() if last is None else (last,)) == view.alarms

    def test_an_alarm_is_seen_at_once(self, views, shop_engine, shop):
        """Right after the events that raised it, before any later one has closed their tie group."""
        called = [(shop.events.users.ids[code], alarm) for code, view in views.items() for alarm in view.alarms]
        assert called
        for user, alarm in called:
            assert alarm in shop_engine.interests(user, as_of=alarm.timestamp + 1).alarms
            assert alarm not in shop_engine.interests(user, as_of=alarm.timestamp).alarms

    def test_a_watcher_goes_on_from_the_log(self, shop_engine, shop):
        user = shop.events.users.ids[0]
        watcher = shop_engine.watch(user)
        with pytest.raises(InputError, match="'nothing' is not in the catalogue"):
            watcher.observe("nothing", shop_engine.now)
        with pytest.raises(InputError, match="moved past"):
            watcher.observe(shop.events.items.ids[0], int(shop.events.timestamp.min()) - 1)

    def test_without_long_histories_there_is_no_watcher(self, engine):
        with pytest.raises(InputError, match="cannot watch"):
            engine.watch(USER)
        assert engine.interests(USER).alarms == ()


class TestJourneys:
    def test_their_events_are_the_users_own(self, views, shop_engine, shop):
        for code, view in views.items():
            query = shop_engine.queries([shop.events.users.ids[code]])
            own = sorted(zip(query.item.tolist(), query.timestamp.tolist(), strict=True))
            told = [pair for j in view.journeys for pair in zip(j.item.tolist(), j.moments.tolist(), strict=True)]
            assert len(set(told)) == len(told)
            assert set(told) <= set(own)
            assert len(told) == min(len(own), JourneyConfig().newest)
            for journey in view.journeys:
                assert (np.diff(journey.moments) >= 0).all()
                assert journey.name

    def test_strengths_are_shares_of_attention(self, views):
        for view in views.values():
            strength = [journey.strength for journey in view.journeys]
            assert strength == sorted(strength, reverse=True)
            assert sum(strength) == pytest.approx(1)

    def test_alive_until_silent_for_too_long(self, fresh_shop):
        engine = fresh_shop()
        item, other = engine.model.items.ids.ids[:2]
        for _ in range(20):
            engine.observe("ann", item, engine.now + 2 * DAY)
        now = engine.now
        (soon,) = engine.interests("ann", as_of=now).journeys
        (late,) = engine.interests("ann", as_of=now + 20_000 * DAY).journeys
        assert soon.alive and not late.alive
        assert soon.silence_chance > 0.5 > 0.05 > late.silence_chance
        assert soon.alive == (soon.silence_chance >= 0.05)
        assert other not in soon.name

    def test_a_silence_only_makes_it_less_likely(self, shop_engine, shop):
        user = shop.events.users.ids[4]
        chances = [
            [j.silence_chance for j in shop_engine.interests(user, as_of=shop_engine.now + days * DAY).journeys]
            for days in (0, 10, 100, 1000)
        ]
        assert all((np.diff(np.array(chances), axis=0) <= 0).ravel())


class TestNeeds:
    def test_they_were_never_touched(self, views, shop, shop_engine):
        some = 0
        for code, view in views.items():
            rows = shop.events.item[shop.events.offsets[code] : shop.events.offsets[code + 1]]
            touched = {view.topics[k] for k in shop_engine.model.items.topics[rows].argmax(axis=1)}
            for need in view.needs:
                some += 1
                assert need.topic not in touched
                assert need.forecast == pytest.approx(view.forecast[view.topics.index(need.topic)])
                assert need.lift >= 0
                assert 0 <= need.source_part <= 1
                assert need.source is None or need.source in view.topics
            forecasts = [need.forecast for need in view.needs]
            assert forecasts == sorted(forecasts, reverse=True)
        assert some > 0

    def test_what_has_been_touched_is_none_any_more(self, fresh_shop, views, shop):
        engine = fresh_shop()
        code, view = next((c, v) for c, v in views.items() if v.needs)
        user, topic = shop.events.users.ids[code], view.topics.index(view.needs[0].topic)
        row = int(engine.model.items.topics[:, topic].argmax())
        engine.observe(user, engine.model.items.ids.ids[row], engine.now)
        assert view.needs[0].topic not in [need.topic for need in engine.interests(user).needs]


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_nothing_after_as_of_changes_any_part(fresh_shop, shop, share):
    """Later events, words and things taken back: the view of a moment before them stays, to the bit."""
    events = shop.events
    as_of = int(np.quantile(events.timestamp, share))
    early, late = fresh_shop(events.before(as_of)), fresh_shop()
    asked = 0
    for code in range(0, 120, 8):
        user = events.users.ids[code]
        late.observe_words(user, late.model.topics.names[0], as_of)
        late.observe(user, late.model.items.ids.ids[0], as_of, action="cancel")
        if not (events.timestamp[events.offsets[code] : events.offsets[code + 1]] < as_of).any():
            continue
        asked += 1
        one, other = (engine.interests(user, as_of=as_of) for engine in (early, late))
        for name in ("short_term", "long_term", "forecast", "low", "high", "strength", "error", "path", "moments",
                     "events"):  # fmt: skip
            assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name
        assert one.ranked() == other.ranked()
        assert [(c.moment, c.p_value, c.strength) for c in one.changes] == [
            (c.moment, c.p_value, c.strength) for c in other.changes
        ]
        assert one.alarms == other.alarms
        assert one.needs == other.needs
        assert np.array_equal([one.drift_p_value], [other.drift_p_value], equal_nan=True)
        assert [(j.name, j.item.tolist(), j.silence_chance) for j in one.journeys] == [
            (j.name, j.item.tolist(), j.silence_chance) for j in other.journeys
        ]
        assert one.events.max() < as_of
    assert asked > 3


def test_after_a_change_the_short_term_leads_to_the_new_topic(changed, shop):
    """Of users with 15 events on either side, seven in ten are at the planted topic, now and by forecast."""
    new = {code: shop.truth.topic_names[shop.truth.change_to[code]] for code in changed}
    assert np.mean([v.topics[int(v.short_term.argmax())] == new[u] for u, v in changed.items()]) >= 0.7
    assert np.mean([v.topics[int(v.forecast.argmax())] == new[u] for u, v in changed.items()]) >= 0.7
