"""Training: from a dataset and a recipe to an engine, and from a saved folder back to one."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from evorec.core.catalogue import Users
from evorec.core.errors import InputError
from evorec.core.ids import UNKNOWN
from evorec.core.types import F32, NEVER, Events
from evorec.data.dataset import Dataset
from evorec.data.feedback import weigh
from evorec.encoders.base import Encoder, FittedEncoder, Progress, encode_texts, encoder_notes
from evorec.encoders.cache import EmbeddingCache
from evorec.encoders.lexical import LexicalEncoder
from evorec.encoders.opening import open_encoder
from evorec.engine.engine import Engine
from evorec.engine.model import Model, ModelCard
from evorec.models.base import RunOptions
from evorec.models.blend import Blend
from evorec.recipes.assembly import build_scorer, item_table, texts_of
from evorec.recipes.config import Recipe, ScorerSpec
from evorec.recipes.evolution import fit_interests
from evorec.recipes.validation import fit_blend
from evorec.store.memory import MemoryLog

_TYPICAL: Final = 200  # users that say what a typical score is where no validation did


def encode_items(
    dataset: Dataset, encoder: Encoder, *, cache: EmbeddingCache | None = None, progress: Progress | None = None
) -> F32:
    """The encoder's vectors `float32[items, d]` of the whole catalogue.

    An encoder that learns from texts learns from those of items with events only.
    """
    texts = texts_of(dataset.catalogue)
    if isinstance(encoder, FittedEncoder):
        encoder.fit([text for text, count in zip(texts, dataset.item_counts, strict=True) if count and text])
    return encode_texts(encoder, texts, cache=cache, progress=progress)


def fit(
    dataset: Dataset,
    recipe: Recipe,
    options: RunOptions | None = None,
    *,
    earlier: Model | None = None,
    progress: Progress | None = None,
) -> Engine:
    """Fit everything a recipe asks for on all of `dataset`; settings and weights come from inner validation.

    Topics that continue those of an `earlier` model keep their places and names.

    Nothing here sees events outside `dataset`: hold the test part back before the call.
    """
    options = options or RunOptions()
    if not len(dataset.events):
        raise InputError("the event log is empty", mend="check the file, the filters and the column mapping")
    weighed = weigh(dataset.events, recipe.feedback)
    dataset = replace(dataset, events=touched(weighed))
    encoder = open_encoder(recipe.encoder)
    vectors = encode_items(dataset, encoder, cache=EmbeddingCache(), progress=progress)
    with threadpool_limits(limits=1, user_api="blas"):  # thousands of small products: threads only wait for each other
        table = item_table(
            dataset,
            vectors,
            dimension=recipe.dimension,
            seed=options.seed,
            earlier=None if earlier is None else (earlier.topics, earlier.items.ids),
        )
        dataset = replace(dataset, embedding=table.items.embedding)
        blend, specs, notes = fit_blend(dataset, table, recipe, options)
        blend.fit(dataset, options)
        interests = fit_interests(dataset, table.items, options)
    if not blend.validated:
        someone = np.arange(min(_TYPICAL, len(dataset.events.users)), dtype=np.int32)
        blend.standardise(
            dataset.events.queries(someone, np.full(len(someone), dataset.events.newest + 1)), table.items
        )
    lacking = "; ".join(f"{part}: {why}" for part, why in interests.unfitted().items())
    notes = (*notes, f"not fitted: {lacking}") if lacking else notes
    notes = (*encoder_notes(encoder, texts_of(dataset.catalogue)), *_closed_items(dataset), *notes)
    card = ModelCard.of(dataset, recipe=recipe.name, encoder=encoder, seed=options.seed, notes=notes)
    model = Model(
        blend=blend,
        specs=tuple({"kind": s.kind, "name": s.name, "settings": dict(s.settings)} for s in specs),
        items=table.items,
        catalogue=dataset.catalogue,
        topics=table.topics,
        interests=interests,
        whitening=table.whitening,
        lexical=encoder if isinstance(encoder, LexicalEncoder) else None,
        card=card,
        feedback=recipe.feedback,
    )
    engine = Engine(model, MemoryLog(dataset.events))
    listen(engine, weighed, dataset.users, progress=progress)
    return engine


def touched(weighed: Events) -> Events:
    """The events that speak for an interest: what scorers count; the others are remarks."""
    return weighed if weighed.weight is None else weighed.select(weighed.weight > 0)


def listen(engine: Engine, weighed: Events, users: Users | None, *, progress: Progress | None = None) -> None:
    """Take in what the log's users said, took back and declared.

    Words weigh 1; those of an event that speaks against its item, as a bad review does, speak against what they name.
    Declared interests count as said just before a user's first event, or at the end of the log where there is none;
    who declared nothing is known by name.
    """
    names = weighed.users.ids
    if weighed.weight is not None:
        for row in np.flatnonzero((weighed.weight <= 0) & (weighed.item >= 0)).tolist():
            engine.remarks.take_back(
                names[weighed.user[row]],
                int(weighed.timestamp[row]),
                int(weighed.item[row]),
                float(weighed.weight[row]),
            )
    said: dict[float, list[tuple[str, int, str]]] = {1.0: []}
    if weighed.text is not None:
        for row in np.flatnonzero([bool(text) for text in weighed.text]).tolist():
            weight = float(weighed.weights[row])
            remark = (names[weighed.user[row]], int(weighed.timestamp[row]), weighed.text[row])
            said.setdefault(weight if weight < 0 else 1.0, []).append(remark)
    if users is not None:
        firsts = dict(zip(weighed.user[::-1].tolist(), weighed.timestamp[::-1].tolist(), strict=True))
        for user_id, declared in zip(users.users, users.interests, strict=True):
            engine.remarks.introduce(user_id)
            at = firsts.get(weighed.users.code(user_id), weighed.newest + 1) - 1
            said[1.0] += [(user_id, at, text) for text in declared]
    for weight, remarks in said.items():
        engine.observe_all_words(remarks, weight=weight, progress=progress)


def _closed_items(dataset: Dataset) -> tuple[str, ...]:
    closed = int((dataset.first_seen == NEVER).sum())
    if not closed:
        return ()
    return (f"{closed:,} items have neither events nor a date in available_from: not recommended until they have one",)


def load(folder: Path | str) -> Engine:
    """Load what `Engine.save` wrote. Without `users/` the engine starts with an empty log."""

    def assemble(specs: list[dict[str, object]]) -> Blend:
        return Blend([build_scorer(ScorerSpec(**spec)) for spec in specs])  # type: ignore[arg-type]

    model, events, remarks = Model.load(Path(folder), assemble)
    return Engine(model, MemoryLog(events), remarks)


def for_visitors(engine: Engine, events: Events) -> tuple[Engine, int]:
    """The same model over the log of other people, and how many of their events are on items it does not know.

    Everything they did and said is read as in training; nothing is added to the log of `engine`.
    """
    weighed = weigh(events, engine.model.feedback)
    item = np.append(engine.model.items.ids.encode(events.items), UNKNOWN)[weighed.item].astype(np.int32)
    unknown = int(((item < 0) & (weighed.item >= 0)).sum())
    coded = Events.from_codes(
        users=weighed.users,
        items=engine.model.items.ids,
        user=weighed.user,
        item=item,
        timestamp=weighed.timestamp,
        text=weighed.text,
        weight=weighed.weight,
    )
    spoken = np.asarray(coded.text or ("",) * len(item)) != ""
    coded = coded.select((coded.item >= 0) | spoken)
    visitors = Engine(engine.model, MemoryLog(touched(coded)))
    listen(visitors, coded, None)
    return visitors, unknown
