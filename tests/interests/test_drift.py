"""Drift of users: golden divergences, exactness without drift, planted switches, and what cannot be told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evorec.core.errors import InputError
from evorec.core.types import DAY, SECOND
from evorec.interests.drift import (
    Drift,
    DriftConfig,
    Spread,
    drift,
    js_divergence,
    later_masks,
    merged,
    permutation_p,
    sitting_numbers,
)

FEW = DriftConfig(sitting_hours=0, permutations=99)
HOUR = 3600 * SECOND
SHARES = arrays(float, 4, elements=st.floats(0.01, 1)).map(lambda x: x / x.sum())


def log(users: int, events: int, later: float, seed: int = 0) -> dict:
    """Users of two topics, the first with chance .5, in the second half with chance `later`; one event a day."""
    rng = np.random.default_rng(seed)
    chance = np.tile(np.where(np.arange(events) < events // 2, 0.5, later), users)
    topic = (rng.random(users * events) < chance).astype(int)
    return {
        "offsets": np.arange(0, users * events + 1, events),
        "membership": np.eye(2)[topic],
        "timestamps": np.tile(np.arange(events) * DAY, users),
    }


class TestDivergence:
    def test_golden(self):
        assert js_divergence(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(np.log(2))
        # Middle (.75, .25): H = .5623; H(p) = 0, H(q) = log 2 = .6931.
        assert js_divergence(np.array([1.0, 0]), np.array([0.5, 0.5])) == pytest.approx(0.5623 - 0.6931 / 2, abs=1e-4)

    @given(SHARES, SHARES)
    def test_symmetric_bounded_and_zero_only_for_equals(self, p, q):
        found = js_divergence(p, q)
        assert found == pytest.approx(js_divergence(q, p), abs=1e-12)
        assert 0 <= found <= np.log(2)
        assert js_divergence(p, p) == pytest.approx(0, abs=1e-12)


class TestSpread:
    def test_evidence_golden(self):
        spread = Spread(mean=np.zeros(2), basis=np.eye(2), between=np.array([1.0, 3.0]))
        # n = 2, S = (2, 1): (4 / 3 - log 3 + 3 / 7 - log 7) / 2.
        expected = (4 / 3 - np.log(3) + 3 / 7 - np.log(7)) / 2
        assert spread.evidence(np.array([2.0, 1.0]), 2) == pytest.approx(expected)
        assert spread.evidence(np.zeros(2), 0) == 0

    def test_planted_variances_are_found(self):
        """Between 4 and 1 against 1 inside, along axes that are turned: within 15% for 2,000 users of 8 events."""
        rng = np.random.default_rng(0)
        turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
        means = rng.normal(size=(2000, 2)) * [2.0, 1.0]
        x = (means.repeat(8, axis=0) + rng.normal(size=(16_000, 2))) @ turn + 5
        spread = Spread.fit(np.arange(0, 16_001, 8), x)
        np.testing.assert_allclose(spread.between, [4, 1], rtol=0.15)
        np.testing.assert_allclose(spread.project(x).mean(axis=0), 0, atol=1e-9)

    def test_faults_are_named(self):
        with pytest.raises(InputError, match="too few"):
            Spread.fit(np.arange(11), np.zeros((10, 3)))
        with pytest.raises(InputError, match="do not differ"):
            Spread.fit(np.arange(0, 41, 2), np.tile([[1.0, 0], [0, 1.0]], (20, 1)))
        with pytest.raises(InputError, match="content has shape"):
            Spread(mean=np.zeros(2), basis=np.eye(2), between=np.ones(2)).project(np.zeros((4, 3)))


class TestUnits:
    def test_a_silence_ends_a_sitting(self):
        when = np.array([0, 1, 1, 6, 13]) * HOUR
        assert sitting_numbers(when, 6).tolist() == [0, 0, 0, 0, 1]
        assert sitting_numbers(when, 0).tolist() == [0, 1, 1, 2, 3]
        assert sitting_numbers(when[:0], 6).tolist() == []

    def test_long_histories_are_merged_evenly(self):
        assert np.bincount(merged(np.arange(10), 4)).tolist() == [3, 2, 3, 2]
        assert merged(np.arange(3), 4).tolist() == [0, 1, 2]

    @given(arrays(float, st.integers(8, 20), elements=st.integers(1, 9)))
    def test_both_halves_hold_something(self, counts):
        masks = later_masks(counts, 19, np.random.default_rng(0))
        assert not masks[0, 0]
        assert masks[0, -1]
        assert masks.any(axis=1).all()
        assert not masks.all(axis=1).any()

    def test_p_counts_itself_and_ties(self):
        assert permutation_p(np.array([2.0, 1, 2, 3, 0])) == 0.6
        assert permutation_p(np.array([9.0, 1, 2, 3, 0])) == 0.2


class TestDrift:
    def test_without_drift_p_values_are_honest(self):
        soft = np.random.default_rng(0).dirichlet(np.ones(3), size=9600)
        answer = drift(**{**log(400, 24, later=0.5), "membership": soft}, config=FEW)
        assert 0.025 < (answer.p_value <= 0.05).mean() < 0.075  # 400 users: .05 +- .022
        assert abs(answer.excess.mean()) < 3 * answer.excess.std() / 20
        assert (answer.q_value < 0.05).sum() == 0

    def test_a_switch_is_found(self):
        answer = drift(**log(50, 40, later=0.95), config=DriftConfig(sitting_hours=0))
        assert (answer.q_value <= 0.05).mean() > 0.75
        assert answer.excess.mean() == pytest.approx(0.13, abs=0.03)  # the divergence of (.5, .5) from (.05, .95)

    def test_slow_topics_inside_sittings_are_no_drift(self):
        """Each sitting of 5 events keeps one topic: tie groups are not exchangeable then, sittings are."""
        rng = np.random.default_rng(1)
        topic = rng.integers(0, 2, size=(300, 8)).repeat(5, axis=1).ravel()
        when = (np.arange(8).repeat(5) * DAY + np.tile(np.arange(5), 8) * SECOND)[None].repeat(300, axis=0).ravel()
        events = {"offsets": np.arange(0, 12_001, 40), "membership": np.eye(2)[topic], "timestamps": when}
        sittings = drift(**events, config=DriftConfig(permutations=99)).p_value
        groups = drift(**events, config=FEW).p_value
        assert (sittings <= 0.05).mean() < 0.08
        assert (groups <= 0.05).mean() > 0.2

    def test_content_tells_what_coarse_topics_hide(self):
        """Tastes move inside the first of two topics: shares stay, the mean vector does not."""
        rng = np.random.default_rng(2)
        vectors = rng.normal(size=(200, 2, 5)).repeat(10, axis=1).reshape(4000, 5) + rng.normal(size=(4000, 5))
        events = {
            "offsets": np.arange(0, 4001, 20),
            "membership": np.eye(2)[rng.integers(0, 2, 4000)],
            "timestamps": np.arange(4000) * DAY,
        }
        content = (Spread.fit(np.arange(0, 4001, 10), vectors), vectors)
        assert (drift(**events, config=FEW).p_value <= 0.05).mean() < 0.1
        assert (drift(**events, content=content, config=FEW).p_value <= 0.05).mean() > 0.9

    def test_short_histories_cannot_tell(self):
        events = log(2, 7, later=1.0)
        answer = drift(**events, config=FEW)
        assert np.isnan(answer.p_value).all()
        assert np.isnan(answer.q_value).all()
        assert answer.sittings.tolist() == [7, 7]
        one_sitting = {**events, "timestamps": np.tile(np.arange(7), 2)}
        assert drift(**one_sitting).sittings.tolist() == [1, 1]

    def test_unknown_events_and_users_without_events_are_passed_over(self):
        events = log(1, 20, later=0.9)
        plain = drift(**events, config=FEW)
        membership = np.vstack([np.zeros((3, 2)), events["membership"]])
        when = np.append(np.arange(3), events["timestamps"] + DAY)
        more = drift(offsets=np.array([0, 0, 23]), membership=membership, timestamps=when, config=FEW)
        assert np.isnan(more.p_value[0])
        assert more.divergence[1] == pytest.approx(plain.divergence[0])

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 10_000))
    def test_the_order_inside_a_sitting_is_not_read(self, seed):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 4, size=10)
        sitting = np.repeat(np.arange(10), sizes)
        membership = rng.dirichlet(np.ones(3), size=len(sitting))
        shuffled = np.lexsort((rng.random(len(sitting)), sitting))
        one, other = (
            drift(offsets=np.array([0, len(sitting)]), membership=m, timestamps=sitting * DAY, config=FEW)
            for m in (membership, membership[shuffled])
        )
        np.testing.assert_allclose(fields(one), fields(other), atol=1e-9)

    def test_the_same_seed_gives_the_same_answer(self):
        events = log(5, 20, later=0.7)
        np.testing.assert_array_equal(fields(drift(**events, seed=3)), fields(drift(**events, seed=3)))

    @pytest.mark.parametrize("fault", [{"sitting_hours": -1}, {"least": 3}, {"most": 7}, {"permutations": 9}])
    def test_settings_are_checked(self, fault):
        with pytest.raises(InputError, match="no test"):
            DriftConfig(**fault)


def fields(answer: Drift) -> np.ndarray:
    return np.array([answer.divergence, answer.expected, answer.p_value, answer.q_value])
