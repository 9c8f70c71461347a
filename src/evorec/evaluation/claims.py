"""What may be claimed of a table of systems: the best against the runner-up, one system against the best baseline."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from evorec.core.errors import InputError
from evorec.evaluation.protocol import Comparison, Evaluation, compare


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One system against another: the paired difference of NDCG (first less second) and what it says."""

    system: str
    against: str
    comparison: Comparison


def leading(evaluations: Mapping[str, Evaluation], names: Collection[str] | None = None) -> list[str]:
    """The systems called `names` (by default all) by mean NDCG, best first; equals in the order given."""
    held = [name for name in evaluations if names is None or name in names]
    return sorted(held, key=lambda name: -evaluations[name].mean("ndcg"))


def claims(
    evaluations: Mapping[str, Evaluation], *, system: str, baselines: Collection[str], seed: int = 0
) -> dict[str, Claim]:
    """`lead`: the best system against the runner-up; `baseline`: `system` against the best of `baselines`.

    The best is found by looking, so its lead is a little too large where several are close; `system` was named before.
    A claim whose two sides would be one system is left out.

    >>> import numpy as np
    >>> from evorec.core.types import Events
    >>> from evorec.data.dataset import Dataset
    >>> from evorec.data.split import Split
    >>> from evorec.evaluation.protocol import evaluate
    >>> log = Events.create(user_ids=["a", "b", "b", "a"], item_ids=["x", "y", "z", "y"], timestamps=[1, 1, 2, 9])
    >>> split = Split(dataset=Dataset.create(log), cut=5)
    >>> good = evaluate(lambda queries: np.tile([0.0, 2.0, 1.0], (len(queries), 1)), split)
    >>> bad = evaluate(lambda queries: np.tile([0.0, 1.0, 2.0], (len(queries), 1)), split)
    >>> found = claims({"bad": bad, "good": good}, system="good", baselines=["bad"])
    >>> [(name, claim.system, claim.against, claim.comparison.verdict) for name, claim in found.items()]
    [('lead', 'good', 'bad', 'better'), ('baseline', 'good', 'bad', 'better')]
    """
    for name in (system, *baselines):
        if name not in evaluations:
            raise InputError(f"no system is called {name!r}", mend=f"use one of {', '.join(evaluations)}")
    best = leading(evaluations)
    pairs = {"lead": best[:2], "baseline": [system, *leading(evaluations, set(baselines) - {system})[:1]]}
    return {
        name: Claim(
            system=pair[0],
            against=pair[1],
            comparison=compare(evaluations[pair[0]], evaluations[pair[1]], seed=seed),
        )
        for name, pair in pairs.items()
        if len(pair) == 2
    }
