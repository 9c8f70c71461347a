"""Inner validation: settings and weights chosen on cuts inside the training time, never on a test part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import ALWAYS, F32, F64, Bool
from evorec.data.dataset import Dataset
from evorec.data.split import Split, rolling_splits
from evorec.data.targets import Targets, next_targets, successive_targets
from evorec.evaluation.protocol import rank, tie_order
from evorec.metrics.ranking import hits, ndcg
from evorec.models.base import Items, RunOptions, Scorer
from evorec.models.blend import Blend, Choices, collect_choices
from evorec.recipes.assembly import build_scorer, item_table, variants
from evorec.recipes.config import Recipe, ScorerSpec

_CHUNK = 128  # queries scored at once
_LENGTH = 10  # lists are judged at this length


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """One cut inside the training time: what was known before it, and what users took after it."""

    train: Dataset
    split: Split
    targets: Targets
    items: Items

    def judge(self, score: Callable[..., tuple[F32, Bool]]) -> F64:
        """NDCG@10 of a scoring function, per query `float64[q]`."""
        order, found = tie_order(self.train.item_counts), []
        for start in range(0, len(self.targets), _CHUNK):
            block = self.targets.slice(start, start + _CHUNK)
            queries = block.queries(self.split.dataset.events)
            value, known = score(queries, self.items)
            scores = np.where(known, value, np.nanmin(value) - 1 if value.size else 0)
            top = rank(scores, queries, block.candidates(), order, k=_LENGTH)
            found.append(ndcg(hits(top, block.offsets, block.item), block.relevant))
        return np.concatenate(found)

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Selection:
    """What inner validation decided: settings per scorer, the blend's weights, and a line on each decision."""

    specs: tuple[ScorerSpec, ...]
    blend: Blend
    notes: tuple[str, ...]


def stages(dataset: Dataset, vectors: F32, recipe: Recipe, options: RunOptions) -> list[Stage]:
    """The cuts to validate on, oldest first; none where the log is too short for any."""
    found: list[Stage] = []
    try:
        splits = rolling_splits(dataset, recipe.windows)
    except InputError:
        return found
    for number, split in enumerate(map(_without_hot_news, splits)):
        rng = generator(options.seed, f"validation targets {number}")
        targets = _mixed_targets(split, recipe.queries, rng)
        if len(targets):
            table = item_table(split.train, vectors, dimension=recipe.dimension, seed=options.seed)
            found.append(Stage(train=split.train, split=split, targets=targets, items=table.items))
    return found


def _mixed_targets(split: Split, most: int, rng: np.random.Generator) -> Targets:
    """At most `most` targets: two thirds what users do first after the cut, one third what they do later.

    The first asks for someone who comes back after a while, the later ones for someone in the midst of things; a blend
    that is conditioned on the silence before a query has to see both.
    """
    every = successive_targets(split, candidates="available")
    first = next_targets(split, candidates="available")
    asked = set(zip(first.user.tolist(), first.timestamp.tolist(), strict=True))
    is_first = np.fromiter(((u, t) in asked for u, t in zip(every.user.tolist(), every.timestamp.tolist(), strict=True)),
                           dtype=np.bool_, count=len(every))  # fmt: skip
    later, firsts = rng.permutation(np.flatnonzero(~is_first)), rng.permutation(np.flatnonzero(is_first))
    firsts = firsts[: max(2 * most // 3, most - len(later))]
    return every.take(np.sort(np.concatenate([firsts, later[: most - len(firsts)]])))


def _without_hot_news(split: Split) -> Split:
    """Leave out events after the cut on items that had neither events nor a date of arrival before.

    That such an item was touched after the cut is all that makes it a candidate: as one it would be a giveaway.
    """
    events = split.dataset.events
    foreseeable = (split.train.item_counts > 0) | (split.dataset.catalogue.available_from != ALWAYS)
    keep = (events.timestamp < split.cut) | foreseeable[events.item]
    return replace(split, dataset=replace(split.dataset, events=events.select(keep)))


def select(dataset: Dataset, vectors: F32, recipe: Recipe, options: RunOptions) -> Selection:
    """Choose each scorer's settings, fit the blend's weights, and never keep a blend below its best member.

    Settings: the best mean NDCG@10 over all cuts, each scorer alone. Whether the blend (with or without context) or a
    single member is kept is decided by cross-fitting: weights from one half of the users judged on the other.
    """
    cuts = stages(dataset, vectors, recipe, options)
    notes: list[str] = []
    specs, fitted = _choose_settings(cuts, recipe, options, notes)
    blend = Blend([build_scorer(spec) for spec in specs], recipe.blend)
    if not cuts:
        notes.append("the log is too short to validate on: settings are defaults and weights are the prior")
        return Selection(specs=specs, blend=blend, notes=tuple(notes))
    rng = generator(options.seed, "blend candidates")
    batches = [batch for cut, scorers in zip(cuts, fitted, strict=True) for batch in cut.choices(scorers, rng)]
    _keep_best(blend, batches, notes)
    return Selection(specs=specs, blend=blend, notes=tuple(notes))


def _choose_settings(
    cuts: Sequence[Stage], recipe: Recipe, options: RunOptions, notes: list[str]
) -> tuple[tuple[ScorerSpec, ...], list[list[Scorer]]]:
    """Specs without choices, and per cut the scorers fitted with them."""
    specs: list[ScorerSpec] = []
    fitted: list[list[Scorer]] = [[] for _ in cuts]
    for spec in recipe.scorers:
        grid = variants(spec)
        trained = [[build_scorer(point).fit(cut.train, options) for cut in cuts] for point in grid]
        if len(grid) > 1 and cuts:
            quality = [
                float(np.concatenate([cut.judge(s.score) for cut, s in zip(cuts, row, strict=True)]).mean())
                for row in trained
            ]
            best = int(np.argmax(quality))
            chosen = ", ".join(f"{name} {grid[best].settings[name]:g}" for name in spec.choices)
            notes.append(f"{spec.name}: {chosen} (NDCG@10 {quality[best]:.4f} alone, best of {len(grid)})")
        else:
            best = len(grid) // 2
        specs.append(grid[best])
        for column, scorer in zip(fitted, trained[best], strict=True):
            column.append(scorer)
    return tuple(specs), fitted


def _keep_best(blend: Blend, batches: Sequence[Choices], notes: list[str]) -> None:
    """Fit the blend on all batches; then keep it, or it without context, or the one member that beat both.

    The decision is cross-fitted: weights come from every second batch of users, quality from the others, and back.
    """
    quality: dict[str, list[F64]] = {}
    halves = [batches[0::2], batches[1::2]]
    for fit, judged in (halves, halves[::-1]) if halves[1] else ():
        for name in ("blend", "blend without context"):
            blend.fit_weights(fit) if name == "blend" else blend.ignore_context()
            quality.setdefault(name, []).extend(_quality(blend.utilities(b), b) for b in judged)
        for j, scorer in enumerate(blend.scorers):
            quality.setdefault(scorer.name, []).extend(
                _quality(np.where(b.known[..., j], b.evidence[..., j], -1e9), b) for b in judged
            )
    blend.fit_weights(batches)
    if not quality:
        return
    means = {name: float(np.concatenate(values).mean()) for name, values in quality.items()}
    best = max(means, key=lambda name: means[name])
    if best == "blend without context":
        blend.ignore_context()
    elif best != "blend":
        blend.rely_on([scorer.name for scorer in blend.scorers].index(best))
    listed = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
    count = sum(len(b.target) for b in batches)
    notes.append(f"cross-fitted on {count} users' next choices, NDCG@10 among candidates: {listed}; kept: {best}")


def _quality(utility: F64, batch: Choices) -> F64:
    """NDCG@10 `float64[q]` of an order of the candidates in `batch`."""
    ranked = np.argsort(-np.where(np.isfinite(batch.log_count), utility, -np.inf), axis=1, kind="stable")
    hit = np.take_along_axis(batch.target > 0, ranked[:, :_LENGTH], axis=1)
    return ndcg(hit, (batch.target > 0).sum(axis=1))
