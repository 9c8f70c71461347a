"""One user's interests as people ask for them: now, how it came about, what comes next."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evorec.core.types import DAY, F64, I64, Queries
from evorec.interests.markov import evolve_shares
from evorec.interests.state import InterestModel, batch_evidence, degrees, interest_path, share_error, shares
from evorec.interests.topics import Topics
from evorec.models.base import Items

_VISIBLE: Final = 0.005  # smaller shares are shown as 0%: noise to a reader


@dataclass(frozen=True, eq=False, kw_only=True)
class InterestView:
    """Interests of one user at `as_of` (UTC microseconds), arrays over topics `float64[topics]`.

    `short_term`, `long_term`, `forecast`: shares of attention with the short and the long half-life, and as expected
    for what comes next; `strength`: degrees in [0, 1] of the long-term interest; `error`: standard error of the
    short-term shares. `path float64[t, topics]` are short-term shares at `moments int64[t]`, `events int64[n]` the
    times of the events behind it.
    """

    as_of: int
    topics: tuple[str, ...]
    short_term: F64
    long_term: F64
    forecast: F64
    strength: F64
    error: F64
    moments: I64
    path: F64
    events: I64

    @property
    def drift(self) -> float:
        """Total variation in [0, 1] between short-term and long-term shares."""
        return float(0.5 * np.abs(self.short_term - self.long_term).sum())

    def ranked(self) -> list[dict[str, Any]]:
        """Topics that round to 1% or more, strongest short-term share first, as plain values."""
        order = np.argsort(-self.short_term, kind="stable")
        return [
            {
                "topic": self.topics[k],
                "share": float(self.short_term[k]),
                "error": float(self.error[k]),
                "long_term": float(self.long_term[k]),
                "strength": float(self.strength[k]),
                "forecast": float(self.forecast[k]),
            }
            for k in order
            if max(self.short_term[k], self.long_term[k]) >= _VISIBLE
        ]


def view_interests(query: Queries, items: Items, topics: Topics, model: InterestModel, *, points: int) -> InterestView:
    """The view of the one user in `query`, who must have events; `points` moments along the path."""
    membership, config = items.topics[query.item], model.config

    def at(half_life_days: float, as_of: I64) -> F64:
        evidence = batch_evidence(
            offsets=query.offsets,
            membership=membership,
            timestamps=query.timestamp,
            as_of=as_of,
            half_life_days=half_life_days,
        )
        return np.asarray(evidence[0], dtype=np.float64)

    first, last = int(query.timestamp[0]) + 1, int(query.timestamp[-1]) + 1
    # Shares do not change in silence, so they are read where the evidence was last fresh; strength fades until as_of.
    fresh = np.array([last])
    now, long = shares(at(config.short_days, fresh)), shares(at(config.long_days, fresh))
    moments = np.unique(np.linspace(first, max(last, first + DAY), points).astype(np.int64))
    path = interest_path(membership, query.timestamp, moments, half_life_days=config.short_days)
    return InterestView(
        as_of=int(query.as_of[0]),
        topics=topics.names,
        short_term=now,
        long_term=long,
        forecast=evolve_shares(now, model.transition, np.zeros(len(now))) if now.any() else now,
        strength=degrees(at(config.long_days, query.as_of), config.saturation),
        error=share_error(at(config.short_days, query.as_of)),
        moments=moments,
        path=shares(path),
        events=query.timestamp,
    )
