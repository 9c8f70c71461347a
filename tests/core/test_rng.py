"""Randomness: one stream per seed and purpose, independent of the others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.rng import generator


@given(st.integers(0, 2**31), st.text(max_size=10))
def test_a_seed_and_a_purpose_make_one_stream(seed, purpose):
    one, other = generator(seed, purpose), generator(seed, purpose)
    assert np.array_equal(one.random(4), other.random(4))


@given(st.integers(0, 2**31), st.text(max_size=10), st.text(max_size=10))
def test_another_purpose_or_seed_is_another_stream(seed, purpose, other):
    drawn = generator(seed, purpose).random(4)
    assert not np.array_equal(drawn, generator(seed + 1, purpose).random(4))
    if purpose != other:
        assert not np.array_equal(drawn, generator(seed, other).random(4))


def test_streams_stay_what_they_were():
    # Saved results name their seed: a change here changes every one of them.
    assert generator(0, "split").integers(1000, size=3).tolist() == [530, 496, 833]
