"""The contract of an encoder as checks that any implementation can run; each raises AssertionError and says why."""

from collections.abc import Callable, Sequence
from typing import Final, TypeGuard

import numpy as np

from evorec.core.types import F32
from evorec.encoders.base import Encoder, FittedEncoder

Make = Callable[[], Encoder]

TEXTS: Final = (
    "Lightweight waterproof backpack 35L outdoors",
    "轻便登山背包 35升 户外",
    "Jazz album for piano, violin and double bass",
    "钢琴协奏曲 现场录音 音乐",
    "小米手机 Xiaomi phone 256GB",
    "Crème brûlée à l'ancienne",
    "tea",
    "茶",
)
ODD_TEXTS: Final = (
    "😀🎉",
    "👩‍👩‍👧 family tent 帐篷",
    "!!! ... ???",
    "。",
    "café vs cafe\u0301",
    "שלום عالم",
    "line one\nline two\ttab\u200b\ufeff",
    "word " * 5_000,
    "长" * 5_000,
    "x" * 20_000,
    "nul \x00 inside",
)
# How far (Euclidean) a row may move, and its length be from 1.
BATCHING: Final = 1.4e-2  # among other texts: a cosine of .9999, the rounding of bfloat16
REPEATING: Final = 1e-5  # when the same texts are encoded again
LENGTH: Final = 1e-3


def check_encoder(make: Make) -> None:
    """Run every check of the contract on the encoders that `make` returns; one that learns is fitted here.

    >>> from evorec.encoders.lexical import LexicalEncoder
    >>> check_encoder(LexicalEncoder)
    """
    for check in CHECKS:
        check(make)


def check_vectors_are_unit_rows(make: Make) -> None:
    """`float32[texts, dimension]` with rows of length 1; also for no text at all, and for any sequence."""
    encoder = _ready(make)
    vectors = _encode(encoder, TEXTS)
    _require(bool(vectors.any(axis=1).all()), "an ordinary text has a zero row")
    _encode(encoder, ())
    _require(_far(vectors, _encode(encoder, list(TEXTS))) <= REPEATING, "a list is encoded otherwise than a tuple")


def check_empty_texts_have_zero_rows(make: Make) -> None:
    """A text without a character to read has a zero row, and does not disturb its neighbours."""
    encoder = _ready(make)
    vectors = _encode(encoder, ("", TEXTS[0], " \n\t", TEXTS[1]))
    _require(not vectors[[0, 2]].any(), "an empty text has a vector")
    _require(_far(vectors[[1, 3]], _encode(encoder, TEXTS[:2])) <= BATCHING, "an empty text changes its neighbours")


def check_odd_texts_are_encoded(make: Make) -> None:
    """Emoji, punctuation, any script, control characters and very long texts give unit or zero rows, no error."""
    _encode(_ready(make), ODD_TEXTS)


def check_same_text_same_vector(make: Make) -> None:
    """Encoding again, elsewhere in the batch or alone gives the same vector."""
    encoder = _ready(make)
    vectors = _encode(encoder, TEXTS)
    _require(_far(vectors, _encode(encoder, TEXTS)) <= REPEATING, "encoding again gives other vectors")
    turned = _encode(encoder, TEXTS[::-1])[::-1]
    _require(_far(vectors, turned) <= BATCHING, "the order of the texts changes their vectors")
    alone = np.concatenate([_encode(encoder, (text,)) for text in TEXTS])
    _require(_far(vectors, alone) <= BATCHING, "a text alone has another vector than among others")
    beside_long = _encode(encoder, (*TEXTS, "word " * 1_000))[:-1]
    _require(_far(vectors, beside_long) <= BATCHING, "a long text changes the vectors of its neighbours")
    other = _ready(make)
    _require(_far(vectors, _encode(other, TEXTS)) <= REPEATING, "a second encoder of the same kind gives other vectors")


def check_name_and_fingerprint_are_stable(make: Make) -> None:
    """The fingerprint tells model and weights: the same before and after use, and for a second encoder of its kind."""
    encoder = _ready(make)
    name, fingerprint = encoder.name, encoder.fingerprint
    _require(bool(name) and name != "auto", f"{name!r} is no name for an encoder")
    _require(bool(fingerprint), "the fingerprint is empty")
    _encode(encoder, TEXTS)
    _require((encoder.name, encoder.fingerprint) == (name, fingerprint), "using an encoder changes its fingerprint")
    other = _ready(make)
    _require((other.name, other.fingerprint) == (name, fingerprint), "two encoders of one kind differ in fingerprint")


def check_fitting_is_repeatable(make: Make) -> None:
    """An encoder that learns returns itself from `fit`, and its fingerprint tells what it learnt from."""
    encoder = make()
    if not _learns(encoder):
        return
    _require(encoder.fit(TEXTS) is encoder, "fit does not return self")
    first = encoder.fingerprint
    encoder.fit(TEXTS[:4])
    _require(encoder.fingerprint != first, "fitting on other texts leaves the fingerprint as it was")
    encoder.fit(TEXTS)
    _require(encoder.fingerprint == first, "an earlier fit leaves a trace in the fingerprint")
    _require(_far(_encode(encoder, TEXTS), _encode(_ready(make), TEXTS)) <= REPEATING, "an earlier fit leaves a trace")


CHECKS: tuple[Callable[[Make], None], ...] = (
    check_vectors_are_unit_rows,
    check_empty_texts_have_zero_rows,
    check_odd_texts_are_encoded,
    check_same_text_same_vector,
    check_name_and_fingerprint_are_stable,
    check_fitting_is_repeatable,
)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _ready(make: Make) -> Encoder:
    encoder = make()
    return encoder.fit(TEXTS) if _learns(encoder) else encoder


def _learns(encoder: Encoder) -> TypeGuard[FittedEncoder]:
    # Not isinstance: it reads the dimension, which an encoder may not know before it is fitted.
    return hasattr(encoder, "fit")


def _encode(encoder: Encoder, texts: Sequence[str]) -> F32:
    """The vectors, once they are known to be well formed."""
    vectors = encoder.encode(texts)
    shape = (len(texts), encoder.dimension)
    _require(vectors.dtype == np.float32, f"vectors are {vectors.dtype}, not float32")
    _require(vectors.shape == shape, f"vectors have shape {vectors.shape}, not {shape} (texts, dimension)")
    length = np.linalg.norm(vectors, axis=1)
    _require(bool(np.isfinite(length).all()), "a vector is not finite")
    off = np.where(length > 0, np.abs(length - 1), 0)
    _require(bool((off <= LENGTH).all()), f"a vector has length {1 + off.max(initial=0):.3g}, neither 1 nor 0")
    return vectors


def _far(one: F32, other: F32) -> float:
    return float(np.linalg.norm(one - other, axis=1).max(initial=0))
