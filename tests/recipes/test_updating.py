"""Updating: counts are those of a fit bit for bit, the rest goes on, nothing is told twice, the old engine stays."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from evorec.core.catalogue import Catalogue, Users
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.split import time_cut
from evorec.engine.engine import Engine
from evorec.engine.request import Request
from evorec.models.base import RunOptions
from evorec.models.popularity import Popularity
from evorec.recipes import updating
from evorec.recipes.assembly import build_scorer
from evorec.recipes.config import ScorerSpec, fast
from evorec.recipes.training import fit, load
from evorec.recipes.updating import update
from evorec.store.memory import MemoryLog

RECIPE = fast("lexical")
EVERY_COUNT = replace(RECIPE, scorers=(*(replace(spec, optional=False) for spec in RECIPE.scorers),
                                       ScorerSpec(kind="taste", name="taste")))  # fmt: skip


def parts(dataset, share=0.7):
    """What came before a moment, and what came after."""
    cut = time_cut(dataset.events, share)
    return dataset.before(cut), replace(dataset, events=dataset.events.select(dataset.events.timestamp >= cut))


@pytest.fixture(scope="module")
def halves(simulation):
    return parts(simulation.dataset)


@pytest.fixture(scope="module")
def stale(halves):
    return fit(halves[0], EVERY_COUNT)


@pytest.fixture(scope="module")
def found(stale, halves):
    return update(stale, halves[1])


def same_arrays(one, other):
    for a, b in zip(one, other, strict=True):
        assert a.name == b.name
        for which in ("arrays", "personal"):
            if not hasattr(a, which):
                continue
            left, right = getattr(a, which)(), getattr(b, which)()
            assert set(left) == set(right)
            for name, held in left.items():
                assert np.ascontiguousarray(held).tobytes() == np.ascontiguousarray(right[name]).tobytes(), name


class TestCountsAreExact:
    def test_scorers_are_those_of_a_fit_on_the_whole_log(self, found, stale, simulation):
        model = found.engine.model
        whole = replace(simulation.dataset, embedding=stale.model.items.embedding)
        assert list(model.items.ids) == list(whole.items)
        assert len(model.specs) == len(EVERY_COUNT.scorers)
        with threadpool_limits(limits=1, user_api="blas"):  # as every fit: sums by several threads end otherwise
            fitted = [build_scorer(ScorerSpec(**spec)).fit(whole, RunOptions()) for spec in model.specs]
        same_arrays(model.blend.scorers, fitted)
        assert np.array_equal(model.items.first_seen, fit(simulation.dataset, RECIPE).model.items.first_seen)

    def test_in_two_steps_and_from_disk_as_in_one(self, found, stale, halves, tmp_path):
        first, second = parts(halves[1], 0.5)
        update(stale, first).engine.save(tmp_path)
        again = update(load(tmp_path), second).engine
        same_arrays(again.model.blend.scorers, found.engine.model.blend.scorers)
        asked = found.engine.log.user_ids()
        lists = [engine.recommend(asked, Request(k=20)) for engine in (again, found.engine)]
        assert np.array_equal(lists[0].item, lists[1].item)

    def test_histories_are_those_of_the_whole_log(self, found, simulation):
        ids, held = found.engine.log.columns()
        whole, told = MemoryLog(simulation.events).columns()
        assert ids == whole
        for name in ("offsets", "item", "timestamp"):
            assert np.array_equal(getattr(held, name), getattr(told, name)), name

    def test_weights_topics_and_interests_are_kept(self, found, stale):
        one, other = found.engine.model, stale.model
        assert np.array_equal(one.blend.weights, other.blend.weights)
        assert one.interests is other.interests
        assert one.topics is other.topics
        assert one.whitening is other.whitening


class TestWhatIsTold:
    def test_the_card(self, found, stale, simulation, halves):
        card, events = found.engine.model.card, simulation.events
        assert (card.events, card.trained_from, card.trained_until) == (
            len(events),
            events.timestamp.min(),
            events.newest,
        )
        assert card.users == len(np.unique(events.user))
        assert card.notes[:-1] == stale.model.card.notes
        assert card.notes[-1].startswith("updated on ")
        assert f"{len(halves[1].events):,} events" in card.notes[-1]
        named = update(stale, halves[1], origin="abc123").engine.model.card.notes[-1]
        assert "from model abc123 trained until" in named

    def test_numbers_add_up(self, found, stale, halves):
        new = halves[1].events
        before = set(stale.log.user_ids())
        assert (found.events, found.duplicates, found.items) == (len(new), 0, 0)
        assert found.users == len(set(new.users.decode(np.unique(new.user))) - before)
        assert found.seconds > 0

    def test_the_gain_is_on_the_newest_tenth_of_what_is_new(self, found, stale, halves, monkeypatch):
        assert (found.gain, found.unjudged.split(", ")[-1]) == (None, "fewer than 50")
        monkeypatch.setattr(updating, "LEAST_QUERIES", 1)
        gain = update(stale, halves[1]).gain
        assert gain.stale.cut == gain.updated.cut == time_cut(halves[1].events, 0.9)
        assert np.array_equal(gain.stale.targets.item, gain.updated.targets.item)

    def test_the_engine_it_came_from_stays(self, stale, halves):
        before = stale.recommend(stale.log.user_ids())
        card, newest, items = stale.model.card, stale.log.newest, stale.model.items
        update(stale, halves[1])
        after = stale.recommend(stale.log.user_ids())
        assert np.array_equal(before.item, after.item)
        assert (stale.model.card, stale.log.newest, stale.model.items) == (card, newest, items)


class TestNothingTwice:
    def test_the_same_events_again_change_nothing(self, found, halves):
        again = update(found.engine, halves[1])
        assert (again.events, again.duplicates, again.brought) == (0, len(halves[1].events), False)
        assert again.engine is found.engine
        assert again.unjudged == "nothing is new"

    def test_of_two_weights_the_stronger_stands(self):
        def log(action):
            return Events.create(user_ids=["a"], item_ids=["x"], timestamps=[DAY], actions=[action])

        first = Events.create(user_ids="ab", item_ids="xy", timestamps=[DAY, DAY], actions=["view", ""])
        more = Events.create(user_ids="ab", item_ids="xy", timestamps=[DAY, 2 * DAY], actions=["purchase", "purchase"])
        found = update(fit(Dataset.create(first), RECIPE), Dataset.create(more))
        assert (found.events, found.duplicates) == (1, 1)
        assert found.engine.queries(["a"]).weight is None
        assert update(found.engine, Dataset.create(log("view"))).duplicates == 1

    def test_declared_interests_once(self):
        log = Events.create(user_ids="ab", item_ids=["tent", "map"], timestamps=[DAY, 2 * DAY])
        people = Users(users=Vocabulary(("a", "new")), interests=(("tent",), ("map",)))
        catalogue = Catalogue.create(item_ids=["tent", "map"], title=["tent", "map"])
        engine = fit(Dataset.create(log, catalogue, people), RECIPE)
        later = Events.create(user_ids=["b"], item_ids=["tent"], timestamps=[5 * DAY])
        more = Users(users=Vocabulary(("a", "new", "cy")), interests=(("tent",), ("map",), ("tent",)))
        found = update(engine, Dataset.create(later, users=more))
        assert (found.remarks, found.users) == (1, 1)
        assert not found.engine.recommend(["cy"]).fallback.any()


class TestNewItems:
    @pytest.fixture
    def engine(self):
        log = Events.create(user_ids="aabbc", item_ids="wxwyx", timestamps=[d * DAY for d in (1, 2, 1, 3, 4)])
        return fit(Dataset.create(log, Catalogue.create(item_ids="wxy", title=["tent", "map", "lamp"])), RECIPE)

    def test_they_are_read_as_the_others_were(self, engine):
        later = Events.create(user_ids="cd", item_ids=["new", "w"], timestamps=[5 * DAY + 7, 6 * DAY])
        catalogue = Catalogue.create(item_ids=["new", "idle"], title=["red tent", "lamp"])
        found = update(engine, Dataset.create(later, catalogue))
        items, old = found.engine.model.items, engine.model.items
        assert (found.items, found.users) == (2, 1)
        assert items.ids.ids[: len(old)] == old.ids.ids
        assert np.array_equal(items.embedding[: len(old)], old.embedding)
        assert found.engine.similar_items("new", 1)[0][0] == "w"
        new, idle = items.ids.encode(["new", "idle"])
        assert items.first_seen[new] == 5 * DAY
        assert items.first_seen[idle] == 6 * DAY
        assert found.engine.recommend(["a"], Request(k=9)).list_of(0)

    def test_an_item_that_waited_for_its_first_event_opens_with_it(self):
        log = Events.create(user_ids="ab", item_ids="xy", timestamps=[DAY, 2 * DAY])
        engine = fit(Dataset.create(log, Catalogue.create(item_ids="xyz", title=["a", "b", "c"])), RECIPE)
        assert "z" not in engine.recommend(["a"], Request(k=9)).list_of(0)
        later = Events.create(user_ids=["b"], item_ids=["z"], timestamps=[3 * DAY])
        found = update(engine, Dataset.create(later))
        assert "z" in found.engine.recommend(["a"], Request(k=9)).list_of(0)


class TestFeedback:
    def test_events_are_weighed_as_the_model_says(self):
        log = Events.create(
            user_ids="aab", item_ids="xyx", timestamps=[1, 2, 3], actions=["view", "", "view"],
        )  # fmt: skip
        engine = fit(Dataset.create(log), RECIPE)
        later = Events.create(
            user_ids="abb", item_ids="yyx", timestamps=[4, 5, 6], actions=["return", "view", ""], texts=["", "", "good"]
        )
        found = update(engine, Dataset.create(later))
        assert (found.events, found.remarks) == (2, 1)
        asked = found.engine.queries(["a", "b"])
        np.testing.assert_allclose(asked.weight, [0.3, 1, 0.3, 0.3, 1])
        assert asked.remarks.weight[0] == -1
        assert found.engine.model.trained_until == 6


class Remembering(Popularity):
    """A scorer that goes on: it counts how often it was asked to."""

    times = 0

    def continued(self, dataset, options):
        new = Remembering(self.config, name=self.name).fit(dataset, options)
        new.times = self.times + 1
        return new


def test_what_can_go_on_does_so(stale, halves):
    blend, model = stale.model.blend, stale.model
    going_on = Remembering(blend.scorers[0].config, name=blend.scorers[0].name).fit(halves[0], RunOptions())
    same = type(blend)([going_on, *blend.scorers[1:]], blend.config).restore(blend.arrays())
    engine = Engine(replace(model, blend=same), stale.log, stale.remarks)
    found = update(engine, halves[1])
    assert found.engine.model.blend.scorers[0].times == 1
    assert going_on.times == 0


def test_a_gain_is_found_where_the_world_has_changed(monkeypatch):
    """Planted: every ten days everybody goes on to fifteen other items, of which the stale model has hardly heard."""
    rng = np.random.default_rng(0)
    rows = [(f"u{u}", f"i{15 * (day // 10) + rng.integers(15)}", day * DAY + u) for day in range(80)
            for u in rng.permutation(200)[:60]]  # fmt: skip
    rows += [("u0", f"i{n}", DAY // 2 + n) for n in range(120)]
    users, items, times = zip(*rows, strict=True)
    log = Dataset.create(Events.create(user_ids=users, item_ids=items, timestamps=times))
    new = replace(log, events=log.events.select(log.events.timestamp >= 60 * DAY))
    engine = fit(log.before(60 * DAY), RECIPE)
    gain = update(engine, new).gain
    assert gain.stale.queries >= updating.LEAST_QUERIES
    assert gain.compared("ndcg").verdict == gain.compared("recall").verdict == "better"
    monkeypatch.setattr(updating, "LEAST_QUERIES", 10_000)
    unjudged = update(engine, new)
    assert unjudged.gain is None
    assert "fewer than" in unjudged.unjudged


def test_a_model_without_its_log_is_refused(stale, halves):
    nobody = stale.log.columns()[1].slice(0, 0)
    empty = Events(users=Vocabulary(()), items=stale.model.items.ids, user=nobody.item, item=nobody.item,
                   timestamp=nobody.timestamp)  # fmt: skip
    with pytest.raises(InputError, match="no log to go on from") as told:
        update(Engine(stale.model, MemoryLog(empty)), halves[1])
    assert "users/" in told.value.mend


def test_an_interrupted_save_leaves_the_old_model(stale, found, tmp_path, monkeypatch):
    stale.save(tmp_path)
    old = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(found.engine.remarks), "saved", interrupt)  # model/ is written, users/ is not
    with pytest.raises(KeyboardInterrupt):
        found.engine.save(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == old
    monkeypatch.undo()
    assert load(tmp_path).model.card == stale.model.card
    found.engine.save(tmp_path)
    assert load(tmp_path).model.card == found.engine.model.card
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "users"]
