"""LensKit: EASE (Steck, WWW 2019), asked with the whole history of the query."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from exchange import Fitted, Question, answer
from lenskit.data import from_interactions_df
from lenskit.knn import EASEScorer

from evorec.core.types import Queries


def fit(question: Question, settings: Mapping[str, Any]) -> Fitted:
    """`settings`: regularization."""
    log = pd.DataFrame({"user_id": question.user[question.train], "item_id": question.item[question.train]})
    model = EASEScorer(regularization=settings["regularization"])
    model.train(from_interactions_df(log.drop_duplicates()))
    place = np.full(question.items, -1, dtype=np.int64)
    place[model.items.ids()] = np.arange(len(model.items))
    known = place >= 0

    def score(asked: Queries) -> np.ndarray:
        """As the scorer's own call, for many queries in one product."""
        told = known[asked.item]
        shape = (len(asked), len(model.items))
        history = sp.csr_matrix((np.ones(told.sum(), np.float32), (asked.owner[told], place[asked.item[told]])), shape)
        history.data[:] = np.minimum(history.data, 1)  # the constructor has summed repeats
        out = np.full((len(asked), question.items), -np.inf, dtype=np.float32)
        out[:, known] = (history @ model.weights)[:, place[known]]
        return out

    return Fitted(systems={"lists": question.by_score(score)}, chosen={})


if __name__ == "__main__":
    answer(fit)
