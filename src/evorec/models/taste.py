"""Taste: which items go together in whole histories, by a ridge regression for every item."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.rng import lots
from evorec.core.types import F64, Bool, Events, Queries
from evorec.data.dataset import Dataset
from evorec.models.base import RunOptions
from evorec.models.pairs import PairScorer, Sparse, no_pairs

_FADED: Final = 1e-3  # older events than this is left of could not change a rank
_LEAST_PEOPLE: Final = 2  # behind a pair: what one person alone touched is not the model's to keep


@dataclass(frozen=True, kw_only=True)
class TasteConfig:
    """What the regressions are given, and how a history is read.

    `neighbours`: an item is explained by at most so many others; `ridge` pulls weights toward 0, in units of the mean
    diagonal of the gram matrix; `half_life_events`: a history event so many events back counts half; `limit`: at most
    so many of a user's newest events are learned from, and so many read. Of a tie group that it falls in, a sample by
    chance is learned from, always the same; reading takes the group whole.
    """

    neighbours: int = 100
    ridge: float = 5.0
    half_life_events: float = 30.0
    limit: int = 1000

    def __post_init__(self) -> None:
        if self.neighbours < 1 or self.limit < 1:
            raise InputError("neighbours and limit must be at least 1", mend="raise them")
        if not self.ridge > 0 or not self.half_life_events > 0:
            raise InputError("ridge and half_life_events must be above 0", mend="raise them")


def incidence(events: Events, *, limit: int) -> Sparse:
    """`float32[users, items]`: the strongest weight with which each user touched each item, among the newest `limit`.

    An event without a weight has 1; what speaks against an item counts 0. Of a tie group that `limit` falls in, items
    are chosen by chance, the same for everybody and in every fit.
    """
    everybody = np.arange(len(events.users), dtype=np.int32)
    told = events.queries(everybody, np.full(len(everybody), events.newest + 1 if len(events) else 0))
    weight = np.maximum(told.weights, 0).astype(np.float64)
    weight *= _within(told, weight, events.items, limit)
    shape = (len(events.users), len(events.items))
    pair, place = np.unique(told.owner * shape[1] + told.item, return_inverse=True)
    strongest = np.zeros(len(pair), dtype=np.float32)
    np.maximum.at(strongest, place, weight.astype(np.float32))
    touched = sp.csr_matrix((strongest, (pair // max(1, shape[1]), pair % max(1, shape[1]))), shape=shape)
    touched.eliminate_zeros()
    return touched


def _within(told: Queries, weight: F64, items: Vocabulary, limit: int) -> Bool:
    """`bool[m]`: the newest `limit` events of each history, and no more of them where a tie group is larger.

    The gram matrix grows with the square of a history: thousands of events at one moment must not fill the memory.
    """
    kept = told.among_latest(limit)
    many = np.flatnonzero(kept & (np.bincount(told.owner[kept], minlength=len(told)) > limit)[told.owner])
    if not len(many):
        return kept
    code, place = np.unique(told.item[many], return_inverse=True)
    drawn = lots(items.decode(code))[place]
    owner = told.owner[many]
    order = np.lexsort((-weight[many], drawn, -told.tie_group[many], owner))
    owner = owner[order]
    kept[many[order]] = np.arange(len(owner)) - np.searchsorted(owner, owner) < limit
    return kept


def gram_matrix(touched: Sparse) -> Sparse:
    """`float32[items, items]`: how much items share users, every user counting alike however long the history."""
    length = np.asarray(touched.multiply(touched).sum(axis=1)).ravel()
    scaled = sp.diags((np.maximum(length, 1e-9) ** -0.5).astype(np.float32)) @ touched
    gram = (scaled.T @ scaled).tocsr()
    gram.sort_indices()
    return gram


def explained_by_neighbours(gram: Sparse, *, neighbours: int, ridge: float) -> Sparse:
    """Weights `float32[items, items]`, row = from, column = to: each item regressed on the others it shares users with.

    For item j with its `neighbours` nearest N (by cosine) the column solves (G_NN + ridge g Id) w = G_Nj, where g is
    the mean diagonal of G = `gram`. With every other item in N that is EASE (Steck 2019, "Embarrassingly shallow
    autoencoders for sparse data"); over neighbours it is the sparse approximation of Steck (2019), "Markov random
    fields for collaborative filtering": no inverse of all items at once, and no weight between two items that nobody
    shares.

    >>> gram = sp.csr_matrix(np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 2.0]]))
    >>> explained_by_neighbours(gram, neighbours=2, ridge=1.0).toarray().tolist()
    [[0.0, 0.25, 0.0], [0.25, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    size, diagonal = gram.shape[0], gram.diagonal()
    if not diagonal.any():
        return no_pairs(size)
    lift = ridge * float(diagonal[diagonal > 0].mean())
    damp = np.maximum(diagonal, 1e-9) ** -0.5
    rows, columns, weights = [], [], []
    for item in range(size):
        span = slice(gram.indptr[item], gram.indptr[item + 1])
        near, shared = gram.indices[span], gram.data[span]
        other = near != item
        near, shared = near[other], shared[other]
        if not len(near):
            continue
        if len(near) > neighbours:
            nearest = np.sort(np.argsort(-shared * damp[near], kind="stable")[:neighbours])
            near, shared = near[nearest], shared[nearest]
        block = gram[near][:, near].toarray()
        block[np.diag_indices(len(near))] += lift
        factor = cho_factor(block, lower=True, overwrite_a=True, check_finite=False)
        rows.append(near)
        columns.append(np.full(len(near), item))
        weights.append(cho_solve(factor, shared, check_finite=False))
    if not rows:
        return no_pairs(size)
    place = (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_matrix((np.concatenate(weights).astype(np.float32), place), shape=gram.shape)


class Taste(PairScorer):
    """Evidence for item j: how much the whole history of a user makes j expected, whatever the order.

    log(1 + x / x0), where x adds the weights from each history event to j and x0 is a typical weight, fixed in `fit`;
    x below 0 counts as 0. Long-term collaborative filtering: transitions say what comes next, taste what belongs to the
    same person. Weights between two items that one user alone shares are kept apart, as personal data.

    >>> from evorec.models.base import Items
    >>> rng = np.random.default_rng(0)
    >>> crowd = rng.integers(0, 3, 300).repeat(6)  # three crowds, each with ten items of its own
    >>> item = 10 * crowd + rng.integers(0, 10, 1800)
    >>> log = Events.create(user_ids=np.repeat(np.arange(300), 6).astype(str), timestamps=list(range(1800)),
    ...                     item_ids=[f"{k:02d}" for k in item])
    >>> scorer = Taste().fit(Dataset.create(log), RunOptions())
    >>> table = Items(ids=log.items, embedding=np.zeros((30, 0), np.float32), topics=np.zeros((30, 0), np.float32),
    ...               first_seen=np.zeros(30, np.int64))
    >>> someone = Queries(offsets=np.array([0, 2]), item=np.array([12, 17], np.int32), timestamp=np.array([1, 2]),
    ...                   as_of=np.array([3]))
    >>> sorted(np.argsort(-scorer.score(someone, table)[0][0])[:10].tolist()) == list(range(10, 20))
    True
    """

    def __init__(self, config: TasteConfig | None = None, *, name: str = "taste") -> None:
        super().__init__(name)
        self.config = config or TasteConfig()

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """One small regression per item."""
        config, events = self.config, dataset.events
        gram = gram_matrix(incidence(events, limit=config.limit))
        weights = explained_by_neighbours(gram, neighbours=config.neighbours, ridge=config.ridge)
        positive = weights.data[weights.data > 0]
        self.unit = float(np.median(positive)) if len(positive) else 1.0
        return self._take(weights, log=events)

    def _counts_for(self, queries: Queries) -> F64:
        weight = np.maximum(queries.weights, 0) * np.exp2(-queries.age / self.config.half_life_events)
        weight *= queries.among_latest(self.config.limit)
        return np.where(weight > _FADED, weight, 0.0)

    def _rests_on_one(self, log: Events) -> Sparse:
        touched = incidence(log, limit=self.config.limit)
        touched.data[:] = 1
        return self.weights - self.weights.multiply((touched.T @ touched) >= _LEAST_PEOPLE)
