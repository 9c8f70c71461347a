"""Journeys: planted threads recovered, ties without an order, silences judged by a journey's own pace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.interests.journeys import (
    JourneyConfig,
    Journeys,
    Pace,
    cut_threads,
    find_journeys,
    fit_pace,
    journey_centres,
    match_journeys,
    name_journeys,
    silence_chance,
)

CONFIG = JourneyConfig()


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def planted(*, apart, within, each, seed=0, d=128):
    """Two topics of two threads each, one item in ten from anywhere: vectors, and the thread of each.

    Threads of a topic have the cosine `apart`, two items of a thread `within`.
    """
    rng = np.random.default_rng(seed)
    vectors, label = [], []
    for topic in unit(rng.normal(size=(2, d))):
        for way in unit(rng.normal(size=(2, d))):
            centre = unit(np.sqrt(apart) * topic + np.sqrt(1 - apart) * way)
            own = unit(rng.normal(size=(each, d)))
            vectors.append(unit(np.sqrt(within) * centre + np.sqrt(1 - within) * own))
            label += [len(vectors)] * each
    strays = len(label) // 10
    vectors.append(unit(rng.normal(size=(strays, d))))
    return np.concatenate(vectors), np.array([*label, *range(100, 100 + strays)])


def lived(seed=0, users=6, items=40, d=16):
    """A small random log: embedding, item, offsets, timestamps with ties."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 25, users)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    embedding = unit(rng.normal(size=(items, d)) + 2 * np.repeat(np.eye(4, d), items // 4, axis=0))
    embedding[:3] = 0
    timestamps = np.concatenate([np.sort(rng.integers(0, 9, n)) * DAY for n in counts])
    return embedding, rng.integers(0, items, offsets[-1]), offsets, timestamps


class TestThreads:
    @pytest.mark.parametrize("each", [5, 20, 50])
    @pytest.mark.parametrize("within", [0.4, 0.6, 0.8])
    @pytest.mark.parametrize("apart", [0.2, 0.4, 0.6])
    def test_two_threads_inside_one_topic_stay_apart(self, apart, within, each):
        scores = []
        for seed in range(3):
            vectors, label = planted(apart=apart, within=within, each=each, seed=seed)
            scores.append(adjusted_rand_score(label, cut_threads(vectors, CONFIG.similarity)))
        assert np.mean(scores) >= 0.9

    @pytest.mark.parametrize("within", [0.6, 0.8])
    def test_even_at_a_cosine_of_four_fifths_where_there_is_evidence(self, within):
        vectors, label = planted(apart=0.8, within=within, each=20)
        assert adjusted_rand_score(label, cut_threads(vectors, CONFIG.similarity)) >= 0.9

    def test_a_large_thread_does_not_crumble(self):
        rng = np.random.default_rng(0)
        vectors = unit(np.sqrt(0.4) * np.eye(1, 128) + np.sqrt(0.6) * unit(rng.normal(size=(150, 128))))
        assert set(cut_threads(vectors, CONFIG.similarity).tolist()) == {0}

    def test_two_items_part_below_the_similarity(self):
        pair = np.array([[1, 0], [0.5, np.sqrt(0.75)]], dtype=np.float32)
        assert cut_threads(pair, 0.45).tolist() == [0, 0]
        assert cut_threads(pair, 0.55).tolist() == [0, 1]

    def test_one_item_or_none(self):
        assert cut_threads(np.ones((1, 1), dtype=np.float32), 0.2).tolist() == [0]
        assert cut_threads(np.zeros((0, 4), dtype=np.float32), 0.2).tolist() == []


class TestFindJourneys:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 10_000), st.integers(0, 10_000))
    def test_no_order_is_read_inside_a_tie_group(self, seed, shuffle):
        embedding, item, offsets, timestamps = lived(seed)
        found = find_journeys(embedding, item, offsets, timestamps, config=CONFIG)
        owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        order = np.lexsort((np.random.default_rng(shuffle).random(len(item)), timestamps, owner))
        again = find_journeys(embedding, item[order], offsets, timestamps, config=CONFIG)
        assert np.array_equal(again.label, found.label[order])
        assert np.array_equal(again.centre, found.centre)
        assert np.array_equal(again.typical, found.typical)
        assert np.array_equal(again.last, found.last)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 10_000))
    def test_what_is_said_of_a_journey_follows_from_its_events(self, seed):
        embedding, item, offsets, timestamps = lived(seed)
        found = find_journeys(embedding, item, offsets, timestamps, config=CONFIG)
        owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        assert np.array_equal(found.label < 0, ~embedding[item].any(axis=1))
        for journey in range(len(found.strength)):
            rows = np.flatnonzero(found.label == journey)
            user = owner[rows[0]]
            assert found.offsets[user] <= journey < found.offsets[user + 1]
            assert set(owner[rows].tolist()) == {user}
            assert (found.start[journey], found.last[journey]) == (timestamps[rows[0]], timestamps[rows[-1]])
            assert found.visits[journey] == len(np.unique(timestamps[rows]))
            assert found.typical[journey] in item[rows]
        np.testing.assert_allclose(np.linalg.norm(found.centre, axis=1), 1, atol=1e-5)
        for user in range(len(offsets) - 1):
            strength = found.strength[found.offsets[user] : found.offsets[user + 1]]
            assert len(strength) == 0 or strength.sum() == pytest.approx(1)
            assert (np.diff(strength) <= 1e-8).all()

    def test_a_user_is_read_alone(self):
        embedding, item, offsets, timestamps = lived(1)
        everybody = find_journeys(embedding, item, offsets, timestamps, config=CONFIG)
        for user in range(len(offsets) - 1):
            rows = slice(offsets[user], offsets[user + 1])
            alone = find_journeys(embedding, item[rows], np.array([0, offsets[user + 1] - offsets[user]]),
                                  timestamps[rows], config=CONFIG)  # fmt: skip
            own = slice(everybody.offsets[user], everybody.offsets[user + 1])
            assert np.array_equal(alone.strength, everybody.strength[own])
            np.testing.assert_allclose(alone.centre, everybody.centre[own], atol=1e-6)

    def test_the_newest_events_are_read_with_their_whole_tie_group(self):
        embedding = np.eye(4, dtype=np.float32)
        item, timestamps = np.array([0, 1, 2, 3]), np.array([1, 2, 2, 3])
        found = find_journeys(embedding, item, np.array([0, 4]), timestamps, config=JourneyConfig(newest=2))
        assert (found.label >= 0).tolist() == [False, True, True, True]

    def test_strength_is_the_decayed_share(self):
        found = find_journeys(np.eye(2, dtype=np.float32), np.array([0, 1]), np.array([0, 2]), np.array([0, 10]) * DAY,
                              config=JourneyConfig(half_life_days=10))  # fmt: skip
        np.testing.assert_allclose(found.strength, [2 / 3, 1 / 3])
        assert found.label.tolist() == [1, 0]

    def test_long_gone_journeys_keep_a_centre(self):
        found = find_journeys(np.eye(2, dtype=np.float32), np.array([0, 1]), np.array([0, 2]),
                              np.array([0, 10_000]) * DAY, config=JourneyConfig(half_life_days=1))  # fmt: skip
        assert np.isfinite(found.centre).all()
        assert np.linalg.norm(found.centre, axis=1) == pytest.approx([1, 1])

    def test_nothing_to_find(self):
        none = find_journeys(np.zeros((2, 3), dtype=np.float32), np.array([0, 1]), np.array([0, 0, 2]),
                             np.array([1, 2]), config=CONFIG)  # fmt: skip
        assert none.offsets.tolist() == [0, 0, 0]
        assert none.label.tolist() == [-1, -1]
        assert none.centre.shape == (0, 3)
        assert none.last.shape == (0,)
        empty = np.zeros(0, dtype=np.int64)
        assert len(find_journeys(np.eye(2, dtype=np.float32), empty, np.zeros(1, int), empty, config=CONFIG).last) == 0

    def test_names_are_what_the_items_share_else_the_typical_title(self):
        embedding = np.eye(3, dtype=np.float32)[[0, 0, 1, 2, 2]]
        item = np.array([0, 0, 1, 2, 3, 4])
        found = find_journeys(embedding, item, np.array([0, 6]), np.arange(6) * DAY, config=CONFIG)
        texts, titles = ["red teas", "green tea", "a novel", "oak", "elm"], ["T0", "T1", "T2", "T3", "T4"]
        proposed = {"red teas": "tea · red", "a novel": "novel", "oak": "topic 3"}

        def namer(words, labels, number):
            assert number == 3
            assert sorted(words) == sorted(texts)  # each once
            return tuple(proposed[words[labels.tolist().index(k)]] for k in range(number))

        names = name_journeys(found, item, texts, titles, namer)
        assert dict(zip(names, found.typical.tolist(), strict=True)) == {"tea": 0, "T2": 2, "T3": 3}


class TestMatch:
    def test_the_strongest_of_each_user(self):
        embedding, item, offsets, timestamps = lived(2)
        found = find_journeys(embedding, item, offsets, timestamps, config=CONFIG)
        centre, at, strength = journey_centres(embedding, item, offsets, timestamps, config=CONFIG, most=2)
        assert np.array_equal(np.diff(at), np.minimum(np.diff(found.offsets), 2))
        for user in range(len(at) - 1):
            assert np.array_equal(
                strength[at[user] : at[user + 1]], found.strength[found.offsets[user] :][: at[user + 1] - at[user]]
            )
        assert len(centre) == at[-1]

    def test_its_ends_are_the_mean_and_the_best(self):
        rng = np.random.default_rng(0)
        centre, items = unit(rng.normal(size=(3, 8))), unit(rng.normal(size=(5, 8)))
        strength, offsets = np.array([0.5, 0.3, 0.2]), np.array([0, 3, 3])
        cosine = centre @ items.T
        best = match_journeys(centre, offsets, strength, items, sharpness=np.inf)
        np.testing.assert_allclose(best[0], cosine.max(axis=0), atol=1e-6)
        mean = match_journeys(centre, offsets, strength, items, sharpness=1e-2)
        np.testing.assert_allclose(mean[0], strength @ cosine, atol=5e-3)
        near = match_journeys(
            centre, offsets, np.ones(3), items, sharpness=40
        )  # a sum of 3, so at most log(3) / 40 more
        assert (near[0] >= cosine.max(axis=0) - 1e-5).all()
        assert (near[0] <= cosine.max(axis=0) + np.log(3) / 40 + 1e-5).all()
        assert not best[1].any()

    def test_one_journey_is_its_cosine(self):
        out = match_journeys(unit(np.array([[1.0, 1.0]])), np.array([0, 1]), np.ones(1), np.eye(2, dtype=np.float32))
        np.testing.assert_allclose(out, [[np.sqrt(0.5)] * 2], atol=1e-6)

    def test_nobody_has_one(self):
        none = np.zeros((0, 2), dtype=np.float32)
        assert match_journeys(none, np.array([0, 0]), np.zeros(0), np.eye(2, dtype=np.float32)).tolist() == [[0, 0]]


def walked(*, shape, days, journeys=4000, visits=6, seed=0):
    """Journeys whose pace follows the Gamma; and the gap that follows in each, in days."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(shape, 1 / days, journeys)
    count = rng.integers(1, visits + 1, journeys)
    span = rng.gamma(np.maximum(count - 1, 1e-9), 1 / rate)
    span[count == 1] = 0
    last = (span * DAY).astype(np.int64)
    found = Journeys(
        offsets=np.arange(journeys + 1), label=np.zeros(0, int), centre=np.zeros((journeys, 1), np.float32),
        strength=np.ones(journeys), start=np.zeros(journeys, np.int64), last=last, visits=count,
        typical=np.zeros(journeys, int),
    )  # fmt: skip
    return found, rng.exponential(1 / rate)


class TestSilence:
    def test_a_planted_pace_is_found(self):
        pace = fit_pace(walked(shape=2.0, days=60.0)[0])
        assert pace.shape == pytest.approx(2.0, rel=0.15)
        assert pace.days == pytest.approx(60.0, rel=0.2)

    @pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
    def test_journeys_that_go_on_are_called_ended_at_the_level(self, level):
        found, gap = walked(shape=1.5, days=40.0, journeys=20_000, seed=1)
        chance = silence_chance(found, found.last + (gap * DAY).astype(np.int64), fit_pace(found))
        assert np.mean(chance < level) == pytest.approx(level, rel=0.2)

    def test_worked_by_hand(self):
        found = walked(shape=1.0, days=1.0, journeys=1)[0]
        two = Journeys(**{**vars(found), "visits": np.array([3]), "last": np.array([20 * DAY])})
        # (30 + 20) / (30 + 20 + 50) to the power 1 + 2 gaps
        assert silence_chance(two, np.array([70 * DAY]), Pace(shape=1.0, days=30.0)).tolist() == [0.125]

    def test_before_and_at_its_last_event_nothing_is_silent(self):
        found = walked(shape=1.0, days=1.0, journeys=3)[0]
        assert silence_chance(found, found.last, Pace(shape=1.0, days=30.0)).tolist() == [1, 1, 1]

    def test_without_gaps_a_pace_is_assumed(self):
        once = walked(shape=1.0, days=1.0, visits=1)[0]
        assert fit_pace(once) == Pace(shape=1.0, days=30.0)


@pytest.mark.parametrize("wrong", [{"similarity": 1.0}, {"similarity": np.nan}, {"half_life_days": 0.0}, {"newest": 0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(InputError):
        JourneyConfig(**wrong)


def test_paces_and_sharpness_are_positive():
    with pytest.raises(InputError):
        Pace(shape=0.0, days=1.0)
    with pytest.raises(InputError):
        match_journeys(
            np.zeros((0, 1), np.float32), np.array([0]), np.zeros(0), np.zeros((0, 1), np.float32), sharpness=0
        )
