"""Inner validation: the blend's weights chosen on cuts inside the training time, never on a test part."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import ALWAYS, F32, F64, I64, Bool
from evorec.data.dataset import Dataset
from evorec.data.split import Split, rolling_splits
from evorec.data.targets import Targets, next_targets, successive_targets
from evorec.metrics.bootstrap import standard_error
from evorec.metrics.ranking import ndcg
from evorec.models.base import Items, RunOptions, Scorer
from evorec.models.blend import Blend, Choices, collect_choices, context
from evorec.recipes.assembly import ItemTable, build_scorer, to_the_day
from evorec.recipes.config import Recipe, ScorerSpec
from evorec.retrieval.exact import top_k

_CHUNK = 128  # queries scored at once
_LEAST_GAIN = 1e-4  # in NDCG@10: less is not worth a scorer
_LENGTH = 10  # lists are judged at this length
_SHORTLIST = 200  # best items of a blend, out of which lists of `_LENGTH` come
_HARD = 100  # candidates that blends to be judged are fitted on as they are
_ROUGH = 4  # every so many batches tell which candidates are hard
_SAMPLED = 60  # of the other hard ones, and of the easy ones


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
            batches.append(collect_choices(scorers, queries, self.items, allowed, self.chosen(block), rng))
        return batches

    def chosen(self, block: Targets) -> Bool:
        """`bool[targets, items]`: what each user took."""
        chosen = np.zeros((len(block), len(self.items)), dtype=np.bool_)
        chosen[np.repeat(np.arange(len(block)), block.relevant), block.item] = True
        return chosen


def stages(dataset: Dataset, table: ItemTable, recipe: Recipe, options: RunOptions) -> list[Stage]:
    """The cuts to validate on, oldest first; none where the log is too short for any.

    Whitening and topics are those of `table`, fitted once on the whole training time: they say what items mean, not who
    takes them, and topics that change from cut to cut would not be those that the weights are used on.
    """
    found: list[Stage] = []
    try:
        windows = rolling_splits(dataset, recipe.windows)
        splits = [_without_hot_news(replace(window, dataset=dataset)) for window in windows]
    except InputError:  # too few distinct moments, or only new items after a cut
        return found
    for number, split in enumerate(splits):
        rng = generator(options.seed, f"validation targets {number}")
        targets = _mixed_targets(split, windows[number].dataset.events.newest, recipe.queries, rng)
        if len(targets):
            items = replace(table.items, first_seen=to_the_day(split.train.first_seen))
            found.append(Stage(train=split.train, split=split, targets=targets, items=items))
    return found


def _mixed_targets(split: Split, until: int, most: int, rng: np.random.Generator) -> Targets:
    """At most `most` targets: two thirds what users do first after the cut, one third what they do later, by `until`.

    The first asks for someone who comes back after a while, the later ones for someone in the midst of things; a blend
    that is conditioned on the silence before a query has to see both. Whoever comes back is waited for to the end of
    the training time: inside the short window of a cut, hardly anyone does who has been away for long.
    """
    every = successive_targets(split, candidates="available")
    first = next_targets(split, candidates="available")
    moment = dict(zip(first.user.tolist(), first.timestamp.tolist(), strict=True))
    asked = zip(every.user.tolist(), every.timestamp.tolist(), strict=True)
    is_first = np.fromiter((moment.get(u) == t for u, t in asked), dtype=np.bool_, count=len(every))
    later = rng.permutation(np.flatnonzero(~is_first & (every.timestamp <= until)))
    firsts = rng.permutation(np.flatnonzero(is_first))
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
    """A stage with every scorer of a recipe fitted before its cut, and what users chose after it.

    `batches` hold all candidates; `thin` fewer of them, for fits that are only judged; `rough` is a blend of all
    scorers, fitted on a few batches, that tells which items are rivals at all.
    """

    stage: Stage
    scorers: tuple[Scorer, ...]
    rough: Blend
    batches: tuple[Choices, ...]
    thin: tuple[Choices, ...]

    @classmethod
    def of(cls, stage: Stage, recipe: Recipe, fitted: Sequence[Scorer], seed: int, rng: np.random.Generator) -> Self:
        """What users chose among what, by the scorers of the recipe, `fitted` on what was known before the cut."""
        batches = tuple(stage.choices(fitted, rng))
        rough = Blend(fitted, recipe.blend).fit_weights(batches[::_ROUGH], with_errors=False)
        own = generator(seed, "fewer candidates")
        thin = tuple(thinned(batch, rough.utilities(batch), own) for batch in batches)
        return cls(stage=stage, scorers=tuple(fitted), rough=rough, batches=batches, thin=thin)

    def shortlists(self, optional: Collection[int]) -> list[Choices]:
        """The `_SHORTLIST` best of the whole catalogue with and without the `optional` scorers, beside what was chosen.

        What comes so high neither way does not come into a list of ten with some of them: all further blends are judged
        here, and every scorer scores the catalogue once, however many of them there are.
        """
        found = []
        for start in range(0, len(self.stage.targets), _CHUNK):
            block = self.stage.targets.slice(start, start + _CHUNK)
            queries = block.queries(self.stage.split.dataset.events)
            barred = ~block.candidates()
            barred[queries.owner, queries.item] = True
            scored = [scorer.score(queries, self.stage.items) for scorer in self.scorers]
            weights = self.rough.member_weights(queries, self.stage.items)
            chosen = self.stage.chosen(block)
            used = chosen.copy()
            total = np.zeros(barred.shape, dtype=np.float32)
            total[barred] = -np.inf
            for places in ([j for j in range(len(scored)) if j not in optional], sorted(optional)):
                for j in places:
                    total += self.rough.contribution(j, *scored[j], weights[:, j])
                if places:
                    np.put_along_axis(used, top_k(total, min(_SHORTLIST, len(self.stage.items))), True, axis=1)
            used &= ~barred | chosen
            found.append(_listed(scored, used, chosen, context(queries, self.stage.items)))
        return found


def _listed(scored: Sequence[tuple[F32, Bool]], used: Bool, chosen: Bool, held: F32) -> Choices:
    """Choices among the items in `used bool[q, items]`, `held float32[q, contexts]` being the context."""
    place = np.flatnonzero(used) % used.shape[1]
    size = used.sum(axis=1)
    order = np.zeros((len(used), int(size.max())), dtype=np.int64)
    offered = np.arange(order.shape[1]) < size[:, None]
    order[offered] = place
    pick = np.take_along_axis
    target = np.where(offered, pick(chosen, order, axis=1), 0).astype(np.float64)
    return Choices(
        evidence=np.stack([pick(evidence, order, axis=1) for evidence, _ in scored], axis=2),
        known=np.stack([pick(known, order, axis=1) for _, known in scored], axis=2),
        log_count=np.where(offered, 0.0, -np.inf),
        target=target / target.sum(axis=1, keepdims=True),
        context=held,
    )


def thinned(batch: Choices, utility: F64, rng: np.random.Generator) -> Choices:
    """Fewer candidates that stand for the same: what was chosen, the `_HARD` others of the highest `utility float64[q,
    c]`, and of the rest `_SAMPLED` that were hard and `_SAMPLED` that were easy, each for several.

    The likelihood over them estimates that over all of `batch` (stratified sampling of alternatives: Train 2009,
    "Discrete choice methods with simulation"); fits then take a time that does not grow with the number of scorers.
    """
    offered, chosen = np.isfinite(batch.log_count), batch.target > 0
    rivals = offered & ~chosen
    used = chosen | (rivals & (_place(np.where(rivals, -utility, np.inf)) < _HARD))
    log_count = batch.log_count.copy()
    for stratum in (batch.log_count > 0, batch.log_count == 0):
        rest = rivals & ~used & stratum
        drawn = rest & (_place(np.where(rest, rng.random(rest.shape), np.inf)) < _SAMPLED)
        stands_for = np.maximum(rest.sum(axis=1), 1) / np.maximum(drawn.sum(axis=1), 1)
        log_count = np.where(drawn, log_count + np.log(stands_for)[:, None], log_count)
        used |= drawn
    order = np.argsort(~used, axis=1, kind="stable")[:, : int(used.sum(axis=1).max())]
    log_count[~used] = -np.inf
    return Choices(
        evidence=np.take_along_axis(batch.evidence, order[..., None], axis=1),
        known=np.take_along_axis(batch.known, order[..., None], axis=1),
        log_count=np.take_along_axis(log_count, order, axis=1),
        target=np.take_along_axis(batch.target, order, axis=1),
        context=batch.context,
    )


def _place(key: F64) -> I64:
    """`int64[q, c]`: the place of each entry in its row, smallest first."""
    place = np.empty(key.shape, dtype=np.int64)
    np.put_along_axis(place, np.argsort(key, axis=1), np.arange(key.shape[1])[None], axis=1)
    return place


def fit_blend(
    dataset: Dataset, table: ItemTable, recipe: Recipe, options: RunOptions
) -> tuple[Blend, tuple[ScorerSpec, ...], tuple[str, ...]]:
    """A blend with weights fitted inside the training time, what it is made of, and a note on each decision.

    Weights are fitted on later choices of what users did after each cut; optional scorers are kept where they help
    (`_worth_keeping`). Whether context is kept, or the whole blend, is cross-fitted too (`_keep_best`), beside every
    member: weights from every second user are judged on the others.
    """
    rng = generator(options.seed, "blend candidates")
    trials = []
    for stage in stages(dataset, table, recipe, options):
        fitted = [build_scorer(spec).fit(stage.train, options) for spec in recipe.scorers]
        trials.append(Trial.of(stage, recipe, fitted, options.seed, rng))
    kept, told = _worth_keeping(recipe, trials)
    blend = Blend([build_scorer(spec) for spec in kept], recipe.blend)
    if not trials:
        return blend, kept, ("the log is too short to validate on: the weights are the prior",)
    places = [recipe.scorers.index(spec) for spec in kept]
    batches = [_some(batch, places) for trial in trials for batch in trial.batches]
    users = np.concatenate([trial.stage.targets.user for trial in trials])
    return blend, kept, (*told, _keep_best(blend, batches, users))


def _some(batch: Choices, places: list[int]) -> Choices:
    """The same choices with the evidence of some of the scorers."""
    return replace(batch, evidence=batch.evidence[..., places], known=batch.known[..., places])


def _worth_keeping(recipe: Recipe, trials: Sequence[Trial]) -> tuple[tuple[ScorerSpec, ...], tuple[str, ...]]:
    """The scorers that are not optional, and each optional one that lifts NDCG@10 by more than its standard error
    over users.

    One after the other in the order of the recipe, each beside those kept before (the one-standard-error rule of
    Breiman, Friedman, Olshen and Stone 1984). Judged over what could come to the top of the whole catalogue: among the
    candidates that the weights are fitted on, evidence that lifts many items a little looks better than it is.
    """
    kept = [place for place, spec in enumerate(recipe.scorers) if not spec.optional]
    optional = [place for place, spec in enumerate(recipe.scorers) if spec.optional]
    told = []
    if optional and len(trials) > 1:
        lists = [trial.shortlists(optional) for trial in trials]
        users = np.concatenate([trial.stage.targets.user for trial in trials])
        best = cross_fitted(kept, recipe, trials, lists)
        for place in optional:
            tried = cross_fitted([*kept, place], recipe, trials, lists)
            gain = tried - best
            error = standard_error(gain, users)
            helps = float(gain.mean()) > max(error, _LEAST_GAIN)
            if helps:
                kept, best = [*kept, place], tried
            verdict = "kept" if helps else "left out"
            told.append(f"{recipe.scorers[place].name} {gain.mean():+.4f} ± {error:.4f} {verdict}")
    notes = (f"optional evidence, gain in NDCG@10: {', '.join(told)}",) if told else ()
    return tuple(recipe.scorers[place] for place in sorted(kept)), notes


def cross_fitted(places: list[int], recipe: Recipe, trials: Sequence[Trial], lists: Sequence[list[Choices]]) -> F64:
    """NDCG@10 of a blend of some of the scorers, `float64[targets]` of all trials.

    The weights come from the other trials, less the choices that are judged: somebody who was away for long stands
    with the same choice at several cuts.
    """
    found = []
    for judged, shortlists in zip(trials, lists, strict=True):
        blend = Blend([judged.scorers[place] for place in places], recipe.blend)
        others = [
            _some(batch, places)
            for trial in trials
            if trial is not judged
            for batch in _kept(trial.thin, ~_same_choice(trial.stage.targets, judged.stage.targets))
        ]
        blend.fit_weights(others, with_errors=False)
        found += [_quality(blend.utilities(_some(batch, places)), batch) for batch in shortlists]
    return np.concatenate(found)


def _same_choice(targets: Targets, others: Targets) -> Bool:
    """`bool[targets]`: which of `targets` stand among `others`, by user and moment."""
    held = set(zip(others.user.tolist(), others.timestamp.tolist(), strict=True))
    asked = zip(targets.user.tolist(), targets.timestamp.tolist(), strict=True)
    return np.fromiter((choice in held for choice in asked), dtype=np.bool_, count=len(targets))


def _kept(batches: Sequence[Choices], keep: Bool) -> list[Choices]:
    """The rows of all batches, one after the other, where `keep bool[targets]` holds."""
    sizes = [len(batch.target) for batch in batches]
    parts = np.split(keep, np.cumsum(sizes)[:-1])
    return [
        Choices(**{field.name: getattr(batch, field.name)[part] for field in fields(Choices)})
        for batch, part in zip(batches, parts, strict=True)
        if part.any()
    ]


def _keep_best(blend: Blend, batches: Sequence[Choices], users: I64) -> str:
    """Fit the blend on all batches; then keep it, or it without context, or the one member that beat both.

    The decision is cross-fitted: weights come from every second of the `users int64[targets]` who ask, quality from the
    others, and back.
    """
    quality: dict[str, list[F64]] = {}
    second = np.unique(users, return_inverse=True)[1] % 2 == 1
    halves = [_kept(batches, ~second), _kept(batches, second)]
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
