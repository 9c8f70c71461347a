"""What everybody is interested in: shares, a planted rise, who drifted, and logs too small to tell."""

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, NEVER, Events
from evorec.data.dataset import Dataset
from evorec.recipes.config import fast
from evorec.recipes.training import fit

TOPICS = ("books", "tea", "travel")


@pytest.fixture(scope="module")
def view(shop_engine):
    return shop_engine.population()


@pytest.fixture(scope="module")
def rising():
    """Two years in which the share of tea grows from a tenth to six tenths, mostly by one item."""
    rng = np.random.default_rng(0)
    users, n = 150, 24
    day = np.sort(rng.uniform(0, 730, (users, n)), axis=1).ravel()
    tea = rng.random(users * n) < 0.1 + 0.5 * day / 730
    number = np.where(tea, np.where(rng.random(users * n) < 0.8, 0, rng.integers(1, 10, users * n)), 0)
    other = rng.integers(0, 10, users * n)
    topic = np.where(tea, 1, 2 * rng.integers(0, 2, users * n))
    events = Events.create(
        user_ids=np.repeat(np.arange(users), n).astype(str),
        item_ids=[f"{TOPICS[k]}-{t if k == 1 else o}" for k, t, o in zip(topic, number, other, strict=True)],
        timestamps=(day * DAY).astype(np.int64),
    )
    names = [f"{name}-{number}" for name in TOPICS for number in range(10)]
    catalogue = Catalogue.create(item_ids=names, title=names, categories=[(name.split("-")[0],) for name in names])
    return fit(Dataset.create(events, catalogue), fast("lexical"))


class TestShares:
    def test_they_sum_to_one(self, view, shop_engine):
        told = view.population.shares.any(axis=1)
        assert told.sum() >= 10
        np.testing.assert_allclose(view.population.shares[told].sum(axis=1), 1)
        assert view.population.shares.min() >= 0
        assert view.population.names == shop_engine.model.topics.names

    @pytest.mark.parametrize("periods", [4, 7, 24])
    def test_periods_part_the_log(self, shop_engine, shop, periods):
        edges = shop_engine.population(periods=periods).population.edges
        assert len(edges) == periods + 1
        assert edges[0] == shop.events.timestamp.min()
        assert edges[-1] == shop.events.newest + 1
        assert np.ptp(np.diff(edges)) <= 1

    def test_transitions_are_the_models(self, view, shop_engine):
        assert np.array_equal(view.population.transition, shop_engine.model.interests.transition)
        np.testing.assert_allclose(view.population.transition.sum(axis=0), 1)


class TestSupport:
    def test_a_period_needs_a_twentieth_of_the_users(self, view, shop):
        least = 120 // 20
        assert (view.population.users >= least).tolist() == view.population.shares.any(axis=1).tolist()
        assert (view.population.flows.support >= least).all()
        assert (view.population.flows.source != view.population.flows.target).all()
        assert view.population.users.max() <= len(shop.events.users)

    def test_a_period_of_few_people_is_left_out(self, fresh_shop, shop):
        engine = fresh_shop()
        engine.observe("user-000", engine.model.items.ids.ids[0], engine.now + 365 * DAY)  # one person, long after
        found = engine.population().population
        assert found.users[-1] == 1
        assert not found.shares[-1].any()


class TestTrends:
    def test_the_planted_rise_is_found(self, rising):
        """From 10% to 60% in two years: 25 points a year, the interval around it, the item that carries it named."""
        view = rising.population()
        first, *rest = view.trends()
        assert first["topic"] == "tea"
        assert 0.1 < first["low"] < 0.25 < first["high"]
        assert rising.model.items.ids.ids[first["items"][0]] == "tea-0"
        assert all(trend["high"] < 0 for trend in rest)
        slopes = [trend["change_per_year"] for trend in view.trends()]
        assert slopes == sorted(slopes, reverse=True)
        assert sum(slopes) == pytest.approx(0, abs=1e-9)

    def test_a_turn_lies_inside_the_log(self, rising):
        events = rising.log.columns()[1].timestamp
        for trend in rising.population().trends():
            assert events.min() <= trend["since"] <= events.max()


class TestDrift:
    def test_who_was_planted_is_found_and_few_others(self, view, shop_engine, shop):
        users = shop_engine.log.user_ids()
        changed = shop.truth.change_time[shop.events.users.encode(users)] < NEVER
        long = np.diff(shop_engine.queries(users).offsets) >= 60
        assert view.drifted[changed & long].mean() >= 0.6
        assert view.drifted[~changed].mean() <= 0.15
        assert view.drifted.dtype == np.bool_
        assert len(view.drifted) == len(users)

    def test_who_cannot_be_told_did_not_drift(self, view):
        unknown = np.isnan(view.drift.p_value)
        assert unknown.any()
        assert not view.drifted[unknown].any()


class TestTime:
    def test_nothing_later_changes_the_view(self, fresh_shop, shop):
        as_of = int(np.quantile(shop.events.timestamp, 0.6))
        one, other = (e.population(as_of=as_of) for e in (fresh_shop(), fresh_shop(shop.events.before(as_of))))
        for name in ("edges", "shares", "users"):
            assert np.array_equal(getattr(one.population, name), getattr(other.population, name)), name
        assert one.population.edges[-1] <= as_of
        assert one.trends() == other.trends()

    def test_the_same_log_gives_the_same_view(self, shop_engine, view):
        assert shop_engine.population().trends() == view.trends()


class TestSmallLogs:
    """A log too small says what it lacks; it is no traceback, and what can be told is told."""

    def engine(self, rows, categories=True):
        user_ids, item_ids, days = zip(*rows, strict=True)
        log = Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=[int(day * DAY) for day in days])
        catalogue = Catalogue.create(item_ids=log.items, categories=[(f"of {i}",) for i in log.items])
        return fit(Dataset.create(log, catalogue if categories else None), fast("lexical"))

    @pytest.mark.parametrize(
        "rows",
        [[("a", "x", 1)], [("a", "x", 1), ("a", "y", 1), ("b", "x", 1)], [(f"u{k}", f"i{k % 3}", 5) for k in range(9)]],
        ids=["one event", "one moment", "one moment, many people"],
    )
    def test_one_moment_is_no_course(self, rows):
        with pytest.raises(InputError, match="too short a time") as told:
            self.engine(rows).population()
        assert told.value.mend

    @pytest.mark.parametrize("rows", [[("a", "x", 1), ("a", "y", 9)], [("a", "x", 1), ("b", "x", 3), ("b", "y", 4)]])
    def test_two_or_three_events_are_a_view(self, rows):
        view = self.engine(rows).population()
        told = view.population.shares.any(axis=1)
        np.testing.assert_allclose(view.population.shares[told].sum(axis=1), 1)
        assert not view.drifted.any()
        assert len(view.trends()) == len(view.population.names)

    @pytest.mark.parametrize(("periods", "said"), [(0, "cannot be used"), (1, "at least 4"), (3, "at least 4")])
    def test_few_periods_are_refused(self, shop_engine, periods, said):
        with pytest.raises(InputError, match=said):
            shop_engine.population(periods=periods)

    def test_nobody_yet_is_refused(self, shop_engine, shop):
        with pytest.raises(InputError, match="nobody has events before"):
            shop_engine.population(as_of=int(shop.events.timestamp.min()))

    def test_items_without_topics(self):
        with pytest.raises(InputError, match="nobody has events on items with topics"):
            self.engine([("a", "x", 1), ("b", "y", 9)], categories=False).population()

    def test_nobody(self, fresh_shop, shop):
        with pytest.raises(InputError, match="nobody has events"):
            fresh_shop(shop.events.select(np.zeros(len(shop.events), dtype=np.bool_))).population()
