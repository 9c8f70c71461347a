"""What everybody's interests do: topics that rise and fall and who carries it, ways between topics, who drifted."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evorec.core.errors import InputError
from evorec.core.types import Queries
from evorec.interests.changes import PopulationDrift, population_drift
from evorec.interests.drift import Drift, drift
from evorec.interests.model import InterestModel
from evorec.interests.population import Population, PopulationConfig, population
from evorec.interests.topics import Topics
from evorec.models.base import Items

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
    offsets, timestamps = queries.offsets, queries.timestamp
    spread = None if model.spread is None else (model.spread, items.embedding[queries.item])
    moved = drift(offsets=offsets, membership=content, timestamps=timestamps, content=spread)
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
