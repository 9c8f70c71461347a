"""Vocabulary: codes and ids name the same things, whatever order they came in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.ids import UNKNOWN, Vocabulary

ids = st.lists(st.text(min_size=1, max_size=6), max_size=20)


@given(ids)
def test_encode_and_decode_are_inverse(names):
    vocabulary = Vocabulary.of(names)
    assert vocabulary.decode(vocabulary.encode(names)) == names
    assert vocabulary.encode(vocabulary).tolist() == list(range(len(vocabulary)))


@given(ids, st.randoms(use_true_random=False))
def test_the_same_set_gives_the_same_codes(names, random):
    shuffled = names * 2
    random.shuffle(shuffled)
    assert Vocabulary.of(shuffled) == Vocabulary.of(names)
    assert hash(Vocabulary.of(shuffled)) == hash(Vocabulary.of(names))


def test_unknown_ids_are_minus_one():
    vocabulary = Vocabulary.of(["茶", "tea"])
    assert vocabulary.encode(["coffee", "茶"]).tolist() == [UNKNOWN, vocabulary.code("茶")]
    assert vocabulary.code("coffee") == UNKNOWN
    assert "茶" in vocabulary
    assert "coffee" not in vocabulary


def test_an_id_held_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        Vocabulary(("a", "b", "a"))


def test_different_order_is_a_different_vocabulary():
    assert Vocabulary(("a", "b")) != Vocabulary(("b", "a"))
    assert Vocabulary(("a",)) != ("a",)
