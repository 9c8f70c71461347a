"""Names of topics: what a person would call them, in two languages, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.interests.names import name_clusters

OTHERS = [f"{thing} {k}" for k, thing in enumerate(("violin bow", "garden hose", "desk lamp", "tennis racket") * 5)]


def name_of(texts: list[str], others: list[str] = OTHERS) -> str:
    """The name of `texts`, beside a cluster of other things."""
    labels = np.repeat([0, 1], [len(texts), len(others)])
    return name_clusters([*texts, *others], labels, 2)[0]


def test_golden_score() -> None:
    # tea: in 3 of 3 texts here, 3 of 6 in all, always ends its phrase: 1 x log(2) x (.1 + 1) = .762
    # jasmine tea: 2 of 3 here, 2 of 6 in all, always at the end: .667 x log(2) x 1.1 = .508; jasmine ends none: .046
    # Most texts with tea have jasmine tea, so tea stands for it; jasmine shares a word, mountain is in one text.
    texts = ["mountain jasmine tea", "jasmine tea", "tea", "mug", "cup", "pot"]
    assert name_clusters(texts, np.arange(6) // 3, 2) == ("jasmine tea", "cup · mug · pot")


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (
            [f"{brand} running shoes, {k} pairs, red" for k, brand in enumerate(("Acme", "Bolt", "Cova") * 3)],
            "running shoes",
        ),
        ([f"{brand} espresso machine" for brand in ("Acme", "Bolt", "Cova") for _ in range(6)], "espresso machine"),
        (
            [f"{praise} wool socks (Pack of {k})" for k in range(3) for praise in ("Great", "Warm", "", "New")],
            "wool socks",
        ),
        (["tomato soup 12 oz", "chicken soup 8 ounce", "bean soup, 2 lb", "onion soup 3 kg"] * 2, "soup"),
        (["a movie", "two movies", "the movies", "old movie", "movies"], "movies"),
        (["我的健身教练 1", "请健身教练", "健身教练", "好的健身教练"] * 2, "健身教练"),
        (["今天的火锅#火锅 😀", "我喜欢火锅@小明", "火锅真的不错 666"] * 3, "火锅"),
    ],
)
def test_names_say_what_it_is(texts: list[str], name: str) -> None:
    assert name_of(texts) == name


def test_a_brand_of_several_words_is_left_out() -> None:
    kinds = ("kettle", "toaster", "whisk", "grater")
    texts = [f"Rachael Ray {kind} {k}" for k in range(3) for kind in kinds]
    assert set(name_of(texts).split(" · ")) <= set(kinds)


def test_labels_of_fields_and_markup_are_left_out() -> None:
    texts = [f"Author: {'abcdefgh'[k] * 3}. Tags: <b>pirates</b>, sea. See https://example.com/{k}" for k in range(8)]
    assert set(name_of(texts).split(" · ")) == {"pirates", "sea"}


def test_proper_names_in_prose_are_left_out() -> None:
    texts = [f"{start}, Marlow calls for a detective" for start in ("then", "by night", "again")] * 3
    assert name_of(texts).split(" · ")[0] == "detective"
    assert "marlow" not in name_of(texts)


def test_what_every_cluster_has_names_none() -> None:
    kinds = ("violin", "lamp", "tent", "soup")
    texts = [f"{kind} {k}, new store" for kind in kinds for k in range(10)]
    assert name_clusters(texts, np.repeat(np.arange(4), 10), 4) == kinds


def test_names_that_coincide_take_another_word_or_a_number() -> None:
    more = name_clusters(["tea", "tea", "tea", "tea mug"] * 4, np.arange(16) // 4 % 2, 2)
    assert len(set(more)) == 2
    assert name_clusters(["tea", "tea"], np.array([0, 1]), 2) == ("tea", "tea (2)")
    assert name_clusters(["", ""], np.array([0, 1]), 2) == ("topic 1", "topic 2")


def test_given_names_stay_and_are_not_given_twice() -> None:
    texts, labels = ["tea", "tea", "novel"], np.array([0, 1, 2])
    assert name_clusters(texts, labels, 3, given=("", "", "Books")) == ("tea", "tea (2)", "Books")
    assert name_clusters(texts, labels, 3, given=("", "tea", ""))[0] != "tea"


@given(
    st.lists(st.tuples(st.text(max_size=30), st.integers(0, 3)), max_size=15),
    st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=4, max_size=4),
)
def test_every_cluster_gets_a_name_of_its_own(rows: list[tuple[str, int]], kept: list[str]) -> None:
    kept = [name if name not in kept[:k] else "" for k, name in enumerate(kept)]
    labels = np.asarray([label for _, label in rows], dtype=int)
    names = name_clusters([text for text, _ in rows], labels, 4, given=kept)
    assert len(set(names)) == 4 and all(names)
    assert all(name == wish for name, wish in zip(names, kept, strict=True) if wish)
