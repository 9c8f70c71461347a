"""Small logs, queries and item tables to score by hand."""

from dataclasses import replace

import numpy as np
import pytest

from evorec.core.ids import Vocabulary
from evorec.core.types import DAY, Events, Queries, Remarks
from evorec.models.base import Items


@pytest.fixture(scope="session")
def log():
    """A function: a log from `(user, item, day)` triples."""

    def make(*rows):
        user_ids, item_ids, days = zip(*rows, strict=True)
        return Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=[int(day * DAY) for day in days])

    return make


@pytest.fixture(scope="session")
def ask():
    """A function: queries at day `as_of` from histories of `(row, day)` pairs in time order."""

    def make(*histories, as_of=100):
        events = [event for history in histories for event in history]
        return Queries(
            offsets=np.cumsum([0, *map(len, histories)]).astype(np.int64),
            item=np.asarray([row for row, _ in events], dtype=np.int32),
            timestamp=np.asarray([int(day * DAY) for _, day in events], dtype=np.int64),
            as_of=np.full(len(histories), as_of * DAY, dtype=np.int64),
        )

    return make


@pytest.fixture(scope="session")
def beside():
    """A function: queries with remarks, for each a list of `(day, embedding, topics, weight)`; None is not known."""

    def known(rows):
        width = max((len(row) for row in rows if row is not None), default=0)
        return np.asarray([np.zeros(width) if row is None else row for row in rows], dtype=np.float32)

    def make(queries, *said):
        rows = [row for own in said for row in own]
        if not rows:
            return queries
        days, embedding, topics, weight = zip(*rows, strict=True)
        remarks = Remarks(
            offsets=np.cumsum([0, *map(len, said)]).astype(np.int64),
            embedding=known(embedding),
            topics=known(topics),
            weight=np.asarray(weight, dtype=np.float32),
            timestamp=np.asarray([int(day * DAY) for day in days], dtype=np.int64),
        )
        return replace(queries, remarks=remarks)

    return make


@pytest.fixture(scope="session")
def table():
    """A function: an item table from embeddings and topics, one row each."""

    def make(embedding=None, topics=None):
        n = len(embedding if embedding is not None else topics)
        empty = np.zeros((n, 0), dtype=np.float32)
        return Items(
            ids=Vocabulary(tuple(f"i{row}" for row in range(n))),
            embedding=empty if embedding is None else np.asarray(embedding, dtype=np.float32),
            topics=empty if topics is None else np.asarray(topics, dtype=np.float32),
            first_seen=np.zeros(n, dtype=np.int64),
        )

    return make


@pytest.fixture(scope="session")
def faithful():
    """A function: attribution sums to 1, and removing the event with the largest share lowers the evidence most."""

    def check(scorer, queries, items, row):
        share = scorer.attribute(queries, items, row)
        assert share.min() >= 0
        assert share.sum() == pytest.approx(1)
        whole, drops = float(scorer.score(queries, items)[0][0, row]), []
        for removed in range(len(queries.item)):
            kept = np.arange(len(queries.item)) != removed
            rest = Queries(
                offsets=np.array([0, kept.sum()]),
                item=queries.item[kept],
                timestamp=queries.timestamp[kept],
                as_of=queries.as_of,
            )
            drops.append(whole - float(scorer.score(rest, items)[0][0, row]))
        assert drops[int(share.argmax())] == pytest.approx(max(drops), abs=1e-6)
        return share

    return check
