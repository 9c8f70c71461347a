"""The interest state at its bounds: the future, what is no evidence, and half-lives of users who explore or do not."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.interests.state import (
    InterestConfig,
    InterestState,
    _match_before,
    batch_evidence,
    fit_half_life,
    interest_path,
    share_error,
)

TOPICS = 3
EVENTS = st.lists(
    st.tuples(st.integers(0, 400 * DAY), st.integers(0, TOPICS - 1), st.sampled_from([0.5, 1.0, 2.0])), max_size=25
)
COARSE = st.lists(st.tuples(st.integers(0, 4), st.integers(0, TOPICS - 1), st.just(1.0)), max_size=15)


def replay(events: list[tuple[int, int, float]], as_of: int, half_life_days: float) -> np.ndarray:
    """What `batch_evidence` says of one user with these (timestamp, topic, weight) events."""
    ordered = sorted(events)
    return batch_evidence(
        offsets=np.array([0, len(ordered)]),
        membership=np.eye(TOPICS, dtype=np.float32)[[k for _, k, _ in ordered]].reshape(-1, TOPICS),
        timestamps=np.array([t for t, _, _ in ordered], dtype=np.int64),
        as_of=np.array([as_of]),
        half_life_days=half_life_days,
        weights=np.array([w for _, _, w in ordered]),
    )[0]


def drawn_from_decayed_shares(
    seed: int, half_life: float, alpha: float, users: int = 200, n: int = 80, topics: int = 6
) -> dict[str, np.ndarray]:
    """Each event's topic is drawn from decayed shares, smoothed by `alpha` events spread evenly; 3 days apart."""
    rng = np.random.default_rng(seed)
    days = np.cumsum(rng.exponential(3.0, (users, n)), axis=1)
    m, chosen = np.zeros((users, topics)), np.zeros((users, n), dtype=int)
    for i in range(n):
        if i:
            m *= np.exp2(-(days[:, i] - days[:, i - 1]) / half_life)[:, None]
        p = (m + alpha / topics) / (m.sum(axis=1, keepdims=True) + alpha)
        chosen[:, i] = (p.cumsum(axis=1) < rng.random((users, 1))).sum(axis=1).clip(0, topics - 1)
        m[np.arange(users), chosen[:, i]] += 1
    return {
        "offsets": np.arange(users + 1) * n,
        "membership": np.eye(topics, dtype=np.float32)[chosen.ravel()],
        "timestamps": (days * DAY).astype(np.int64).ravel(),
    }


@given(EVENTS, st.integers(0, 400 * DAY))
def test_nothing_from_as_of_on_changes_the_evidence(events: list[tuple[int, int, float]], as_of: int) -> None:
    seen = [event for event in events if event[0] < as_of]
    np.testing.assert_array_equal(replay(events, as_of, 30), replay(seen, as_of, 30))


def test_events_far_in_the_future_neither_count_nor_overflow() -> None:
    assert not replay([(10**15, 0, 1.0)], 0, 0.001).any()


@pytest.mark.parametrize("half_life", [0.0, -1.0, float("nan")])
def test_a_half_life_is_above_zero(half_life: float) -> None:
    with pytest.raises(InputError, match="half-life"):
        replay([(0, 0, 1.0)], DAY, half_life)
    with pytest.raises(InputError):
        InterestConfig(short_days=half_life)


@pytest.mark.parametrize(("topics", "weight"), [([1, 0, 0], 1.0), ([np.nan, 0], 1.0), ([-1, 0], 1.0), ([1, 0], np.inf)])
def test_what_is_no_evidence_is_refused_and_leaves_the_state_alone(topics: list[float], weight: float) -> None:
    state = InterestState(2)
    state.observe(np.array([1, 0]), 0)
    with pytest.raises(InputError, match="no evidence"):
        state.observe(np.array(topics), DAY, weight)
    np.testing.assert_allclose(state.at(1)[0], [1, 0])


def test_the_error_of_shares_is_that_of_a_dirichlet_and_shrinks() -> None:
    rng = np.random.default_rng(0)
    m = np.array([4.0, 2.0, 0.0])
    drawn = rng.dirichlet(m + 1 / 3, size=40_000)
    np.testing.assert_allclose(share_error(m), drawn.std(axis=0), rtol=0.03)
    assert (share_error(10 * m) < share_error(m)).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(COARSE.filter(len), max_size=5), st.integers(0, 10**6))
def test_what_the_half_life_is_judged_by_is_the_evidence_before_each_tie_group(logs: list[object], seed: int) -> None:
    times = [np.sort([t for t, _, _ in log]) * DAY for log in logs]  # type: ignore[attr-defined]
    offsets = np.cumsum([0, *map(len, times)])
    timestamps = np.concatenate([np.zeros(0, dtype=np.int64), *times])
    membership = np.random.default_rng(seed).dirichlet(np.ones(TOPICS), len(timestamps)).astype(np.float32)
    match, total = _match_before(offsets, membership, timestamps, 2.0)
    for user, (start, stop) in enumerate(pairwise(offsets)):
        own = membership[start:stop]
        past = interest_path(own, times[user], times[user], half_life_days=2.0)
        np.testing.assert_allclose(match[start:stop], (own * past).sum(axis=1), atol=1e-5)
        np.testing.assert_allclose(total[start:stop], past.sum(axis=1), atol=1e-5)


@pytest.mark.parametrize("half_life", [7, 30, 120])
@pytest.mark.parametrize("alpha", [0.05, 0.5, 2.0])
def test_a_planted_half_life_is_recovered_within_a_factor_of_two(half_life: float, alpha: float) -> None:
    fitted = fit_half_life(**drawn_from_decayed_shares(1, half_life, alpha))
    assert half_life / 2 <= fitted <= half_life * 2


def test_users_do_not_see_each_other() -> None:
    # The second user's only event repeats the first user's topic; alone it must be as likely as by popularity.
    log = {"membership": np.eye(2, dtype=np.float32)[[0, 0, 1]], "timestamps": np.array([0, DAY, 2 * DAY])}
    assert fit_half_life(offsets=np.array([0, 1, 2, 3]), **log) == 3  # nothing to learn: the first of the grid
