"""Journey match: the soft maximum over journeys worked by hand, and what a mean vector would miss."""

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.models.content import Content, ContentConfig
from evorec.models.journeys import JourneyMatch, JourneyMatchConfig

# Tent and stove, sonata and fugue, one between the two, and an item without content.
EMBEDDING = [[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96], [2**-0.5, 2**-0.5], [0, 0]]
APART = JourneyMatchConfig(similarity=0.5)


def test_golden(ask, table):
    # Two journeys of one event each, at the same moment: each has half of the strength.
    evidence, known = JourneyMatch(APART).score(ask([(0, 5), (2, 5)]), table(EMBEDDING))
    cosine = np.array(EMBEDDING[:5]) @ np.eye(2)
    expected = np.log((0.5 * np.exp(5 * cosine)).sum(axis=1)) / 5
    np.testing.assert_allclose(evidence[0, :5], expected, rtol=1e-5)
    assert known.tolist() == [[True] * 5 + [False]]
    assert evidence[0, 5] == 0


def test_a_mean_vector_points_between_two_journeys_and_the_best_journey_does_not(ask, table):
    queries, items = ask([(0, 5), (2, 5)]), table(EMBEDDING)
    mean = Content(ContentConfig(half_life_events=1000)).score(queries, items)[0][0]
    best = JourneyMatch(APART).score(queries, items)[0][0]
    assert mean.argmax() == 4
    assert best[1] > best[4] and best[3] > best[4]


def test_the_newer_journey_is_the_stronger_one(ask, table):
    found = JourneyMatch(JourneyMatchConfig(similarity=0.5, half_life_days=10))
    evidence, _ = found.score(ask([(0, 1), (2, 30)]), table(EMBEDDING))
    assert evidence[0, 2] > evidence[0, 0]


def test_only_the_strongest_are_matched(ask, table):
    one = JourneyMatch(JourneyMatchConfig(similarity=0.5, most=1))
    evidence, _ = one.score(ask([(0, 1), (2, 30)]), table(EMBEDDING))
    assert evidence[0].argmax() == 2
    strength = 2 ** (29 / 365) / (1 + 2 ** (29 / 365))
    assert evidence[0, 2] == pytest.approx(1 + np.log(strength) / 5, abs=1e-5)


def test_the_order_inside_a_tie_group_means_nothing(ask, table):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(12, 4))
    items = table(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    history = [(row, 5) for row in range(6)] + [(row, 9) for row in range(6, 12)]
    one = JourneyMatch().score(ask(history), items)[0]
    other = JourneyMatch().score(ask(history[5::-1] + history[:5:-1]), items)[0]
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_people_without_content_are_unknown(ask, table):
    evidence, known = JourneyMatch().score(ask([], [(5, 1)], [(0, 1)]), table(EMBEDDING))
    assert known.any(axis=1).tolist() == [False, False, True]
    assert not evidence[:2].any()
    assert not JourneyMatch().score(ask([(0, 1)]), table(np.zeros((6, 0))))[1].any()


class TestReasons:
    def test_the_journey_that_fits_has_the_shares(self, ask, table):
        share = JourneyMatch(APART).attribute(ask([(0, 5), (1, 6), (2, 7)]), table(EMBEDDING), 1)
        assert share.sum() == pytest.approx(1)
        assert share[:2].sum() > 0.9
        assert share[1] > share[0]

    def test_attribution_is_faithful(self, ask, table, faithful):
        faithful(JourneyMatch(APART), ask([(0, 5), (2, 6)]), table(EMBEDDING), 1)

    def test_events_without_content_have_none(self, ask, table):
        share = JourneyMatch(APART).attribute(ask([(5, 4), (0, 5)], [], [(5, 6)]), table(EMBEDDING), 1)
        assert share.tolist() == [0, 1, 0]

    def test_a_sharp_match_does_not_overflow(self, ask, table):
        sharp = JourneyMatch(JourneyMatchConfig(similarity=0.5, sharpness=1e4))
        queries, items = ask([(0, 5), (2, 6)]), table(EMBEDDING)
        assert np.isfinite(sharp.score(queries, items)[0]).all()
        assert np.isfinite(sharp.attribute(queries, items, 1)).all()


@pytest.mark.parametrize("settings", [{"most": 0}, {"sharpness": 0}, {"sharpness": np.inf}, {"sharpness": np.nan}])
def test_faults_are_named(settings):
    with pytest.raises(InputError, match="above 0"):
        JourneyMatchConfig(**settings)


def test_nothing_is_learned():
    match = JourneyMatch(name="mine")
    assert match.name == "mine"
    assert match.arrays() == {}
    assert match.restore({}) is match
