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
from evorec.metrics.ranking import ndcg
from evorec.models.base import Items, RunOptions, Scorer
from evorec.models.blend import Blend, Choices, collect_choices
from evorec.recipes.assembly import ItemTable, build_scorer, to_the_day
from evorec.recipes.config import Recipe, ScorerSpec

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


def fit_blend(
    dataset: Dataset, table: ItemTable, recipe: Recipe, options: RunOptions
) -> tuple[Blend, tuple[ScorerSpec, ...], tuple[str, ...]]:
    """A blend with weights fitted inside the training time, what it is made of, and a note on each decision.

    Its members are not yet fitted. Optional scorers are kept where they help; whether the blend (with or without
    context) or a single member ranks is decided next. Both by cross-fitting, so that a blend is never kept below its
    best member: weights from every second batch of questions are judged on the other batches.
    """
    rng = generator(options.seed, "blend candidates")
    batches: list[Choices] = []
    for stage in stages(dataset, table, recipe, options):
        fitted = [build_scorer(spec).fit(stage.train, options) for spec in recipe.scorers]
        batches += stage.choices(fitted, rng)
    if len(batches) < 2:
        kept = tuple(spec for spec in recipe.scorers if not spec.optional)
        why = (
            "too few users to judge the blend on: kept as it is"
            if batches
            else ("the log is too short to validate on: the weights are the prior")
        )
        blend = _blend_of(kept, recipe)
        if batches:
            blend.fit_weights([_only(b, _places(recipe, kept)) for b in batches])
        return blend, kept, (why,)
    kept, told = _worth_keeping(recipe, batches)
    batches = [_only(batch, _places(recipe, kept)) for batch in batches]
    blend = _blend_of(kept, recipe)
    return blend, kept, (*told, _keep_best(blend, batches))


def _blend_of(specs: Sequence[ScorerSpec], recipe: Recipe) -> Blend:
    return Blend([build_scorer(spec) for spec in specs], recipe.blend)


def _places(recipe: Recipe, specs: Sequence[ScorerSpec]) -> list[int]:
    return [place for place, spec in enumerate(recipe.scorers) if spec in specs]


def _only(batch: Choices, places: list[int]) -> Choices:
    """The evidence of some of the scorers."""
    return replace(batch, evidence=batch.evidence[..., places], known=batch.known[..., places])


def _worth_keeping(recipe: Recipe, batches: Sequence[Choices]) -> tuple[tuple[ScorerSpec, ...], tuple[str, ...]]:
    """The scorers that are not optional, and each optional one that lifts NDCG@10 by more than its standard error.

    One after the other in the order of the recipe, each beside those kept before (the one-standard-error rule of
    Breiman, Friedman, Olshen and Stone 1984, for a sum of choices that each could be luck).
    """
    kept = [spec for spec in recipe.scorers if not spec.optional]
    if len(kept) == len(recipe.scorers):
        return tuple(kept), ()
    best, told = _cross_fitted(kept, recipe, batches), []
    for spec in recipe.scorers:
        if not spec.optional:
            continue
        tried = _cross_fitted([*kept, spec], recipe, batches)
        gain = tried - best
        error = float(gain.std() / np.sqrt(len(gain)))
        helps = float(gain.mean()) > max(error, _LEAST_GAIN)
        if helps:
            kept, best = [*kept, spec], tried
        told.append(f"{spec.name} {gain.mean():+.4f} ± {error:.4f} {'kept' if helps else 'left out'}")
    ordered = tuple(spec for spec in recipe.scorers if spec in kept)
    return ordered, (f"optional evidence, gain in NDCG@10 among candidates: {', '.join(told)}",)


def _cross_fitted(specs: Sequence[ScorerSpec], recipe: Recipe, batches: Sequence[Choices]) -> F64:
    """NDCG@10 `float64[queries]` of a blend of `specs`, each batch judged with weights from the other half."""
    places = _places(recipe, specs)
    some = [_only(batch, places) for batch in batches]
    blend, quality = _blend_of([recipe.scorers[place] for place in places], recipe), [np.zeros(0)] * len(batches)
    for half in (0, 1):
        blend.fit_weights(some[half::2], with_errors=False)
        for place in range(1 - half, len(some), 2):
            quality[place] = _quality(blend.utilities(some[place]), some[place])
    return np.concatenate(quality)


def _keep_best(blend: Blend, batches: Sequence[Choices]) -> str:
    """Fit the blend on all batches; then keep it, or it without context, or the one member that beat both.

    The decision is cross-fitted: weights come from every second batch of questions, quality from the others, and back.
    A user may stand in both, at different cuts.
    """
    quality: dict[str, list[F64]] = {}
    halves = [batches[0::2], batches[1::2]]
    for fit, judged in (halves, halves[::-1]):
        for name in ("blend", "blend without context"):
            blend.fit_weights(fit, with_errors=False) if name == "blend" else blend.ignore_context()
            quality.setdefault(name, []).extend(_quality(blend.utilities(b), b) for b in judged)
        for j, scorer in enumerate(blend.scorers):
            quality.setdefault(scorer.name, []).extend(
                _quality(np.where(b.known[..., j], b.evidence[..., j], -1e9), b) for b in judged
            )
    blend.fit_weights(batches)
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
