"""What an encoder is, and how texts are encoded through the disk cache."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, Protocol, Self

import numpy as np

from evorec.core.types import F32
from evorec.encoders.cache import EmbeddingCache
from evorec.language.words import is_chinese

Progress = Callable[[int, int], None]  # called with (texts done, texts in all)

CHUNK: Final = 256  # texts encoded, stored and reported at a time: the most that an interruption can lose


class Encoder(Protocol):
    """A model that turns texts into vectors.

    An encoder may also state `languages` (codes of those it was trained on) and `notes` (what its user should know);
    `encoder_notes` reads both.
    """

    @property
    def name(self) -> str:
        """The name under which `open_encoder` finds it; never "auto"."""
        ...

    @property
    def dimension(self) -> int:
        """Length of its vectors; asking may load the weights."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies model and weights: equal fingerprints mean interchangeable vectors. Loads no weights."""
        ...

    def encode(self, texts: Sequence[str]) -> F32:
        """Vectors `float32[texts, dimension]`: unit rows, a zero row for a text in which it reads nothing."""
        ...


class FittedEncoder(Encoder):
    """Base of encoders that learn from the training texts; quick to run, so that they bypass the cache.

    A class to inherit rather than a protocol: to recognise it never asks for a dimension, which may load weights.
    """

    @abstractmethod
    def fit(self, texts: Sequence[str]) -> Self:
        """Learn from `texts` (training items only) and return self."""


def unit_rows(x: F32) -> F32:
    """The rows of `x` `float32[n, d]` at length 1; zero rows stay zero.

    >>> unit_rows(np.array([[3, 4], [0, 0]], np.float32)).round(3).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    length = np.sqrt(np.einsum("nd,nd->n", x, x, dtype=np.float64))
    length[length == 0] = 1
    return np.asarray(x / length[:, None], dtype=np.float32)


def encode_texts(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    cache: EmbeddingCache | None = None,
    progress: Progress | None = None,
) -> F32:
    """Vectors `float32[texts, d]` of `texts`; each distinct text is encoded once, and never again while it is cached.

    Texts of like length are encoded together, `CHUNK` at a time; every chunk is stored before the next begins, so an
    interrupted run continues where it stopped. Blank texts get zero rows. `cache=None` keeps nothing.

    >>> from evorec.encoders.lexical import LexicalEncoder
    >>> titles = ["green tea", "black tea", "bread knife", ""]
    >>> x = encode_texts(LexicalEncoder().fit(titles), titles)
    >>> bool(x[0] @ x[1] > x[0] @ x[2]), bool(x[3].any())
    (True, False)
    """
    place = {text: i for i, text in enumerate(dict.fromkeys(text for text in texts if text.strip()))}
    distinct = list(place)
    cache = None if isinstance(encoder, FittedEncoder) else cache
    held, vectors = cache.load(encoder.fingerprint, distinct) if cache else (np.zeros(0, np.int64), None)
    if vectors is None or not len(held):
        vectors = np.zeros((0, encoder.dimension), np.float32)
    table = np.zeros((len(distinct) + 1, vectors.shape[1]), np.float32)  # its last row is that of blank texts
    table[held] = vectors

    new = np.setdiff1d(np.arange(len(distinct)), held).tolist()
    new.sort(key=lambda i: -len(distinct[i]))  # the longest first: if memory is short, it shows at once
    report = progress or (lambda done, total: None)
    report(len(held), len(distinct))
    for start in range(0, len(new), CHUNK):
        rows = new[start : start + CHUNK]
        chunk = [distinct[i] for i in rows]
        table[rows] = encoder.encode(chunk)
        if cache:
            cache.store(encoder.fingerprint, chunk, table[rows])
        report(len(held) + start + len(rows), len(distinct))
    return table[[place.get(text, -1) for text in texts]]


def encoder_notes(encoder: Encoder, texts: Sequence[str] = ()) -> tuple[str, ...]:
    """What a person should know about reading `texts` with `encoder`; empty where all is well.

    >>> class English:
    ...     name, languages = "english", ("en",)
    >>> encoder_notes(English(), ["绿茶", "红茶", "tea"])
    ("most texts are Chinese, and 'english' was trained on en only: 'use-multilingual' reads both",)
    """
    notes: tuple[str, ...] = tuple(getattr(encoder, "notes", ()))
    languages: tuple[str, ...] = tuple(getattr(encoder, "languages", ()))
    if languages and not {"zh", "multilingual"} & set(languages) and 2 * sum(map(is_chinese, texts)) > len(texts):
        spoken = ", ".join(languages)
        notes += (
            f"most texts are Chinese, and {encoder.name!r} was trained on {spoken} only: 'use-multilingual' reads both",
        )
    return notes
