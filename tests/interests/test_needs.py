"""Latent needs: only never-touched topics, the likeliest first, with the own topic that leads there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.interests.markov import fit_transitions
from evorec.interests.needs import latent_needs, need_hits, rank_untouched, touched_topics


def test_an_event_touches_its_main_topics_only():
    membership = np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [0, 0, 0]], dtype=np.float32)
    assert touched_topics(np.arange(4), membership).tolist() == [
        [True, True, False],
        [False, False, True],
        [False, False, False],
    ]
    assert touched_topics(np.array([0, 3]), membership).all()


@given(st.integers(0, 10_000), st.integers(1, 8))
def test_touched_topics_are_never_named(seed, top):
    rng = np.random.default_rng(seed)
    score, touched = rng.random((5, 6)), rng.random((5, 6)) < 0.6
    named = rank_untouched(score, touched, top)
    assert named.shape == (5, top)
    for row in range(5):
        topics = [k for k in named[row].tolist() if k >= 0]
        assert len(set(topics)) == len(topics) == min(top, int((~touched[row]).sum()))
        assert not touched[row, topics].any()
        assert (np.diff(score[row, topics]) <= 0).all()


def test_worked_by_hand():
    transition = np.array([[0.8, 0.0, 0.0], [0.0, 0.7, 0.0], [0.2, 0.3, 1.0]])
    shares = np.array([[0.75, 0.25, 0.0]])
    needs = latent_needs(
        forecast=shares @ transition.T,
        shares=shares,
        touched=shares > 0,
        transition=transition,
        population=np.array([0.5, 0.4, 0.1]),
        top=2,
    )
    assert needs.topic.tolist() == [[2, -1]]
    np.testing.assert_allclose(needs.forecast, [[0.225, 0.0]])
    np.testing.assert_allclose(needs.lift, [[2.25, 0.0]])
    assert needs.source.tolist() == [[0, -1]]
    np.testing.assert_allclose(needs.source_part, [[0.15 / 0.225, 0.0]])


def test_hits():
    touched = np.array([[True, False, False], [False, False, False], [True, True, True]])
    assert need_hits(np.array([[1, 0], [0, 1], [-1, -1]]), touched).tolist() == [1.0, 0.0, 0.0]


def test_planted_needs_are_named_better_than_by_popularity():
    rng = np.random.default_rng(0)
    users, topics = 600, 8
    own = rng.integers(0, 4, users)  # whoever has topic k turns to topic k + 4, in three of four cases
    nxt = np.where(rng.random(users) < 0.75, own + 4, rng.integers(4, 8, users))
    before, after = np.eye(topics)[own], np.eye(topics)[nxt]
    train, test = slice(0, 300), slice(300, 600)
    transition = fit_transitions(before[train], after[train])
    needs = latent_needs(
        forecast=before[test] @ transition.T, shares=before[test], touched=before[test] > 0, transition=transition,
        population=after[train].mean(axis=0), top=1,
    )  # fmt: skip
    popular = rank_untouched(np.tile(after[train].mean(axis=0), (300, 1)), before[test] > 0, 1)
    assert need_hits(needs.topic, after[test] > 0).mean() > 0.7  # planted: 0.75 + 0.25 / 4
    assert need_hits(popular, after[test] > 0).mean() < 0.4
    assert np.array_equal(needs.source[:, 0], own[test])


def test_shapes_that_differ_are_refused():
    with pytest.raises(InputError, match="differ"):
        latent_needs(forecast=np.ones((2, 3)), shares=np.ones((2, 2)), touched=np.zeros((2, 3), dtype=bool),
                     transition=np.eye(3), population=np.ones(3))  # fmt: skip
