"""Tuning: settings of a recipe searched on cuts inside the training time, one part at a time."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.core.rng import generator
from evorec.core.types import F32, F64, I32
from evorec.data.dataset import Dataset
from evorec.data.feedback import weigh
from evorec.data.split import split_by_time
from evorec.encoders.base import Progress
from evorec.encoders.cache import EmbeddingCache
from evorec.encoders.opening import open_encoder
from evorec.metrics.bootstrap import standard_error
from evorec.models.base import RunOptions, Scorer
from evorec.recipes.assembly import build_scorer, item_table
from evorec.recipes.config import Recipe, ScorerSpec
from evorec.recipes.training import encode_items, touched
from evorec.recipes.validation import Stage, Trial, cross_fitted, stages


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers to search between, both ends included; by ratio (`log`) or by difference, `whole` or not."""

    low: float
    high: float
    log: bool = True
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """Values to choose from."""

    values: tuple[Any, ...]


Space = Mapping[str, Range | OneOf]

# What is worth searching, by kind of scorer; a recipe's own value that lies outside widens the range.
SPACE: Final[Mapping[str, Space]] = {
    "popularity": {"half_life_days": Range(low=0.5, high=1000)},
    "transitions": {"half_life_events": Range(low=0.5, high=30), "to_power": Range(low=0, high=1, log=False)},
    "content": {"half_life_events": Range(low=0.5, high=200)},
    "interests": {"half_life_days": Range(low=3, high=1000)},
    "journeys": {"half_life_days": Range(low=30, high=2000), "similarity": Range(low=0.05, high=0.6, log=False)},
    "evolution": {"dimension": Range(low=16, high=256, whole=True), "ridge": Range(low=1, high=10_000)},
    "taste": {
        "neighbours": Range(low=20, high=500, whole=True),
        "ridge": Range(low=0.5, high=50),
        "half_life_events": Range(low=2, high=300),
    },
    "sequence": {
        "rate": Range(low=3e-4, high=1e-2),
        "dropout": Range(low=0, high=0.6, log=False),
        "bound": Range(low=0.1, high=10),
        "layers": Range(low=1, high=4, whole=True, log=False),
        "length": Range(low=16, high=256, whole=True),
    },
}
BLEND: Final[Space] = {
    "surprise": Range(low=1e-5, high=0.1),
    "ridge": Range(low=0.01, high=100),
    "context_ridge": Range(low=0.01, high=100),
}
TABLE: Final[Space] = {"dimension": OneOf(values=(32, 64, 96, 128, 192, 256))}

OPTIMISTIC: Final = "chosen as the best of many trials on the same targets, so the gain is optimistic"
_TUNED: Final = " (tuned)"
_ENTRY: Final = b'{"op_code":'  # what every line of a journal begins with
Values = dict[str, Any]  # by `SCORER / setting`


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One trial: its number from 0 (the recipe as it is), what was changed, its NDCG@10, and the best so far."""

    number: int
    changed: str
    ndcg: float
    best: float


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best recipe of so many `trials`, and its cross-fitted NDCG@10 beside that of the recipe it started from.

    `gain` is their mean difference over `targets` at the inner cuts, `error` its standard error over users. It is the
    best of many looks at the same targets, so it promises too much; what lies after the cut of `evorec evaluate` was
    not looked at.
    """

    recipe: Recipe
    trials: int
    targets: int
    before: float
    after: float
    gain: float
    error: float


def blocks(recipe: Recipe) -> list[tuple[str, Space, Mapping[str, Any]]]:
    """What changes together: the name, space and present values of each scorer, of the blend, and of the item table.

    >>> from evorec.recipes.config import fast
    >>> [name for name, _, _ in blocks(fast())][-3:]
    ['evolution', 'blend', 'item table']
    """
    found: list[tuple[str, Space, Mapping[str, Any]]] = []
    for spec in recipe.scorers:
        config = asdict(build_scorer(spec).config)  # type: ignore[attr-defined]
        found.append((spec.name, SPACE.get(spec.kind, {}), config))
    found += [("blend", BLEND, asdict(recipe.blend)), ("item table", TABLE, {"dimension": recipe.dimension})]
    return [block for block in found if block[1]]


def settled(recipe: Recipe, values: Values) -> Recipe:
    """`recipe` with the settings `values`; a name that states a half-life states the new one.

    >>> from evorec.recipes.config import fast
    >>> settled(fast(), {"popularity (2 days) / half_life_days": 3.5}).scorers[0].name
    'popularity (3.5 days)'
    """

    def of(name: str) -> Values:
        return {key.rpartition(" / ")[2]: value for key, value in values.items() if key.rpartition(" / ")[0] == name}

    scorers: list[ScorerSpec] = []
    for spec in recipe.scorers:
        given = of(spec.name)
        old, new = spec.settings.get("half_life_days"), given.get("half_life_days")
        name = spec.name
        if old is not None and new is not None:
            name = name.replace(f"({old:g} days)", f"({new:g} days)")
        taken = {held.name for held in (*scorers, *recipe.scorers) if held is not spec}
        name = spec.name if name in taken else name
        scorers.append(replace(spec, name=name, settings={**spec.settings, **given}))
    return replace(recipe, scorers=tuple(scorers), blend=replace(recipe.blend, **of("blend")), **of("item table"))


class Judge:
    """Cross-fitted NDCG@10 of variants of one recipe, on the same targets and the same sampled candidates.

    What is fitted is kept by settings, stage and dimension, so that a trial fits anew only what it changed.
    """

    def __init__(self, dataset: Dataset, vectors: F32, options: RunOptions) -> None:
        self.dataset, self.vectors, self.options = dataset, vectors, options
        self._stages: dict[int, list[Stage]] = {}
        self._fits: dict[tuple[str, int, int], Scorer] = {}
        self._known: dict[str, F64] = {}

    def quality(self, recipe: Recipe) -> F64:
        """NDCG@10 of the whole recipe, its optional scorers with it, `float64[targets]`."""
        key = _digest(recipe)
        if key not in self._known:
            trials = self._trials(recipe)
            lists = [trial.shortlists([]) for trial in trials]
            self._known[key] = cross_fitted(list(range(len(recipe.scorers))), recipe, trials, lists)
        return self._known[key]

    def users(self, recipe: Recipe) -> I32:
        """Who asked, `int32[targets]`, in the order of `quality`."""
        return np.concatenate([stage.targets.user for stage in self._cuts(recipe)])

    def keep(self, recipe: Recipe) -> None:
        """Forget the fits that `recipe` does not need: the next trials start from it."""
        needed = {
            (_settings(spec), number, recipe.dimension) for spec in recipe.scorers for number in range(recipe.windows)
        }
        self._fits = {key: scorer for key, scorer in self._fits.items() if key in needed}
        self._stages = {size: held for size, held in self._stages.items() if size == recipe.dimension}

    def _trials(self, recipe: Recipe) -> list[Trial]:
        held = self._cuts(recipe)
        if len(held) < 2:
            raise InputError("the log is too short to tune on", mend="bring a longer one, or use the recipe as it is")
        rng = generator(self.options.seed, "blend candidates")
        return [self._trial(number, stage, recipe, rng) for number, stage in enumerate(held)]

    def _cuts(self, recipe: Recipe) -> list[Stage]:
        if recipe.dimension not in self._stages:
            table = item_table(self.dataset, self.vectors, dimension=recipe.dimension, seed=self.options.seed)
            dataset = replace(self.dataset, embedding=table.items.embedding)
            self._stages[recipe.dimension] = stages(dataset, table, recipe, self.options)
        return self._stages[recipe.dimension]

    def _trial(self, number: int, stage: Stage, recipe: Recipe, rng: np.random.Generator) -> Trial:
        """Scorers that stand fitted already are not fitted again."""
        fitted = []
        for spec in recipe.scorers:
            key = (_settings(spec), number, recipe.dimension)
            if key not in self._fits:
                self._fits[key] = build_scorer(spec).fit(stage.train, self.options)
            fitted.append(self._fits[key])
        return Trial.of(stage, recipe, fitted, self.options.seed, rng)


def _settings(spec: ScorerSpec) -> str:
    return json.dumps([spec.kind, dict(spec.settings)], sort_keys=True)


def _digest(*parts: Any) -> str:
    told = [asdict(part) if isinstance(part, Recipe) else part for part in parts]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


def tune(
    dataset: Dataset,
    recipe: Recipe,
    *,
    minutes: float,
    journal: Path,
    options: RunOptions | None = None,
    reading: Progress | None = None,
    report: Callable[[Tried], None] | None = None,
) -> Tuned:
    """Search settings of `recipe` for so many minutes of wall clock, asked between trials; ctrl-C ends it as well.

    The last tenth of the events, which `hold_out` measures on, is held back. The first trial is the recipe as it is;
    each further one takes the best so far and draws the settings of one scorer, of the blend or of the item table anew,
    by tree-structured Parzen estimators (Bergstra et al. 2011, "Algorithms for hyper-parameter optimization"). Trials
    stand in the file `journal`: with the same data, recipe and seed a run goes on where the last one ended, with the
    trials that it would have made without the break.
    """
    if not minutes > 0:
        raise InputError(f"minutes is {minutes:g}", mend="give a number above 0")
    until = time.monotonic() + 60 * minutes
    options = options or RunOptions()
    if not len(dataset.events):
        raise InputError("the event log is empty", mend="check the file, the filters and the column mapping")
    dataset = split_by_time(replace(dataset, events=touched(weigh(dataset.events, recipe.feedback)))).train
    storage = _storage(journal)
    with threadpool_limits(limits=1, user_api="blas"):
        vectors = encode_items(dataset, open_encoder(recipe.encoder), cache=EmbeddingCache(), progress=reading)
        study = _study(storage, _named(dataset, vectors, recipe, options))
        judge = Judge(dataset, vectors, options)
        try:
            for tried in _trials(study, recipe, judge, options.seed):
                if report:
                    report(tried)
                if time.monotonic() >= until:
                    break
        except KeyboardInterrupt:
            _give_up(study)
            if not _complete(study):
                raise
        return _result(study, recipe, judge)


def _named(dataset: Dataset, vectors: F32, recipe: Recipe, options: RunOptions) -> str:
    """A name for the search that changes with the data, what was read of the items, the recipe and the seed."""
    events = dataset.events
    content = hashlib.sha256()
    for array in (events.user, events.item, events.timestamp, events.weight, vectors):
        content.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return _digest(recipe, options.seed, content.hexdigest(), list(events.items), list(events.users))


def _storage(journal: Path) -> Any:
    """The trials in the file `journal`, without a line that was being written when the program was killed."""
    optuna = require("optuna", extra="tune")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    journal.parent.mkdir(parents=True, exist_ok=True)
    if journal.exists():
        held = _entries(journal)
        if held != journal.read_bytes():
            journal.write_bytes(held)
    backend = JournalFileBackend(str(journal), lock_obj=JournalFileOpenLock(str(journal)))
    try:
        return optuna.storages.JournalStorage(backend)
    except (ValueError, LookupError, TypeError):
        raise _no_journal(journal) from None


def _entries(journal: Path) -> bytes:
    """The whole lines of a journal; another file is refused before anything is written to it."""
    if not journal.is_file():
        raise _no_journal(journal)
    held = journal.read_bytes()
    whole = held[: held.rfind(b"\n") + 1]
    rest = held[len(whole) :]
    begun = rest[: len(_ENTRY)] == _ENTRY[: len(rest)]
    if not begun or not all(line.startswith(_ENTRY) for line in whole.splitlines()):
        raise _no_journal(journal)
    return whole


def _no_journal(journal: Path) -> InputError:
    return InputError(f"{journal} is no journal of trials", mend="move it away, or give the recipe another name")


def _study(storage: Any, name: str) -> Any:
    """The search called `name`, without trials that an end in the midst of them left behind."""
    import optuna

    study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    _give_up(study)
    return study


def _give_up(study: Any) -> None:
    """Close trials that were begun and not ended: they are made again."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING)):
        study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def _complete(study: Any) -> Sequence[Any]:
    from optuna.trial import TrialState

    found: Sequence[Any] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return found


def _trials(study: Any, recipe: Recipe, judge: Judge, seed: int) -> Iterator[Tried]:
    """One trial after the other, without end.

    The sampler is made anew for each, from the seed and the number of trials before it, so that nothing but the journal
    decides what comes next.
    """
    from optuna.samplers import TPESampler

    parts = blocks(recipe)
    space = {f"{name} / {key}": (held[key], limits[key]) for name, limits, held in parts for key in limits}
    own = {key: value for key, (value, _) in space.items()}
    distributions = {key: _distribution(value, limits) for key, (value, limits) in space.items()}
    while True:
        done = _complete(study)
        number = len(done)
        if number:
            best = max(done, key=lambda trial: trial.value).params
            turn = generator(seed, f"round {(number - 1) // len(parts)} of tuning").permutation(len(parts))
            changed = parts[turn[(number - 1) % len(parts)]][0]
            fixed = {key: value for key, value in best.items() if key.rpartition(" / ")[0] != changed}
        else:
            changed, fixed = "nothing", own
        drawn = int(generator(seed, f"trial {number} of tuning").integers(2**31))
        study.sampler = TPESampler(seed=drawn, multivariate=False, constant_liar=False)
        study.enqueue_trial(fixed)
        trial = study.ask(distributions)
        value = float(judge.quality(settled(recipe, _rounded(trial.params, own))).mean())
        study.tell(trial, value)
        top = max(_complete(study), key=lambda trial: trial.value)
        judge.keep(settled(recipe, _rounded(top.params, own)))
        yield Tried(number=number, changed=changed, ndcg=value, best=float(top.value))


def _distribution(value: Any, limits: Range | OneOf) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(limits, OneOf):
        return CategoricalDistribution(sorted({*limits.values, value}))
    kind = IntDistribution if limits.whole else FloatDistribution
    return kind(min(limits.low, value), max(limits.high, value), log=limits.log and value > 0)


def _rounded(params: Mapping[str, Any], own: Values) -> Values:
    """What was drawn to three digits, as people write settings; the recipe's `own` values as they are."""
    return {
        key: float(f"{value:.3g}") if isinstance(value, float) and value != own[key] else value
        for key, value in params.items()
    }


def _result(study: Any, recipe: Recipe, judge: Judge) -> Tuned:
    done = _complete(study)
    own = {f"{name} / {key}": held[key] for name, limits, held in blocks(recipe) for key in limits}
    first = settled(recipe, _rounded(min(done, key=lambda trial: trial.number).params, own))
    best = settled(recipe, _rounded(max(done, key=lambda trial: trial.value).params, own))
    after, before = judge.quality(best), judge.quality(first)
    gain = after - before
    return Tuned(
        recipe=replace(best, name=f"{recipe.name.removesuffix(_TUNED)}{_TUNED}"),
        trials=len(done),
        targets=len(gain),
        before=float(before.mean()),
        after=float(after.mean()),
        gain=float(gain.mean()),
        error=standard_error(gain, judge.users(best)),
    )
