"""Evidence behind one recommendation: each scorer's part, traced to the events it rests on, and that of words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evorec.core.types import F64, Queries
from evorec.models.base import Attributing, Items
from evorec.models.blend import Blend
from evorec.models.words import nearness_of_each, ranking, unsaid

WORDS: Final = "words"  # stands among the names of the scorers
_LEAST: Final = 0.01  # of everything that spoke for an item: less is no reason


@dataclass(frozen=True, kw_only=True)
class EventShare:
    """One history event behind a piece of evidence: row of the item table, timestamp, share in [0, 1]."""

    item: int
    timestamp: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one scorer, or what the user said, added to an item's score.

    `share` in [0, 1] is its part of everything that spoke for the item, compared with a typical candidate; `events` are
    the history events it rests on, strongest first, with shares that sum to 1 over the whole history; `words` are those
    of the user it rests on, strongest first, where it is `WORDS`.
    """

    scorer: str
    share: float
    events: tuple[EventShare, ...] = ()
    words: tuple[str, ...] = ()


def explain(
    blend: Blend, query: Queries, items: Items, row: int, *, said: Sequence[str] = (), most_events: int = 3
) -> tuple[Evidence, ...]:
    """Why `row` of the item table is recommended to the one user of `query`, strongest evidence first.

    A scorer's part is its weight times its standardised evidence, exactly what it adds to the blend without the user's
    wishes; that of words is what the score loses without them. Inside a scorer the split over events is exact where the
    scorer is a sum over events. What spoke against the item is left out, and so is what added less than 1%. `said`
    are the texts of the query's remarks, in their order.
    """
    silent = unsaid(query)
    added, names = _added(blend, silent, items, row), [scorer.name for scorer in blend.scorers]
    if silent is not query:
        told, untold = (ranking(blend, asked, items)[0, row] for asked in (query, silent))
        lost = float(told - untold)
        added, names = np.append(added, lost), [*names, WORDS]
    positive = np.maximum(added, 0.0)
    positive[positive < _LEAST * positive.sum()] = 0
    found = []
    for j in np.argsort(-positive, kind="stable"):
        if positive[j] <= 0:
            break
        share = float(positive[j] / positive.sum())
        if j < len(blend.scorers):
            scorer, events = blend.scorers[j], tuple[EventShare, ...]()
            if isinstance(scorer, Attributing):
                events = _events(scorer.attribute(silent, items, row), silent, most_events)
            found.append(Evidence(scorer=names[j], share=share, events=events))
        else:
            each = nearness_of_each(query, items, row)
            strongest = [int(r) for r in np.argsort(-each, kind="stable")[:most_events] if each[r] > 0]
            words = tuple(dict.fromkeys(said[r] for r in strongest if r < len(said) and said[r]))
            found.append(Evidence(scorer=WORDS, share=share, words=words))
    return tuple(found)


def _added(blend: Blend, query: Queries, items: Items, row: int) -> F64:
    """`float64[scorers]`: what each adds to the score of `row`; 0 where it does not know the pair."""
    weights = blend.member_weights(query, items)
    added = np.zeros(len(blend.scorers))
    for j, scorer in enumerate(blend.scorers):
        score, known = scorer.score(query, items)
        if known[0, row]:
            pair = (score[:, row : row + 1], known[:, row : row + 1])
            added[j] = blend.contribution(j, *pair, weights[:, j])[0, 0]
    return added


def _events(shares: F64, query: Queries, most: int) -> tuple[EventShare, ...]:
    strongest = [int(k) for k in np.lexsort((query.item, -shares))[:most] if shares[k] > 0]
    return tuple(
        EventShare(item=int(query.item[k]), timestamp=int(query.timestamp[k]), share=float(shares[k]))
        for k in strongest
    )
