"""The sequence scorer: order is learned, what had not arrived is no rival, runs resume, ONNX serves the same."""

from dataclasses import replace

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.metrics.ranking import hits, ndcg
from evorec.models.base import Items, RunOptions
from evorec.models.sequence import Sequence, SequenceConfig

torch = pytest.importorskip("torch")

RUN = RunOptions()
SMALL = SequenceConfig(width=16, epochs=12, layers=1, heads=2)


def chains(users=150, items=12, steps=5, seed=0):
    """Everyone walks the same circle of items, from a place of their own: what comes next is known from the last."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, items, users)
    rows = [(f"u{u:03d}", f"i{(start[u] + k) % items:02d}", k * DAY) for u in range(users) for k in range(steps)]
    user_ids, item_ids, timestamps = zip(*rows, strict=True)
    return Dataset.create(Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=timestamps))


def table(dataset, embedding=None):
    n = len(dataset.items)
    none = np.zeros((n, 0), dtype=np.float32)
    return Items(
        ids=dataset.items,
        embedding=none if embedding is None else embedding,
        topics=none,
        first_seen=dataset.first_seen,
    )


def asked_at(dataset, moment):
    users = np.arange(len(dataset.events.users), dtype=np.int32)
    return dataset.events.queries(users, np.full(len(users), moment))


@pytest.fixture(scope="module")
def walked():
    data = chains()
    return data, Sequence(replace(SMALL, epochs=40)).fit(data, RUN)


def test_what_comes_next_is_learned(walked):
    data, scorer = walked
    queries = asked_at(data, 3 * DAY)
    score, known = scorer.score(queries, table(data))
    score[queries.owner, queries.item] = -np.inf
    last = queries.item[queries.offsets[1:] - 1]
    assert known.all()
    top = np.argmax(score, axis=1)[:, None].astype(np.int32)
    found = ndcg(hits(top, np.arange(len(last) + 1), (last + 1) % 12), np.ones(len(last), dtype=np.int64))
    assert found.mean() > 0.9  # planted: the next item is certain


def test_a_restored_scorer_serves_the_same(walked):
    pytest.importorskip("onnxruntime")
    data, scorer = walked
    restored = Sequence(scorer.config).restore(scorer.arrays()).restore_personal(scorer.personal())
    queries = asked_at(data, 4 * DAY)
    np.testing.assert_allclose(
        restored.score(queries, table(data))[0], scorer.score(queries, table(data))[0], atol=1e-4
    )


def test_what_one_person_touched_stays_out_of_the_model(walked):
    data, _ = walked
    events = data.events
    alone = Events.create(
        user_ids=[*events.users.decode(events.user), "u000"],
        item_ids=[*events.items.decode(events.item), "only"],
        timestamps=[*events.timestamp.tolist(), 9 * DAY],
    )
    data = Dataset.create(alone)
    scorer = Sequence(SMALL).fit(data, RUN)
    row = int(data.items.encode(["only"])[0])
    assert scorer.delta[row].any()
    assert not scorer.arrays()["delta"][row].any()
    assert scorer.personal()["row"].tolist() == [row]


def test_an_interrupted_run_goes_on_to_the_same_result(tmp_path, monkeypatch):
    from evorec.models import training

    data = chains(users=60)
    whole = Sequence(SMALL).fit(data, RUN)
    written, options = [], RunOptions(checkpoints=tmp_path)
    write = training._write

    def broken(*args):
        write(*args)
        written.append(args)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "_write", broken)
    with pytest.raises(KeyboardInterrupt):
        Sequence(SMALL).fit(data, options)
    monkeypatch.setattr(training, "_write", write)
    resumed = Sequence(SMALL).fit(data, options)
    assert resumed.history == whole.history
    assert np.array_equal(resumed.delta, whole.delta)
    for name, value in whole.parameters.items():
        assert np.array_equal(resumed.parameters[name], value), name


def test_another_log_does_not_go_on_from_a_checkpoint(tmp_path):
    options = RunOptions(checkpoints=tmp_path)
    Sequence(SMALL).fit(chains(users=40), options)
    Sequence(SMALL).fit(chains(users=40, seed=1), options)
    content = np.eye(12, 16, dtype=np.float32)
    Sequence(SMALL).fit(replace(chains(users=40), embedding=content), options)
    Sequence(SMALL).fit(replace(chains(users=40), embedding=content[::-1].copy()), options)
    assert len(list(tmp_path.iterdir())) == 4


def test_going_on_learns_what_is_new_and_leaves_the_first_as_it_was(walked, monkeypatch):
    data, scorer = walked
    before = scorer.delta.copy()
    events = data.events
    more = Events.create(  # everybody now takes the new item after their last
        user_ids=[*events.users.decode(events.user), *events.users],
        item_ids=[*events.items.decode(events.item), *["new"] * len(events.users)],
        timestamps=[*events.timestamp.tolist(), *[9 * DAY] * len(events.users)],
    )
    grown = Dataset.create(more)
    monkeypatch.setattr(scorer, "config", replace(scorer.config, refresh=40))  # so few batches make an epoch
    further = scorer.continued(grown, RUN)
    queries = asked_at(grown, 9 * DAY)
    score, _ = further.score(queries, table(grown))
    score[queries.owner, queries.item] = -np.inf
    assert (np.argmax(score, axis=1) == int(grown.items.encode(["new"])[0])).mean() > 0.9
    assert np.array_equal(scorer.delta, before)


def test_a_new_item_is_scored_by_its_content():
    data = chains()
    embedding = np.random.default_rng(0).normal(size=(12, 16)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    scorer = Sequence(SMALL).fit(replace(data, embedding=embedding), RUN)
    items = table(data, embedding).appended(
        ("twin", "blank"),
        embedding=np.stack([embedding[3], 0 * embedding[3]]),
        topics=np.zeros((2, 0), dtype=np.float32),
        first_seen=np.zeros(2, dtype=np.int64),
    )
    score, known = scorer.score(asked_at(data, 3 * DAY), items)
    assert known[:, 12].all()
    assert not known[:, 13].any()
    assert np.corrcoef(score[:, 12], score[:, 3])[0, 1] > 0.5


def test_what_had_not_arrived_is_no_rival():
    """An item that arrives at the end keeps its odds: earlier choices do not speak against it."""
    from evorec.models.nets.sequence import NetShape
    from evorec.models.sequence_training import NextItemTask, build
    from evorec.models.training import RowTable

    data = chains(users=20)
    late = Events.create(
        user_ids=[*data.events.users.decode(data.events.user), "u000"],
        item_ids=[*data.events.items.decode(data.events.item), "late"],
        timestamps=[*data.events.timestamp.tolist(), 99 * DAY],
    )
    data = Dataset.create(late)
    content = np.zeros((len(data.items), 16), dtype=np.float32)
    net = build(NetShape(width=16, layers=1, heads=2, dropout=0.0), None, 0)
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=content.shape).astype(np.float32))
    task = NextItemTask(data, content, net, RowTable(rows), SMALL, seed=0)
    moved = torch.zeros(len(content))
    for batch in task.batches(0):
        before = batch[1].time < 99 * DAY
        loss, used, leaf = task.loss(batch)
        loss.backward()
        if before.all():
            moved[used] += leaf.grad.abs().sum(dim=1)
    assert moved[int(data.items.encode(["late"])[0])] == 0


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"dropout": 1.0}, {"bound": 0.0}, {"rate": -1.0}])
def test_settings_are_checked(wrong):
    with pytest.raises(InputError):
        SequenceConfig(**wrong)


def test_nothing_learned_is_said(walked):
    data, _ = walked
    with pytest.raises(InputError, match="learned nothing"):
        Sequence(SMALL).score(asked_at(data, DAY), table(data, np.eye(12, 16, dtype=np.float32)))


def test_any_width_of_the_item_vectors_will_do():
    data = chains(users=40)
    embedding = np.random.default_rng(0).normal(size=(12, 7)).astype(np.float32)
    scorer = Sequence(replace(SMALL, epochs=2)).fit(replace(data, embedding=embedding), RUN)
    assert scorer.delta.shape == (12, 7)


def test_large_tie_groups_teach_something():
    rows = [
        (f"u{u}", f"i{(40 * day + k) % 90:02d}", day * DAY) for u in range(30) for day in range(3) for k in range(40)
    ]
    user_ids, item_ids, timestamps = zip(*rows, strict=True)
    data = Dataset.create(Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=timestamps))
    scorer = Sequence(replace(SMALL, length=32)).fit(data, RUN)
    assert scorer.history[-1] < 0.99


def test_a_net_that_diverges_is_an_error():
    with pytest.raises(InputError, match="lower rate"):
        Sequence(replace(SMALL, rate=1e30)).fit(chains(users=60), RUN)


def test_the_time_before_1970_is_time():
    data = chains(users=60)
    scorer = Sequence(SMALL).fit(data, RUN)
    early = replace(data.events, timestamp=data.events.timestamp - 10_000 * DAY)
    users = np.arange(2, dtype=np.int32)
    queries = early.queries(users, np.array([-9_999 * DAY, -9_000 * DAY]))
    together, _ = scorer.score(queries, table(data))
    alone, _ = scorer.score(queries.slice(0, 1), table(data))
    np.testing.assert_allclose(together[:1], alone, atol=1e-4)
