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


def test_faults_are_named():
    with pytest.raises(InputError, match="above 0"):
        ContentConfig(half_life_events=0)
