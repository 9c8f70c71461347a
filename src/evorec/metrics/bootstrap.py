"""How sure a mean is, over users: the bootstrap for one system and for two in a pair, and the standard error."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import F64

RESAMPLES = 2000
_CELLS = 2_000_000  # drawn users held at once


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure with the ends of its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"


def mean_interval(values: F64, user: NDArray[Any], *, weight: F64 | None = None, seed: int = 0) -> Interval:
    """Mean of `values float64[q]` over queries, with the 95% interval over resampled users.

    The queries of one user (`user int[q]`) stay together: they are not independent. `weight float64[q]` makes the
    mean a weighted one. Percentile bootstrap, 2,000 resamples; Efron and Tibshirani, 1993.

    >>> interval = mean_interval(np.array([0.0, 1.0] * 50), np.arange(100))
    >>> interval.mean, 0.35 < interval.low < 0.45, 0.55 < interval.high < 0.65
    (0.5, True, True)
    """
    means = _resampled(values[:, None], user, weight, seed)[:, 0]
    return _interval(float(np.average(values, weights=weight)), means)


def standard_error(values: F64, user: NDArray[Any]) -> float:
    """Standard error of the mean of `values float64[q]`, where those of one user (`user int[q]`) belong together.

    Sums over users of deviations from the mean, squared (the cluster sandwich; Liang and Zeger 1986). With one value a
    user it is the usual one.

    >>> twice = np.repeat([0.0, 1.0], 50)
    >>> round(standard_error(twice, np.arange(100)), 3), round(standard_error(twice, np.arange(100) // 2), 3)
    (0.05, 0.071)
    """
    codes = np.unique(user, return_inverse=True)[1]
    together = np.bincount(codes, weights=values - values.mean())
    return float(np.sqrt((together**2).sum()) / len(values))


def paired_difference(a: F64, b: F64, user: NDArray[Any], *, weight: F64 | None = None, seed: int = 0) -> Interval:
    """Mean of a - b with its 95% interval; `a`, `b` `float64[q]` answer the same queries.

    >>> paired_difference(np.array([0.3, 0.5]), np.array([0.1, 0.3]), np.array([0, 1])).mean.__round__(4)
    0.2
    """
    return mean_interval(a - b, user, weight=weight, seed=seed)


def _interval(mean: float, resampled: F64) -> Interval:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(mean=mean, low=float(low), high=float(high))


def _resampled(values: F64, user: NDArray[Any], weight: F64 | None, seed: int) -> F64:
    """`float64[resamples, m]`: weighted means of `values [q, m]` when users are drawn with replacement."""
    if len(values) == 0 or len(values) != len(user):
        raise InputError(f"{len(values)} values for {len(user)} queries", mend="measure at least one query")
    weight = np.ones(len(values)) if weight is None else weight
    codes = np.unique(user, return_inverse=True)[1]
    n = int(codes.max()) + 1
    mass = np.bincount(codes, weights=weight, minlength=n)
    sums = np.stack([np.bincount(codes, weights=weight * column, minlength=n) for column in values.T], axis=1)
    rng = generator(seed, "bootstrap over users")
    out = np.empty((RESAMPLES, values.shape[1]))
    step = max(1, _CELLS // n)
    for start in range(0, RESAMPLES, step):
        rows = min(step, RESAMPLES - start)
        drawn = rng.integers(0, n, size=(rows, n), dtype=np.int32)
        # How often each user was drawn turns the resampled sums into one matrix product.
        flat = (drawn + np.arange(rows, dtype=np.int64)[:, None] * n).ravel()
        times = np.bincount(flat, minlength=rows * n).reshape(rows, n).astype(np.float64)
        out[start : start + rows] = (times @ sums) / np.maximum(times @ mass, 1e-300)[:, None]
    return out
