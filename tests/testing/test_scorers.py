"""The scorer suite passes what keeps the contract, and names the fault of what breaks it."""

from typing import Any, Self

import numpy as np
import pytest

from evorec.core.types import F32, F64, NEVER, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.models.base import Arrays, Items, RunOptions, Scorer
from evorec.models.popularity import Popularity
from evorec.testing.scorers import CHECKS, check_scorer, small_world


def _any(rows: F64 | F32) -> Bool:
    """Which rows hold anything."""
    held: Bool = np.count_nonzero(rows, axis=1) > 0
    return held


class Decayed:
    """A scorer that keeps the contract: topics of the history, newer tie groups counting more."""

    name = "decayed"

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        events = dataset.events
        held = events.item[events.item >= 0]
        self.count = np.bincount(held, minlength=len(dataset.items)).astype(np.float32)
        return self

    def weights(self, queries: Queries) -> F64:
        return np.exp2(-queries.age)

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        taste = np.zeros((len(queries), items.topics.shape[1]), np.float64)
        np.add.at(taste, queries.owner, self.weights(queries)[:, None] * items.topics[queries.item])
        score = (taste @ items.topics.T).astype(np.float32)
        return score, _any(taste)[:, None] & _any(items.topics)

    def arrays(self) -> Arrays:
        return {"count": self.count}

    def restore(self, arrays: Arrays) -> Self:
        self.count = np.asarray(arrays["count"])
        return self


class ReadsTieOrder(Decayed):
    """Counts back by rows."""

    def weights(self, queries: Queries) -> F64:
        place = queries.offsets[1:][queries.owner] - 1 - np.arange(len(queries.item))
        return np.exp2(-place.astype(np.float64))


class LearnsTieOrder(Decayed):
    """Remembers which item stands last in each user's rows."""

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        events = dataset.events
        last = np.append(np.diff(events.user) != 0, True) & (events.item >= 0)
        self.count = np.bincount(events.item[last], minlength=len(dataset.items)).astype(np.float32)
        return self

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        row = np.zeros(len(items), np.float32)
        row[: len(self.count)] = self.count
        return np.tile(row, (len(queries), 1)), np.ones((len(queries), len(items)), np.bool_)


class ReadsArrivals(Decayed):
    """Prefers items that will arrive later."""

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        later = (items.first_seen >= queries.as_of[:, None]) & (items.first_seen < NEVER)
        bonus = np.where(known & later, 1, 0).astype(np.float32)
        return np.add(score, bonus, dtype=np.float32), known


class ReadsLaterQueries(Decayed):
    """Prefers what the other queries of the batch have in their histories."""

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        taken = np.bincount(queries.item, minlength=len(items)).astype(np.float32)
        return np.where(known, score + taken, 0).astype(np.float32), known


class RemembersQueries(Decayed):
    """Learns from what it is asked."""

    asked = 0

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        self.asked += 1
        score, known = super().score(queries, items)
        return np.where(known, score + np.float32(self.asked), score), known


class InventsZero(Decayed):
    """Says that it knows everything."""

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        return score, np.ones_like(known)


class ScoresTheUnknown(Decayed):
    """Means something by the score of a pair that it does not know."""

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        return np.where(known, score, -1).astype(np.float32), known


class NotFinite(Decayed):
    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        with np.errstate(divide="ignore"):
            return np.log(score), known


class Double(Decayed):
    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        return score.astype(np.float64), known


class KnowsOnlyTrainedItems(Decayed):
    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        return score[:, : len(self.count)], known[:, : len(self.count)]


class Ranks(Decayed):
    """Scores an item by its place among all items: a new one moves the old ones."""

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        return score * np.float32(len(items)), known


class DrawsAtRandom(Decayed):
    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        super().fit(dataset, options)
        self.noise = np.random.default_rng().random()
        return self

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        score, known = super().score(queries, items)
        return np.where(known, score + np.float32(self.noise), score), known


class Accumulates(Popularity):
    """Adds to what an earlier fit learnt."""

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        earlier = self.evidence
        super().fit(dataset, options)
        if len(earlier):
            self.evidence = self.evidence + earlier
        return self


class Scribbles(Decayed):
    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        answer = super().score(queries, items)
        items.embedding[:, 0] = 0
        return answer


class Forgets(Popularity):
    """Saves only a part."""

    def arrays(self) -> Arrays:
        return {"evidence": np.nan_to_num(self.evidence)}


class SavesObjects(Decayed):
    def arrays(self) -> Arrays:
        return {"count": np.array([None], dtype=object)}


class Recommender(Decayed):
    """Returns something else from fit."""

    def fit(self, dataset: Dataset, options: RunOptions) -> Any:
        return super().fit(dataset, options) and Decayed().fit(dataset, options)


class Blames(Decayed):
    """Attributes more than there is."""

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        return np.ones(len(queries.item))


@pytest.mark.parametrize("make", [Decayed, Popularity])
def test_what_keeps_the_contract_passes(make: type[Scorer]) -> None:
    check_scorer(make)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (ReadsTieOrder, "tie group of a history"),
        (LearnsTieOrder, "tie group of the fitted log"),
        (ReadsArrivals, "the moment an item arrives later"),
        (ReadsLaterQueries, "a later query in the batch"),
        (RemembersQueries, "answered a later query|later"),
        (InventsZero, "claims to know an item of which nothing is known"),
        (ScoresTheUnknown, "an unknown pair has a score other than 0"),
        (NotFinite, "not finite"),
        (Double, "float64, not float32"),
        (KnowsOnlyTrainedItems, "scores have shape"),
        (Ranks, "a new item changes the score of an old one"),
        (DrawsAtRandom, "by up to"),
        (Accumulates, "an earlier fit leaves a trace"),
        (Scribbles, "the item table were changed"),
        (Forgets, "a restored scorer gives other scores"),
        (SavesObjects, "is not an array of numbers"),
        (Recommender, "fit does not return self"),
        (Blames, "shares of a query sum"),
    ],
)
def test_what_breaks_it_is_named(make: type[Scorer], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        check_scorer(make)


def test_the_small_world_has_what_the_checks_need() -> None:
    world = small_world()
    log, seen = world.training.events, world.training.item_counts
    assert (np.diff(log.tie_group) == 0).mean() > 0.2
    assert (log.item < 0).any() and (seen == 0).any() and (seen > 5).any()
    assert not world.items.embedding[:2].any() and world.items.embedding[2:].any(axis=1).all()
    lengths = np.diff(world.queries().offsets)
    assert lengths.min() == 0 and lengths.max() > 30
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)
