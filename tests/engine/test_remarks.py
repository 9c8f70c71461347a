"""What users say, take back and declare: streamed equals replayed; it moves lists and views; none is in the model."""

import random
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.catalogue import Catalogue, Users
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.feedback import Feedback
from evorec.data.simulate import SimulationConfig, simulate
from evorec.engine.engine import Engine
from evorec.engine.request import Request
from evorec.recipes.config import fast
from evorec.recipes.training import fit, load
from evorec.store.memory import MemoryLog

USERS = [f"user-{number:03d}" for number in range(0, 120, 9)]
RATED = Feedback(value="rating")
READINGS = ("short_term", "long_term", "forecast", "strength", "error", "path", "moments", "events")


def assert_alike(one, other, users):
    """The same lists and views, but for the last digits of sums in another order."""
    a, b = (engine.recommend(users, Request(k=20)) for engine in (one, other))
    np.testing.assert_allclose(a.score, b.score, atol=1e-5)
    assert np.array_equal(a.fallback, b.fallback)
    near = np.abs(np.diff(a.score, axis=1)) < 2e-5
    tied = np.zeros(a.item.shape, dtype=np.bool_)
    tied[:, 1:] |= near
    tied[:, :-1] |= near
    tied[:, -1] = True  # what it is tied with may lie past the end of the list
    differ = a.item != b.item
    assert not differ[~tied].any()  # equal scores alone may change places
    assert differ.mean() < 0.02
    for user in users:
        here, there = one.interests(user), other.interests(user)
        for name in READINGS:
            np.testing.assert_allclose(getattr(here, name), getattr(there, name), atol=1e-6, err_msg=name)
        assert [j.name for j in here.journeys] == [j.name for j in there.journeys]
        assert here.alarms == there.alarms


@pytest.fixture(scope="module")
def told(shop):
    """The shop's log with actions, ratings and words: three in ten events are views, one in ten is cancelled."""
    events, n = shop.events, len(shop.events)
    rng = np.random.default_rng(5)
    names = np.array(["cancel", "purchase", "view"])
    texts = [""] * n
    for row in rng.choice(n, 60, replace=False).tolist():
        texts[row] = shop.catalogue.title[int(rng.integers(80))]
    return replace(
        events,
        actions=tuple(names.tolist()),
        action=rng.choice(3, n, p=[0.1, 0.6, 0.3]).astype(np.int16),
        value=np.where(rng.random(n) < 0.3, rng.integers(1, 6, n), np.nan).astype(np.float32),
        text=tuple(texts),
    )


@pytest.fixture(scope="module")
def told_engine(told, shop):
    return fit(Dataset.create(told, shop.catalogue), replace(fast("lexical"), feedback=RATED))


@pytest.fixture(scope="module")
def untold(told, told_engine):
    """A function: an engine of the model of `told_engine` that has heard of nothing yet."""

    def make():
        return Engine(told_engine.model, MemoryLog(told.select(np.zeros(len(told), dtype=np.bool_))))

    return make


def acts_of(events):
    """One call of an engine for each thing that was done and said."""
    for row in range(len(events)):
        user, at = events.users.ids[events.user[row]], int(events.timestamp[row])
        item, action = events.items.ids[events.item[row]], events.actions[events.action[row]]
        value = float(events.value[row])
        yield lambda engine, e=(user, item, at), a=action, v=value: engine.observe(*e, action=a, value=v)
        if events.text[row]:
            weight = RATED.weight(action, value)
            strength = weight if weight < 0 else 1.0  # the words of a bad review speak against what they name
            yield lambda engine, e=(user, events.text[row], at), w=strength: engine.observe_words(*e, weight=w)


class TestStreamedIsReplayed:
    @pytest.mark.parametrize("seed", range(2))
    def test_done_said_and_taken_back_in_any_order(self, told, told_engine, untold, seed):
        """An engine that had it all from training, and one that was told everything one by one."""
        grown, acts = untold(), list(acts_of(told))
        random.Random(seed).shuffle(acts)
        assert all(act(grown) for act in acts)
        assert grown.now == told_engine.now
        assert len(grown.remarks) == len(told_engine.remarks) > 300
        assert_alike(grown, told_engine, USERS)
        early = int(np.quantile(told.timestamp, 0.6))
        one, other = (e.recommend(USERS, as_of=early) for e in (grown, told_engine))
        np.testing.assert_allclose(one.score, other.score, atol=1e-5)

    @settings(max_examples=8)
    @given(st.randoms(use_true_random=False), st.integers(1, 40))
    def test_any_few_things_in_any_order(self, told, untold, random, count):
        acts = [act for act, _ in zip(acts_of(told), range(count), strict=False)]
        ends = []
        for _ in range(2):
            engine = untold()
            random.shuffle(acts)
            for act in acts:
                act(engine)
            ends.append(engine.queries(["user-000"]))
        one, other = ends
        for name in ("item", "timestamp", "weight"):
            mine, others = getattr(one, name), getattr(other, name)
            assert np.array_equal(mine, others) if mine is not None else others is None, name
        assert (one.remarks is None) == (other.remarks is None)

    def test_everything_is_known_the_second_time(self, told, told_engine):
        assert not any(act(told_engine) for act, _ in zip(acts_of(told), range(300), strict=False))

    def test_saved_and_loaded_it_answers_the_same(self, told_engine, tmp_path):
        told_engine.save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        assert len(loaded.remarks) == len(told_engine.remarks)
        assert loaded.now == told_engine.now
        assert_alike(loaded, told_engine, USERS)
        assert loaded.model.feedback == told_engine.model.feedback
        for engine in (loaded, told_engine):
            asked = engine.queries(USERS)
            assert (asked.weight != 1).any()
            assert asked.remarks is not None

    def test_nothing_said_later_changes_an_answer(self, told, told_engine, untold):
        as_of = int(np.quantile(told.timestamp, 0.5))
        then, early = untold(), told.before(as_of)
        for act in acts_of(early):
            act(then)
        people = [u for u in USERS if early.offsets[early.users.code(u) + 1] > early.offsets[early.users.code(u)]]
        one, other = (e.recommend(people, as_of=as_of) for e in (told_engine, then))
        np.testing.assert_allclose(one.score, other.score, atol=1e-5)
        for user in people:
            a, b = (e.interests(user, as_of=as_of) for e in (told_engine, then))
            for name in READINGS:
                np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-6, err_msg=name)


class TestWords:
    def test_they_move_the_list_and_the_view_toward_what_was_said(self, fresh_shop, shop, topic_of, mean_place):
        engine, places, shares = fresh_shop(), [], []
        for user in USERS:
            own = engine.interests(user).short_term
            topic = int(own.argmin())
            item = next(i for i in engine.model.items.ids if topic_of(engine, i) == topic)
            title = shop.catalogue.title[shop.catalogue.items.code(item)]
            before = mean_place(engine, user, topic)
            assert engine.observe_words(user, title, engine.now)
            places.append(before - mean_place(engine, user, topic))
            shares.append(engine.interests(user).short_term[topic] - own[topic])
        assert min(shares) > 0
        assert np.mean(places) > 10
        assert min(places) > 0

    def test_weight_and_repetition_move_further(self, fresh_shop, topic_of):
        engine, moved = fresh_shop(), []
        name = engine.model.topics.names[0]
        for user, weight in (("a", 1.0), ("b", 4.0)):
            engine.observe(user, next(i for i in engine.model.items.ids if topic_of(engine, i) == 1), engine.now)
            engine.observe_words(user, name, engine.now, weight=weight)
            moved.append(engine.interests(user).short_term[0])
        np.testing.assert_allclose(moved, [0.5, 0.8], atol=1e-4)

    def test_they_are_gone_before_they_were_said(self, fresh_shop):
        engine, plain = fresh_shop(), fresh_shop()
        at = plain.now - 200 * DAY
        engine.observe_words(USERS[0], engine.model.topics.names[1], at)
        for as_of in (at - 5 * DAY, at):
            one, other = (e.recommend(USERS[:1], as_of=as_of) for e in (engine, plain))
            assert np.array_equal(one.score, other.score)
        assert not np.array_equal(*(e.recommend(USERS[:1], as_of=at + 1).score for e in (engine, plain)))

    def test_a_word_that_names_a_topic_is_that_topic(self, fresh_shop):
        engine = fresh_shop()
        for number, name in enumerate(engine.model.topics.names):
            ((_, topics),) = engine.model.read_words([name])
            assert topics.argmax() == number
            assert topics.sum() == pytest.approx(1)

    def test_held_already_or_empty(self, fresh_shop):
        engine = fresh_shop()
        assert engine.observe_words("ann", "violin", 5)
        assert not engine.observe_words("ann", "violin", 5)
        assert engine.observe_words("ann", "violin", 6)
        assert engine.observe_words("bo", "violin", 5)
        for nothing in ("", "  \n"):
            assert not engine.observe_words("ann", nothing, 9)
        assert engine.observe_all_words([]) == 0
        many = [("cy", 1, "violin"), ("cy", 1, "violin"), ("di", 2, "tent"), ("di", 3, " ")]
        assert engine.observe_all_words(many) == 2

    def test_the_encoder_is_opened_once(self, fresh_shop, monkeypatch):
        shop, calls = fresh_shop(), []
        model = replace(shop.model, lexical=None, opened=[])  # as if any other encoder had read the items
        monkeypatch.setattr("evorec.engine.model.open_encoder", lambda name: calls.append(name) or shop.model.lexical)
        engine = Engine(model, shop.log)
        for at, text in enumerate(("violin", "tent", "sonata")):
            engine.observe_words("ann", text, at)
        assert engine.add_items(Catalogue.create(item_ids=["new"], title=["a violin"])) == 1
        engine.observe_words("ann", "a tent", 9)
        assert calls == ["lexical"]

    def test_somebody_who_only_spoke_is_known(self, fresh_shop):
        engine = fresh_shop()
        topic = 2
        engine.observe_words("newcomer", engine.model.topics.names[topic], engine.now)
        asked = engine.recommend(["newcomer", "stranger"], Request(unknown="skip"))
        assert asked.fallback.tolist() == [False, True]
        assert len(asked.list_of(0)) == 10
        view = engine.interests("newcomer")
        assert view.short_term.argmax() == topic
        assert view.journeys == view.changes == view.alarms == ()
        assert np.isnan(view.drift_p_value)
        assert view.forecast.sum() == pytest.approx(1)
        assert engine.explain("newcomer", asked.list_of(0)[0])
        with pytest.raises(InputError, match="no events before"):
            engine.interests("newcomer", as_of=engine.now - 2 * DAY)

    def test_words_that_cannot_be_read_say_nothing(self, fresh_shop):
        """The lexical encoder knows none of these letters: somebody who said no more than that stays a stranger."""
        engine = fresh_shop()
        assert not engine.observe_words("newcomer", "ЖЖЖЖ", engine.now)
        asked = engine.recommend(["newcomer", "stranger"])
        assert asked.fallback.all()
        assert asked.list_of(0) == asked.list_of(1)
        assert engine.observe_all_words([("newcomer", 1, "ЖЖЖЖ"), ("newcomer", 1, "violin")]) == 1


class TestTakenBack:
    @pytest.mark.parametrize("action", ["cancel", "退货", "skip"])
    def test_it_moves_away(self, fresh_shop, action, mean_place):
        engine, shares, places = fresh_shop(), [], []
        for user in USERS:
            own = engine.interests(user).short_term
            topic = int(own.argmax())
            newest = engine.queries([user])
            rows = [int(r) for r in newest.item[::-1] if engine.model.items.topics[r, topic] > 0.5][:3]
            before = mean_place(engine, user, topic)
            for row in rows:
                assert engine.observe(user, engine.model.items.ids.ids[row], engine.now, action=action)
            view = engine.interests(user)
            shares.append(own[topic] - view.short_term[topic])
            places.append(mean_place(engine, user, topic) - before)
            assert np.diff(engine.queries([user]).offsets) == np.diff(newest.offsets)  # no event of its own
        assert min(shares) > -1e-9
        assert np.mean(shares) > 0.02
        assert np.mean(places) > 0

    def test_everything_taken_back_leaves_nothing(self, fresh_shop):
        engine = fresh_shop()
        item, at = engine.model.items.ids.ids[0], engine.now
        engine.observe("ann", item, at)
        engine.observe("ann", item, at, action="cancel")
        view = engine.interests("ann")
        assert view.short_term.sum() == view.strength.sum() == 0
        assert view.ranked() == []
        assert engine.recommend(["ann"]).list_of(0)

    def test_only_taken_back(self, fresh_shop):
        engine = fresh_shop()
        engine.observe("ann", engine.model.items.ids.ids[0], engine.now, action="cancel")
        assert engine.recommend(["ann"]).list_of(0)
        assert engine.interests("ann").short_term.sum() == 0

    def test_it_does_not_bring_an_item_forward_in_time(self, fresh_shop):
        engine = fresh_shop()
        first = engine.model.items.first_seen.copy()
        engine.observe("ann", engine.model.items.ids.ids[0], int(first[0]) - DAY, action="cancel")
        assert np.array_equal(engine.model.items.first_seen, first)

    def test_strong_and_weak_deeds(self, fresh_shop, topic_of):
        """A purchase counts more than a view: seen by the share of the topic, beside one purchase of another."""
        engine, found = fresh_shop(), {}
        ids = engine.model.items.ids
        one, other = (next(i for i in ids if topic_of(engine, i) == k) for k in (0, 1))
        for user, action in (("a", "view"), ("b", "cart"), ("c", "purchase")):
            at = engine.now
            engine.observe(user, other, at)
            engine.observe(user, one, at, action=action)
            found[action] = engine.interests(user).short_term[0]
        np.testing.assert_allclose(list(found.values()), [0.3 / 1.3, 0.6 / 1.6, 0.5], rtol=1e-5)


@pytest.fixture(scope="module")
def declared(shop):
    """The shop with one cold user for each topic, who declared it, and two others."""
    names = tuple(dict.fromkeys(c[0] for c in shop.catalogue.categories))
    people = (*(f"cold-{k}" for k in range(len(names))), "user-000", "silent")
    interests = (*((name,) for name in names), (names[0], names[1]), ())
    users = Users(users=Vocabulary(people), interests=interests)
    return names, fit(Dataset.create(shop.events, shop.catalogue, users), fast("lexical"))


class TestDeclared:
    def test_a_cold_user_gets_what_was_declared(self, declared):
        names, engine = declared
        asked = engine.recommend([f"cold-{k}" for k in range(len(names))])
        assert not asked.fallback.any()
        hits = []
        for k, name in enumerate(names):
            topic = engine.model.topics.names.index(name)
            hits.append((engine.model.items.topics[asked.item[k]].argmax(axis=1) == topic).mean())
            assert engine.interests(f"cold-{k}").ranked()[0]["topic"] == name
        popular = engine.recommend(["stranger"]).item[0]
        usual = np.bincount(engine.model.items.topics[popular].argmax(axis=1), minlength=len(names)).max() / 10
        assert np.mean(hits) > max(0.5, usual)
        assert engine.recommend(["silent"]).fallback.tolist() == [True]

    def test_who_has_events_declared_it_before_them(self, declared, shop):
        _, engine = declared
        first = int(shop.events.timestamp[shop.events.offsets[0]])
        said = engine.queries(["user-000"]).remarks
        assert said.timestamp.tolist() == [first - 1, first - 1]
        assert engine.queries(["user-000"], as_of=first - 1).remarks is None
        assert engine.queries(["cold-0"]).remarks.timestamp.tolist() == [engine.model.trained_until]


def test_in_chinese_too(topic_of, mean_place):
    """In a Chinese shop words and declared interests move lists and views as in an English one."""
    demo = simulate(SimulationConfig(users=60, items=60, topics=3, events_per_user=15, language="zh"), seed=1)
    names = list(dict.fromkeys(c[0] for c in demo.catalogue.categories))
    users = Users(users=Vocabulary(("新用户",)), interests=((names[0],),))
    engine = fit(Dataset.create(demo.events, demo.catalogue, users), fast("lexical"))
    blend = engine.model.blend
    blend.weights, blend.absent = blend.weights * 0 + 0.5, blend.absent * 0  # every scorer has a voice
    assert not engine.recommend(["新用户"]).fallback.any()
    assert engine.interests("新用户").ranked()[0]["topic"] == names[0]
    moved = []
    for row in range(0, 60, 4):
        item, user = demo.catalogue.items.ids[row], f"user-{row:02d}"
        topic = topic_of(engine, item)
        before, own = mean_place(engine, user, topic), engine.interests(user).short_term[topic]
        assert engine.observe_words(user, demo.catalogue.title[row], engine.now)
        told = engine.interests(user).short_term[topic]
        assert told > own or own > 0.999
        moved.append(before - mean_place(engine, user, topic))
        assert engine.observe(user, item, engine.now, action="取消")
        assert engine.interests(user).short_term[topic] <= told + 1e-6
    assert np.mean(moved) > 1


SECRET = "quetzal feathers for grandmother"


@pytest.fixture(scope="module")
def folder(shop, tmp_path_factory):
    """A model trained on a log with a secret beside words that can be read, and told another one later."""
    texts = (f"violin {SECRET}", *[""] * (len(shop.events) - 1))
    users = Users(users=Vocabulary(("cold",)), interests=((f"piano {SECRET}",),))
    engine = fit(Dataset.create(replace(shop.events, text=texts), shop.catalogue, users), fast("lexical"))
    assert engine.observe_words("user-001", f"music {SECRET} 秘密", engine.now)
    folder = tmp_path_factory.mktemp("private") / "m"
    engine.save(folder)
    return folder


class TestPrivacy:
    def test_no_word_of_a_user_is_in_the_model(self, folder):
        files = [path for path in (folder / "model").rglob("*") if path.is_file()]
        assert files
        for path in files:
            held = path.read_bytes().lower()
            for word in (*SECRET.split()[:2], "grandmother", "秘密"):
                assert word.encode() not in held, path.name
                assert word.encode("unicode_escape") not in held, path.name
        assert b"quetzal" in (folder / "users" / "users.json").read_bytes()

    def test_without_users_nothing_is_remembered(self, folder, tmp_path):
        shutil.copytree(folder / "model", tmp_path / "model")
        alone = load(tmp_path)
        assert len(alone.remarks) == 0
        assert not alone.remarks.knows(f"violin {SECRET}")
        assert alone.recommend(["cold"]).fallback.tolist() == [True]
        assert load(folder).recommend(["cold"]).fallback.tolist() == [False]


def test_a_log_of_words_alone_recommends_nothing():
    log = Events.create(user_ids="ab", item_ids=["", ""], timestamps=[1, 2], texts=["tea", "茶"])
    engine = fit(Dataset.create(log), fast("lexical"))
    assert engine.recommend(["a"]).list_of(0) == []
