"""Windows: where they close, what they hold, and that no order inside a tie group is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.interests.windows import windows

SIZES = st.integers(1, 5)


@st.composite
def logs(draw):
    """Ragged events of a few users over three topics, with ties and events of unknown content."""
    lengths = draw(st.lists(st.integers(0, 12), min_size=1, max_size=4))
    total = sum(lengths)
    times = [sorted(draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))) for n in lengths]
    topics = draw(st.lists(st.integers(-1, 2), min_size=total, max_size=total))
    membership = np.vstack((np.eye(3, dtype=np.float32), np.zeros((1, 3), dtype=np.float32)))[
        np.array(topics, dtype=int)
    ]
    flat = np.array([t for row in times for t in row], dtype=np.int64)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return {"offsets": offsets, "membership": membership, "timestamps": flat}


def by_hand(log, size):
    """Windows one event after another, as (user, counts)."""
    out = []
    for user, (low, high) in enumerate(zip(log["offsets"][:-1], log["offsets"][1:], strict=True)):
        held = []
        rows = [r for r in range(low, high) if log["membership"][r].any()]
        for k, row in enumerate(rows):
            held.append(row)
            closes = k + 1 == len(rows) or log["timestamps"][rows[k + 1]] != log["timestamps"][row]
            if len(held) >= size and closes:
                out.append((user, log["membership"][held].sum(axis=0).tolist()))
                held = []
    return out


class TestCut:
    @given(logs(), SIZES)
    def test_equals_the_cut_by_hand(self, log, size):
        cut = windows(**log, size=size)
        assert list(zip(cut.owner.tolist(), cut.counts.tolist(), strict=True)) == by_hand(log, size)
        assert cut.offsets[-1] == len(cut)

    @given(logs(), SIZES)
    def test_backwards_keeps_every_known_event(self, log, size):
        cut = windows(**log, size=size, keep_oldest=True)
        assert cut.events.sum() == log["membership"].any(axis=1).sum()
        inner = np.setdiff1d(np.arange(len(cut)), cut.offsets[:-1])  # all but the oldest of each user
        assert (cut.events[inner] >= size).all()
        same_user = cut.owner[1:] == cut.owner[:-1]
        assert (cut.end[:-1] < cut.start[1:])[same_user].all()

    def test_backwards_is_forwards_on_a_mirror(self):
        log = {"offsets": np.array([0, 5]), "membership": np.eye(5, dtype=np.float32), "timestamps": np.arange(5)}
        assert windows(**log, size=2).counts.sum(axis=0).tolist() == [1, 1, 1, 1, 0]
        kept = windows(**log, size=2, keep_oldest=True)
        assert kept.events.tolist() == [1, 2, 2]
        assert kept.newest.tolist() == [2]

    @pytest.mark.parametrize("keep_oldest", [False, True])
    def test_nothing_gives_nothing(self, keep_oldest):
        none = np.zeros(0, dtype=np.int64)
        cut = windows(
            offsets=np.array([0, 0]),
            membership=np.zeros((0, 2), dtype=np.float32),
            timestamps=none,
            size=3,
            keep_oldest=keep_oldest,
        )
        assert len(cut) == 0
        assert cut.decayed(2.0).shape == (0, 2)
        assert cut.followed(1).tolist() == []

    def test_faults_are_named(self):
        log = {"offsets": np.array([0, 1]), "membership": np.ones((1, 1), np.float32), "timestamps": np.zeros(1, int)}
        with pytest.raises(InputError, match="holds nothing"):
            windows(**log, size=0)
        with pytest.raises(InputError, match="differ in length"):
            windows(**(log | {"offsets": np.array([0, 2])}), size=1)
        with pytest.raises(InputError, match="not ahead"):
            windows(**log, size=1).followed(0)
        with pytest.raises(InputError, match="half-life"):
            windows(**log, size=1).decayed(-1)


class TestDecayed:
    @given(logs(), SIZES, st.floats(0.5, 20))
    def test_equals_the_sum_over_all_events_so_far(self, log, size, half_life):
        cut = windows(**log, size=size)
        found = cut.decayed(half_life)
        for row, user in enumerate(cut.owner):
            held = np.arange(cut.bounds[cut.offsets[user]], cut.bounds[row + 1])
            window = np.searchsorted(cut.bounds, held, side="right") - 1
            newer = cut.bounds[row + 1] - cut.bounds[window + 1]
            weight = 0.5 ** ((cut.age[held] + newer) / half_life)
            np.testing.assert_allclose(found[row], weight @ cut.content[held], rtol=1e-5, atol=1e-6)

    def test_the_ends_of_memory(self):
        log = {"offsets": np.array([0, 3]), "membership": np.eye(3, dtype=np.float32), "timestamps": np.arange(3)}
        cut = windows(**log, size=1)
        assert cut.decayed(0).tolist() == np.eye(3).tolist()
        assert cut.decayed(np.inf).tolist() == np.tri(3).tolist()

    @given(logs(), SIZES, st.randoms())
    def test_the_order_inside_a_tie_group_does_not_matter(self, log, size, random):
        mixed = list(range(len(log["timestamps"])))
        random.shuffle(mixed)
        owner = np.repeat(np.arange(len(log["offsets"]) - 1), np.diff(log["offsets"]))
        order = np.array(sorted(mixed, key=lambda r: (owner[r], log["timestamps"][r])), dtype=np.int64)
        one, other = windows(**log, size=size), windows(**(log | {"membership": log["membership"][order]}), size=size)
        np.testing.assert_allclose(one.decayed(2.0), other.decayed(2.0), atol=1e-5)


def test_followed_pairs_lie_inside_a_user():
    log = {"offsets": np.array([0, 3, 5]), "membership": np.ones((5, 1), np.float32), "timestamps": np.arange(5)}
    cut = windows(**log, size=1)
    assert cut.followed(1).tolist() == [0, 1, 3]
    assert cut.followed(2).tolist() == [0]
    assert cut.followed(1, np.array([1])).tolist() == [3]
