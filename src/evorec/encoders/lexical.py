"""The encoder that needs no weights: TF-IDF over words, Chinese segmented, then a truncated SVD."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import F32
from evorec.encoders.base import FittedEncoder, unit_rows
from evorec.language.words import words

_NO_DIRECTION: Final = 1e-5  # singular values below this share of the largest are noise
_NO_MEANING: Final = 1e-4  # texts with less of their (unit) TF-IDF inside the directions kept are noise


@dataclass(frozen=True, kw_only=True)
class LexicalConfig:
    """`dimension`: most directions kept; `terms`: most words kept, those in the most texts first."""

    dimension: int = 128
    terms: int = 30_000

    def __post_init__(self) -> None:
        for name in ("dimension", "terms"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}", mend=f"choose a {name} of at least 1")


class LexicalEncoder(FittedEncoder):
    """Latent semantic analysis of the training texts (Deerwester et al. 1990, "Indexing by latent semantic analysis").

    Texts that share words, or whose words occur together, get near vectors. Words unseen in training say nothing: a
    text with no other words gets a zero row. A small corpus yields fewer dimensions than asked, at least one.

    >>> drinks, tools = ["green tea leaves", "tea leaves black", "绿茶 茶叶"], ["steel bread knife", "knife steel"]
    >>> encoder = LexicalEncoder(LexicalConfig(dimension=3)).fit(drinks + tools)
    >>> tea, leaves, steel = encoder.encode(["black tea", "green leaves", "steel"])
    >>> bool(tea @ leaves > 0.99), bool(abs(tea @ steel) < 0.01)
    (True, True)
    """

    name: Final = "lexical"
    notes: tuple[str, ...] = ()

    def __init__(self, config: LexicalConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or LexicalConfig()
        self.seed = seed
        self._index: dict[str, int] | None = None
        self._idf: F32 = np.zeros(0, np.float32)
        self._components: F32 = np.zeros((0, 1), np.float32)

    def fit(self, texts: Sequence[str]) -> Self:
        """Learn words, their weights and directions from `texts` (training items only)."""
        split = [words(text) for text in texts]
        seen_in = Counter(chain.from_iterable(map(set, split)))
        terms = sorted(sorted(seen_in, key=lambda term: (-seen_in[term], term))[: self.config.terms])
        share = np.array([1 + seen_in[term] for term in terms], np.float64) / (1 + len(texts))
        self._index = {term: i for i, term in enumerate(terms)}
        self._idf = (1 - np.log(share)).astype(np.float32)
        self._components = np.zeros((len(terms), 1), np.float32)

        weights = tf_idf(split, self._index, self._idf)
        if weights.nnz:
            k = min(self.config.dimension, *weights.shape)
            seed = int(generator(self.seed, "lexical encoder").integers(2**31))
            _, strength, directions = randomized_svd(weights, n_components=k, random_state=seed)
            keep = strength > _NO_DIRECTION * strength[0]
            self._components = np.ascontiguousarray(directions[keep].T, dtype=np.float32)
        return self

    def _known(self) -> dict[str, int]:
        if self._index is None:
            raise InputError("the lexical encoder has not learnt any words yet", mend="call fit(training texts) first")
        return self._index

    @property
    def dimension(self) -> int:
        """Length of its vectors: that of the configuration, less where the corpus is small."""
        self._known()
        return int(self._components.shape[1])

    @property
    def fingerprint(self) -> str:
        """Hash of all it learnt."""
        digest = hashlib.sha256()
        for array in self.arrays().values():
            digest.update(array.tobytes())
        return f"lexical-{digest.hexdigest()}"

    def encode(self, texts: Sequence[str]) -> F32:
        """Vectors `float32[texts, dimension]`: unit rows, a zero row where no word was seen in training."""
        weights = tf_idf([words(text) for text in texts], self._known(), self._idf)
        x = np.asarray(weights @ self._components, dtype=np.float32)
        x[np.einsum("nd,nd->n", x, x) < _NO_MEANING**2] = 0
        return unit_rows(x)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All it learnt: `components float32[terms, d]`, `idf float32[terms]`, `terms uint8[bytes]` (UTF-8 lines)."""
        lines = "\n".join(self._known()).encode()
        return {"components": self._components, "idf": self._idf, "terms": np.frombuffer(lines, np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "LexicalEncoder":
        """The encoder that `arrays` describes; it encodes exactly as the one that was saved."""
        encoder = cls(LexicalConfig(dimension=arrays["components"].shape[1]))
        lines = arrays["terms"].tobytes().decode()
        encoder._index = {term: i for i, term in enumerate(lines.split("\n") if lines else ())}
        encoder._idf, encoder._components = arrays["idf"], arrays["components"]
        return encoder


def tf_idf(split: Sequence[Sequence[str]], index: Mapping[str, int], idf: F32) -> csr_array:
    """TF-IDF `float32[texts, terms]` of texts split into words: `(1 + log tf) * idf`, rows of length 1.

    Words outside `index` are left out.

    >>> tf_idf([["tea", "tea", "mug"], ["zebra"]], {"mug": 0, "tea": 1}, np.ones(2, np.float32)).toarray().round(2)
    array([[0.51, 0.86],
           [0.  , 0.  ]], dtype=float32)
    """
    counts = [Counter(index[word] for word in text if word in index) for text in split]
    lengths = np.fromiter(map(len, counts), np.int64, len(counts))
    column = np.fromiter(chain.from_iterable(counts), np.int32)
    tf = np.fromiter(chain.from_iterable(count.values() for count in counts), np.float32)
    value = (1 + np.log(tf)) * idf[column]
    row = np.repeat(np.arange(len(counts)), lengths)
    value /= np.sqrt(np.bincount(row, weights=value**2, minlength=len(counts)))[row]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return csr_array((value.astype(np.float32), column, offsets), shape=(len(counts), len(index)))
