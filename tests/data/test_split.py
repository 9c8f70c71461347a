"""Splits: the cut in time, rolling cuts, seeded random splits."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.data.split import Split, random_split, rolling_splits, split_by_time, time_cut


def log_at(timestamps):
    return Events.create(user_ids=["u"] * len(timestamps), item_ids=["i"] * len(timestamps), timestamps=timestamps)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_the_cut_is_the_timestamp_at_its_rank(timestamps, fraction):
    assert time_cut(log_at(timestamps), fraction) == sorted(timestamps)[math.floor(fraction * (len(timestamps) - 1))]


def test_events_at_the_cut_are_test_events():
    split = split_by_time(Dataset.create(log_at([1, 2, 2, 3])), 2)
    assert split.train.events.timestamp.tolist() == [1]
    assert split.test.events.timestamp.tolist() == [2, 2, 3]


@pytest.mark.parametrize("cut", [1, 4])
def test_a_cut_that_empties_a_side_is_refused(cut):
    with pytest.raises(InputError, match="no event on one of its sides"):
        Split(dataset=Dataset.create(log_at([1, 2, 3])), cut=cut)


def test_an_empty_log_and_an_empty_part_are_refused():
    with pytest.raises(InputError, match="empty"):
        time_cut(log_at([]))
    with pytest.raises(InputError, match="leaves one part empty"):
        time_cut(log_at([1, 2]), 1.0)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=80), st.integers(1, 4))
def test_rolling_splits_tile_the_end_of_the_log_without_overlap(timestamps, count):
    dataset = Dataset.create(log_at(timestamps))
    try:
        splits = rolling_splits(dataset, count)
    except InputError:
        assert time_cut(dataset.events, 0.9) == min(timestamps)
        return
    assert 1 <= len(splits) <= count
    for earlier, later in itertools.pairwise(splits):
        assert len(earlier.train.events) + len(earlier.test.events) == len(later.train.events)
    assert len(splits[-1].dataset.events) == len(timestamps)


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="do not fit"):
        rolling_splits(Dataset.create(log_at([1, 2, 3])), 10, width=0.1)


@given(st.integers(0, 200), st.floats(0.05, 0.95), st.integers(0, 5))
def test_a_random_split_draws_its_share_and_repeats_itself(n, fraction, seed):
    drawn = random_split(n, fraction, seed=seed)
    assert drawn.shape == (n,)
    assert abs(drawn.sum() - fraction * n) < 1
    assert np.array_equal(drawn, random_split(n, fraction, seed=seed))


@given(st.lists(st.sampled_from(["音乐", "film", "food"]), min_size=1, max_size=120), st.floats(0.05, 0.95))
def test_every_stratum_gives_its_share(strata, fraction):
    drawn = random_split(len(strata), fraction, seed=3, strata=strata)
    for label in set(strata):
        inside = np.asarray(strata) == label
        assert abs(drawn[inside].sum() - fraction * inside.sum()) <= 1


def test_seeds_differ_and_lengths_must_match():
    assert not np.array_equal(random_split(100, 0.5, seed=1), random_split(100, 0.5, seed=2))
    with pytest.raises(InputError, match="2 strata for 3 rows"):
        random_split(3, 0.5, seed=0, strata=["a", "b"])
