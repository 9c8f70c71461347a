"""Updating: a trained engine goes on with new events; counts exactly, nets by a short warm start."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, Self

import numpy as np
from threadpoolctl import threadpool_limits

from evorec.core.catalogue import Users
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import Events, Queries
from evorec.data.dataset import Dataset
from evorec.data.feedback import weigh
from evorec.data.split import Split, time_cut
from evorec.encoders.base import Progress
from evorec.engine.engine import Engine, iso_time
from evorec.engine.model import Model, ModelCard
from evorec.evaluation.protocol import Comparison, Evaluation, Protocol, compare, evaluate
from evorec.models.base import Incremental, RunOptions, Scorer
from evorec.models.blend import Blend
from evorec.models.words import ranking
from evorec.recipes.assembly import build_scorer, to_the_day
from evorec.recipes.config import ScorerSpec
from evorec.recipes.holdout import told
from evorec.recipes.training import listen, touched
from evorec.store.memory import MemoryLog
from evorec.store.remarks import RemarkLog

JUDGED: Final = 0.9  # the newest tenth of what is new is foreseen by the model as it was and by one with the rest
LEAST_QUERIES: Final = 50  # fewer tell nothing
_END: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False, kw_only=True)
class Gain:
    """How well the newest events were foreseen by the model as it was, and by one updated with those before them.

    Both are told the same histories, as a live engine has them: what differs is what the scorers have learned.
    """

    stale: Evaluation
    updated: Evaluation

    def compared(self, metric: str = "ndcg") -> Comparison:
        """The updated model against the stale one, in pairs over users."""
        return compare(self.updated, self.stale, metric)


@dataclass(frozen=True, eq=False, kw_only=True)
class Updated:
    """An engine that has taken in new events, and what came of it.

    `events` were new, `duplicates` the log already had (user, item and time); `remarks`, `users`, `items`: how many are
    new. `seconds` are those of the update, without the judging. `gain` is None where `unjudged` says why.
    """

    engine: Engine
    events: int
    duplicates: int
    remarks: int
    users: int
    items: int
    seconds: float
    gain: Gain | None = None
    unjudged: str = ""

    @property
    def brought(self) -> bool:
        """Whether anything was new."""
        return bool(self.events or self.remarks or self.users or self.items)


def update(
    engine: Engine,
    new: Dataset,
    options: RunOptions | None = None,
    *,
    origin: str = "",
    progress: Progress | None = None,
) -> Updated:
    """An engine that goes on from `engine` with the events, items and users of `new`; `engine` stays as it is.

    Scorers that count are fitted on the whole log, as `fit` would; those that are `Incremental` go on from what they
    learned. Encoder, whitening, topics, the weights of the blend and how interests move stay as they were fitted.
    `origin` is what the model card calls the model that this one comes from.

    >>> from evorec.core.types import DAY
    >>> from evorec.recipes.config import fast
    >>> from evorec.recipes.training import fit
    >>> log = Events.create(user_ids="aabbc", item_ids=["tent", "map", "tent", "map", "tent"],
    ...                     timestamps=[day * DAY for day in (1, 2, 1, 3, 4)])
    >>> engine = fit(Dataset.create(log), fast("lexical"))
    >>> later = Events.create(user_ids="cd", item_ids=["lamp", "tent"], timestamps=[5 * DAY, 6 * DAY])
    >>> found = update(engine, Dataset.create(later))
    >>> found.events, found.users, found.items, found.engine.recommend(["d"]).list_of(0)
    (2, 1, 1, ['map', 'lamp'])
    """
    options = options or RunOptions()
    started = time.perf_counter()
    grown = _Grown.of(engine, new, progress)
    made = replace(grown.new, engine=engine)
    if not made.brought:
        return replace(made, seconds=time.perf_counter() - started, unjudged="nothing is new")
    refreshed = replace(grown.model, blend=refresh(grown.model, grown.dataset, options))
    kept = replace(refreshed, card=_card(refreshed, grown, origin))
    made = replace(
        made,
        engine=Engine(kept, grown.new.engine.log, grown.new.engine.remarks),
        seconds=time.perf_counter() - started,
    )
    gain, why = _judge(grown, options)
    return replace(made, gain=gain, unjudged=why)


def refresh(model: Model, dataset: Dataset, options: RunOptions) -> Blend:
    """The blend of `model` with its weights, over scorers that know `dataset`, whose items are rows of its table."""

    def known(scorer: Scorer, spec: ScorerSpec) -> Scorer:
        if isinstance(scorer, Incremental):
            return scorer.continued(dataset, options)
        return build_scorer(spec).fit(dataset, options)

    specs = [ScorerSpec(**spec) for spec in model.specs]
    with threadpool_limits(limits=1, user_api="blas"):
        scorers = [known(*pair) for pair in zip(model.blend.scorers, specs, strict=True)]
    return Blend(scorers, model.blend.config).restore(model.blend.arrays())


@dataclass(frozen=True, eq=False, kw_only=True)
class _Grown:
    """The whole log, and `new`: an engine over it that has yet to learn from what is new, and how much that is."""

    dataset: Dataset
    new: Updated

    @property
    def model(self) -> Model:
        """What was learned before, over an item table that holds the new items."""
        return self.new.engine.model

    @classmethod
    def of(cls, engine: Engine, new: Dataset, progress: Progress | None) -> Self:
        """Take everything in; the log of `engine` is read, not changed."""
        ids, held = engine.log.columns()
        if not ids:
            raise InputError(
                "this model has no log to go on from: its folder users/ is missing or empty",
                mend="put users/ back beside model/, or train on the whole log",
            )
        weighed = weigh(new.events, engine.model.feedback)
        opening = max(engine.now - 1, weighed.newest if len(weighed) else engine.now - 1)
        model, items = engine.model.with_items(new.catalogue, opening)
        weighed = weighed.recoded(items=model.items.ids)
        taken = touched(weighed)
        log = MemoryLog(_joined(ids, held, taken))
        events = _held(log, model)
        dataset = Dataset(events=events, catalogue=model.catalogue, embedding=model.items.embedding)
        first_seen = np.minimum(model.items.first_seen, to_the_day(dataset.first_seen))
        remarks = RemarkLog.from_saved(*engine.remarks.saved())
        grown = Engine(replace(model, items=replace(model.items, first_seen=first_seen)), log, remarks)
        listen(grown, weighed, None, progress=progress)
        if new.users is not None:
            listen(grown, events, _unsaid(new.users, remarks), progress=progress)
        known = {*ids, *engine.remarks.user_ids()}
        added = len(events) - len(held.item)
        taken_in = Updated(
            engine=grown,
            events=added,
            duplicates=int((taken.item >= 0).sum()) - added,
            remarks=len(remarks) - len(engine.remarks),
            users=len({*log.user_ids(), *remarks.user_ids()} - known),
            items=items,
            seconds=0.0,
        )
        return cls(dataset=dataset, new=taken_in)


def _joined(ids: Sequence[str], held: Queries, taken: Events) -> Events:
    """The log `held` of users `ids` and the items in `taken`, coded alike; users sorted, as in a log that is read."""
    taken = taken.select(taken.item >= 0)
    users = Vocabulary.of((*ids, *taken.users.decode(np.unique(taken.user))))
    weights = None
    if held.weight is not None or taken.weight is not None:
        weights = np.concatenate([held.weights, taken.weights])
    return Events.from_codes(
        users=users,
        items=taken.items,
        user=np.concatenate([users.encode(ids)[held.owner], users.encode(taken.users)[taken.user]]),
        item=np.concatenate([held.item, taken.item]),
        timestamp=np.concatenate([held.timestamp, taken.timestamp]),
        weight=weights,
    )


def _held(log: MemoryLog, model: Model) -> Events:
    """What `log` holds, each user, item and time once."""
    ids, held = log.columns()
    return Events(
        users=Vocabulary(tuple(ids)),
        items=model.items.ids,
        user=held.owner.astype(np.int32),
        item=held.item,
        timestamp=held.timestamp,
        weight=held.weight,
    )


def _unsaid(users: Users, remarks: RemarkLog) -> Users:
    """Declared interests without those that a user has already told."""
    told = [set(remarks.texts(user, _END)) for user in users.users]
    left = (
        tuple(text for text in declared if text not in said)
        for declared, said in zip(users.interests, told, strict=True)
    )
    return Users(users=users.users, interests=tuple(left))


def _card(model: Model, grown: _Grown, origin: str) -> ModelCard:
    card, events, new = model.card, grown.dataset.events, grown.new
    note = (
        f"updated on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {f'model {origin}' if origin else 'a model'} trained "
        f"until {iso_time(card.trained_until)}: {new.events:,} events, {new.users:,} users, {new.items:,} items new"
    )
    return replace(
        card,
        users=len(events.users),
        items=int((grown.dataset.item_counts > 0).sum()),
        events=len(events),
        trained_from=min(card.trained_from, int(events.timestamp.min())),
        trained_until=max(card.trained_until, events.newest),
        notes=(*card.notes, note),
    )


def _judge(grown: _Grown, options: RunOptions) -> tuple[Gain | None, str]:
    """What the update gains on the newest tenth of the events that the model was not trained on, or why none is told.

    The model that is judged has the other nine tenths; the one that is kept has all.
    """
    model, events, remarks = grown.model, grown.dataset.events, grown.new.engine.remarks
    since = events.select(events.timestamp > model.trained_until)
    if not len(since) or since.timestamp.min() == since.newest:
        return None, "what is newer than the model does not span any time"
    cut, protocol = time_cut(since, JUDGED), Protocol(kind="successive")
    split = Split(dataset=grown.dataset, cut=cut)
    targets = protocol.targets(split)
    if len(targets) < LEAST_QUERIES:
        return None, f"the newest tenth holds {len(targets):,} choices to foresee, fewer than {LEAST_QUERIES}"
    trial = refresh(model, split.train, options)
    who = events.users.decode(targets.user)
    stale, updated = (
        evaluate(told(partial(ranking, blend, items=model.items), remarks, who, model.items), split, protocol)
        for blend in (model.blend, trial)
    )
    return Gain(stale=stale, updated=updated), ""
