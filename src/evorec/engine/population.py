"""What everybody's interests do: topics that rise and fall and who carries it, ways between topics, who drifted."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.stats import false_discovery_control

from evorec.core.errors import InputError
from evorec.core.types import F32, Queries
from evorec.interests.changes import PopulationDrift, population_drift
from evorec.interests.drift import Drift, DriftConfig, Spread, drift
from evorec.interests.model import InterestModel
from evorec.interests.population import Population, PopulationConfig, population
from evorec.interests.topics import Topics
from evorec.models.base import Items

_SUSPECT: Final = 0.02  # a p-value that is worth a closer look
_CLOSER: Final = 9999  # permutations of that look
LEVEL: Final = 0.05  # share of false discoveries among the users said to have drifted


@dataclass(frozen=True, eq=False, kw_only=True)
class PopulationView:
    """All users at once: `population` (river, trends, ways between topics), `drift` of each user, and `moved`: since
    when each topic's share is another one, and which items carry the change."""

    population: Population
    drift: Drift
    moved: PopulationDrift

    @property
    def drifted(self) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """`bool[users]`: who drifted, with at most 5% false discoveries among them."""
        return np.nan_to_num(self.drift.q_value, nan=1.0) <= LEVEL

    def trends(self) -> list[dict[str, Any]]:
        """Topics by the change of their share in a year, steepest rise first, as plain values."""
        trend, names = self.population.trend, self.population.names
        return [
            {
                "topic": names[k],
                "change_per_year": float(trend.slope[k]),
                "low": float(trend.low[k]),
                "high": float(trend.high[k]),
                "since": int(self.moved.since[k]),
                "items": [item for item, _ in self.moved.carriers[k]],
            }
            for k in np.argsort(-trend.slope, kind="stable").tolist()
        ]


def view_population(
    queries: Queries, items: Items, topics: Topics, model: InterestModel, *, periods: int
) -> PopulationView:
    """The view of all users in `queries`, cut into `periods` of equal length."""
    content = items.topics[queries.item]
    if not len(queries.item) or not content.any():
        raise InputError("nobody has events on items with topics", mend="train with categories, titles or texts")
    if periods > 0 and queries.timestamp.max() - queries.timestamp.min() < periods:
        raise InputError("the log spans too short a time for a view of everybody", mend="bring a log of several days")
    offsets, timestamps = queries.offsets, queries.timestamp
    spread = None if model.spread is None else (model.spread, items.embedding[queries.item])
    moved = _drift(queries, content, spread)
    least = min(20, max(1, len(queries) // 20))
    everybody = population(
        names=topics.names,
        offsets=offsets,
        membership=content,
        timestamps=timestamps,
        transition=model.transition,
        drift=moved.excess,
        config=PopulationConfig(periods=periods, least=least),
    )
    return PopulationView(
        population=everybody,
        drift=moved,
        moved=population_drift(
            offsets=offsets, item=queries.item, membership=content, timestamps=timestamps, edges=everybody.edges
        ),
    )


def _drift(queries: Queries, content: F32, spread: tuple[Spread, F32] | None) -> Drift:
    """Drift of all users, looked at closer where it is likely: among thousands, a p-value of 1 in 500 proves nothing.

    Only users below `_SUSPECT` are permuted again, more often; their new p-values are as exact as the first.
    """
    first = drift(offsets=queries.offsets, membership=content, timestamps=queries.timestamp, content=spread)
    suspects = np.flatnonzero(np.nan_to_num(first.p_value, nan=1.0) <= _SUSPECT)
    if not len(suspects):
        return first
    rows = np.isin(queries.owner, suspects)
    closer = drift(
        offsets=np.concatenate(([0], np.cumsum(np.diff(queries.offsets)[suspects]))),
        membership=content[rows],
        timestamps=queries.timestamp[rows],
        content=None if spread is None else (spread[0], spread[1][rows]),
        config=DriftConfig(permutations=_CLOSER),
        seed=1,
    )
    p_value, q_value = first.p_value.copy(), first.q_value.copy()
    p_value[suspects] = closer.p_value
    tested = ~np.isnan(p_value)
    q_value[tested] = false_discovery_control(p_value[tested])
    return replace(first, p_value=p_value, q_value=q_value)
