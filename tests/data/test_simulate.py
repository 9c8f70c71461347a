"""Simulated logs contain what their truth says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import DAY, NEVER
from evorec.data.simulate import START, Cause, Simulation, SimulationConfig, chinese_demo, simulate
from evorec.data.simulate_titles import LANGUAGES, MOST_TOPICS, titles, topic_names
from evorec.language.words import is_chinese

PLAIN = SimulationConfig(users=1500, items=300, events_per_user=40, new_item_share=0)


@pytest.fixture(scope="module")
def plain() -> Simulation:
    return simulate(PLAIN, 1)


def rows_with_cause(s: Simulation, cause: Cause) -> np.ndarray:
    """Rows with this cause that have an event of the same user, at another time, right before them."""
    log = s.events
    alone = np.diff(log.tie_group, prepend=-1) * np.diff(log.tie_group, append=-1) != 0
    rows = np.flatnonzero((s.truth.cause == cause) & alone)
    rows = rows[rows > 0]
    followed: np.ndarray = rows[(log.user[rows] == log.user[rows - 1]) & alone[rows - 1]]
    return followed


def test_one_seed_gives_one_log() -> None:
    config = SimulationConfig(users=30, tie_share=0.3, repeat_share=0.1)
    first, again, other = simulate(config, 3), simulate(config, 3), simulate(config, 4)
    assert np.array_equal(first.events.item, again.events.item)
    assert np.array_equal(first.events.timestamp, again.events.timestamp)
    assert first.catalogue.title == again.catalogue.title
    assert not np.array_equal(first.events.timestamp[:20], other.events.timestamp[:20])


def test_sizes_and_causes_are_as_asked(plain: Simulation) -> None:
    n = len(plain.events)
    assert n / PLAIN.users == pytest.approx(PLAIN.events_per_user, rel=0.08)
    causes = np.bincount(plain.truth.cause, minlength=4) / n
    assert causes == pytest.approx([0.5, 0.3, 0.2, 0], abs=0.02)  # a first event has only preference to go by


def test_topic_transitions_are_those_planted(plain: Simulation) -> None:
    truth, rows = plain.truth, rows_with_cause(plain, Cause.TRANSITION)
    topic = truth.item_topic[plain.events.item]
    counts = np.zeros_like(truth.transition)
    np.add.at(counts, (topic[rows], topic[rows - 1]), 1)
    assert np.allclose(truth.transition.sum(axis=0), 1)
    assert np.abs(counts / counts.sum(axis=0) - truth.transition).max() < 0.04


def test_a_transition_leads_to_the_planted_successor(plain: Simulation) -> None:
    item, rows = plain.events.item, rows_with_cause(plain, Cause.TRANSITION)
    planted = plain.truth.successor[item[rows - 1], plain.truth.item_topic[item[rows]]]
    assert np.array_equal(item[rows], planted)


def test_preference_draws_follow_each_users_preference(plain: Simulation) -> None:
    truth, log = plain.truth, plain.events
    drawn = truth.cause == Cause.PREFERENCE
    expected = truth.preference(log.user[drawn], log.timestamp[drawn])
    taken = truth.membership[log.item[drawn]]
    assert np.allclose(expected.sum(axis=1), 1)
    # Calibration: among draws with a preference of about p for the topic, about a share p took it.
    for low, high in ((0.02, 0.05), (0.05, 0.15), (0.15, 0.4), (0.6, 0.7), (0.7, 1.0)):
        near = (expected >= low) & (expected < high)
        assert taken[near].mean() == pytest.approx(expected[near].mean(), abs=0.02)


def test_change_points_show_in_the_log(plain: Simulation) -> None:
    truth, log = plain.truth, plain.events
    drifting = truth.change_time != NEVER
    assert drifting.sum() == round(PLAIN.drift_share * PLAIN.users)
    assert ((truth.change_from >= 0) == drifting).all() and (truth.change_from != truth.change_to)[drifting].all()
    assert np.array_equal(truth.before[~drifting], truth.after[~drifting])
    everyone = np.flatnonzero(drifting)
    assert np.array_equal(
        truth.before[everyone, truth.change_from[everyone]], truth.after[everyone, truth.change_to[everyone]]
    )

    rows = drifting[log.user]
    late = log.timestamp[rows] >= truth.change_time[log.user[rows]]
    topic = truth.item_topic[log.item[rows]]
    left, joined = topic == truth.change_from[log.user[rows]], topic == truth.change_to[log.user[rows]]
    assert left[~late].mean() > 2 * left[late].mean()
    assert joined[late].mean() > 2 * joined[~late].mean()


def test_habit_has_the_planted_half_life() -> None:
    s = simulate(replace(PLAIN, users=400, habit_strength=0.7, transition_strength=0.0, half_life_days=20), 2)
    log, taken = s.events, s.truth.membership[s.events.item]

    def log_likelihood(half_life_days: float) -> float:
        total, memory = 0.0, np.zeros(taken.shape[1])
        for row in range(1, len(log)):
            if log.user[row] != log.user[row - 1]:
                memory[:] = 0
                continue
            elapsed = (log.timestamp[row] - log.timestamp[row - 1]) / DAY
            memory = (memory + taken[row - 1]) * 2 ** (-elapsed / half_life_days)
            if s.truth.cause[row] == Cause.HABIT:
                total += np.log(max(1e-12, memory @ taken[row] / memory.sum()))
        return total

    grid = (5, 10, 20, 40, 80)
    assert max(grid, key=log_likelihood) == s.truth.half_life_days


def test_popularity_and_its_trend_show_in_the_log(plain: Simulation) -> None:
    truth, log = plain.truth, plain.events
    by_shelf = np.isin(truth.cause, (Cause.PREFERENCE, Cause.HABIT))
    item, time = log.item[by_shelf], log.timestamp[by_shelf]
    count = np.bincount(item, minlength=PLAIN.items)
    assert np.corrcoef(np.log(count + 1), np.log(truth.popularity))[0, 1] > 0.8
    middle = np.median(time)
    early, late = (np.bincount(item[part], minlength=PLAIN.items) for part in (time < middle, time >= middle))
    frequent = count > 100
    assert np.corrcoef(np.log((late + 1) / (early + 1))[frequent], truth.trend[frequent])[0, 1] > 0.7


def test_new_items_arrive_during_the_log() -> None:
    s = simulate(SimulationConfig(new_item_share=0.25, whole_days=True), 1)
    new = s.truth.available_from > START
    assert new.sum() == 0.25 * 400
    assert np.array_equal(s.catalogue.available_from, s.truth.available_from)
    assert (s.events.timestamp >= s.truth.available_from[s.events.item]).all()
    assert new[s.events.item].mean() > 0.05


def test_ties() -> None:
    def tied(s: Simulation) -> float:
        return float((np.diff(s.events.tie_group) == 0).mean())

    config = SimulationConfig(tie_share=0.4)
    assert tied(simulate(config, 1)) == pytest.approx(0.4, abs=0.03)
    assert tied(simulate(replace(config, tie_share=0), 1)) < 0.001
    days = simulate(replace(config, whole_days=True), 1)
    assert tied(days) > 0.4
    assert not (days.events.timestamp % DAY).any()


def test_a_repeat_takes_an_earlier_item_of_the_user() -> None:
    s = simulate(SimulationConfig(repeat_share=0.3), 1)
    assert (s.truth.cause == Cause.REPEAT).mean() == pytest.approx(0.3, abs=0.02)
    rows = rows_with_cause(s, Cause.REPEAT)
    start = s.events.offsets[s.events.user[rows]]
    assert all(s.events.item[row] in s.events.item[first:row] for row, first in zip(rows, start, strict=True))


def test_shared_interests_join_two_domains() -> None:
    config = SimulationConfig(domains=2, topics=6, drift_share=0.5)
    s = simulate(config, 1)
    pairs = s.truth.counterpart
    assert pairs is not None and sorted(pairs) == list(range(6, 12))
    for side in (s.truth.before, s.truth.after):
        assert np.array_equal(pairs[side[:, :6].argmax(axis=1)], 6 + side[:, 6:].argmax(axis=1))
    assert set(s.catalogue.domain) == {"leisure", "living"}
    assert np.array_equal(np.array(s.catalogue.domain) == "living", s.truth.item_topic >= 6)

    # Visible in the log: with a leading topic in the first domain comes its counterpart in the second.
    log, k = s.events, 6
    counts = np.zeros((config.users, 2 * k))
    np.add.at(counts, (log.user, s.truth.item_topic[log.item]), 1)
    both = (counts[:, :k].sum(axis=1) >= 10) & (counts[:, k:].sum(axis=1) >= 10)
    match = pairs[counts[both, :k].argmax(axis=1)] == k + counts[both, k:].argmax(axis=1)
    assert match.mean() > 0.5


def test_two_domains_may_have_nothing_in_common() -> None:
    s = simulate(SimulationConfig(domains=2, shared_interests=False, users=2000), 1)
    assert s.truth.counterpart is None
    assert not s.truth.transition[8:, :8].any() and not s.truth.transition[:8, 8:].any()
    first, second = s.truth.before[:, :8].argmax(axis=1), s.truth.before[:, 8:].argmax(axis=1)
    table = np.histogram2d(first, second, bins=8)[0] / 2000
    assert np.abs(table - table.sum(axis=1)[:, None] * table.sum(axis=0)).max() < 0.01


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_tell_the_topic(language: str) -> None:
    names = topic_names(language, MOST_TOPICS, 1)
    item_topic = np.repeat(np.arange(MOST_TOPICS, dtype=np.int32), 40)
    made = titles(language, names, item_topic, np.random.default_rng(0))
    assert len(set(made)) == len(made)
    assert all(title.endswith(f" {names[topic]}") for title, topic in zip(made, item_topic, strict=True))
    assert all(is_chinese(title) == (language == "zh") for title in made)


def test_every_language_has_as_many_topics() -> None:
    for language in LANGUAGES:
        assert len(set(topic_names(language, MOST_TOPICS, 1))) == MOST_TOPICS


def test_chinese_demo_is_small_and_drifts() -> None:
    s = chinese_demo()
    assert (len(s.catalogue), len(s.events.users)) == (240, 300)
    assert all(map(is_chinese, s.catalogue.title))
    assert len(set(s.catalogue.title)) == 240
    assert (s.truth.change_time < NEVER).sum() == 120
    assert s.dataset.events is s.events and s.dataset.catalogue is s.catalogue


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        SimulationConfig,
        users=st.integers(1, 12),
        items=st.integers(32, 60),
        topics=st.integers(2, 8),
        events_per_user=st.floats(1, 8),
        days=st.integers(2, 4000),
        half_life_days=st.floats(0.001, 1000),
        transition_strength=st.floats(0, 0.4),
        habit_strength=st.floats(0, 0.4),
        repeat_share=st.floats(0, 0.2),
        drift_share=st.floats(0, 1),
        new_item_share=st.floats(0, 1),
        tie_share=st.floats(0, 1),
        whole_days=st.booleans(),
        domains=st.sampled_from([1, 2]),
        shared_interests=st.booleans(),
        language=st.sampled_from(["en", "zh"]),
    ),
    st.integers(0, 5),
)
def test_any_configuration_gives_a_log_that_its_truth_describes(config: SimulationConfig, seed: int) -> None:
    s = simulate(config, seed)
    log = s.events
    assert len(s.truth.cause) == len(log) >= config.users
    assert (log.timestamp >= s.truth.available_from[log.item]).all()
    assert log.timestamp.min() >= START and log.timestamp.max() < START + config.days * DAY
    assert s.dataset.items == log.items
    assert np.array_equal(np.lexsort((log.item, log.timestamp, log.user)), np.arange(len(log)))
    categories = [s.truth.topic_names[topic] for topic in s.truth.item_topic]
    assert [c[0] for c in s.catalogue.categories] == categories


@pytest.mark.parametrize(
    "wrong",
    [
        {"drift_share": 1.1},
        {"tie_share": -0.1},
        {"transition_strength": 0.6, "habit_strength": 0.6},
        {"language": "fr"},
        {"domains": 3},
        {"topics": 1},
        {"topics": 9, "domains": 2},
        {"items": 7},
        {"users": 0},
        {"half_life_days": 0},
    ],
)
def test_a_configuration_that_cannot_be_simulated_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        SimulationConfig(**wrong)  # type: ignore[arg-type]
    assert caught.value.mend
