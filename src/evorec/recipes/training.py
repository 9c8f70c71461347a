"""Training: from a dataset and a recipe to an engine, and from a saved folder back to one."""

from pathlib import Path
from typing import Final

import numpy as np

from evorec.core.errors import InputError
from evorec.core.types import F32, NEVER
from evorec.data.dataset import Dataset
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
    dataset: Dataset, recipe: Recipe, options: RunOptions | None = None, *, progress: Progress | None = None
) -> Engine:
    """Fit everything a recipe asks for on all of `dataset`; settings and weights come from inner validation.

    Nothing here sees events outside `dataset`: hold the test part back before the call.
    """
    options = options or RunOptions()
    if not len(dataset.events):
        raise InputError("the event log is empty", mend="check the file, the filters and the column mapping")
    encoder = open_encoder(recipe.encoder)
    vectors = encode_items(dataset, encoder, cache=EmbeddingCache(), progress=progress)
    blend, notes = fit_blend(dataset, vectors, recipe, options)
    table = item_table(dataset, vectors, dimension=recipe.dimension, seed=options.seed)
    blend.fit(dataset, options)
    if not blend.validated:
        someone = np.arange(min(_TYPICAL, len(dataset.events.users)), dtype=np.int32)
        blend.standardise(
            dataset.events.queries(someone, np.full(len(someone), dataset.events.newest + 1)), table.items
        )
    notes = (*encoder_notes(encoder, texts_of(dataset.catalogue)), *_closed_items(dataset), *notes)
    card = ModelCard.of(dataset, recipe=recipe.name, encoder=encoder, seed=options.seed, notes=notes)
    model = Model(
        blend=blend,
        specs=tuple({"kind": s.kind, "name": s.name, "settings": dict(s.settings)} for s in recipe.scorers),
        items=table.items,
        catalogue=dataset.catalogue,
        topics=table.topics,
        interests=fit_interests(dataset, table.items, options),
        whitening=table.whitening,
        lexical=encoder if isinstance(encoder, LexicalEncoder) else None,
        card=card,
    )
    return Engine(model, MemoryLog(dataset.events))


def _closed_items(dataset: Dataset) -> tuple[str, ...]:
    closed = int((dataset.first_seen == NEVER).sum())
    if not closed:
        return ()
    return (f"{closed:,} items have neither events nor a date in available_from: not recommended until they have one",)


def load(folder: Path | str) -> Engine:
    """Load what `Engine.save` wrote. Without `users/` the engine starts with an empty log."""

    def assemble(specs: list[dict[str, object]]) -> Blend:
        return Blend([build_scorer(ScorerSpec(**spec)) for spec in specs])  # type: ignore[arg-type]

    model, events = Model.load(Path(folder), assemble)
    return Engine(model, MemoryLog(events))
