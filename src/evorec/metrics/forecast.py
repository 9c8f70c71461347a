"""How good a forecast of interest shares is, per window: surprise, distance, and whether its band holds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F64

_TINY = 1e-12


def cross_entropy(after: NDArray[Any], forecast: NDArray[Any]) -> F64:
    """-sum(share after * log(forecast)), `float64[n]`, in nats: the mean surprise of one event of each window.

    `after float[n, topics]` are the counts (or shares) of the windows that came, `forecast float[n, topics]` shares.
    The least that any forecast can reach is `entropy_floor`.

    >>> cross_entropy(np.array([[3, 1]]), np.array([[0.5, 0.5]])).round(4).tolist()
    [0.6931]
    """
    own, said = _shares(after), _checked(after, forecast)
    return np.asarray(-(own * np.log(np.maximum(said, _TINY))).sum(axis=1))


def entropy_floor(after: NDArray[Any]) -> F64:
    """Entropy `float64[n]` (nats) of each window's own shares: the cross-entropy of who knew them.

    >>> entropy_floor(np.array([[3, 1], [4, 0]])).round(4).tolist()
    [0.5623, 0.0]
    """
    own = _shares(after)
    return np.asarray(-(own * np.log(np.maximum(own, _TINY))).sum(axis=1) + 0.0)


def total_variation(after: NDArray[Any], forecast: NDArray[Any]) -> F64:
    """Half the absolute differences of shares, `float64[n]` in [0, 1]: the attention that went elsewhere.

    >>> total_variation(np.array([[3, 1]]), np.array([[0.5, 0.5]])).tolist()
    [0.25]
    """
    return np.asarray(np.abs(_shares(after) - _checked(after, forecast)).sum(axis=1) / 2)


def inside_band(
    share: NDArray[Any], low: NDArray[Any], high: NDArray[Any], *, low_inside: Any = 1.0, high_inside: Any = 1.0
) -> F64:
    """Chance that `share` counts as inside the band from `low` to `high`, all `float[...]` of one shape.

    1 strictly between the ends and 0 outside. On an end it is 1, ends included, unless a smaller chance is given:
    shares of few events pile up on 0, where no band with its ends included can hold 80% and not more. With the
    chances of `ShareBands` this is the expectation of the randomised probability integral transform falling into the
    middle (Czado, Gneiting and Held 2009, "Predictive model assessment for count data").

    >>> inside_band(np.array([0.0, 0.1, 0.2, 0.3]), 0.1, 0.2, low_inside=0.5).tolist()
    [0.0, 0.5, 1.0, 0.0]
    """
    x = np.asarray(share, dtype=np.float64)
    above = np.where(x > low, 1.0, np.where(x == low, low_inside, 0.0))
    past = np.where(x > high, 1.0, np.where(x == high, 1 - np.asarray(high_inside), 0.0))
    return np.asarray(above - past)


def _shares(after: NDArray[Any]) -> F64:
    counts = np.asarray(after, dtype=np.float64)
    if counts.ndim != 2 or not (counts >= 0).all():
        raise InputError("what came must be counts [n, topics] of at least 0", mend="sum the content vectors")
    total = counts.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise InputError("a window holds nothing", mend="score only windows with events")
    return np.asarray(counts / total)


def _checked(after: NDArray[Any], forecast: NDArray[Any]) -> F64:
    said = np.asarray(forecast, dtype=np.float64)
    if said.shape != np.shape(after):
        raise InputError(f"forecast {said.shape} and outcome {np.shape(after)} differ", mend="forecast every window")
    if not (np.abs(said.sum(axis=1) - 1) < 1e-4).all() or not (said >= 0).all():
        raise InputError("a forecast does not sum to 1", mend="give shares")
    return said
