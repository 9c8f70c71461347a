"""Inner validation: the blend's weights chosen on cuts inside the training time, never on a test part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import ALWAYS, F64
from evorec.data.dataset import Dataset
from evorec.data.split import Split, rolling_splits
from evorec.data.targets import Targets, next_targets, successive_targets
from evorec.metrics.ranking import hits, ndcg
from evorec.models.base import Items, RunOptions, Scorer
from evorec.models.blend import Blend, Choices, collect_choices
from evorec.recipes.assembly import ItemTable, build_scorer, to_the_day
from evorec.recipes.config import Recipe, ScorerSpec
from evorec.retrieval.exact import top_k

_CHUNK = 128  # queries scored at once
_LEAST_GAIN = 1e-4  # in NDCG@10: less is not worth a scorer
_LENGTH = 10  # lists are judged at this length


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """One cut inside the training time: what was known before it, and what users took after it."""

    train: Dataset
    split: Split
    targets: Targets
    items: Items

    def choices(self, scorers: Sequence[Scorer], rng: np.random.Generator) -> list[Choices]:
        """What users chose among what, for fitting the blend."""
        batches = []
        for start in range(0, len(self.targets), _CHUNK):
            block = self.targets.slice(start, start + _CHUNK)
            queries = block.queries(self.split.dataset.events)
            allowed = block.candidates()
            allowed[queries.owner, queries.item] = False
            chosen = np.zeros_like(allowed)
            chosen[np.repeat(np.arange(len(block)), block.relevant), block.item] = True
            batches.append(collect_choices(scorers, queries, self.items, allowed, chosen, rng))
        return batches


def stages(dataset: Dataset, table: ItemTable, recipe: Recipe, options: RunOptions) -> list[Stage]:
    """The cuts to validate on, oldest first; none where the log is too short for any.

    Whitening and topics are those of `table`, fitted once on the whole training time: they say what items mean, not who
    takes them, and topics that change from cut to cut would not be those that the weights are used on.
    """
    found: list[Stage] = []
    try:
        splits = [_without_hot_news(split) for split in rolling_splits(dataset, recipe.windows)]
    except InputError:  # too few distinct moments, or only new items after a cut
        return found
    for number, split in enumerate(splits):
        rng = generator(options.seed, f"validation targets {number}")
        targets = _mixed_targets(split, recipe.queries, rng)
        if len(targets):
            items = replace(table.items, first_seen=to_the_day(split.train.first_seen))
            found.append(Stage(train=split.train, split=split, targets=targets, items=items))
    return found


def _mixed_targets(split: Split, most: int, rng: np.random.Generator) -> Targets:
    """At most `most` targets: two thirds what users do first after the cut, one third what they do later.

    The first asks for someone who comes back after a while, the later ones for someone in the midst of things; a blend
    that is conditioned on the silence before a query has to see both.
    """
    every = successive_targets(split, candidates="available")
    first = next_targets(split, candidates="available")
    moment = dict(zip(first.user.tolist(), first.timestamp.tolist(), strict=True))
    asked = zip(every.user.tolist(), every.timestamp.tolist(), strict=True)
    is_first = np.fromiter((moment.get(u) == t for u, t in asked), dtype=np.bool_, count=len(every))
    later, firsts = rng.permutation(np.flatnonzero(~is_first)), rng.permutation(np.flatnonzero(is_first))
    firsts = firsts[: max(2 * most // 3, most - len(later))]
    return every.take(np.sort(np.concatenate([firsts, later[: most - len(firsts)]])))


def _without_hot_news(split: Split) -> Split:
    """Leave out events after the cut on items that had neither events nor a date of arrival before.

    That such an item was touched after the cut is all that makes it a candidate: as one it would be a giveaway.
    """
    events = split.dataset.events
    foreseeable = (split.train.item_counts > 0) | (split.dataset.catalogue.available_from != ALWAYS)
    keep = (events.timestamp < split.cut) | (events.item < 0) | foreseeable[events.item]
    return replace(split, dataset=replace(split.dataset, events=events.select(keep)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Trial:
    """A stage with every scorer of a recipe fitted before its cut, and what users chose after it."""

    stage: Stage
    scorers: tuple[Scorer, ...]
    batches: tuple[Choices, ...]

    def quality(self, blend: Blend) -> F64:
        """NDCG@10 `float64[targets]` of a fitted blend that ranks everything on offer."""
        found = []
        for start in range(0, len(self.stage.targets), _CHUNK):
            block = self.stage.targets.slice(start, start + _CHUNK)
            queries = block.queries(self.stage.split.dataset.events)
            score, _ = blend.score(queries, self.stage.items)
            score[~block.candidates()] = -np.inf
            score[queries.owner, queries.item] = -np.inf
            top = top_k(score, _LENGTH)
            found.append(ndcg(hits(top, block.offsets, block.item), block.relevant))
        return np.concatenate(found)


def fit_blend(
    dataset: Dataset, table: ItemTable, recipe: Recipe, options: RunOptions
) -> tuple[Blend, tuple[ScorerSpec, ...], tuple[str, ...]]:
    """A blend with weights fitted inside the training time, what it is made of, and a note on each decision.

    Its members are not yet fitted. Optional scorers are kept where they help; whether the blend (with or without
    context) or a single member ranks is decided next, by cross-fitting, so that a blend is never kept below its best
    member: weights from every second batch of questions are judged on the other batches.
    """
    rng = generator(options.seed, "blend candidates")
    trials = []
    for stage in stages(dataset, table, recipe, options):
        fitted = tuple(build_scorer(spec).fit(stage.train, options) for spec in recipe.scorers)
        trials.append(Trial(stage=stage, scorers=fitted, batches=tuple(stage.choices(fitted, rng))))
    kept, told = _worth_keeping(recipe, trials)
    blend = Blend([build_scorer(spec) for spec in kept], recipe.blend)
    if not trials:
        return blend, kept, ("the log is too short to validate on: the weights are the prior",)
    batches = _choices_of(trials, [recipe.scorers.index(spec) for spec in kept])
    return blend, kept, (*told, _keep_best(blend, batches))


def _choices_of(trials: Sequence[Trial], places: list[int]) -> list[Choices]:
    """What users chose in all trials, with the evidence of some of the scorers."""
    return [
        replace(batch, evidence=batch.evidence[..., places], known=batch.known[..., places])
        for trial in trials
        for batch in trial.batches
    ]


def _worth_keeping(recipe: Recipe, trials: Sequence[Trial]) -> tuple[tuple[ScorerSpec, ...], tuple[str, ...]]:
    """The scorers that are not optional, and each optional one that lifts NDCG@10 by more than its standard error.

    One after the other in the order of the recipe, each beside those kept before (the one-standard-error rule of
    Breiman, Friedman, Olshen and Stone 1984). Judged over the whole catalogue: among the candidates that the weights
    are fitted on, evidence that lifts many items a little looks better than it is.
    """
    kept = [place for place, spec in enumerate(recipe.scorers) if not spec.optional]
    optional = [place for place, spec in enumerate(recipe.scorers) if spec.optional]
    told = []
    if optional and len(trials) > 1:
        best = _cross_fitted(kept, recipe, trials)
        for place in optional:
            tried = _cross_fitted([*kept, place], recipe, trials)
            gain = tried - best
            error = float(gain.std() / np.sqrt(len(gain)))
            helps = float(gain.mean()) > max(error, _LEAST_GAIN)
            if helps:
                kept, best = [*kept, place], tried
            verdict = "kept" if helps else "left out"
            told.append(f"{recipe.scorers[place].name} {gain.mean():+.4f} ± {error:.4f} {verdict}")
    notes = (f"optional evidence, gain in NDCG@10: {', '.join(told)}",) if told else ()
    return tuple(recipe.scorers[place] for place in sorted(kept)), notes


def _cross_fitted(places: list[int], recipe: Recipe, trials: Sequence[Trial]) -> F64:
    """NDCG@10 of a blend of some of the scorers, `float64[targets]` of all trials, weights from the other trials."""
    found = []
    for judged in trials:
        blend = Blend([judged.scorers[place] for place in places], recipe.blend)
        blend.fit_weights(_choices_of([t for t in trials if t is not judged], places), with_errors=False)
        found.append(judged.quality(blend))
    return np.concatenate(found)


def _keep_best(blend: Blend, batches: Sequence[Choices]) -> str:
    """Fit the blend on all batches; then keep it, or it without context, or the one member that beat both.

    The decision is cross-fitted: weights come from every second batch of questions, quality from the others, and back.
    A user may stand in both, at different cuts.
    """
    quality: dict[str, list[F64]] = {}
    halves = [batches[0::2], batches[1::2]]
    for fit, judged in (halves, halves[::-1]) if halves[1] else ():
        for name in ("blend", "blend without context"):
            blend.fit_weights(fit, with_errors=False) if name == "blend" else blend.ignore_context()
            quality.setdefault(name, []).extend(_quality(blend.utilities(b), b) for b in judged)
        for j, scorer in enumerate(blend.scorers):
            quality.setdefault(scorer.name, []).extend(
                _quality(np.where(b.known[..., j], b.evidence[..., j], -1e9), b) for b in judged
            )
    blend.fit_weights(batches)
    if not quality:
        return "too few users to judge the blend on: kept as it is"
    means = {name: float(np.concatenate(values).mean()) for name, values in quality.items()}
    best = max(means, key=lambda name: means[name])
    if best == "blend without context":
        blend.ignore_context()
    elif best != "blend":
        blend.rely_on([scorer.name for scorer in blend.scorers].index(best))
    listed = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
    count = sum(len(b.target) for b in batches)
    return f"ranking by {best}; NDCG@10 among candidates, cross-fitted on {count:,} later choices: {listed}"


def _quality(utility: F64, batch: Choices) -> F64:
    """NDCG@10 `float64[q]` of an order of the candidates in `batch`."""
    ranked = np.argsort(-np.where(np.isfinite(batch.log_count), utility, -np.inf), axis=1, kind="stable")
    hit = np.take_along_axis(batch.target > 0, ranked[:, :_LENGTH], axis=1)
    return ndcg(hit, (batch.target > 0).sum(axis=1))
