"""Bands around a forecast: between which shares a topic's next window lies, 80 times in 100."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F64

_PER_BIN, _MOST_BINS = 200, 10  # forecasts that a quantile rests on at least; bins per topic at most
_SAME = 6  # digits to which shares are compared


@dataclass(frozen=True, eq=False, kw_only=True)
class ShareBands:
    """Low and high shares per topic and level of the forecast.

    `levels float64[topics, bins - 1]` part the forecasts of a topic; `low`, `high` `float64[topics, bins]` are the ends
    of its band; `low_inside`, `high_inside` the chance that a share equal to an end counts as inside, which makes the
    stated coverage exact where shares pile up on few values (ends always counted, a band covers more).
    """

    levels: F64
    low: F64
    high: F64
    low_inside: F64
    high_inside: F64

    @classmethod
    def fit(cls, forecast: NDArray[Any], share: NDArray[Any], *, coverage: float = 0.8) -> Self:
        """Bands that cover `coverage` of the windows that came, per topic and level of the forecast.

        `forecast`, `share` `float[n, topics]`: what was said and what came. The ends are quantiles of the shares that
        followed forecasts of that level (split conformal prediction with one class per topic and level: Vovk,
        Gammerman and Shafer 2005, "Algorithmic learning in a random world"), so they hold for users like these.

        >>> rng = np.random.default_rng(0)
        >>> said = rng.uniform(0.1, 0.9, size=(20000, 1))
        >>> came = rng.binomial(10, said) / 10
        >>> bands = ShareBands.fit(said[::2], came[::2])
        >>> low, high, *ends = bands.around(said[1::2])
        >>> from evorec.metrics.forecast import inside_band
        >>> hit = inside_band(came[1::2], low, high, low_inside=ends[0], high_inside=ends[1])
        >>> bool(abs(hit.mean() - 0.8) < 0.01), bool(((low <= came[1::2]) & (came[1::2] <= high)).mean() > 0.85)
        (True, True)
        """
        said, came = np.asarray(forecast, dtype=np.float64), rounded(share)
        if said.shape != came.shape or said.ndim != 2 or not len(said):
            raise InputError(f"forecasts {said.shape} and shares {came.shape} differ", mend="give [n, topics] twice")
        if not 0 < coverage < 1:
            raise InputError(f"a coverage of {coverage} is none", mend="give a number between 0 and 1")
        n, topics = said.shape
        bins = int(np.clip(n // _PER_BIN, 1, _MOST_BINS))
        order = np.argsort(said, axis=0, kind="stable")
        came = np.take_along_axis(came, order, axis=0)
        starts = np.arange(1, bins) * n // bins
        ends = np.zeros((4, topics, bins))
        for at, part in enumerate(np.split(came, starts)):
            part = np.sort(part, axis=0)  # noqa: PLW2901
            tail = (1 - coverage) / 2
            ends[0, :, at], below, mass = _quantile(part, tail)
            ends[2, :, at] = (below + mass - tail) / mass
            ends[1, :, at], below, mass = _quantile(part, 1 - tail)
            ends[3, :, at] = (1 - tail - below) / mass
        levels = np.take_along_axis(said, order, axis=0)[starts].T
        return cls(levels=levels, low=ends[0], high=ends[1], low_inside=ends[2], high_inside=ends[3])

    def around(self, forecast: NDArray[Any]) -> tuple[F64, F64, F64, F64]:
        """`low`, `high`, `low_inside`, `high_inside`, each `float64[n, topics]`, for forecasts `float[n, topics]`."""
        said = np.asarray(forecast, dtype=np.float64)
        if said.ndim != 2 or said.shape[1] != len(self.low):
            raise InputError(f"forecasts have shape {said.shape}", mend=f"give [n, {len(self.low)}]")
        topic = np.arange(said.shape[1])
        level = np.stack([np.searchsorted(self.levels[t], said[:, t], side="right") for t in topic], axis=1)
        return (
            self.low[topic, level],
            self.high[topic, level],
            self.low_inside[topic, level],
            self.high_inside[topic, level],
        )

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything that was fitted, as named arrays."""
        return {name: getattr(self, name) for name in ("levels", "low", "high", "low_inside", "high_inside")}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The bands that `arrays` came from."""
        return cls(**arrays)


def rounded(share: NDArray[Any]) -> F64:
    """Shares as bands compare them: sums of parts in float32 that should be equal are."""
    return np.asarray(np.round(np.asarray(share, dtype=np.float64), _SAME), dtype=np.float64)


def _quantile(ascending: F64, level: float) -> tuple[F64, F64, F64]:
    """Per column: the smallest value that `level` of the rows do not exceed, the part below it, the part equal."""
    n = len(ascending)
    value = ascending[min(n - 1, int(np.ceil(level * n)) - 1)]
    below = (ascending < value).mean(axis=0)
    return value, below, (ascending == value).mean(axis=0)
