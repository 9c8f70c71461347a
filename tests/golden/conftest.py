"""The shared data sets as the pinned reference reads them."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from evorec.core.types import SECOND, Events

SHARED = Path(__file__).parents[2] / "../shared"


def read_events(folder):
    """Distinct (user, item, timestamp) of interactions.parquet; of a shop only the purchases."""
    log = duckdb.sql(f"select * from '{folder / 'interactions.parquet'}'")
    names, kinds = log.columns, dict(zip(log.columns, map(str, log.types), strict=True))
    seconds = "epoch(timestamp)::bigint" if kinds["timestamp"] == "TIMESTAMP" else "timestamp"
    bought = "where event = 'purchase'" if "event" in names else ""
    found = duckdb.sql(
        f"select distinct user_id::varchar u, item_id::varchar i, {seconds} t from log {bought}"
    ).fetchnumpy()
    return Events.create(
        user_ids=found["u"].tolist(),
        item_ids=found["i"].tolist(),
        timestamps=np.asarray(found["t"], dtype=np.int64) * SECOND,
    )


@pytest.fixture(scope="session")
def shared_events():
    cache = {}

    def load(name):
        folder = SHARED / "data" / name
        if not folder.exists():
            pytest.skip(f"the shared data set {name} is not beside this checkout")
        if name not in cache:
            cache.clear()  # the rows of one set follow one another
            cache[name] = read_events(folder)
        return cache[name]

    return load
