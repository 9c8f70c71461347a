"""The encoder suite passes what keeps the contract, and names the fault of what breaks it."""

import hashlib
from collections.abc import Sequence
from typing import Self

import numpy as np
import pytest

from evorec.core.types import F32
from evorec.encoders.base import unit_rows
from evorec.encoders.lexical import LexicalEncoder
from evorec.testing.encoders import check_encoder


class Hashing:
    """A plain encoder that keeps the contract: counts of characters by hash."""

    name = "hashing"
    dimension = 16
    fingerprint = "hashing-1"

    def encode(self, texts: Sequence[str]) -> F32:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for character in "".join(text.split()):
                vectors[row, hashlib.md5(character.encode()).digest()[0] % self.dimension] += 1
        return unit_rows(vectors)


class Double(Hashing):
    def encode(self, texts: Sequence[str]) -> F32:
        return super().encode(texts).astype(np.float64)


class Long(Hashing):
    def encode(self, texts: Sequence[str]) -> F32:
        return 2 * super().encode(texts)


class InventsEmpty(Hashing):
    def encode(self, texts: Sequence[str]) -> F32:
        vectors = super().encode(texts)
        vectors[~vectors.any(axis=1), 0] = 1
        return vectors


class ReadsNeighbours(Hashing):
    def encode(self, texts: Sequence[str]) -> F32:
        vectors = super().encode(texts)
        vectors[vectors.any(axis=1)] += 0.05 * vectors.mean(axis=0) if len(texts) else 0
        return unit_rows(vectors)


class Random(Hashing):
    def encode(self, texts: Sequence[str]) -> F32:
        vectors = super().encode(texts)
        vectors[vectors.any(axis=1)] = np.roll(np.eye(1, 16, dtype=np.float32), np.random.default_rng().integers(16))
        return vectors


class AsciiOnly(Hashing):
    def encode(self, texts: Sequence[str]) -> F32:
        return super().encode([text.encode("ascii", "ignore").decode() for text in texts])


class Impatient(Hashing):
    def encode(self, texts: Sequence[str]) -> F32:
        if not texts:
            return np.zeros((0, 0), np.float32)
        return super().encode(texts)


class Restless(Hashing):
    uses = 0

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return f"restless-{self.uses}"

    def encode(self, texts: Sequence[str]) -> F32:
        self.uses += 1
        return super().encode(texts)


class Auto(Hashing):
    name = "auto"


class Deaf(Hashing):
    def fit(self, texts: Sequence[str]) -> Self:
        return self


class NotItself(LexicalEncoder):
    def fit(self, texts: Sequence[str]) -> LexicalEncoder:  # type: ignore[override]
        return LexicalEncoder(self.config).fit(texts)


@pytest.mark.parametrize("make", [Hashing, LexicalEncoder])
def test_what_keeps_the_contract_passes(make: type) -> None:
    check_encoder(make)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (Double, "float64, not float32"),
        (Long, "a vector has length 2"),
        (InventsEmpty, "an empty text has a vector"),
        (ReadsNeighbours, "has another vector than among others"),
        (Random, "is encoded otherwise|gives other vectors|changes its neighbours"),
        (AsciiOnly, "an ordinary text has a zero row"),
        (Impatient, "shape"),
        (Restless, "using an encoder changes its fingerprint"),
        (Auto, "'auto' is no name"),
        (Deaf, "leaves the fingerprint as it was"),
        (NotItself, "fit does not return self"),
    ],
)
def test_what_breaks_it_is_named(make: type, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        check_encoder(make)
