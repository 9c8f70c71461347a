"""Evolution: memories by hand, the planted step from crowd to crowd, and nothing that rests on one person."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import Events, Queries
from evorec.data.dataset import Dataset
from evorec.models.base import RunOptions
from evorec.models.evolution import MEMORIES, Evolution, EvolutionConfig, behaviour_vectors, memories

RUN = RunOptions()
CROWD = 8  # items of a crowd: nobody takes things of two crowds but in the planted order


@pytest.fixture(scope="module")
def marching(log):
    """People who take two things: seven in ten one of a crowd and one of the next of four, in a ring; the rest stay."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(1200):
        stays, crowd = person % 10 < 3, int(rng.integers(4))
        for day in range(2):
            item = CROWD * ((crowd + day * (not stays)) % 4) + int(rng.integers(CROWD))
            rows.append((f"p{person:04d}", f"i{item:02d}", day))
    return Dataset.create(log(*rows))


@pytest.fixture(scope="module")
def items(marching, table):
    return table(embedding=np.zeros((len(marching.items), 0)))


@pytest.fixture(scope="module")
def fitted(marching):
    return Evolution(EvolutionConfig(dimension=8, ridge=10.0)).fit(marching, RUN)


class TestMemories:
    def test_golden(self, ask):
        vectors = np.array([[1, 0], [0, 1]], dtype=np.float32)
        found = memories(ask([(0, 1), (1, 2)]), vectors).reshape(len(MEMORIES), 2)
        for memory, half_life in zip(found, MEMORIES, strict=True):
            older = 2 ** (-1 / half_life)
            np.testing.assert_allclose(memory, np.array([older, 1]) / np.hypot(older, 1), rtol=1e-5)

    def test_tied_events_are_of_one_age(self, ask):
        vectors = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
        one, other = (memories(ask([(a, 1), (b, 1), (3, 2)]), vectors) for a, b in ((0, 1), (1, 0)))
        np.testing.assert_allclose(one, other, atol=1e-6)

    def test_nobody_and_unknown_items_are_nothing(self, ask):
        vectors = np.array([[1, 0], [0, 0]], dtype=np.float32)
        found = memories(ask([], [(1, 5)]), vectors)
        assert found.shape == (2, 2 * len(MEMORIES))
        assert not found.any()


class TestBehaviourVectors:
    def test_items_of_one_crowd_lie_together(self, marching):
        vectors = behaviour_vectors(marching.events, 8, 0)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        crowd = np.arange(len(vectors)) // CROWD
        same, others = crowd[:, None] == crowd, (crowd[:, None] - crowd) % 4 == 2
        cosine = unit @ unit.T
        assert cosine[same].mean() > cosine[others].mean() + 0.3

    def test_what_fewer_than_two_people_touched_has_none(self, log):
        events = log(("a", "x", 1), ("b", "x", 1), ("a", "y", 2), ("b", "z", 2), ("c", "z", 2), ("c", "own", 3))
        vectors = behaviour_vectors(events, 3, 0)
        known = dict(zip(events.items, vectors.any(axis=1).tolist(), strict=True))
        assert known == {"own": False, "x": True, "y": False, "z": True}

    def test_taking_an_item_often_makes_nobody_more(self, log):
        rows = [("a", "x", 1), ("b", "x", 1), ("a", "y", 2), ("b", "y", 2), ("c", "z", 2), ("b", "z", 2)]
        once, often = (behaviour_vectors(log(*more), 2, 0) for more in (rows, [*rows, ("a", "x", 5), ("a", "x", 7)]))
        np.testing.assert_allclose(np.abs(once), np.abs(often), atol=1e-5)

    @pytest.mark.parametrize("rows", [[("a", "x", 1)], [("a", "x", 1), ("a", "y", 2)], [("a", "x", 1), ("b", "x", 2)]])
    def test_a_log_of_one_person_or_one_item_has_none(self, log, rows, ask, table):
        events = log(*rows)
        assert behaviour_vectors(events, 64, 0).shape[1] == 0
        scorer = Evolution().fit(Dataset.create(events), RUN)
        _, known = scorer.score(ask([(0, 1)]), table(embedding=np.zeros((len(events.items), 0))))
        assert not known.any()

    def test_few_people_touch_words_only(self):
        events = Events.create(user_ids="ab", item_ids=["", ""], timestamps=[1, 2], texts=["tea", "茶"])
        assert behaviour_vectors(events, 4, 0).shape == (0, 0)


class TestPlantedTruth:
    def test_after_a_crowd_comes_the_next_one(self, fitted, items, ask):
        """The next crowd has the highest mean score; the one before, which as many people share, the lowest."""
        for crowd in range(4):
            score, known = fitted.score(ask(*([(CROWD * crowd + k, 0)] for k in range(CROWD))), items)
            assert known.all()
            by_crowd = score.reshape(CROWD, 4, CROWD).mean(axis=(0, 2))
            assert by_crowd.argmax() == (crowd + 1) % 4
            assert by_crowd[(crowd + 1) % 4] > by_crowd[crowd - 1] + 0.1

    def test_what_everybody_takes_next_is_not_its_to_say(self, log, ask, table):
        """A hit follows whatever was before: that is popularity, and what is left to say of it is next to nothing."""
        rng = np.random.default_rng(0)
        rows = []
        for person in range(600):
            after = "z hit" if rng.random() < 0.8 else f"n{rng.integers(8)}"
            rows += [(f"p{person:03d}", f"a{rng.integers(8)}", 0), (f"p{person:03d}", after, 1)]
        scorer = Evolution(EvolutionConfig(dimension=8, ridge=10.0)).fit(Dataset.create(log(*rows)), RUN)
        score, _ = scorer.score(ask(*([(k, 0)] for k in range(8))), table(embedding=np.zeros((17, 0))))
        length = np.linalg.norm(scorer.vectors[16])
        assert abs(score[:, 16].mean()) < 0.1 * length**2


class TestContract:
    def test_attribution_adds_up_to_the_score(self, fitted, items, ask):
        """Memories are sums over events, so an event's part of the score is exact: shares are those of the positive."""
        queries = ask([(1, 1), (9, 2), (17, 2), (18, 4)])
        share = fitted.attribute(queries, items, 10)
        assert share.sum() == pytest.approx(1)
        pull = (fitted.step @ fitted.vectors[10]).reshape(len(MEMORIES), -1)
        whole = memories(queries, fitted.vectors).reshape(len(MEMORIES), -1)
        parts = np.zeros(4)
        for memory, half_life in enumerate(MEMORIES):
            decayed = np.exp2(-queries.age / half_life)[:, None] * fitted.vectors[queries.item]
            decayed /= np.linalg.norm(decayed.sum(axis=0))
            np.testing.assert_allclose(whole[memory], decayed.sum(axis=0), atol=2e-3)  # old events are left out of it
            parts += decayed @ pull[memory]
        assert parts.sum() == pytest.approx(float(fitted.score(queries, items)[0][0, 10]), abs=5e-3)
        positive = np.maximum(parts, 0)
        np.testing.assert_allclose(share, positive / positive.sum(), atol=1e-3)

    def test_people_without_a_history_have_nothing_to_attribute(self, fitted, items, ask):
        assert fitted.attribute(ask([]), items, 0).shape == (0,)
        alone = ask([], [(0, 1)], [])
        score = fitted.score(alone, items)[0][1]
        assert score.min() < 0 < score.max()
        shares = [fitted.attribute(alone, items, int(row)).tolist() for row in (score.argmax(), score.argmin())]
        assert shares == [[1], [0]]  # what speaks against an item is no reason for it

    def test_the_same_seed_gives_the_same_step(self, marching, fitted):
        again = Evolution(EvolutionConfig(dimension=8, ridge=10.0)).fit(marching, RUN)
        assert np.array_equal(again.step, fitted.step)
        assert np.array_equal(again.vectors, fitted.vectors)

    @given(st.integers(0, 10**6))
    def test_the_order_inside_a_tie_group_means_nothing(self, fitted, items, seed):
        rng = np.random.default_rng(seed)
        day = np.sort(rng.integers(0, 4, 9))
        item = rng.integers(0, len(items), 9).astype(np.int32)
        order = np.lexsort((rng.random(9), day))
        one, other = (
            Queries(offsets=np.array([0, 9]), item=chosen, timestamp=day, as_of=np.array([9]))
            for chosen in (item, item[order])
        )
        np.testing.assert_allclose(fitted.score(one, items)[0], fitted.score(other, items)[0], atol=1e-5)

    def test_items_newer_than_the_model_are_unknown(self, fitted, items, ask, table):
        wider = table(embedding=np.zeros((len(items) + 2, 0)))
        score, known = fitted.score(ask([(0, 1), (len(items), 2)]), wider)
        assert known[0].tolist() == [True] * len(items) + [False] * 2
        alone, _ = fitted.score(ask([(0, 1)]), items)
        assert score.shape[1] == len(items) + 2
        assert np.isfinite(alone).all()

    def test_what_was_learned_is_taken_over(self, fitted, items, ask):
        again = Evolution(EvolutionConfig(dimension=8)).restore(dict(fitted.arrays()))
        queries = ask([(0, 1), (9, 4)], [])
        assert np.array_equal(again.score(queries, items)[0], fitted.score(queries, items)[0])

    @pytest.mark.parametrize("settings", [{"dimension": 0}, {"ridge": 0}, {"ridge": np.nan}, {"steps": 0}])
    def test_faults_are_named(self, settings):
        with pytest.raises(InputError, match="above 0"):
            EvolutionConfig(**settings)
