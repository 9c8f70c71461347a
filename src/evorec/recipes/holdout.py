"""Hold-out: train on the past, measure on what came after, beside the baselines and every member alone."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from evorec.core.types import F32, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.data.feedback import weigh
from evorec.data.split import split_by_time
from evorec.encoders.base import Progress
from evorec.engine.engine import Engine
from evorec.evaluation.baselines import popularity, transitions
from evorec.evaluation.protocol import Evaluation, Protocol, ScoreFunction, evaluate
from evorec.models.base import Items, RunOptions
from evorec.models.blend import drift
from evorec.recipes.config import Recipe
from evorec.recipes.training import fit, touched


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOut:
    """The engine trained before the cut, and evaluations by protocol and system name."""

    engine: Engine
    evaluations: Mapping[Protocol, Mapping[str, Evaluation]]
    fit_seconds: float


def hold_out(
    dataset: Dataset,
    recipe: Recipe,
    protocols: tuple[Protocol, ...],
    options: RunOptions | None = None,
    *,
    members: bool = False,
    progress: Progress | None = None,
) -> HeldOut:
    """Cut `dataset` at 90% of its events, fit `recipe` before the cut, evaluate after it.

    Beside the recipe stand popularity over 7 and 30 days, directed transitions and content alone, and with `members`
    every scorer of the blend alone.
    """
    # What speaks against an item is neither a target nor a history to foresee one from.
    dataset = replace(dataset, events=touched(weigh(dataset.events, recipe.feedback)))
    split = split_by_time(dataset)
    started = time.perf_counter()
    engine = fit(split.train, recipe, options, progress=progress)
    seconds = time.perf_counter() - started
    items, blend = engine.model.items, engine.model.blend
    systems: dict[str, ScoreFunction] = {recipe.name: lambda queries: blend.score(queries, items)[0]}
    for scorer in blend.scorers:
        if members or scorer.name.startswith("content"):
            systems[f"{scorer.name} alone"] = ranked_by(scorer.score, items)
    train = split.train.events
    systems["popularity, 7 days"] = popularity(train, 7)
    systems["popularity, 30 days"] = popularity(train, 30)
    systems["directed transitions"] = transitions(train)
    found: dict[Protocol, dict[str, Evaluation]] = {}
    for protocol in protocols:
        targets = protocol.targets(split)
        moved = drift(targets.queries(split.dataset.events, protocol.clock), items)
        found[protocol] = {name: evaluate(score, split, protocol, drift=moved) for name, score in systems.items()}
    return HeldOut(engine=engine, evaluations=found, fit_seconds=seconds)


def ranked_by(score: Callable[[Queries, Items], tuple[F32, Bool]], items: Items) -> ScoreFunction:
    """One scorer as a score function: what it does not know goes last."""

    def known_first(queries: Queries) -> F32:
        value, known = score(queries, items)
        return np.where(known, value, np.float32(-1e9))

    return known_first
