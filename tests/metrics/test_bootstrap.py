"""The bootstrap over users: coverage, pairing, seeds, speed."""

import time

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.metrics.bootstrap import Interval, mean_interval, paired_difference, standard_error


def test_the_mean_is_the_plain_mean_over_queries():
    values, user = np.array([1.0, 0.0, 0.0, 0.5]), np.array([7, 7, 7, 3])
    assert mean_interval(values, user).mean == pytest.approx(0.375)
    assert mean_interval(values, user, weight=np.array([2.0, 0, 0, 2])).mean == pytest.approx(0.75)


def test_the_interval_agrees_with_the_normal_one_on_independent_users():
    values = np.random.default_rng(1).random(900)
    found = mean_interval(values, np.arange(900))
    half = 1.96 * values.std() / 30
    assert found.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_repeating_the_queries_of_a_user_does_not_narrow_the_interval():
    values, user = np.random.default_rng(2).random(200), np.arange(200)
    once, often = mean_interval(values, user), mean_interval(np.repeat(values, 9), np.repeat(user, 9))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_about_95_of_100_intervals_hold_the_truth():
    rng = np.random.default_rng(3)
    held = 0
    for seed in range(200):
        taste = rng.normal(0.4, 0.3, size=60)  # 60 users, 4 correlated queries each
        found = mean_interval(np.repeat(taste, 4) + rng.normal(0, 0.05, 240), np.repeat(np.arange(60), 4), seed=seed)
        held += found.low <= 0.4 <= found.high
    assert 180 <= held <= 198


def test_pairing_sees_a_small_steady_difference():
    b = np.random.default_rng(4).random(300)
    found = paired_difference(b + 0.01, b, np.arange(300))
    assert found.low == pytest.approx(0.01)
    assert found.high == pytest.approx(0.01)


def test_a_seed_fixes_the_interval():
    values = np.random.default_rng(5).random(50)
    assert mean_interval(values, np.arange(50), seed=1) == mean_interval(values, np.arange(50), seed=1)
    assert mean_interval(values, np.arange(50), seed=1) != mean_interval(values, np.arange(50), seed=2)


def test_nothing_to_measure_is_refused():
    with pytest.raises(InputError, match="at least one query"):
        mean_interval(np.zeros(0), np.zeros(0))


def test_an_interval_reads_well():
    assert str(Interval(mean=0.25, low=0.2, high=0.31)) == "0.2500 [0.2000, 0.3100]"


def test_six_thousand_users_take_about_a_second():
    values = np.random.default_rng(6).random(6000)
    started = time.process_time()
    mean_interval(values, np.arange(6000))
    assert time.process_time() - started < 5  # 0.3 s on a quiet core


def test_the_standard_error_is_the_usual_one_where_every_user_asks_once():
    values = np.random.default_rng(6).random(400)
    assert standard_error(values, np.arange(400)) == pytest.approx(values.std() / 20)


def test_asking_a_user_again_does_not_lower_the_standard_error():
    values, user = np.random.default_rng(7).random(200), np.arange(200)
    once = standard_error(values, user)
    assert standard_error(np.repeat(values, 9), np.repeat(user, 9)) == pytest.approx(once)
