"""implicit: alternating least squares with the user folded in anew, and nearest neighbours of items."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from exchange import Fitted, Question, answer
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

from evorec.core.types import Queries

NEIGHBOURS = {"cosine": CosineRecommender, "tf-idf": TFIDFRecommender, "bm25": BM25Recommender}


def fit(question: Question, settings: Mapping[str, Any]) -> Fitted:
    """`settings`: model (als or a key of NEIGHBOURS), seed, and what the model's constructor takes."""
    given = {name: value for name, value in settings.items() if name not in ("model", "seed")}
    user, item = question.user[question.train], question.item[question.train]
    log = sp.csr_matrix((np.ones(len(user), np.float32), (user, item)), shape=(question.users, question.items))
    if settings["model"] == "als":
        model = AlternatingLeastSquares(**given, num_threads=1, random_state=settings["seed"])
    else:
        model = NEIGHBOURS[settings["model"]](**given, num_threads=1)
    model.fit(log, show_progress=False)

    def score(asked: Queries) -> np.ndarray:
        weight = np.ones(len(asked.item), np.float32)
        told = sp.csr_matrix((weight, (asked.owner, asked.item)), shape=(len(asked), question.items))
        if settings["model"] == "als":
            return model.recalculate_user(np.arange(len(asked)), told) @ model.item_factors.T
        return np.asarray((told @ model.similarity).toarray())

    return Fitted(systems={"lists": question.by_score(score)}, chosen={})


if __name__ == "__main__":
    answer(fit)
