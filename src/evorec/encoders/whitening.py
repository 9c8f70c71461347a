"""Whitening: embeddings centred and rescaled so that no few directions rule their cosine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F32, F64
from evorec.encoders.base import unit_rows

DIMENSION: Final = 128
_ROWS: Final = 8192  # summed at a time in float64, so that a large catalogue is never copied whole
_NO_SPREAD: Final = 1e-7  # directions with less of the largest variance are rounding


def moments(x: F32) -> tuple[F64, F64]:
    """Mean `float64[d]` and covariance `float64[d, d]` of the rows of `x` `float32[n, d]`, divided by n."""
    n, d = x.shape
    mean = x.mean(axis=0, dtype=np.float64)
    total = np.zeros((d, d))
    for start in range(0, n, _ROWS):
        centred = x[start : start + _ROWS] - mean
        total += centred.T @ centred
    return mean, total / n


@dataclass(frozen=True, eq=False, kw_only=True)
class Whitening:
    """`x -> (x - mean) projection`, then unit rows: `mean float32[d]`, `projection float32[d, k]`.

    Su et al. 2021, "Whitening sentence representations for better semantics and faster retrieval", arXiv:2103.15316.
    By default half way: a direction of variance v is divided by v ** 0.25, not by v ** 0.5, which blows up directions
    of mere noise and puts n rows that span n - 1 directions all equally far apart. Measured as Recall@50 of the same
    user's next item by cosine, four catalogues, multilingual encoder: unchanged .067 .061 .075 .052, half way
    .069 .062 .070 .045, all the way .069 .061 .064 .038.

    >>> rng = np.random.default_rng(0)
    >>> topic = np.repeat(np.eye(2), 100, axis=0)  # hidden under a large common part, as in mean-pooled models
    >>> x = (np.hstack([topic, np.full((200, 1), 9.0)]) + rng.normal(size=(200, 3)) * 0.2).astype(np.float32)
    >>> before, after = unit_rows(x), Whitening.fit(x, dimension=1).apply(x)
    >>> bool(before[0] @ before[-1] > 0.9), bool(after[:100].mean() * after[100:].mean() < -0.9)
    (True, True)
    """

    mean: F32
    projection: F32

    @classmethod
    def fit(cls, x: F32, *, dimension: int = DIMENSION, strength: float = 0.5) -> "Whitening":
        """Learn from the vectors `x` `float32[n, d]` of training items; zero rows (items without text) say nothing.

        Keeps the `dimension` directions of largest variance, fewer where the rows span fewer. `strength` 1 gives the
        training rows unit variance in each of them, 0 only centres and rotates. Rows that do not differ at all leave
        nothing to learn: `apply` then only scales them to length 1.
        """
        if dimension < 1:
            raise InputError(f"dimension is {dimension}", mend="choose a dimension of at least 1")
        if not 0 <= strength <= 1:
            raise InputError(f"strength is {strength}", mend="choose a strength from 0 to 1")
        x = x[x.any(axis=1)]
        d = x.shape[1]
        unchanged = cls(mean=np.zeros(d, np.float32), projection=np.eye(d, dtype=np.float32))
        if len(x) < 2:
            return unchanged
        mean, covariance = moments(x)
        variance, directions = np.linalg.eigh(covariance)
        largest = np.argsort(variance)[::-1][:dimension]
        largest = largest[variance[largest] > _NO_SPREAD * (variance[-1] + float(mean @ mean))]
        if not len(largest):
            return unchanged
        projection = directions[:, largest] * variance[largest] ** (-strength / 2)
        return cls(mean=mean.astype(np.float32), projection=np.ascontiguousarray(projection, dtype=np.float32))

    @property
    def dimension(self) -> int:
        """Length of what `apply` returns."""
        return int(self.projection.shape[1])

    def project(self, x: F32) -> F32:
        """Whitened `float32[n, k]`, not yet scaled to unit rows; zero rows stay zero."""
        out = (x - self.mean) @ self.projection
        out[~x.any(axis=1)] = 0
        return np.asarray(out, dtype=np.float32)

    def apply(self, x: F32) -> F32:
        """Whitened unit rows `float32[n, k]` of `x` `float32[n, d]`; zero rows stay zero."""
        return unit_rows(self.project(x))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What it learnt, by name."""
        return {"mean": self.mean, "projection": self.projection}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Whitening":
        """The whitening that `arrays` describes."""
        return cls(mean=arrays["mean"], projection=arrays["projection"])
