"""Content: cosines with a decayed profile, worked by hand."""

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.models.content import Content, ContentConfig

EMBEDDING = [[1, 0], [0, 1], [0.6, 0.8], [0, 0]]


def test_golden(ask, table):
    # i1 is the newest (weight 1), i0 one back (1/2): the profile is (1/2, 1) / sqrt(5/4).
    evidence, known = Content(ContentConfig(half_life_events=1)).score(ask([(0, 1), (1, 2)]), table(EMBEDDING))
    np.testing.assert_allclose(evidence[0], np.array([0.5, 1, 0.3 + 0.8, 0]) / np.sqrt(1.25), rtol=1e-6)
    assert known.tolist() == [[True, True, True, False]]


def test_a_short_memory_follows_the_newest_event(ask, table):
    queries, items = ask([(0, 1), (0, 2), (0, 3), (1, 4)]), table(EMBEDDING)
    short, long = (Content(ContentConfig(half_life_events=h)).score(queries, items)[0][0] for h in (0.5, 50))
    assert short.argmax() == 1
    assert long[0] > long[1]


def test_users_without_a_known_item_are_unknown(ask, table):
    _, known = Content().score(ask([], [(3, 1)]), table(EMBEDDING))
    assert not known.any()


def test_only_the_newest_events_are_read(ask, table):
    queries, items = ask([(0, 1), (1, 2)]), table(EMBEDDING)
    evidence, _ = Content(ContentConfig(limit=1)).score(queries, items)
    np.testing.assert_allclose(evidence[0], [0, 1, 0.8, 0], atol=1e-6)


def test_attribution_is_faithful(ask, table, faithful):
    items = table([[1, 0], [0.6, 0.8], [0.8, 0.6], [0, 1]])
    share = faithful(Content(ContentConfig(half_life_events=50)), ask([(1, 1), (3, 2)]), items, 0)
    assert share.tolist() == [1, 0]


def test_what_speaks_against_an_item_is_no_reason(ask, table):
    items = table([[1, 0], [-1, 0], [0.8, 0.6]])
    share = Content(ContentConfig(half_life_events=50)).attribute(ask([(1, 1), (2, 2)]), items, 0)
    assert share.tolist() == [0, 1]


def test_words_golden(ask, beside, table):
    # The words came before the newest event, one back: they count half, like the event of the same age before them.
    queries = beside(ask([(0, 1), (1, 3)]), [(2, [0, 1], None, 1)])
    evidence, known = Content(ContentConfig(half_life_events=1)).score(queries, table(EMBEDDING))
    profile = np.array([0.5, 1 + 0.5])
    np.testing.assert_allclose(evidence[0, :2], profile / np.linalg.norm(profile), rtol=1e-6)
    assert known.tolist() == [[True, True, True, False]]


def test_newer_words_make_older_ones_fade(ask, beside, table):
    queries = beside(ask([]), [(1, [1, 0], None, 1), (2, [0, 1], None, 1)])
    evidence, _ = Content(ContentConfig(half_life_events=1)).score(queries, table(EMBEDDING))
    np.testing.assert_allclose(evidence[0, :2], np.array([0.5, 1]) / np.hypot(0.5, 1), rtol=1e-6)


def test_words_at_one_moment_and_with_an_event_are_of_one_age(ask, beside, table):
    """The order inside a tie group means nothing: neither of words nor of words and events."""
    content = Content(ContentConfig(half_life_events=0.5))
    said = [(2, [1, 0], None, 1), (2, [0, 1], None, 1)]
    for rows in (said, said[::-1]):
        evidence, _ = content.score(beside(ask([]), rows), table(EMBEDDING))
        np.testing.assert_allclose(evidence[0, :2], [2**-0.5] * 2, rtol=1e-6)
    evidence, _ = content.score(beside(ask([(0, 2)]), [(2, [0, 1], None, 1)]), table(EMBEDDING))
    np.testing.assert_allclose(evidence[0, :2], [2**-0.5] * 2, rtol=1e-6)


def test_what_is_taken_back_pushes_away(ask, beside, table):
    content, items = Content(ContentConfig(half_life_events=2)), table(EMBEDDING)
    plain = content.score(ask([(0, 1), (1, 2)]), items)[0][0]
    taken = content.score(beside(ask([(0, 1), (1, 2)]), [(3, [1, 0], None, -1)]), items)[0][0]
    assert taken[0] < plain[0]
    assert taken[1] > plain[1]


def test_words_of_one_user_are_not_those_of_another(ask, beside, table):
    content, items = Content(), table(EMBEDDING)
    both = content.score(beside(ask([(0, 1)], [(0, 1)], []), [], [(2, [0, 1], None, 1)], [(2, [1, 0], None, 2)]), items)
    alone = content.score(ask([(0, 1)]), items)
    assert both[0][0].tolist() == alone[0][0].tolist()
    assert both[0][1, 1] > both[0][0, 1]
    np.testing.assert_allclose(both[0][2], [1, 0, 0.6, 0], rtol=1e-6)
    assert both[1][2].tolist() == [True, True, True, False]


def test_words_alone_have_no_events_to_attribute_to(ask, beside, table):
    assert Content().attribute(beside(ask([]), [(1, [1, 0], None, 1)]), table(EMBEDDING), 0).shape == (0,)


def test_faults_are_named():
    with pytest.raises(InputError, match="above 0"):
        ContentConfig(half_life_events=0)
