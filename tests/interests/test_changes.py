"""Change points: the search is exact, planted turns are found, shuffled histories have none; and population drift."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import DAY, SECOND
from evorec.interests.changes import ChangeConfig, _search, change_points, population_drift
from evorec.interests.drift import Spread

GROUPS = ChangeConfig(sitting_hours=0)
QUICK = ChangeConfig(sitting_hours=0, permutations=59)


def stretches(seed: int, *lengths: int) -> np.ndarray:
    """Noisy soft memberships in 4 topics, another favourite in every stretch."""
    rng = np.random.default_rng(seed)
    favourite = np.repeat(np.arange(len(lengths)) % 4, lengths)
    return 0.5 * np.eye(4)[favourite] + 0.5 * rng.dirichlet(np.ones(4), size=len(favourite))


def best_by_hand(table: np.ndarray, penalty: float, least: int) -> tuple[float, list[int]]:
    """Optimal partitioning in plain loops (Jackson and others 2005)."""
    units = len(table) - 1
    best: list[tuple[float, list[int]]] = [(0.0, [])] + [(-np.inf, [])] * units
    for stop in range(least, units + 1):
        options = [
            (
                best[start][0] + table[start, stop] - (penalty if start else 0),
                [*best[start][1], *([start] * (start > 0))],
            )
            for start in range(stop - least + 1)
            if np.isfinite(best[start][0])
        ]
        best[stop] = max(options)
    return best[units]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 4), st.integers(1, 3))
def test_the_search_is_exact_even_where_a_cut_can_lose(seed, penalty, least):
    table = np.triu(np.random.default_rng(seed).normal(0, 2, size=(11, 11)), k=1)
    cuts = _search(table, penalty, least)
    bounds = [0, *cuts, 10]
    found = sum(table[a, b] for a, b in itertools.pairwise(bounds)) - penalty * len(cuts)
    assert found == pytest.approx(best_by_hand(table, penalty, least)[0])


class TestChangePoints:
    def test_planted_turns_are_found(self):
        """Within 2 events, in 9 of 10 users."""
        near = 0
        for seed in range(20):
            found = change_points(stretches(seed, 25, 25, 25), np.arange(75) * DAY, config=QUICK)
            days = [c.moment // DAY for c in found]
            near += len(days) == 2 and abs(days[0] - 25) <= 2 and abs(days[1] - 50) <= 2
        assert near >= 18

    def test_a_turn_says_what_moved_and_how_sure_it_is(self):
        (turn,) = change_points(stretches(0, 30, 30), np.arange(60) * DAY, config=GROUPS)
        assert turn.moved(1) == ([1], [0])
        assert turn.earliest <= turn.moment <= turn.latest
        assert 0 < turn.latest - turn.earliest <= 12 * DAY
        assert turn.p_value == pytest.approx(1 / 200)
        assert turn.strength > 5
        assert turn.after.sum() == pytest.approx(1)
        assert turn.after[1] - turn.before[1] == pytest.approx(0.5, abs=0.1)

    def test_shuffled_histories_have_none(self):
        """5% of users, as asked: at most 12 of 120 (99.5% of draws)."""
        rng = np.random.default_rng(3)
        called = [
            bool(change_points(rng.permutation(stretches(k, 15, 15, 10)), np.arange(40) * DAY, config=QUICK, seed=k))
            for k in range(120)
        ]
        assert sum(called) <= 12

    def test_turns_lie_between_tie_groups_and_sittings(self):
        membership = stretches(1, 30, 30)
        for config, unit in ((GROUPS, 1), (ChangeConfig(), 3600)):
            when = np.arange(60) // 4 * DAY + np.arange(60) % 4 * unit // 3600 * SECOND
            starts = set((np.arange(15) * DAY).tolist())
            found = change_points(membership, when, config=config)
            assert found
            assert all(c.moment in starts for c in found)

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 1000))
    def test_the_order_inside_a_tie_group_is_not_read(self, seed):
        rng = np.random.default_rng(seed)
        step = np.sort(rng.integers(0, 20, size=50))
        membership = stretches(seed, 25, 25)
        order = np.lexsort((rng.random(50), step))
        one, other = (change_points(m, step, config=QUICK) for m in (membership, membership[order]))
        assert [c.moment for c in one] == [c.moment for c in other]

    def test_long_histories_are_merged_and_short_ones_left_alone(self):
        (turn,) = change_points(stretches(2, 2000, 2000), np.arange(4000) * DAY, config=QUICK)
        assert abs(turn.moment // DAY - 2000) <= 40
        assert change_points(stretches(2, 3), np.arange(3), config=GROUPS) == []
        assert change_points(np.zeros((9, 4)), np.arange(9), config=GROUPS) == []

    def test_content_tells_what_topics_hide(self):
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(100, 5)).repeat(20, axis=0) + rng.normal(size=(2000, 5))
        spread = Spread.fit(np.arange(0, 2001, 20), vectors)
        one_topic, when = np.ones((40, 1)), np.arange(40) * DAY
        found = [
            change_points(one_topic, when, content=(spread, vectors[k : k + 40]), config=QUICK)
            for k in range(0, 1000, 40)
        ]
        hits = [any(abs(c.moment // DAY - 20) <= 2 for c in turns) for turns in found]
        assert np.mean(hits) > 0.8
        assert change_points(one_topic, when, config=QUICK) == []

    @pytest.mark.parametrize("fault", [{"least": 0}, {"most": 7}, {"level": 0.0}, {"permutations": 9}])
    def test_settings_are_checked(self, fault):
        with pytest.raises(InputError, match="no change"):
            ChangeConfig(**fault)


def rising(seed: int = 0, later: float = 0.5, users: int = 300) -> dict:
    """Ten events of each user in 100 days; from day 60 on item 2, alone in topic 1, has share `later` instead of .2."""
    rng = np.random.default_rng(seed)
    when = np.sort(rng.integers(0, 100, size=(users, 10)), axis=1).ravel()
    item = np.where(rng.random(users * 10) < np.where(when < 60, 0.2, later), 2, rng.integers(0, 2, users * 10))
    return {
        "offsets": np.arange(0, users * 10 + 1, 10),
        "item": item,
        "membership": np.eye(3)[[0, 2, 1]][item],
        "timestamps": when * DAY,
        "edges": np.arange(0, 101, 10) * DAY,
    }


class TestPopulation:
    def test_what_rose_since_when_and_by_which_item(self):
        moved = population_drift(**rising(), split=60 * DAY)
        assert moved.change[1] == pytest.approx(0.3, abs=0.05)
        assert moved.low[1] < 0.3 < moved.high[1]
        assert (moved.q_value <= 0.05).tolist() == [True, True, True]
        assert moved.since[1] == 60 * DAY
        assert moved.carriers[1][0] == (2, pytest.approx(moved.change[1]))

    def test_parts_of_the_items_add_up_to_the_change(self):
        moved = population_drift(**rising())
        for carried, change in zip(moved.carriers, moved.change, strict=True):
            assert sum(part for _, part in carried) == pytest.approx(change)
        assert moved.change.sum() == pytest.approx(0)
        np.testing.assert_allclose(moved.shares.sum(axis=1), 1)

    def test_intervals_hold_and_nothing_is_found_where_nothing_moves(self):
        quiet = [population_drift(**rising(seed, later=0.2, users=60), split=50 * DAY) for seed in range(40)]
        held = np.mean([(m.low <= 0) & (m.high >= 0) for m in quiet])
        assert held > 0.88  # of 95%
        assert np.mean([(m.q_value <= 0.05).any() for m in quiet]) <= 0.15  # 5% asked, 40 draws

    def test_empty_periods_and_unknown_topics_are_left_out(self):
        events = rising()
        events["edges"] = np.append(events["edges"], 120 * DAY)
        events["membership"] = np.where((np.arange(3000) % 7 == 0)[:, None], 0, events["membership"])
        moved = population_drift(**events)
        assert np.isnan(moved.shares[-1]).all()
        np.testing.assert_allclose(moved.shares[:-1].sum(axis=1), 1)
        assert moved.since[1] == 60 * DAY

    def test_one_period_with_events_starts_where_it_starts(self):
        events = {**rising(), "edges": np.array([-3, -2, -1, 0, 200]) * DAY}
        assert population_drift(**events, split=60 * DAY).since.tolist() == [0, 0, 0]

    def test_faults_are_named(self):
        events = rising()
        with pytest.raises(InputError, match="one side"):
            population_drift(**events, split=200 * DAY)
        with pytest.raises(InputError, match="periods"):
            population_drift(**{**events, "edges": np.array([0, DAY])})
