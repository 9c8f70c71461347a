"""Latent needs: topics that a user never touched, and is forecast to turn to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F64, I64, Bool

_TIE = 1e-6  # memberships in float32 that lie so near are equal


@dataclass(frozen=True, eq=False, kw_only=True)
class Needs:
    """Never-touched topics of each user, the likeliest first; columns past the last one hold topic -1.

    `topic int64[users, top]`; `forecast`, `lift` `float64[users, top]`: the forecast share, and how many times the
    population's share it is; `source int64[users, top]` the user's own topic that most of it comes from (-1 where the
    transitions lead nowhere from there) and `source_part float64[users, top]` how much of it.
    """

    topic: I64
    forecast: F64
    lift: F64
    source: I64
    source_part: F64


def touched_topics(offsets: I64, membership: NDArray[Any]) -> Bool:
    """`bool[groups, topics]`: topics touched by any of the events offsets[g]:offsets[g + 1] of group g.

    An event with content vector `membership float[n, topics]` touches its main topics: those of highest membership.
    With a soft membership it has a little of every other, which says nothing.

    >>> touched_topics(np.array([0, 1, 1, 3]), np.array([[0.9, 0.1, 0], [0.5, 0.5, 0], [0, 0, 0]])).tolist()
    [[True, False, False], [False, False, False], [True, True, False]]
    """
    main = (membership >= membership.max(axis=1, keepdims=True, initial=0) - _TIE) & (membership > 0)
    seen = np.concatenate((np.zeros((1, main.shape[1]), dtype=np.int64), np.cumsum(main, axis=0)))
    return np.asarray(seen[offsets[1:]] > seen[offsets[:-1]])


def rank_untouched(score: NDArray[Any], touched: Bool, top: int) -> I64:
    """The `top` never-touched topics of highest `score float[users, topics]`, `int64[users, top]`; -1 where none is
    left. Equal scores keep the order of the topics.

    >>> rank_untouched(np.array([[0.1, 0.4, 0.5]]), np.array([[False, True, False]]), 3).tolist()
    [[2, 0, -1]]
    """
    order = np.argsort(np.where(touched, np.inf, -np.asarray(score)), axis=1, kind="stable")[:, :top]
    order[np.take_along_axis(touched, order, axis=1)] = -1
    out = np.full((len(order), top), -1, dtype=np.int64)
    out[:, : order.shape[1]] = order
    return out


def latent_needs(
    *,
    forecast: NDArray[Any],
    shares: NDArray[Any],
    touched: Bool,
    transition: NDArray[Any],
    population: NDArray[Any],
    top: int = 3,
) -> Needs:
    """Where users are heading that they never were, and which of their own topics lead there.

    `forecast float[users, topics]` are the forecast shares, from any forecaster; `shares float[users, topics]` those
    of now and `transition float[topics, topics]` P[to, from], which name the source; `touched bool[users, topics]` is
    all that a user ever touched; `population float[topics]` the shares of everybody. P may be
    fitted on how often the next window touches each topic, or on whether it does: `touched_topics` of the windows.

    >>> leads = np.array([[0.9, 0.0, 0.0], [0.0, 1.0, 0.0], [0.1, 0.0, 1.0]])  # from tents to stoves, in one of ten
    >>> tents = np.array([[1.0, 0.0, 0.0]])
    >>> needs = latent_needs(forecast=tents @ leads.T, shares=tents, touched=tents > 0, transition=leads,
    ...                      population=np.array([0.5, 0.45, 0.05]), top=1)
    >>> needs.topic.tolist(), needs.lift.round(2).tolist(), needs.source.tolist()
    ([[2]], [[2.0]], [[0]])
    """
    forecast, shares = np.asarray(forecast, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if not forecast.shape == shares.shape == touched.shape:
        raise InputError(
            f"forecast {forecast.shape}, shares {shares.shape} and touched {touched.shape} differ",
            mend="give [users, topics] three times",
        )
    topic = rank_untouched(forecast, touched, top)
    column = np.maximum(topic, 0)
    ahead = np.where(topic >= 0, np.take_along_axis(forecast, column, axis=1), 0.0)
    usual = np.asarray(population, dtype=np.float64)[column]
    led = np.asarray(transition, dtype=np.float64)[column] * shares[:, None, :]  # [users, top, from]
    led[(topic < 0)] = 0
    total = led.sum(axis=2)
    return Needs(
        topic=topic,
        forecast=ahead,
        lift=np.divide(ahead, usual, out=np.zeros_like(ahead), where=usual > 0),
        source=np.where(total > 0, led.argmax(axis=2), -1).astype(np.int64),
        source_part=np.divide(led.max(axis=2), total, out=np.zeros_like(total), where=total > 0),
    )


def need_hits(topic: I64, touched_next: Bool) -> F64:
    """`float64[users]`: 1 where any topic named, `int64[users, top]`, is touched next, `bool[users, topics]`.

    >>> need_hits(np.array([[1, 2], [0, -1]]), np.array([[False, False, True], [False, True, True]])).tolist()
    [1.0, 0.0]
    """
    found = np.take_along_axis(touched_next, np.maximum(topic, 0), axis=1) & (topic >= 0)
    return np.asarray(found.any(axis=1), dtype=np.float64)
