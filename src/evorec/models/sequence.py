"""The sequence scorer: what follows what a user touched, in the order and at the pace of their history."""

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.core.rng import generator
from evorec.core.types import F32, F64, I64, Bool, Events, Queries
from evorec.data.dataset import Dataset
from evorec.models.base import Arrays, Items, RunOptions, known_pairs, shares_per_query
from evorec.models.histories import capped, filled, latest, strength

if TYPE_CHECKING:
    from evorec.models.nets.sequence import NetShape

Encode = Callable[[F32, F32, I64, I64, I64], F32]  # x, strength, time, group, as_of to query vectors

_HELD_BACK = (0.03, 0.2)  # least and most share of the users that early stopping is judged on
_JUDGES = 100  # users, where the log has so many
_FEW = 10  # users: of fewer, none is held back
_TOKENS = 16_384  # places of a batch that is scored
# PyTorch's oneDNN keeps code and buffers for a thousand shapes that it has met; histories come in more shapes than
# that, and what it keeps for them grows by hundreds of megabytes an epoch. It asks at its first product.
_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
_REMOVED = 50  # newest events that attribution takes away, one at a time


@dataclass(frozen=True, kw_only=True)
class SequenceConfig:
    """Size of the net, and how it learns.

    `layers`, `heads`, `dropout`: of the net, whose width is that of the item vectors (`width` where items have none).
    `length`: newest events of a history that are read. `bound`: longest difference between an item's vector and its
    content. `negatives`: alternatives to each choice; a catalogue no larger is used whole. `events`: epochs end after
    about so many events were learned from, or after `epochs`. `refresh`: epochs on what is new (and as much that is
    not), when a net goes on.
    """

    layers: int = 2
    heads: int = 4
    width: int = 64
    dropout: float = 0.2
    length: int = 128
    bound: float = 1.0
    negatives: int = 1024
    rate: float = 2e-3
    events: int = 4_000_000
    epochs: int = 16
    refresh: int = 8

    def __post_init__(self) -> None:
        for name in ("layers", "heads", "width", "length", "negatives", "events", "epochs", "refresh"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1", mend="give a whole number")
        if not 0 <= self.dropout < 1:
            raise InputError("dropout is a share below 1", mend="0.2 is a good start")
        if not (self.bound > 0 and self.rate > 0):
            raise InputError("bound and rate must be above 0", mend="1 and 0.002 are a good start")


class Sequence:
    """A transformer over the history whose answer is compared with every item's vector.

    An item's vector is its content plus a learned difference of bounded length ("let it go", Tamm et al. 2025), so
    that an item nobody has touched is scored at once, by content alone. Self-attention after Kang and McAuley (2018),
    "Self-attentive sequential recommendation", with a bias by elapsed time; see `nets.sequence` and `NextItemTask`.
    Training needs torch, scoring what was saved needs ONNX Runtime alone.

    >>> from evorec.core.types import DAY, Events
    >>> rows = [(f"u{u}", "abcdefgh"[(u + k) % 8], k) for u in range(200) for k in range(4)]  # a, b, c ... h, a, b
    >>> user_ids, item_ids, days = zip(*rows)
    >>> log = Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=[day * DAY for day in days])
    >>> scorer = Sequence(SequenceConfig(width=16, epochs=40)).fit(Dataset.create(log), RunOptions())
    >>> items = Items(ids=log.items, embedding=np.zeros((8, 0), np.float32), topics=np.zeros((8, 0), np.float32),
    ...               first_seen=np.zeros(8, np.int64))
    >>> asked = log.queries(np.array([0], np.int32), np.array([2 * DAY]))  # has touched a, then b
    >>> log.items.ids[int(scorer.score(asked, items)[0].argmax())]
    'c'
    """

    def __init__(self, config: SequenceConfig | None = None, *, name: str = "sequence") -> None:
        self.config = config or SequenceConfig()
        self.name = name
        self.delta: F32 = np.zeros((0, self.config.width), dtype=np.float32)
        self.trained: Bool = np.zeros(0, dtype=np.bool_)  # items with events
        self.one_person: Bool = np.zeros(0, dtype=np.bool_)  # of them, those that a single user has touched
        self.parameters: Arrays = {}
        self.until = 0  # newest event learned from
        self.history: tuple[float, ...] = ()  # held-back loss after each epoch
        self._encode: Encode | None = None
        self._onnx: bytes | None = None  # the net as it is served; made when first saved
        self._vectors: tuple[Any, F32] | None = None

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Learn until the choices of users who are held back are foreseen no better."""
        self.parameters, self.trained = {}, np.zeros(0, dtype=np.bool_)
        self.one_person = np.zeros(0, dtype=np.bool_)
        self.delta = np.zeros((0, self.config.width), dtype=np.float32)
        return self._learn(dataset, options, since=None)

    def continued(self, dataset: Dataset, options: RunOptions) -> "Sequence":
        """A scorer that goes on from this one, with the events of `dataset` that came since."""
        new = Sequence(self.config, name=self.name)
        new.delta, new.trained, new.one_person = self.delta, self.trained, self.one_person
        new.parameters, new.until = self.parameters, self.until
        return new._learn(dataset, options, since=self.until + 1)

    def _learn(self, dataset: Dataset, options: RunOptions, since: int | None) -> Self:
        for cache in _CACHES:
            os.environ.setdefault(cache, "16")
        torch = require("torch", extra="sequence")
        from evorec.models.sequence_training import NextItemTask, build, encode
        from evorec.models.training import RowTable, TrainingConfig, train

        config = self.config
        events = capped(_in_order(dataset.events.select(dataset.events.item >= 0)), config.length // 2)
        dataset = replace(dataset, events=events)
        content = self._content(dataset)
        width = content.shape[1]
        net = build(self._shape(width), self.parameters or None, options.seed)
        table = RowTable(torch.from_numpy(self._start(len(content), width, options.seed)))
        task = NextItemTask(dataset, content, net, table, config, seed=options.seed)
        if since is None:
            if len(events.users) >= _FEW:
                task.hold_back(float(np.clip(_JUDGES / len(events.users), *_HELD_BACK)))
            epochs, kept = self._epochs(events), self._checkpoint(options, dataset, content)
        else:
            task.only_since(since)
            epochs, kept = config.refresh, None
        if len(task.windows):
            rates = TrainingConfig(rate=config.rate, row_rate=config.rate)
            found = train(task, rates, epochs=epochs, seed=options.seed, checkpoint=kept, progress=options.progress)
            self.history = tuple(found)
        self.parameters = {name: value.numpy().copy() for name, value in net.state_dict().items()}
        self.delta = task.differences()
        self._encode = lambda *arrays: encode(net, *arrays)
        self._vectors = self._onnx = None
        self._remember(events, task.learned(), len(content))
        return self

    def _shape(self, width: int) -> "NetShape":
        """Fewer heads than asked for where they would not divide the width."""
        from evorec.models.nets.sequence import NetShape

        config = self.config
        heads = math.gcd(config.heads, width)
        return NetShape(width=width, layers=config.layers, heads=heads, dropout=config.dropout)

    def _epochs(self, events: Events) -> int:
        return min(self.config.epochs, max(2, self.config.events // max(1, len(events))))

    def _content(self, dataset: Dataset) -> F32:
        if dataset.embedding is not None and dataset.embedding.shape[1]:
            return dataset.embedding
        return np.zeros((len(dataset.items), self.config.width), dtype=np.float32)

    def _start(self, items: int, width: int, seed: int) -> F32:
        """Differences to start from: those learned; small random ones, which tell items without content apart."""
        start = generator(seed, "sequence rows").normal(0.0, 0.02, (items, width)).astype(np.float32)
        if len(self.delta):
            start[: len(self.delta)][self.trained] = self.delta[self.trained]
        return start

    def _remember(self, events: Events, learned: Bool, items: int) -> None:
        """Which items were learned from how many people: `learned bool[n]` marks events that taught something."""
        pairs = np.unique(np.stack([events.item[learned], events.user[learned]]), axis=1)
        people = np.bincount(pairs[0], minlength=items)
        before = np.zeros((2, items), dtype=np.bool_)
        before[0, : len(self.trained)] = self.trained
        before[1, : len(self.one_person)] = self.one_person
        several = (people > 1) | (before[0] & ~before[1])
        self.trained = before[0] | (people > 0)
        self.one_person = self.trained & ~several
        self.delta[~self.trained] = 0
        self.until = events.newest if len(events) else self.until

    def _checkpoint(self, options: RunOptions, dataset: Dataset, content: F32) -> Path | None:
        """One file per log, item vectors and settings, so that a run with others never goes on from it."""
        if options.checkpoints is None:
            return None
        events = dataset.events
        digest = hashlib.sha256(repr((self.config, options.seed, content.shape)).encode())
        for column in (events.user, events.item, events.timestamp, events.weight, dataset.first_seen, content):
            digest.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
        return options.checkpoints / f"{self.name}-{digest.hexdigest()[:16]}.safetensors"

    def vectors(self, items: Items) -> F32:
        """`float32[items, width]` content plus what was learned; kept for the last item table."""
        if self._vectors is None or self._vectors[0] is not items.embedding:
            content = items.embedding
            if not content.shape[1]:
                content = np.zeros((len(items), self.delta.shape[1]), dtype=np.float32)
            whole = content.copy()
            whole[: len(self.delta)] += self.delta
            self._vectors = (items.embedding, whole)
        return self._vectors[1]

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """Inner products of what the history asks for with every item; unknown without a history or any content."""
        vectors = self.vectors(items)
        known_item = np.asarray(vectors.any(axis=1))
        asked, query = self._ask(queries, vectors)
        has_history = np.zeros(len(queries), dtype=np.bool_)
        has_history[asked] = True
        value = np.zeros((len(queries), len(items)), dtype=np.float32)
        value[asked] = query @ vectors.T
        known = known_pairs(has_history, known_item)
        if not known.all():
            value[~known] = 0
        return value, known

    def _ask(self, queries: Queries, vectors: F32) -> tuple[I64, F32]:
        """Which queries have a history, and their query vectors."""
        if not len(queries.item):
            return np.zeros(0, dtype=np.int64), np.zeros((0, vectors.shape[1]), dtype=np.float32)
        asked, batch = latest(queries, self.config.length)
        found = np.zeros((len(asked), vectors.shape[1]), dtype=np.float32)
        length = batch.valid.sum(axis=1)
        order = np.argsort(length, kind="stable")
        logs = strength(queries.weights)
        for piece in filled(length[order], _TOKENS):
            rows = order[piece]
            row, group = (a[rows, : length[rows].max()] for a in (batch.row, batch.group))
            time = queries.timestamp[row]  # padding repeats the first event: it is never the newest
            x = vectors[queries.item[row]]
            found[rows] = self._encoder()(x, logs[row], time, group, queries.as_of[asked[rows]])
        return asked, found

    def _encoder(self) -> Encode:
        if self._encode is None:
            raise InputError("the sequence scorer has learned nothing", mend="fit it, or restore what was saved")
        return self._encode

    def attribute(self, queries: Queries, items: Items, row: int) -> F64:
        """What the score of item `row` loses when a history event is taken away; the newest 50 of each query."""
        vectors = self.vectors(items)
        loss = np.zeros(len(queries.item))
        for q in range(len(queries)):
            one = queries.slice(q, q + 1)
            places = np.arange(len(one.item))[-_REMOVED:]
            if not len(places):
                continue
            told = _without_each(one, places)
            asked, query = self._ask(told, vectors)
            score = np.zeros(len(told), dtype=np.float64)
            score[asked] = query @ vectors[row]
            loss[queries.offsets[q] + places] = score[-1] - score[:-1]
        return shares_per_query(queries, loss)

    def arrays(self) -> Arrays:
        """Differences of items that more than one person touched, the net's parameters, and the net as ONNX."""
        if self._onnx is None:
            require("onnxscript", extra="sequence")
            from evorec.models.sequence_training import build, to_onnx

            self._onnx = to_onnx(build(self._shape(self.delta.shape[1]), self.parameters, 0))
        return {
            "delta": np.where(self.one_person[:, None], np.float32(0), self.delta),
            "trained": self.trained & ~self.one_person,
            "until": np.asarray([self.until], dtype=np.int64),
            "history": np.asarray(self.history, dtype=np.float64),
            "onnx": np.frombuffer(self._onnx, dtype=np.uint8),
            **{f"net.{name}": value for name, value in self.parameters.items()},
        }

    def restore(self, arrays: Arrays) -> Self:
        """Take over what `arrays` gave; items of one person have their content alone until `restore_personal`."""
        runtime = require("onnxruntime", extra="sequence")
        self.delta, self.trained = arrays["delta"].copy(), arrays["trained"].copy()
        self.one_person = np.zeros(len(self.delta), dtype=np.bool_)
        self.until, self.history = int(arrays["until"][0]), tuple(arrays["history"].tolist())
        self.parameters = {name[4:]: value for name, value in arrays.items() if name.startswith("net.")}
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1  # of two threads on a busy machine each waits for the other
        self._onnx = arrays["onnx"].tobytes()
        session = runtime.InferenceSession(self._onnx, options, providers=["CPUExecutionProvider"])
        names = ("x", "strength", "time", "group", "as_of")
        self._encode = lambda *given: session.run(None, dict(zip(names, given, strict=True)))[0]
        self._vectors = None
        return self

    def personal(self) -> Arrays:
        """The differences that rest on one person: `row int64[n]` of the items, `delta float32[n, width]`."""
        row = np.flatnonzero(self.one_person)
        return {"row": row, "delta": self.delta[row]}

    def restore_personal(self, arrays: Arrays) -> Self:
        """Take over what `personal` gave."""
        self.delta[arrays["row"]] = arrays["delta"]
        self.trained[arrays["row"]] = self.one_person[arrays["row"]] = True
        self._vectors = None
        return self


def _in_order(events: Events) -> Events:
    """The order inside a tie group carries no meaning: sums over it are taken in the order of the items."""
    order = np.lexsort((events.item, events.timestamp, events.user))
    weight = None if events.weight is None else events.weight[order]
    return replace(events, item=events.item[order], action=None, value=None, text=None, weight=weight)


def _without_each(query: Queries, places: I64) -> Queries:
    """One query as many: without each of the events at `places`, and at last with all."""
    n = len(query.item)
    keep = np.ones((len(places) + 1, n), dtype=np.bool_)
    keep[np.arange(len(places)), places] = False
    rows = np.tile(np.arange(n), len(keep))[keep.ravel()]
    return Queries(
        offsets=np.concatenate(([0], np.cumsum(keep.sum(axis=1)))).astype(np.int64),
        item=query.item[rows],
        timestamp=query.timestamp[rows],
        as_of=np.repeat(query.as_of, len(keep)),
        weight=None if query.weight is None else query.weight[rows],
    )
