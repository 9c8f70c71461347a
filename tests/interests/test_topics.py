"""Topics: given categories or clusters, with content vectors that sum to 1, in two languages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.data.simulate import chinese_demo
from evorec.interests.topics import (
    LIMIT,
    Topics,
    match_topics,
    soft_membership,
    stable_number,
    topics_from_categories,
    topics_from_embeddings,
)

CATEGORIES = st.lists(
    st.tuples(st.lists(st.sampled_from("abcde"), max_size=3).map(tuple), st.integers(0, 5)), max_size=12
)


def rows_sum_to_one_or_zero(membership):
    total = membership.sum(axis=1)
    return bool((np.isclose(total, 1, atol=1e-5) | (total == 0)).all())


class TestCategories:
    @given(CATEGORIES)
    def test_rows_are_shares(self, items):
        topics = topics_from_categories([held for held, _ in items], np.array([count for _, count in items]))
        assert topics.membership.shape == (len(items), len(topics.names))
        assert topics.membership.dtype == np.float32
        assert rows_sum_to_one_or_zero(topics.membership)
        assert topics.membership.sum() == 0 or set(topics.names) <= {name for held, _ in items for name in held}

    def test_a_category_named_twice_counts_once(self):
        topics = topics_from_categories([("a", "a", "b"), ("b",)], np.array([1, 1]))
        assert topics.membership.tolist() == [[0.5, 0.5], [0.0, 1.0]] or topics.names == ("a",)

    def test_what_nearly_everything_has_is_no_topic(self):
        topics = topics_from_categories([("商店", "茶"), ("商店", "书"), ("商店", "茶")], np.array([5, 5, 1]))
        assert topics.names == ("茶", "书")
        alone = topics_from_categories([("only",), ("only",)], np.array([1, 1]))
        assert alone.names == ("only",)

    def test_categories_without_events_are_no_topics(self):
        topics = topics_from_categories([("a",), ("b",)], np.array([3, 0]))
        assert topics.names == ("a",)
        assert topics.membership.tolist() == [[1.0], [0.0]]

    def test_the_most_used_are_kept(self):
        many = [(f"c{number:03d}",) for number in range(LIMIT + 9)]
        topics = topics_from_categories(many, np.arange(len(many)) + 1)
        assert len(topics.names) == LIMIT
        assert topics.names[0] == f"c{LIMIT + 8:03d}"

    def test_new_items_are_assigned_the_same_way(self):
        topics = topics_from_categories([("a",), ("b",), ("c",)], np.array([1, 2, 3]))
        new = topics.assign(categories=[("a", "c"), ("unheard",)], embedding=np.zeros((2, 0), dtype=np.float32))
        assert {name: float(share) for name, share in zip(topics.names, new[0], strict=True)} == {
            "a": 0.5,
            "b": 0.0,
            "c": 0.5,
        }
        assert not new[1].any()

    def test_planted_topics_are_the_categories(self):
        s = chinese_demo()
        topics = topics_from_categories(s.catalogue.categories, s.dataset.item_counts)
        order = [topics.names.index(name) for name in s.truth.topic_names]
        assert np.array_equal(topics.membership[:, order], s.truth.membership)


class TestEmbeddings:
    @staticmethod
    def planted(spread=0.15, seed=0):
        rng = np.random.default_rng(seed)
        label = np.arange(120) % 4
        embedding = np.eye(4, 8, dtype=np.float32)[label] + rng.normal(0, spread, (120, 8)).astype(np.float32)
        words = ("帐篷", "小说", "钢琴", "绿茶")
        return embedding, label, [f"{words[k]} {words[k]}" for k in label]

    def test_planted_clusters_are_found_and_named(self):
        embedding, label, texts = self.planted()
        topics = topics_from_embeddings(embedding, np.ones(120), texts, seed=0, number=4)
        assert sorted(topics.names) == sorted(["帐篷", "小说", "钢琴", "绿茶"])
        named = [topics.names[k] for k in topics.membership.argmax(axis=1)]
        assert np.mean([text.startswith(name) for text, name in zip(texts, named, strict=True)]) > 0.95
        assert rows_sum_to_one_or_zero(topics.membership)
        assert np.allclose(np.linalg.norm(topics.centres, axis=1), 1, atol=1e-5)
        assert len(set(label.tolist())) == len(topics.names)

    def test_the_same_seed_gives_the_same_topics(self):
        embedding, _, texts = self.planted()
        one, other = (topics_from_embeddings(embedding, np.ones(120), texts, seed=3) for _ in range(2))
        assert one.names == other.names
        assert np.array_equal(one.membership, other.membership)

    def test_they_are_fitted_on_items_with_events_only(self):
        embedding, label, texts = self.planted()
        counts = (label != 3).astype(int)
        topics = topics_from_embeddings(embedding, counts, texts, seed=0, number=3)
        assert "绿茶" not in topics.names

    def test_items_without_content_belong_nowhere(self):
        embedding, _, texts = self.planted()
        embedding[:5] = 0
        topics = topics_from_embeddings(embedding, np.ones(120), texts, seed=0, number=4)
        assert not topics.membership[:5].any()
        assert topics.membership[5:].any(axis=1).all()

    def test_no_content_at_all_gives_no_topics(self):
        topics = topics_from_embeddings(np.zeros((3, 2), dtype=np.float32), np.ones(3), ["", "", ""], seed=0)
        assert topics.names == ()
        assert topics.membership.shape == (3, 0)
        assert topics.assign(categories=[()], embedding=np.zeros((1, 2), dtype=np.float32)).shape == (1, 0)

    def test_fewer_items_than_clusters(self):
        same = np.ones((3, 2), dtype=np.float32)
        assert len(topics_from_embeddings(same, np.ones(3), ["tea"] * 3, seed=0, number=5).names) == 1

    def test_new_items_are_assigned_the_same_way(self):
        embedding, _, texts = self.planted()
        topics = topics_from_embeddings(embedding, np.ones(120), texts, seed=0)
        again = topics.assign(categories=[()] * 120, embedding=embedding)
        np.testing.assert_allclose(again, topics.membership, atol=1e-6)
        restored = Topics.from_arrays(topics.names, topics.membership, topics.arrays())
        assert np.array_equal(restored.centres, topics.centres)

    @pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
    def test_membership_looks_at_directions_alone(self, length):
        embedding, _, _ = self.planted()
        centres = np.eye(4, 8, dtype=np.float32)
        found = soft_membership(embedding * np.float32(length), centres)
        np.testing.assert_allclose(found, soft_membership(embedding, centres), atol=1e-4)

    def test_more_events_pull_a_centre(self):
        x = np.array([[1, 0], [0, 1]], dtype=np.float32)
        topics = topics_from_embeddings(x, np.array([9, 1]), ["a", "b"], seed=0, number=1)
        np.testing.assert_allclose(topics.centres, [[3 / np.sqrt(10), 1 / np.sqrt(10)]], atol=1e-6)  # square roots


class TestNumber:
    @pytest.mark.parametrize(("planted", "each", "noise"), [(4, 30, 0.15), (6, 40, 0.1), (12, 40, 0.1)])
    def test_planted_number_is_found(self, planted, each, noise):
        for seed in range(2):
            rng = np.random.default_rng(seed)
            x = np.repeat(np.eye(planted, 16), each, axis=0) + rng.normal(0, noise, (planted * each, 16))
            x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
            assert stable_number(x, np.ones(len(x), np.float32), rng) == planted

    def test_nothing_but_noise_is_few_topics(self):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(600, 32))
        x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
        assert stable_number(x, np.ones(600, np.float32), rng) <= 2


class TestPrevious:
    def test_topics_keep_their_place_and_name_through_a_turned_space(self):
        embedding, _, texts = TestEmbeddings.planted()
        rows = np.arange(90)
        first = topics_from_embeddings(embedding[:90], np.ones(90), texts[:90], seed=0, number=4)
        first = first.renamed({first.names[0]: "my own"})
        turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0].astype(np.float32)
        held = np.concatenate([rows, np.full(30, -1)])
        again = topics_from_embeddings(embedding @ turn, np.ones(120), texts, seed=5, previous=first.aligned(held))
        assert again.names == first.names
        assert np.array_equal(again.membership[:90].argmax(axis=1), first.membership.argmax(axis=1))

    def test_a_new_topic_comes_last_under_a_name_of_its_own(self):
        embedding, label, texts = TestEmbeddings.planted()
        first = topics_from_embeddings(embedding, (label != 3).astype(int), texts, seed=0, number=3)
        again = topics_from_embeddings(embedding, np.ones(120), texts, seed=0, number=4, previous=first)
        assert again.names == (*first.names, "绿茶")

    def test_a_new_topic_takes_the_place_of_one_that_vanished(self):
        embedding, label, texts = TestEmbeddings.planted(spread=0.05)
        first = topics_from_embeddings(embedding, (label != 3).astype(int), texts, seed=0, number=3)
        gone = first.names.index("小说")
        again = topics_from_embeddings(embedding, (label != 1).astype(int), texts, seed=0, previous=first)
        assert again.names == tuple("绿茶" if k == gone else name for k, name in enumerate(first.names))

    def test_categories_keep_their_places(self):
        first = topics_from_categories([("a",), ("b",), ("c",)], np.array([3, 2, 1]))
        again = topics_from_categories([("a",), ("d",), ("c",), ("e",)], np.array([1, 2, 3, 1]), previous=first)
        assert again.names == ("a", "d", "c", "e")
        assert again.membership.tolist() == np.eye(4)[[0, 1, 2, 3]].tolist()

    @given(st.permutations(range(6)), st.integers(0, 6))
    def test_matching_undoes_a_shuffle(self, order, lost):
        centres = np.eye(6, dtype=np.float32)
        new = centres[list(order)].copy()
        new[:lost] *= -1
        assert match_topics(centres, new).tolist() == [-1] * lost + list(order)[lost:]
