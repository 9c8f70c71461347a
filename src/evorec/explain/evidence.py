"""Evidence behind one recommendation: each scorer's part, traced to the events it rests on."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from evorec.core.types import Queries
from evorec.models.base import Attributing, Items
from evorec.models.blend import Blend

_LEAST: Final = 0.01  # of everything that spoke for an item: less is no reason


@dataclass(frozen=True, kw_only=True)
class EventShare:
    """One history event behind a piece of evidence: row of the item table, timestamp, share in [0, 1]."""

    item: int
    timestamp: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one scorer added to an item's score.

    `share` in [0, 1] is its part of everything that spoke for the item, compared with a typical candidate; `events` are
    the history events it rests on, strongest first, with shares that sum to 1 over the whole history.
    """

    scorer: str
    share: float
    events: tuple[EventShare, ...]


def explain(blend: Blend, query: Queries, items: Items, row: int, *, most_events: int = 3) -> tuple[Evidence, ...]:
    """Why `row` of the item table is recommended to the one user of `query`, strongest evidence first.

    A scorer's part is its weight times its standardised evidence, exactly what it adds to the blend. Inside a scorer
    the split over events is exact where the scorer is a sum over events. What spoke against the item is left out, and
    so is what added less than 1%.
    """
    weights = blend.member_weights(query, items)
    added = np.zeros(len(blend.scorers))
    for j, scorer in enumerate(blend.scorers):
        score, known = scorer.score(query, items)
        if known[0, row]:
            pair = (score[:, row : row + 1], known[:, row : row + 1])
            added[j] = blend.contribution(j, *pair, weights[:, j])[0, 0]
    positive = np.maximum(added, 0.0)
    positive[positive < _LEAST * positive.sum()] = 0
    total = positive.sum()
    found = []
    for j in np.argsort(-positive, kind="stable"):
        if positive[j] <= 0:
            break
        scorer = blend.scorers[j]
        shares = scorer.attribute(query, items, row) if isinstance(scorer, Attributing) else np.zeros(len(query.item))
        strongest = [int(k) for k in np.lexsort((query.item, -shares))[:most_events] if shares[k] > 0]
        events = tuple(
            EventShare(item=int(query.item[k]), timestamp=int(query.timestamp[k]), share=float(shares[k]))
            for k in strongest
        )
        found.append(Evidence(scorer=scorer.name, share=float(positive[j] / total), events=events))
    return tuple(found)
