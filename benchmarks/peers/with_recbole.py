"""RecBole: GRU4Rec with the settings it ships, asked with the newest events of the query."""

import contextlib
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from exchange import Fitted, Question, answer, train
from recbole.config import Config
from recbole.data import create_dataset
from recbole.data.dataloader import TrainDataLoader
from recbole.data.interaction import Interaction
from recbole.trainer import Trainer
from recbole.utils import get_model, init_seed

from evorec.core.types import Queries

LENGTH = 50


def fit(question: Question, settings: Mapping[str, Any]) -> Fitted:
    """`settings`: model (a sequential one of RecBole), seed, minutes at most, and once they are chosen the epochs."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # it writes logs where it stands
        config = configured(question, settings, Path(folder))
        init_seed(settings["seed"], reproducibility=True)
        dataset = create_dataset(config)
        loader = TrainDataLoader(config, dataset.build()[0], None, shuffle=True)
        model = get_model(config["model"])(config, loader.dataset)
        trainer = Trainer(config, model)
        lists = question.by_score(scoring(model, dataset.field2token_id["item_id"], question))

        def epoch() -> Any:
            trainer.start_epoch, trainer.epochs = trainer.epochs, trainer.epochs + 1
            trainer.fit(loader, saved=False, show_progress=False, verbose=False)
            return model

        trainer.epochs = 0
        chosen = train(question, lists, settings, epoch)
        trainer.tensorboard.close()
    return Fitted(systems={"lists": lists}, chosen=chosen)


def configured(question: Question, settings: Mapping[str, Any], folder: Path) -> Config:
    """RecBole's configuration over the training events, written as the file it reads."""
    (folder / "log").mkdir()
    rows = zip(
        *(part[question.train].tolist() for part in (question.user, question.item, question.timestamp)), strict=True
    )
    lines = ["user_id:token\titem_id:token\ttimestamp:float", *(f"{u}\t{i}\t{t / 1e6}" for u, i, t in rows)]
    (folder / "log" / "log.inter").write_text("\n".join(lines), encoding="utf-8")
    given = {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "eval_args": {"split": {"RS": [1, 0, 0]}, "order": "TO", "group_by": None, "mode": "full"},
        "train_neg_sample_args": None,
        "MAX_ITEM_LIST_LENGTH": LENGTH,
        "use_gpu": False,
        "state": "ERROR",
        "seed": settings["seed"],
    }
    return Config(model=settings["model"], dataset="log", config_dict=given)


def scoring(model: Any, token: Mapping[str, int], question: Question) -> Any:
    """Scores of every item for a block of queries."""
    code = np.zeros(question.items, dtype=np.int64)  # 0 is RecBole's padding
    for name, place in token.items():
        if name != "[PAD]":
            code[int(name)] = place

    def score(asked: Queries) -> np.ndarray:
        sequences = np.zeros((len(asked), LENGTH), dtype=np.int64)
        length = np.ones(len(asked), dtype=np.int64)
        for row, (start, stop) in enumerate(zip(asked.offsets[:-1], asked.offsets[1:], strict=True)):
            told = code[asked.item[start:stop]]
            newest = told[told > 0][-LENGTH:]
            sequences[row, : len(newest)] = newest
            length[row] = max(1, len(newest))
        model.eval()
        with torch.no_grad():
            held = {"item_id_list": torch.from_numpy(sequences), "item_length": torch.from_numpy(length)}
            found = model.full_sort_predict(Interaction(held)).numpy()
        out = np.full((len(asked), question.items), -np.inf, dtype=np.float32)
        out[:, code > 0] = found[:, code[code > 0]]
        return out

    return score


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)  # RecBole was written for earlier pandas and torch
    answer(fit)
