"""Topics at their bounds: roots and lone categories, lengths, single characters, and a round trip through a file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.artifact import Reader, write_arrays, writing
from evorec.core.errors import InputError
from evorec.interests.topics import (
    Topics,
    match_topics,
    spherical_clusters,
    topics_from_categories,
    topics_from_embeddings,
)

WORDS = ("tent", "novel", "piano", "soup", "茶具", "电影")


def planted(seed: int = 0, each: int = 30) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Unit embeddings around one axis per word, the truth, and texts that hold the word."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(WORDS)), each)
    x = np.eye(len(WORDS))[truth] + rng.normal(0, 0.15, (len(truth), len(WORDS)))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float32), truth, [f"a {WORDS[t]} {k} x" for k, t in enumerate(truth)]


def test_roots_of_a_catalogue_are_left_out() -> None:
    items = [("Shop", "Beauty", "Skin"), ("Shop", "Beauty", "Hair"), ("Shop", "Beauty", "Nails")]
    assert topics_from_categories(items, np.array([3, 2, 1])).names == ("Skin", "Hair", "Nails")


def test_a_category_that_most_events_have_and_nothing_else_is_kept() -> None:
    topics = topics_from_categories([("Books",)] * 7 + [("Films",)] * 3, np.ones(10, dtype=int))
    assert topics.names == ("Books", "Films")
    assert (topics.membership.sum(axis=1) == 1).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.lists(st.sampled_from("abcdef"), max_size=4), st.integers(0, 5)), min_size=1, max_size=20))
def test_rows_sum_to_one_or_zero_whatever_the_categories(rows: list[tuple[list[str], int]]) -> None:
    categories, counts = [tuple(held) for held, _ in rows], np.array([n for _, n in rows])
    topics = topics_from_categories(categories, counts)
    total = topics.membership.sum(axis=1)
    assert np.all(np.isclose(total, 1) | (total == 0))
    known = [bool(held) and n > 0 for held, n in zip(categories, counts, strict=True)]
    assert not any(known) or topics.names  # something is kept where anything is known


def test_length_of_an_embedding_does_not_matter_and_zero_rows_are_unknown() -> None:
    x, _, texts = planted()
    longer = x * np.random.default_rng(1).uniform(0.1, 9, (len(x), 1)).astype(np.float32)
    longer[0] = 0
    counts = np.ones(len(x))
    counts[0] = 0
    a, b = (topics_from_embeddings(e, counts, texts, seed=0, number=6) for e in (x, longer))
    assert a.names == b.names
    np.testing.assert_allclose(a.membership[1:], b.membership[1:], atol=1e-4)
    assert not b.membership[0].any()


def test_a_topic_is_renamed_to_a_name_of_its_own() -> None:
    topics = Topics(names=("tea", "novel"), membership=np.eye(2), centres=np.eye(2))
    assert topics.renamed({"tea": "novel", "novel": "茶"}).names == ("novel", "茶")
    for names in ({"soup": "x"}, {"tea": "novel"}, {"tea": " "}):
        with pytest.raises(InputError):
            topics.renamed(names)
    with pytest.raises(InputError, match="categories"):
        topics_from_categories([("a",)], np.ones(1)).renamed({"a": "b"})


def test_previous_topics_are_of_the_same_items() -> None:
    x, _, texts = planted()
    first = topics_from_embeddings(x, np.ones(len(x)), texts, seed=0, number=6)
    with pytest.raises(InputError, match="previous topics hold"):
        topics_from_embeddings(x[:-1], np.ones(len(x) - 1), texts[:-1], seed=0, previous=first)
    empty = first.aligned(np.full(len(x), -1))
    assert len(topics_from_embeddings(x, np.ones(len(x)), texts, seed=0, previous=empty).names) == 6
    nothing = topics_from_embeddings(x * 0, np.ones(len(x)), texts, seed=0)
    assert len(topics_from_embeddings(x, np.ones(len(x)), texts, seed=0, number=6, previous=nothing).names) == 6


@pytest.mark.parametrize("number", [0, -1, 65])
def test_a_number_of_topics_lies_within_the_limit(number: int) -> None:
    x, _, texts = planted()
    with pytest.raises(InputError, match="topics are asked for"):
        topics_from_embeddings(x, np.ones(len(x)), texts, seed=0, number=number)


def test_centres_of_two_embeddings_do_not_match() -> None:
    with pytest.raises(InputError, match="dimensions"):
        match_topics(np.eye(2), np.eye(3))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 9))
def test_clusters_are_a_fixed_point(number: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    centres, labels = spherical_clusters(x, np.ones(rows, np.float32), number, rng)
    assert 1 <= len(centres) <= min(number, rows)
    assert set(labels.tolist()) == set(range(len(centres)))
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    cosine = x @ centres.T
    np.testing.assert_allclose(cosine[np.arange(rows), labels], cosine.max(axis=1), atol=1e-5)


@pytest.mark.parametrize("given_categories", [True, False])
def test_saved_topics_place_new_items_alike(tmp_path: Path, given_categories: bool) -> None:
    x, truth, texts = planted()
    categories = [(WORDS[t],) for t in truth]
    topics = (
        topics_from_categories(categories, np.ones(len(x)))
        if given_categories
        else topics_from_embeddings(x, np.ones(len(x)), texts, seed=0, number=6)
    )
    with writing(tmp_path / "saved", kind="topics") as draft:
        write_arrays(draft / "topics.safetensors", topics.arrays())
    arrays = Reader(tmp_path / "saved", kind="topics").arrays("topics.safetensors")
    loaded = Topics.from_arrays(topics.names, topics.membership, arrays)
    new = loaded.assign(categories=[*categories[:3], ("unheard of",)], embedding=np.vstack([x[:3], x[:1] * 0]))
    np.testing.assert_allclose(new[:3], topics.membership[:3], atol=1e-6)
    assert not new[3].any()
