"""RecTools: SASRec with sampled softmax, eSASRec and HSTU, each asked with the whole history of the query."""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from exchange import Fitted, Lists, Question, answer, train
from pytorch_lightning import seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import HSTUModel, SASRecModel
from rectools.models.nn.item_net import IdEmbeddingsItemNet
from rectools.models.nn.transformers.ligr import LiGRLayers

from evorec.core.types import I32

# The authors' own settings for the public MovieLens logs; widths are theirs for HSTU, and a quarter of theirs for the
# other two, which two cores can train.
MODELS: dict[str, tuple[type, dict[str, Any]]] = {
    "sasrec": (SASRecModel, {"n_factors": 64, "n_heads": 2}),
    "esasrec": (SASRecModel, {"n_factors": 64, "n_heads": 2, "transformer_layers_type": LiGRLayers}),
    "hstu": (HSTUModel, {"n_factors": 50, "n_heads": 1, "lightning_module_kwargs": {"logits_t": 0.05}}),
}
LONG = 50  # events per user; SASRec's authors read 200 events, dropout .2, on such logs, else 50 and .5


def fit(question: Question, settings: Mapping[str, Any]) -> Fitted:
    """`settings`: model, seed, minutes at most, and once they are chosen the epochs."""
    seed_everything(settings["seed"])
    user, item, timestamp = (part[question.train] for part in (question.user, question.item, question.timestamp))
    dataset = Dataset.construct(frame(user, item, timestamp))
    length = settings.get("length", 200 if len(user) > LONG * len(np.unique(user)) else 50)
    model = build(settings["model"], length=length, dropout=0.2 if length == 200 else 0.5)
    lists = listing(model, question)

    def epoch() -> Any:
        model.fit_partial(dataset, min_epochs=1, max_epochs=1)
        return model.lightning_model

    chosen = {"length": length, **train(question, lists, settings, epoch)}
    return Fitted(systems={"lists": lists}, chosen=chosen)


def build(name: str, *, length: int, dropout: float, **more: Any) -> Any:
    """The model called `name`, over item ids alone."""
    kind, given = MODELS[name]
    return kind(
        **{"n_blocks": 2, **given, **more},
        session_max_len=length,
        dropout_rate=dropout,
        loss="sampled_softmax",
        n_negatives=128,
        lr=0.001,
        batch_size=128,
        item_net_block_types=(IdEmbeddingsItemNet,),
        deterministic=True,
    )


def frame(user: Any, item: Any, timestamp: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            Columns.User: user,
            Columns.Item: item,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.to_datetime(timestamp, unit="us"),
        }
    )


def listing(model: Any, question: Question) -> Lists:
    """Every query as a user of its own, whose events are the history of the query."""

    def lists(start: int, stop: int) -> I32:
        asked = question.queries(start, stop)
        has_vector = np.zeros(question.items, dtype=np.bool_)
        has_vector[model.data_preparator.get_known_item_ids().astype(np.int64)] = True
        known = has_vector[asked.item]
        owner = asked.owner[known]
        top = np.full((len(asked), question.k), -1, dtype=np.int32)
        if not len(owner):
            return top
        context = None
        if model.require_recommend_context:
            who = np.unique(owner)
            context = frame(who, 0, asked.as_of[who]).drop(columns=Columns.Item)
        found = model.recommend(
            users=np.unique(owner),
            dataset=Dataset.construct(frame(owner, asked.item[known], asked.timestamp[known])),
            k=question.k,
            filter_viewed=not question.repeats,
            on_unsupported_targets="ignore",
            context=context,
        )
        top[found[Columns.User].to_numpy(), found[Columns.Rank].to_numpy() - 1] = found[Columns.Item].to_numpy()
        return top

    return lists


if __name__ == "__main__":
    warnings.filterwarnings("ignore")  # thousands of lines about loaders and loggers, one for every epoch
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    answer(fit)
