"""TF-IDF and SVD: golden weights, planted themes, tiny corpora, and a state without pickle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from evorec.core.errors import InputError
from evorec.encoders.lexical import LexicalConfig, LexicalEncoder, tf_idf

TEA = ["green tea leaves", "black tea leaves", "tea leaves green loose", "绿茶 茶叶", "茶叶 红茶", "红茶 绿茶 茶叶"]
KNIVES = ["steel bread knife", "knife steel", "bread knife", "厨房 刀具 不锈钢", "不锈钢 刀具", "厨房 刀具"]


def test_tf_idf_by_hand() -> None:
    got = tf_idf([["a", "a", "b"], ["b", "unknown"], []], {"a": 0, "b": 1}, np.array([2.0, 1.0], np.float32))
    first = np.array([2 * (1 + np.log(2)), 1])
    np.testing.assert_allclose(got.toarray(), [first / np.linalg.norm(first), [0, 1], [0, 0]], rtol=1e-6)


def test_idf_by_hand() -> None:
    encoder = LexicalEncoder().fit(["tea mug", "tea", "tea tea", "kettle"])
    assert encoder.arrays()["terms"].tobytes().decode().split("\n") == ["kettle", "mug", "tea"]
    expected = 1 + np.log(5 / np.array([2, 2, 4]))  # 1 + ln((1 + texts) / (1 + texts with the word))
    np.testing.assert_allclose(encoder.arrays()["idf"], expected, rtol=1e-6)


def test_planted_themes_are_found_in_both_languages() -> None:
    encoder = LexicalEncoder(LexicalConfig(dimension=4)).fit(TEA + KNIVES)
    assert encoder.dimension == 4
    x = encoder.encode(["black loose", "green", "steel", "红茶", "绿茶", "不锈钢"])
    assert x[0] @ x[1] > 0.9 > 0.1 > abs(x[0] @ x[2])
    assert x[3] @ x[4] > 0.9 > 0.1 > abs(x[3] @ x[5])


def test_texts_without_known_words_get_zero_rows() -> None:
    x = LexicalEncoder().fit(TEA).encode(["", "!!!", "zebra", "green"])
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), [0, 0, 0, 1], rtol=1e-6)
    assert x.dtype == np.float32


@pytest.mark.parametrize("texts", [[], [""], ["", "..."], ["tea"], ["tea"] * 5, ["green tea"] * 3, ["tea", "mug"]])
def test_tiny_corpora_do_not_fail(texts: list[str]) -> None:
    encoder = LexicalEncoder().fit(texts)
    x = encoder.encode([*texts, "tea", "zebra"])
    assert x.shape == (len(texts) + 2, encoder.dimension)
    assert 1 <= encoder.dimension <= max(1, len(set(texts)))
    known = any("tea" in text for text in texts)
    np.testing.assert_allclose(np.linalg.norm(x[-2:], axis=1), [known, 0], atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(alphabet="ab 茶叶绿\n", max_size=8), max_size=12))
def test_rows_are_unit_or_zero_and_the_state_says_all(texts: list[str]) -> None:
    encoder = LexicalEncoder(LexicalConfig(dimension=3)).fit(texts)
    x = encoder.encode(texts)
    length = np.linalg.norm(x, axis=1)
    assert np.all((length == 0) | (abs(length - 1) < 1e-5))
    again = LexicalEncoder.from_arrays(load(save(encoder.arrays())))
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(again.encode(texts), x)


def test_one_seed_one_result_and_the_fingerprint_follows_the_state() -> None:
    config = LexicalConfig(dimension=3)
    first, again = (LexicalEncoder(config, seed=3).fit(TEA + KNIVES) for _ in range(2))
    assert first.fingerprint == again.fingerprint
    np.testing.assert_array_equal(first.encode(TEA), again.encode(TEA))
    before = first.fingerprint
    assert first.fit(KNIVES).fingerprint != before


def test_the_most_widespread_words_are_kept() -> None:
    encoder = LexicalEncoder(LexicalConfig(terms=2)).fit(["tea mug", "tea mug kettle", "tea tea spoon"])
    assert encoder.arrays()["terms"].tobytes().decode() == "mug\ntea"


def test_before_fit_it_says_what_to_do() -> None:
    for ask in (lambda e: e.encode(["tea"]), lambda e: e.dimension, lambda e: e.fingerprint):
        with pytest.raises(InputError, match="not learnt"):
            ask(LexicalEncoder())


@pytest.mark.parametrize("setting", ["dimension", "terms"])
def test_a_setting_out_of_range_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=setting):
        LexicalConfig(**{setting: 0})
