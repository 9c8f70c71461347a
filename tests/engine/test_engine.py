"""The engine: streamed equals replayed, nothing later changes an answer, and requests are kept to."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, NEVER
from evorec.engine.request import Request

USERS = [f"user-{number:02d}" for number in range(0, 100, 7)]


def rows_of(events):
    return [
        (events.users.ids[u], events.items.ids[i], int(t))
        for u, i, t in zip(events.user, events.item, events.timestamp, strict=True)
    ]


def same(one, other):
    return np.array_equal(one.item, other.item) and np.array_equal(one.score, other.score, equal_nan=True)


class TestTime:
    @pytest.mark.parametrize("seed", range(3))
    def test_observed_one_by_one_equals_held_from_the_start(self, fresh, simulation, seed):
        events = simulation.events
        rng = random.Random(seed)
        known = np.array([rng.random() < 0.4 for _ in range(len(events))])
        grown = fresh(events.select(known))
        late = rows_of(events.select(~known))
        rng.shuffle(late)
        assert all(grown.observe(*event) for event in late)
        assert grown.now == fresh().now
        assert same(grown.recommend(USERS), fresh().recommend(USERS))
        early = int(np.quantile(events.timestamp, 0.6))
        assert same(grown.recommend(USERS, as_of=early), fresh().recommend(USERS, as_of=early))

    def test_an_event_observed_twice_counts_once(self, fresh, simulation):
        engine = fresh()
        event = rows_of(simulation.events)[0]
        assert not engine.observe(*event)
        assert engine.observe(event[0], event[1], event[2] + 1)
        assert not engine.observe(event[0], event[1], event[2] + 1)

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
    def test_nothing_later_changes_an_answer(self, fresh, simulation, share):
        events = simulation.events
        as_of = int(np.quantile(events.timestamp, share))
        told, then = fresh().recommend(USERS, as_of=as_of), fresh(events.before(as_of)).recommend(USERS, as_of=as_of)
        assert same(told, then)
        assert told.fallback.tolist() == then.fallback.tolist()

    def test_every_query_has_a_moment_of_its_own(self, fresh, simulation):
        moments = np.quantile(simulation.events.timestamp, np.linspace(0.3, 1, len(USERS))).astype(np.int64)
        together = fresh().recommend(USERS, as_of=moments)
        for q, (user, moment) in enumerate(zip(USERS, moments.tolist(), strict=True)):
            assert fresh().recommend([user], as_of=moment).list_of(0) == together.list_of(q)

    def test_order_inside_tie_groups_changes_nothing(self, fresh, simulation):
        """The same people, asked about with their tied events told in another order."""
        engine, histories = fresh(), []
        for user in USERS:
            histories.append([(i, t) for u, i, t in rows_of(simulation.events) if u == user])
        assert any(len({t for _, t in h}) < len(h) for h in histories)
        shuffled = [random.Random(user).sample(h, len(h)) for user, h in zip(USERS, histories, strict=True)]
        one, other = (engine.recommend_for(engine.queries_from(h), tuple(USERS)) for h in (histories, shuffled))
        assert same(one, other)
        assert same(one, engine.recommend(USERS))

    def test_hindsight_is_marked(self, engine):
        newest = engine.model.trained_until
        asked = engine.recommend(USERS[:2], as_of=np.array([newest, newest + 1]))
        assert asked.hindsight.tolist() == [True, False]
        assert [record.get("hindsight") for record in asked.records()] == [True, None]
        assert not engine.recommend(USERS[:1]).hindsight.any()

    def test_before_anything_is_available_nothing_can_be_recommended(self, engine, simulation):
        asked = engine.recommend(USERS[:1], as_of=int(simulation.catalogue.available_from.min()))
        assert asked.list_of(0) == []
        assert asked.fallback.tolist() == [True]


class TestRequests:
    def test_items_the_user_had_are_left_out_unless_asked_for(self, engine, simulation):
        events = simulation.events
        for user, plain, whole in zip(
            USERS,
            engine.recommend(USERS, Request(k=90)).records(),
            engine.recommend(USERS, Request(k=90, repeats=True)).records(),
            strict=True,
        ):
            had = {i for u, i, _ in rows_of(events) if u == user}
            assert not had & set(plain["items"])
            assert had <= set(whole["items"])
            assert set(plain["items"]) | had == set(whole["items"])

    def test_lists_are_ranked_and_scores_agree(self, engine):
        asked = engine.recommend(USERS, Request(k=20))
        score, _ = engine.model.blend.score(
            engine.log.queries(USERS, np.full(len(USERS), engine.now)), engine.model.items
        )
        for q in range(len(USERS)):
            assert (np.diff(asked.score[q]) <= 0).all()
            np.testing.assert_allclose(asked.score[q], score[q, asked.item[q]], rtol=1e-5, atol=1e-6)

    def test_batches_and_single_users_get_the_same(self, engine):
        everyone = [record for batch in engine.recommend_everyone(Request(k=5)) for record in batch.records()]
        assert [record["user_id"] for record in everyone] == engine.log.user_ids()
        for record in everyone[::17]:
            assert engine.recommend([record["user_id"]], Request(k=5)).list_of(0) == record["items"]

    @settings(max_examples=15)
    @given(st.sets(st.integers(0, 89), max_size=12), st.sets(st.integers(0, 89), max_size=12))
    def test_candidates_and_exclusions(self, engine, wanted, barred):
        ids = engine.model.items.ids
        request = Request(
            k=90, candidates=tuple(ids.decode(sorted(wanted))), exclude=tuple(ids.decode(sorted(barred))), repeats=True
        )
        found = engine.recommend(USERS[:2], request)
        for q in range(2):
            assert set(found.list_of(q)) == set(ids.decode(wanted - barred))

    def test_domain_and_category(self, engine):
        catalogue, ids = engine.model.catalogue, engine.model.items.ids
        domain, category = catalogue.domain[0], catalogue.categories[5][0]
        for item in engine.recommend(USERS, Request(domain=domain)).list_of(0):
            assert catalogue.domain[ids.code(item)] == domain
        for item in engine.recommend(USERS, Request(category=category)).list_of(0):
            assert category in catalogue.categories[ids.code(item)]

    def test_names_that_nothing_has_are_refused(self, engine):
        for name in ("domain", "category"):
            with pytest.raises(InputError, match=f"no item has the {name} 'toys2'"):
                engine.recommend(USERS, Request(**{name: "toys2"}))

    def test_diversity_makes_lists_less_alike(self, engine):
        embedding = engine.model.items.embedding

        def alikeness(diversity):
            item = engine.recommend(USERS, Request(diversity=diversity)).item
            cosine = embedding[item] @ embedding[item].transpose(0, 2, 1)
            return cosine[:, *np.triu_indices(10, 1)].mean()

        assert alikeness(0.9) < alikeness(0.4) < alikeness(0.0)
        for record in engine.recommend(USERS, Request(diversity=0.5)).records():
            assert len(set(record["items"])) == 10

    def test_lists_may_be_shorter_than_k(self, engine):
        one = engine.model.items.ids.ids[0]
        asked = engine.recommend(USERS, Request(k=7, candidates=(one, "unheard-of"), repeats=True, diversity=0.3))
        assert [len(asked.list_of(q)) for q in range(len(USERS))] == [1] * len(USERS)
        assert np.isnan(asked.score[:, 1:]).all()

    @pytest.mark.parametrize("diversity", [0.0, 0.3])
    def test_no_list_is_longer_than_the_catalogue(self, engine, diversity):
        whole = Request(k=len(engine.model.items), diversity=diversity)
        asked = engine.recommend(USERS[:2], replace(whole, k=10**12))
        assert asked.item.shape == (2, whole.k)
        assert same(asked, engine.recommend(USERS[:2], whole))

    def test_items_out_of_time_are_left_out(self, fresh):
        engine = fresh()
        catalogue = engine.model.catalogue
        until = catalogue.available_until.copy()
        until[:30] = engine.now  # an item is on offer before that moment, not at it
        engine.model = replace(engine.model, catalogue=replace(catalogue, available_until=until))
        assert engine.recommend(USERS, Request(k=90, repeats=True)).item.max(initial=0) >= 30
        asked = engine.recommend(USERS, Request(k=90, repeats=True)).item
        assert asked[asked >= 0].min() >= 30


class TestUnknownPeople:
    def test_policies(self, engine):
        people = ["stranger", USERS[0]]
        asked = engine.recommend(people)
        assert asked.fallback.tolist() == [True, False]
        assert len(asked.list_of(0)) == 10
        skipped = engine.recommend(people, Request(unknown="skip"))
        assert skipped.fallback.tolist() == [True, False]
        assert skipped.list_of(0) == []
        assert skipped.list_of(1) == asked.list_of(1)
        with pytest.raises(InputError, match="'stranger' has no history"):
            engine.recommend(people, Request(unknown="error"))

    def test_the_fallback_is_what_is_popular(self, fresh):
        """Also where inner validation kept one personal scorer alone."""
        engine = fresh()
        scorers = engine.model.blend.scorers
        popular = scorers[0].evidence
        personal = next(j for j, scorer in enumerate(scorers) if scorer.name.startswith("transitions"))
        relying = type(engine.model.blend)(scorers).restore(engine.model.blend.arrays())
        engine.model = replace(engine.model, blend=relying.rely_on(personal))
        rows = engine.recommend(["stranger"]).item[0]
        assert np.mean(popular[rows]) > np.nanquantile(popular, 0.8)

    def test_people_outside_the_log(self, engine):
        items = engine.model.items.ids.ids
        queries = engine.queries_from([[(items[0], 5 * DAY), ("unheard-of", 6 * DAY)], [], [(items[0], engine.now)]])
        asked = engine.recommend_for(queries, ("a", "b", "c"))
        assert np.diff(queries.offsets).tolist() == [1, 0, 0]
        assert asked.fallback.tolist() == [False, True, True]
        assert items[0] not in asked.list_of(0)

    def test_nobody_asks(self, engine):
        assert list(engine.recommend([]).records()) == []


class TestItems:
    def test_new_items_are_recommended_by_content_at_once(self, fresh, simulation):
        engine = fresh()
        title = simulation.catalogue.title[3]
        categories = simulation.catalogue.categories[3]
        new = Catalogue.create(item_ids=["new"], title=[title], categories=[categories])
        assert engine.add_items(new) == 1
        assert engine.add_items(new) == 0
        fans = [u for u, i, _ in rows_of(simulation.events) if i == simulation.events.items.ids[3]]
        ranked = engine.recommend(fans, Request(k=91))
        places = [ranked.list_of(q).index("new") for q in range(len(fans))]
        assert np.mean(places) < 45
        assert engine.similar_items("new", 1)[0][0] == simulation.events.items.ids[3]
        assert engine.observe(fans[0], "new", engine.now + 5)
        assert "new" not in engine.recommend(fans[:1], Request(k=91)).list_of(0)
        assert fresh().model.items.ids.code("new") < 0, "the old model stands as it was"

    def test_a_new_item_waits_for_its_day(self, fresh):
        engine = fresh()
        opens = engine.now + 3 * DAY
        engine.add_items(Catalogue.create(item_ids=["later"], title=["guitar music"], available_from=[opens]))
        request = Request(k=1, candidates=("later",))
        assert engine.recommend(USERS[:1], request).list_of(0) == []
        assert engine.recommend(USERS[:1], request, as_of=opens + 1).list_of(0) == ["later"]

    @pytest.mark.parametrize("shuffled", [False, True])
    def test_an_item_without_a_date_is_on_offer_from_its_first_event(self, fresh, shuffled):
        engine = fresh()
        first_seen = engine.model.items.first_seen.copy()
        first_seen[5] = NEVER
        engine.model = replace(engine.model, items=replace(engine.model.items, first_seen=first_seen))
        name, start = engine.model.items.ids.ids[5], engine.now
        request = Request(k=1, candidates=(name,))
        assert engine.recommend(["somebody"], request).list_of(0) == []
        moments = [start + DAY, start + 2 * DAY]
        for moment in reversed(moments) if shuffled else moments:
            engine.observe("ann", name, moment)
        assert engine.recommend(["somebody"], request, as_of=start + DAY).list_of(0) == []
        assert engine.recommend(["somebody"], request, as_of=start + DAY + 1).list_of(0) == [name]

    def test_similar_items_share_the_topic(self, engine, simulation):
        topic = simulation.truth.item_topic
        ids = engine.model.items.ids
        hits = []
        for row in range(0, 90, 9):
            found = engine.similar_items(ids.ids[row], 5)
            assert len(found) == 5
            cosines = [cosine for _, cosine in found]
            assert cosines == sorted(cosines, reverse=True)
            hits += [topic[ids.code(name)] == topic[row] for name, _ in found if name != ids.ids[row]]
        assert len(hits) == 50
        assert np.mean(hits) > 0.8

    def test_unknown_items_are_named(self, fresh):
        engine = fresh()
        for act in (
            lambda: engine.similar_items("nothing"),
            lambda: engine.observe("ann", "nothing", 5),
            lambda: engine.explain("ann", "nothing"),
        ):
            with pytest.raises(InputError, match="'nothing' is not in the catalogue"):
                act()
        with pytest.raises(InputError, match="k is 0"):
            engine.similar_items(engine.model.items.ids.ids[0], 0)
        engine.add_items(Catalogue.create(item_ids=["blank"]))
        with pytest.raises(InputError, match="no content to compare"):
            engine.similar_items("blank")


class TestReasons:
    def test_shares_add_up(self, engine):
        for record in engine.recommend(USERS).records():
            for item in record["items"][:3]:
                reasons = engine.explain(record["user_id"], item)
                assert sum(reason.share for reason in reasons) == pytest.approx(1)
                shares = [reason.share for reason in reasons]
                assert shares == sorted(shares, reverse=True)
                for reason in reasons:
                    assert 0 <= sum(event.share for event in reason.events) <= 1 + 1e-9

    def test_a_stranger_gets_what_is_popular_as_the_reason(self, engine):
        best = engine.recommend(["stranger"]).list_of(0)[0]
        reasons = engine.explain("stranger", best)
        assert reasons
        assert all("popularity" in reason.scorer for reason in reasons)
