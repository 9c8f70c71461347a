"""Sentence-transformers and Hugging Face models: a tiny one built here, and names that cannot be reached."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evorec.core.errors import InputError, MissingExtraError, UnreachableError
from evorec.encoders import text as module
from evorec.encoders.base import Encoder, encoder_notes
from evorec.encoders.opening import open_encoder
from evorec.encoders.text import TextEncoder, card_languages, model_files

transformers = pytest.importorskip("transformers", reason="needs the extra 'text'")
torch = pytest.importorskip("torch", reason="needs the extra 'text'")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "green", "tea", "black", "knife", "steel", "bread", "绿", "茶"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with random weights, saved the Hugging Face way."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(plain: Path) -> Encoder:
    return open_encoder(str(plain), device="cpu")


def _mean_pooled(folder: Path, text: str) -> np.ndarray:
    ids = torch.tensor([[2, *(WORDS.index(word) for word in text.split()), 3]])
    with torch.no_grad():
        x = transformers.BertModel.from_pretrained(folder).eval()(ids).last_hidden_state[0].mean(dim=0).numpy()
    return x / np.linalg.norm(x)


def test_a_plain_folder_gets_the_mean_over_its_tokens_and_says_so(plain: Path, encoder: Encoder) -> None:
    assert "mean" in encoder_notes(encoder)[0]
    got = encoder.encode(["green tea", "steel bread knife"])
    for row, text in zip(got, ["green tea", "steel bread knife"], strict=True):
        assert row @ _mean_pooled(plain, text) > 0.999


def test_rows_are_unit_or_zero(encoder: Encoder) -> None:
    x = encoder.encode(["green tea", "", "绿 茶", "tea " * 500])
    assert (encoder.dimension, x.shape, x.dtype) == (16, (4, 16), np.float32)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), [1, 0, 1, 1], atol=1e-5)


def test_a_text_reads_the_same_in_any_company(encoder: Encoder) -> None:
    texts = ["tea", "green tea black tea green tea", "steel"]
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert (encoder.encode(texts[::-1])[::-1] * alone).sum(axis=1).min() > 0.999


def test_a_copy_has_the_same_fingerprint_and_other_weights_another(plain: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(plain, tmp_path / "copy"))
    (copy / "README.md").write_text("a card is no part of the model")
    first, second = TextEncoder(plain, name="a"), TextEncoder(copy, name="b")
    assert first.fingerprint == second.fingerprint
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert TextEncoder(copy, name="b").fingerprint != first.fingerprint


def test_a_sentence_transformers_folder_keeps_its_own_pooling(plain: Path, tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="needs the extra 'text'")
    sentence_transformers.SentenceTransformer(str(plain), device="cpu").save(str(tmp_path / "st"))
    encoder = open_encoder(str(tmp_path / "st"), device="cpu")
    assert encoder_notes(encoder) == ()
    assert encoder.encode(["green tea"])[0] @ _mean_pooled(plain, "green tea") > 0.999


def test_a_model_lacking_a_part_of_its_weights_is_incomplete(plain: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(plain, tmp_path / "copy"))
    index = copy / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}')
    with pytest.raises(InputError, match="holds no model"):
        open_encoder(str(copy))
    (copy / "model-2.safetensors").touch()
    assert open_encoder(str(copy)).name == str(copy)


def test_a_damaged_model_is_a_clear_error(plain: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(plain, tmp_path / "copy"))
    (copy / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be loaded"):
        open_encoder(str(copy), device="cpu").encode(["tea"])


def test_without_sentence_transformers_the_extra_is_named(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"evorec\[text\]"):
        open_encoder(str(plain))


@pytest.mark.parametrize("setting", [{"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}])
def test_a_name_that_cannot_be_reached_says_the_ways_out_at_once(setting: dict[str, str], tmp_path: Path) -> None:
    code = """
from evorec.core.errors import UnreachableError
from evorec.encoders.opening import open_encoder
try:
    open_encoder("no-such-model")
except UnreachableError as error:
    print(error)
"""
    environment = {**os.environ, "HF_HOME": str(tmp_path), **setting}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert time.perf_counter() - start < 15
    assert "'sentence-transformers/no-such-model'" in done.stdout
    for way_out in ("local folder", "HF_ENDPOINT", "use-multilingual", "minilm", "lexical"):
        assert way_out in done.stdout


def test_a_model_in_the_hub_cache_needs_no_hub(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    asked = []
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **how: asked.append((name, how)) or str(plain))
    encoder = open_encoder("someone/tiny-bert")
    assert encoder.name == "someone/tiny-bert"
    assert asked == [("someone/tiny-bert", {"local_files_only": True})]


def test_an_interrupted_download_is_taken_up_again(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    shutil.copy(plain / "config.json", tmp_path)

    class Api:
        def model_info(self, name: str, timeout: float) -> hub.ModelInfo:
            siblings = [{"rfilename": name} for name in ("config.json", "model.safetensors", "tf_model.h5")]
            return hub.ModelInfo(id=name, siblings=siblings)

    def download(name: str, local_files_only: bool = False, allow_patterns: object = None, **how: object) -> str:
        if local_files_only:
            return str(tmp_path)
        assert allow_patterns == ["config.json", "model.safetensors", "README.md"]
        return str(plain)

    monkeypatch.setattr(hub, "HfApi", Api)
    monkeypatch.setattr(hub, "snapshot_download", download)
    opened = open_encoder("someone/tiny-bert")
    assert isinstance(opened, TextEncoder)
    assert opened.folder == plain


def test_a_repository_without_a_text_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **how: str(tmp_path))
    monkeypatch.setattr(hub, "HfApi", type("Api", (), {"model_info": lambda *a, **k: hub.ModelInfo(id="x")}))
    with pytest.raises((InputError, UnreachableError), match="no model"):
        open_encoder("someone/pictures")


def test_only_one_kind_of_weights_is_taken() -> None:
    names = ["1_Pooling/config.json", "model.safetensors", "pytorch_model.bin", "openvino/a.json", ".hidden.json"]
    assert model_files(names) == ["1_Pooling/config.json", "model.safetensors"]
    assert model_files(["pytorch_model.bin", "training_args.bin", "spiece.model"]) == [
        "pytorch_model.bin",
        "spiece.model",
    ]


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("no front matter", ()),
        ("---\nlicense: mit\n---\nlanguage: en", ()),
        ("---\nlanguage: [en, zh]\n---", ("en", "zh")),
        ("---\r\nlanguage:\r\n  - zh_TW\r\n  - en\r\ntags:\r\n- x\r\n---", ("zh", "en")),
        ("---\nlanguage: multilingual\n---", ("multilingual",)),
    ],
)
def test_languages_of_a_model_card(card: str, expected: tuple[str, ...]) -> None:
    assert card_languages(card) == expected
