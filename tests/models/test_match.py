"""Interest match: the cosine between I_u and C_i, worked by hand."""

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.models.match import InterestMatch, InterestMatchConfig, interests

TOPICS = [[1, 0], [0, 1], [0.5, 0.5], [0, 0]]
MATCH = InterestMatch(InterestMatchConfig(half_life_days=10))


def test_golden(ask, table):
    # i1 is the newest event, i0 is ten days older and counts half: I = (1/2, 1).
    queries, items = ask([(0, 80), (1, 90)]), table(topics=TOPICS)
    np.testing.assert_allclose(interests(queries, items, half_life_days=10), [[0.5, 1.0]])
    evidence, known = MATCH.score(queries, items)
    length = np.hypot(0.5, 1.0)
    np.testing.assert_allclose(evidence[0], [0.5 / length, 1.0 / length, 1.5 / length / 2**0.5, 0], rtol=1e-6)
    assert known.tolist() == [[True, True, True, False]]


def test_time_alone_changes_no_match(ask, table):
    """All events fade alike, so that the direction of I_u, and with it the cosine, stays."""
    early, late = (MATCH.score(ask([(0, 80), (1, 90)], as_of=day), table(topics=TOPICS))[0] for day in (100, 400))
    np.testing.assert_allclose(early, late, rtol=1e-5)


def test_no_topics_no_knowledge(ask, table):
    assert not MATCH.score(ask([], [(3, 1)]), table(topics=TOPICS))[1].any()
    assert not MATCH.score(ask([(0, 1)]), table(topics=np.zeros((4, 0))))[1].any()


def test_attribution_is_faithful(ask, table, faithful):
    share = faithful(MATCH, ask([(1, 70), (0, 80), (0, 99)]), table(topics=TOPICS), 0)
    np.testing.assert_allclose(share, np.array([0, 0.25, 2**-0.1]) / (0.25 + 2**-0.1), rtol=1e-6)


def test_faults_are_named():
    with pytest.raises(InputError, match="half_life_days"):
        InterestMatchConfig(half_life_days=-1)


def test_people_without_a_history_have_nothing_to_attribute(ask, table):
    assert MATCH.attribute(ask([]), table(topics=TOPICS), 0).shape == (0,)
    assert MATCH.attribute(ask([], [(0, 1)], []), table(topics=TOPICS), 0).tolist() == [1.0]
