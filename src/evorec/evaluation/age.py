"""Accuracy by the age of the model: how fast what was learned goes stale."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evorec.core.types import DAY, F64, I64
from evorec.evaluation.protocol import Evaluation
from evorec.metrics.bootstrap import mean_interval

BINS = 4
_LEAST = 50  # queries of a bin, on average


def by_model_age(evaluations: Mapping[str, Evaluation], *, bins: int = BINS, seed: int = 0) -> list[dict[str, Any]]:
    """NDCG and recall of named systems by the time from the cut to the target, in bins of equal size, oldest last.

    Each bin: `from_days` and `to_days` (of the first and the last target in it), `queries`, `users`, and under `ndcg`
    and `recall` the mean of every system with its 95% interval over users. The systems answer the same queries; targets
    of one moment stay together, and a small evaluation has fewer bins. Later bins hold other people and other items as
    well: what a system loses shows in its distance from one that does not age, such as a model kept up to date.

    >>> from evorec.core.types import Events
    >>> from evorec.data.dataset import Dataset
    >>> from evorec.data.split import Split
    >>> from evorec.evaluation.protocol import Protocol, evaluate
    >>> days = [1, 1, 9, 9, *range(10, 210)]
    >>> log = Events.create(user_ids=[*"abab", *"ab" * 100], item_ids=[*"xyyx", *(f"i{d // 2}" for d in days[4:])],
    ...                     timestamps=[day * DAY for day in days])
    >>> split = Split(dataset=Dataset.create(log), cut=10 * DAY)
    >>> found = evaluate(lambda queries: np.zeros((len(queries), len(log.items))), split,
    ...                  Protocol(kind="successive", candidates="available"))
    >>> [(b["from_days"], b["to_days"], b["queries"]) for b in by_model_age({"nothing": found}, bins=2)]
    [(1.0, 99.0, 50), (101.0, 199.0, 50)]
    """
    first = next(iter(evaluations.values()))
    age, user = (first.targets.timestamp - first.cut) / DAY, first.targets.user
    place = age_bins(age, bins=min(bins, max(1, len(age) // _LEAST)))
    found = []
    for number in np.unique(place):
        inside = place == number
        means = {
            metric: {
                name: mean_interval(result.per_query[metric][inside], user[inside], seed=seed)
                for name, result in evaluations.items()
            }
            for metric in ("ndcg", "recall")
        }
        found.append(
            {
                "from_days": float(age[inside].min()),
                "to_days": float(age[inside].max()),
                "queries": int(inside.sum()),
                "users": len(np.unique(user[inside])),
                **means,
            }
        )
    return found


def age_bins(age: F64, *, bins: int) -> I64:
    """`int64[q]`: which bin each `age float64[q]` falls into, by quantiles; equal ages share a bin.

    >>> age_bins(np.array([3.0, 1.0, 2.0, 4.0]), bins=2).tolist()
    [1, 0, 0, 1]
    """
    edges = np.quantile(age, np.arange(1, bins) / bins)
    return np.searchsorted(edges, age, side="left").astype(np.int64)
