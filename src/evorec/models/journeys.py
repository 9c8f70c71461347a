"""Journey match: items near one of the threads a user follows, not near their mean."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from evorec.core.errors import InputError
from evorec.core.types import DAY, F32, F64, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.interests.journeys import JourneyConfig, find_journeys, journey_centres, match_journeys
from evorec.models.base import Arrays, Items, RunOptions, known_pairs, shares_per_query


@dataclass(frozen=True, kw_only=True)
class JourneyMatchConfig:
    """`similarity`, `half_life_days`, `newest`: as in `JourneyConfig`; `most`: the strongest journeys matched per user;
    `sharpness`: how much the best match outweighs the others."""

    similarity: float = 0.2
    half_life_days: float = 365.0
    newest: int = 100
    most: int = 8
    sharpness: float = 5.0
    journeys: JourneyConfig = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.most < 1 or not 0 < self.sharpness < np.inf:
            raise InputError("most and sharpness must be above 0, and finite", mend="give such numbers")
        config = JourneyConfig(similarity=self.similarity, half_life_days=self.half_life_days, newest=self.newest)
        object.__setattr__(self, "journeys", config)


class JourneyMatch:
    """Soft maximum over a user's journeys of cos(journey, C_i), in the space of item embeddings.

    A mean vector of someone who reads about tents and sonatas lies near neither; a journey lies near its own kind.
    After Pal et al. (2020), "PinnerSage: Multi-modal user embedding framework for recommendations at Pinterest", KDD.

    >>> from evorec.core.ids import Vocabulary
    >>> vectors = np.array([[1, 0], [0, 1], [0.71, 0.71], [0.99, 0.14]], np.float32)
    >>> names = Vocabulary(("tent", "sonata", "tent music", "stove"))
    >>> table = Items(ids=names, embedding=vectors, topics=vectors[:, :0],
    ...               first_seen=np.zeros(4, np.int64))
    >>> asks = Queries(offsets=np.array([0, 2]), item=np.array([0, 1], np.int32), timestamp=np.array([1, 2]) * DAY,
    ...                as_of=np.array([3 * DAY]))
    >>> match = JourneyMatch(JourneyMatchConfig(similarity=0.5)).score(asks, table)[0][0]
    >>> bool(match[3] > match[2])  # a stove fits one journey; the mean vector would point at the mixture
    True
    """

    def __init__(self, config: JourneyMatchConfig | None = None, *, name: str = "journeys") -> None:
        self.config = config or JourneyMatchConfig()
        self.name = name

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Nothing to learn: journeys are found in each history."""
        return self

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """Soft maxima of cosines in [-1, 1]."""
        centre, offsets, strength = journey_centres(
            items.embedding,
            queries.item,
            queries.offsets,
            queries.timestamp,
            config=self.config.journeys,
            most=self.config.most,
        )
        match = match_journeys(centre, offsets, strength, items.embedding, sharpness=self.config.sharpness)
        known = known_pairs(np.diff(offsets) > 0, items.has_content)
        return np.where(known, match, np.float32(0)), known

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        """Each history event's share of the match with item `row`: its journey's, split by nearness and age."""
        found = find_journeys(
            items.embedding, queries.item, queries.offsets, queries.timestamp, config=self.config.journeys
        )
        held = found.label >= 0
        pull = found.strength * np.exp(self.config.sharpness * (found.centre @ items.embedding[row] - 1))
        age = (queries.as_of[queries.owner] - queries.timestamp) / (self.config.half_life_days * DAY)
        near = items.embedding[queries.item] @ items.embedding[row]
        part = np.zeros(len(queries.item))
        part[held] = pull[found.label[held]] * np.exp2(-age[held]) * np.maximum(near[held], 0)
        return shares_per_query(queries, part)

    def arrays(self) -> Arrays:
        """Nothing."""
        return {}

    def restore(self, arrays: Arrays) -> Self:
        """Nothing."""
        return self
