"""Hold-out: train on the past, measure on what came after, beside the baselines and every member alone."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.catalogue import Users
from evorec.core.types import F32, Bool, Events, Queries
from evorec.data.dataset import Dataset
from evorec.data.feedback import weigh
from evorec.data.split import split_by_time
from evorec.encoders.base import Progress
from evorec.engine.engine import Engine
from evorec.evaluation.baselines import popularity, transitions
from evorec.evaluation.protocol import Evaluation, Protocol, ScoreFunction, evaluate
from evorec.models.base import Items, RunOptions
from evorec.models.blend import drift
from evorec.models.words import ranking
from evorec.recipes.config import Recipe
from evorec.recipes.training import fit, listen, touched
from evorec.store.remarks import RemarkLog


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOut:
    """The engine trained before the cut, and evaluations by protocol and system name; seconds of every fit."""

    engine: Engine
    evaluations: Mapping[Protocol, Mapping[str, Evaluation]]
    fit_seconds: float
    baseline_seconds: Mapping[str, float]


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
    every scorer of the blend alone. What users said, declared or took back before a query is told to the recipe and its
    scorers, as a live engine knows it.
    """
    weighed = weigh(dataset.events, recipe.feedback)
    split = split_by_time(replace(dataset, events=touched(weighed)))  # what speaks against an item is no target
    started = time.perf_counter()
    engine = fit(replace(dataset, events=weighed.before(split.cut)), recipe, options, progress=progress)
    seconds = time.perf_counter() - started
    items, blend = engine.model.items, engine.model.blend
    systems: dict[str, ScoreFunction] = {recipe.name: lambda queries: ranking(blend, queries, items)}
    for scorer in blend.scorers:
        if members or scorer.name.startswith("content"):
            systems[f"{scorer.name} alone"] = ranked_by(scorer.score, items)
    train = split.train.events
    fitting: dict[str, Callable[[], ScoreFunction]] = {
        "popularity, 7 days": lambda: popularity(train, 7),
        "popularity, 30 days": lambda: popularity(train, 30),
        "directed transitions": lambda: transitions(train),
    }
    baselines, baseline_seconds = {}, {}
    for name, fitted in fitting.items():
        started = time.perf_counter()
        baselines[name] = fitted()
        baseline_seconds[name] = time.perf_counter() - started
    remarks = _remarks_of_all(engine, weighed, dataset.users)
    found: dict[Protocol, dict[str, Evaluation]] = {}
    for protocol in protocols:
        targets = protocol.targets(split)
        moved = drift(targets.queries(split.dataset.events, protocol.clock), items)
        asked = {
            name: told(score, remarks, weighed.users.decode(targets.user), items) for name, score in systems.items()
        }
        found[protocol] = {
            name: evaluate(score, split, protocol, drift=moved) for name, score in (asked | baselines).items()
        }
    return HeldOut(engine=engine, evaluations=found, fit_seconds=seconds, baseline_seconds=baseline_seconds)


def _remarks_of_all(engine: Engine, weighed: Events, users: Users | None) -> RemarkLog:
    """What users said, declared and took back, before the cut and after it; the engine keeps to what was before."""
    remarks = RemarkLog.from_saved(*engine.remarks.saved())  # with the words it has read
    listen(Engine(engine.model, engine.log, remarks), weighed, users)
    return remarks


def told(score: ScoreFunction, remarks: RemarkLog, user_ids: Sequence[str], items: Items) -> ScoreFunction:
    """A score function that also reads the remarks made before each query.

    `user_ids` say who asks, in the order in which queries come; the function serves one evaluation.
    """
    if not len(remarks):
        return score
    asked = 0

    def with_remarks(queries: Queries) -> NDArray[np.floating[Any]]:
        nonlocal asked
        who = user_ids[asked : asked + len(queries)]
        asked += len(queries)
        said = remarks.of(who, queries.as_of, items.embedding, items.topics)
        return score(replace(queries, remarks=said))

    return with_remarks


def ranked_by(score: Callable[[Queries, Items], tuple[F32, Bool]], items: Items) -> ScoreFunction:
    """One scorer as a score function: what it does not know goes last."""

    def known_first(queries: Queries) -> F32:
        value, known = score(queries, items)
        return np.where(known, value, np.float32(-1e9))

    return known_first
