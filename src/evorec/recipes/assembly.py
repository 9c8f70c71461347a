"""Concrete parts by kind: the only place that names scorer classes together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import DAY, F32, I64, NEVER
from evorec.data.dataset import Dataset
from evorec.encoders.whitening import Whitening
from evorec.interests.topics import Topics, topics_from_categories, topics_from_embeddings
from evorec.models.base import Items, Scorer
from evorec.models.content import Content, ContentConfig
from evorec.models.evolution import Evolution, EvolutionConfig
from evorec.models.journeys import JourneyMatch, JourneyMatchConfig
from evorec.models.match import InterestMatch, InterestMatchConfig
from evorec.models.popularity import Popularity, PopularityConfig
from evorec.models.sequence import Sequence, SequenceConfig
from evorec.models.taste import Taste, TasteConfig
from evorec.models.transitions import Transitions, TransitionsConfig
from evorec.recipes.config import ScorerSpec

KINDS: Final[Mapping[str, tuple[Any, Any]]] = {
    "popularity": (Popularity, PopularityConfig),
    "transitions": (Transitions, TransitionsConfig),
    "content": (Content, ContentConfig),
    "interests": (InterestMatch, InterestMatchConfig),
    "journeys": (JourneyMatch, JourneyMatchConfig),
    "evolution": (Evolution, EvolutionConfig),
    "taste": (Taste, TasteConfig),
    "sequence": (Sequence, SequenceConfig),
}


def build_scorer(spec: ScorerSpec) -> Scorer:
    """The scorer that `spec` describes, not yet fitted."""
    if spec.kind not in KINDS:
        raise InputError(f"there is no scorer of kind {spec.kind!r}", mend=f"use one of {', '.join(KINDS)}")
    scorer, config = KINDS[spec.kind]
    built: Scorer = scorer(config(**spec.settings), name=spec.name)
    return built


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemTable:
    """The item table, and what it takes to add a new item to it."""

    items: Items
    whitening: Whitening
    topics: Topics


def item_table(
    train: Dataset,
    vectors: F32,
    *,
    dimension: int,
    seed: int,
    earlier: tuple[Topics, Vocabulary] | None = None,
) -> ItemTable:
    """Whitening and topics fitted on the items of `train` alone, applied to the whole catalogue.

    `vectors float32[items, d]` are the encoder's. Topics are the given categories where most events have one, else
    clusters of the embeddings. Those that continue a topic of an `earlier` fit keep its place and name; its items are
    rows of the vocabulary beside it.
    """
    previous = None if earlier is None else earlier[0].aligned(earlier[1].encode(train.items).astype(np.int64))
    counts = train.item_counts
    whitening = Whitening.fit(vectors[counts > 0], dimension=dimension)
    embedding = whitening.apply(vectors)
    categories = train.catalogue.categories
    categorised = np.asarray([bool(c) for c in categories], dtype=np.bool_)
    if counts[categorised].sum() >= 0.5 * counts.sum():
        topics = topics_from_categories(categories, counts, previous=previous)
    else:
        topics = topics_from_embeddings(embedding, counts, texts_of(train.catalogue), seed=seed, previous=previous)
    items = Items(
        ids=train.items,
        embedding=embedding,
        topics=topics.membership,
        first_seen=to_the_day(train.first_seen),
    )
    return ItemTable(items=items, whitening=whitening, topics=topics)


def to_the_day(moments: I64) -> I64:
    """Moments `int64[n]` (UTC microseconds) set back to the start of their day; `NEVER` stays.

    For most items the first event is one person's: a model has no need to tell its second.
    """
    return np.where(moments == NEVER, NEVER, moments // DAY * DAY)


def texts_of(catalogue: Catalogue) -> list[str]:
    """What the encoder reads, one text per item."""
    return [catalogue.describe(row) for row in range(len(catalogue))]
