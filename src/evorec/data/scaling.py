"""Min-max scaling of numeric columns, fitted on one part of the data and applied to any other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F32, F64


@dataclass(frozen=True, eq=False, kw_only=True)
class MinMax:
    """The range of each column, as fitted: `low`, `high` `float64[columns]`, NaN for a column without any number."""

    low: F64
    high: F64

    def __post_init__(self) -> None:
        if self.low.shape != self.high.shape or self.low.ndim != 1 or (self.low > self.high).any():
            raise InputError("the ranges of a min-max scaling are not valid", mend="make them with fit_min_max")

    def transform(self, values: NDArray[Any]) -> F32:
        """`values [..., columns]` with the fitted range mapped onto [0, 1], as float32.

        Values beyond the fitted range are left beyond [0, 1]: clipping would hide that the data has moved. NaN stays
        NaN, and a column that was constant when fitted becomes 0 everywhere.
        """
        values = self._checked(values)
        span = self.high - self.low
        with np.errstate(over="ignore"):  # a value far outside a narrow range may overflow float32: infinity is right
            scaled = (values - self.low) / np.where(span > 0, span, 1)
            # only a constant column is flattened; a NaN range (nothing fitted) flattens nothing
            return np.where((span == 0) & ~np.isnan(values), 0, scaled).astype(np.float32)

    def inverse(self, scaled: NDArray[Any]) -> F64:
        """The values that `transform` turned into `scaled [..., columns]`; a constant column gives its constant."""
        return self.low + self._checked(scaled) * (self.high - self.low)

    def _checked(self, values: NDArray[Any]) -> F64:
        values = np.asarray(values, dtype=np.float64)
        if values.ndim == 0 or values.shape[-1] != len(self.low):
            raise InputError(
                f"values of shape {values.shape} do not have the {len(self.low)} fitted columns last",
                mend="pass the columns that the scaling was fitted on",
            )
        return values


def fit_min_max(values: NDArray[Any]) -> MinMax:
    """Fit the scaling on `values [rows, columns]`; NaN and infinities are left out of the range.

    Fit it on the training part alone: a range that knows later values leaks them.

    >>> train = np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]])
    >>> scaling = fit_min_max(train)
    >>> scaling.transform(np.array([[2.0, 5.0], [5.0, 6.0], [np.nan, 5.0]])).tolist()
    [[0.5, 0.0], [2.0, 0.0], [nan, 0.0]]
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(f"min-max scaling takes rows and columns, not shape {values.shape}", mend="reshape to 2-d")
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf).min(axis=0, initial=np.inf)
    high = np.where(finite, values, -np.inf).max(axis=0, initial=-np.inf)
    empty = ~finite.any(axis=0)
    return MinMax(low=np.where(empty, np.nan, low), high=np.where(empty, np.nan, high))
