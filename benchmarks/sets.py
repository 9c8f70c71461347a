"""The public data sets that benchmarks run on, read from a folder with one sub-folder per set."""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy is imported: shared machines are noisy enough

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evorec.core.types import F32, I64
from evorec.data.dataset import Dataset
from evorec.data.feedback import Feedback, weigh
from evorec.encoders.cache import EmbeddingCache
from evorec.encoders.opening import open_encoder
from evorec.encoders.whitening import Whitening
from evorec.recipes.assembly import texts_of
from evorec.recipes.quickstart import load_dataset
from evorec.recipes.training import encode_items, touched

FOLDER = Path(__file__).parents[1] / "../shared/data"
SETS = ("ml-1m", "amazon-beauty", "amazon-food-kitchen", "ifdb-2026", "online-retail")


def read(name: str, folder: Path = FOLDER) -> Dataset:
    """Events and catalogue of one set, without what was returned or otherwise speaks against its item."""
    dataset = load_dataset(folder / name / "interactions.parquet", folder / name / "items.parquet").dataset
    return replace(dataset, events=touched(weigh(dataset.events, Feedback())))


def embed(dataset: Dataset, dimension: int = 128) -> F32:
    """Whitened item vectors `float32[items, dimension]` of the default encoder, fitted on the items with events."""
    vectors = encode_items(dataset, open_encoder("auto"), cache=EmbeddingCache())
    return Whitening.fit(vectors[dataset.item_counts > 0], dimension=dimension).apply(vectors)


@dataclass(frozen=True, eq=False, kw_only=True)
class Histories:
    """Events of all users, ragged: those of user u are rows offsets[u]:offsets[u + 1], in time order."""

    offsets: I64
    item: np.ndarray
    timestamp: I64


def histories(dataset: Dataset) -> Histories:
    """The events that name an item."""
    events = dataset.events.select(dataset.events.item >= 0)
    return Histories(offsets=events.offsets, item=events.item, timestamp=events.timestamp)


def machine_words(machine: Mapping[str, Any]) -> str:
    """A machine as the results name it."""
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def texts(dataset: Dataset) -> list[str]:
    """What names clusters: the words of each item."""
    return texts_of(dataset.catalogue)
