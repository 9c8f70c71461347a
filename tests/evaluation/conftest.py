"""A log in which nothing follows from anything."""

import numpy as np
import pytest

from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.split import split_by_time


@pytest.fixture(scope="session")
def split():
    """900 events of 40 users on 30 items, over 200 days: all by chance."""
    rng = np.random.default_rng(0)
    log = Events.create(
        user_ids=[f"用户{u}" for u in rng.integers(0, 40, 900)],
        item_ids=[f"i{i}" for i in rng.integers(0, 30, 900)],
        timestamps=rng.integers(0, 200, 900) * DAY,
    )
    return split_by_time(Dataset.create(log))
