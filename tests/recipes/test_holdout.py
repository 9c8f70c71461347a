"""Hold-out: trained on the past alone, measured beside the baselines."""

from dataclasses import replace

import numpy as np
import pytest

from evorec.core.catalogue import Users
from evorec.core.ids import Vocabulary
from evorec.core.types import SECOND, Events, Queries
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.data.split import split_by_time
from evorec.evaluation.protocol import Protocol
from evorec.models.base import Items
from evorec.recipes.config import fast
from evorec.recipes.holdout import hold_out, told
from evorec.store.remarks import RemarkLog

PROTOCOLS = (Protocol(kind="next", clock="frozen"), Protocol(kind="successive", clock="frozen"))


@pytest.fixture(scope="module")
def data():
    return simulate(SimulationConfig(users=60, items=40, topics=3, events_per_user=15), 2).dataset


@pytest.fixture(scope="module")
def held(data):
    return hold_out(data, fast("lexical"), PROTOCOLS, members=True)


def test_the_engine_saw_nothing_after_the_cut(data, held):
    cut = split_by_time(data).cut
    assert held.engine.model.trained_until < cut <= data.events.newest
    assert held.engine.log.newest < cut


def test_every_system_is_measured_under_every_protocol(held):
    assert set(held.evaluations) == set(PROTOCOLS)
    names = [spec.name for spec in fast().scorers if not spec.optional]
    expected = {"fast", *(f"{name} alone" for name in names), "popularity, 7 days", "popularity, 30 days"}
    for found in held.evaluations.values():
        assert expected <= set(found)
        assert len({len(e.ndcg) for e in found.values() if hasattr(e, "ndcg")}) <= 1
    assert held.fit_seconds > 0


@pytest.fixture(scope="module")
def returned(data):
    """The same log, in which two of five events are returned a second later; all returns are of topic 0."""
    events = data.events
    chosen = np.flatnonzero(np.arange(len(events)) % 5 < 2)
    code = np.concatenate([np.ones(len(events), np.int16), np.zeros(len(chosen), np.int16)])
    both = Events.from_codes(
        users=events.users,
        items=events.items,
        user=np.concatenate([events.user, events.user[chosen]]),
        item=np.concatenate([events.item, events.item[chosen]]),
        timestamp=np.concatenate([events.timestamp, events.timestamp[chosen] + SECOND]),
        actions=("return", ""),
        action=code,
    )
    return hold_out(Dataset.create(both, data.catalogue), fast("lexical"), PROTOCOLS, members=True)


class TestRemarks:
    """What was taken back or declared is told to the recipe, never asked for, and nothing to the baselines."""

    def test_targets_and_baselines_are_those_without(self, held, returned):
        for protocol in PROTOCOLS:
            for name in ("popularity, 7 days", "popularity, 30 days", "directed transitions"):
                one, other = (found.evaluations[protocol][name] for found in (held, returned))
                assert np.array_equal(one.targets.item, other.targets.item)
                assert np.array_equal(one.top, other.top)
                assert np.array_equal(one.counts, other.counts)

    def test_scorers_that_read_content_hear_of_them(self, held, returned):
        assert np.array_equal(held.engine.model.blend.weights, returned.engine.model.blend.weights)
        for protocol in PROTOCOLS:
            one, other = (found.evaluations[protocol]["content (short-term) alone"] for found in (held, returned))
            assert not np.array_equal(one.top, other.top)

    def test_the_engine_keeps_to_what_was_before_the_cut(self, data, returned):
        assert 0 < len(returned.engine.remarks) < 0.4 * len(data.events)
        assert returned.engine.remarks.newest < split_by_time(data).cut

    def test_declared_interests_are_told(self, data, held):
        ids = Vocabulary(tuple(data.events.users))
        users = Users(users=ids, interests=((data.catalogue.categories[0][0],),) * len(ids))
        found = hold_out(replace(data, users=users), fast("lexical"), PROTOCOLS[:1])
        one, other = (h.evaluations[PROTOCOLS[0]]["fast"] for h in (held, found))
        assert not np.array_equal(one.top, other.top)

    def test_each_query_hears_of_its_own(self):
        log = RemarkLog()
        for number, user in enumerate("abc"):
            log.take_back(user, number, number, -1.0)
        items = Items(ids=Vocabulary(tuple("xyz")), embedding=np.eye(3, dtype=np.float32),
                      topics=np.eye(3, dtype=np.float32), first_seen=np.zeros(3, np.int64))  # fmt: skip
        heard = []

        def score(queries):
            said = queries.remarks
            heard.append([] if said is None else [said.topics[said.owner == q].argmax() for q in range(len(queries))])
            return np.zeros((len(queries), 3))

        asks = told(score, log, list("cab"), items)
        for count in (2, 1):
            asks(Queries(offsets=np.zeros(count + 1, np.int64), item=np.zeros(0, np.int32),
                         timestamp=np.zeros(0, np.int64), as_of=np.full(count, 9)))  # fmt: skip
        assert heard == [[2, 0], [1]]
        assert told(score, RemarkLog(), [], items) is score


def test_what_comes_after_the_cut_changes_no_model(data, held):
    """Other events after the cut, the same model: weights, settings and vectors are bit-identical."""
    events, cut = data.events, split_by_time(data).cut
    late = events.timestamp >= cut
    item = events.item.copy()
    item[late] = np.roll(item[late], 7)
    other = Events.from_codes(
        users=events.users, items=events.items, user=events.user, item=item, timestamp=events.timestamp
    )
    again = hold_out(Dataset.create(other, data.catalogue), fast("lexical"), PROTOCOLS[:1]).engine.model
    model = held.engine.model
    assert np.array_equal(again.items.embedding, model.items.embedding)
    assert np.array_equal(again.blend.weights, model.blend.weights)
    assert again.specs == model.specs
    assert again.card == model.card
