"""How the sequence scorer learns: sampled softmax over what was on offer when a user chose."""

import io
import logging
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from evorec.core.rng import generator
from evorec.core.types import F32, F64, I64, Bool
from evorec.data.dataset import Dataset
from evorec.models.base import Arrays
from evorec.models.histories import Padded, Steps, WindowsOfHistory, cut_histories, first_touches, steps_of, strength
from evorec.models.nets.sequence import HistoryEncoder, NetShape, Served
from evorec.models.sequence import SequenceConfig
from evorec.models.training import RowTable

TOKENS = (256, 4096)  # least and most places of a batch
BATCHES = 32  # of an epoch at least, where the log is long enough
_OFF = -1e9  # logit of what was not on offer
_JUDGED = 5_000  # held-back choices that early stopping rests on
_PIECE = 256  # of them are ranked at once
_POPULARITY = 0.5  # negatives are drawn by the square root of counts


def fast_half_precision() -> bool:
    """Whether this processor multiplies bfloat16 in hardware."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def bounded(delta: Tensor, bound: float) -> Tensor:
    """Rows `[r, width]` shortened to length `bound` where they are longer."""
    return delta * torch.clamp(bound / delta.norm(dim=1, keepdim=True).clamp(min=1e-9), max=1.0)


class NextItemTask:
    """Foresee the next tie group at every position of every history, all positions in one pass.

    The softmax runs over every item of a small catalogue, or over `negatives` drawn by popularity and corrected by
    their log-probability (Bengio and Senecal 2008; Yi et al. 2019, "Sampling-bias-corrected neural modeling"). Items
    that had not yet arrived at the time of a choice are no alternatives to it. The moment of asking is drawn between
    the last event and the next one: half the time it is the next one.
    """

    def __init__(
        self,
        dataset: Dataset,
        content: F32,
        net: HistoryEncoder,
        table: RowTable,
        settings: SequenceConfig,
        *,
        seed: int,
    ) -> None:
        self.events = events = dataset.events
        self.net, self.table, self.settings, self.seed = net, table, settings, seed
        self.opens, self.content = torch.from_numpy(dataset.first_seen), torch.from_numpy(content)
        self.new = first_touches(events)
        self.windows = cut_histories(events, settings.length)
        self.held_back: WindowsOfHistory | None = None
        self.tokens = int(np.clip(len(events) // BATCHES, *TOKENS))
        self.half = fast_half_precision()
        count = np.bincount(events.item, minlength=len(content))
        self.live = np.flatnonzero(count)
        odds = count[self.live] ** _POPULARITY
        self.odds: F64 = odds / odds.sum()
        self.strength = torch.from_numpy(strength(events.weights))

    def hold_back(self, share: float) -> None:
        """Learn nothing from a share of the users, and judge on them.

        Users, not the newest events: what is popular now is what a recommender must know, and leaving the newest 5% out
        costs a third of NDCG@10 on a log of months.
        """
        drawn = generator(self.seed, "held-back users").random(len(self.events.users)) < share
        held = drawn[self.events.user[self.windows.start]]
        self.held_back = self.windows.take(np.flatnonzero(held))
        self.windows = self.windows.take(np.flatnonzero(~held))

    def only_since(self, since: int) -> None:
        """Keep the windows that reach past `since`, and as many others."""
        rng = generator(self.seed, "what is learned again")
        newest = self.events.timestamp[self.windows.stop - 1] >= since
        fresh, old = np.flatnonzero(newest), np.flatnonzero(~newest)
        self.windows = self.windows.take(np.sort(np.concatenate([fresh, rng.permutation(old)[: len(fresh)]])))

    def batches(self, epoch: int) -> Iterator[tuple[Padded, Steps, I64]]:
        """Batch, steps, and the negatives drawn for them."""
        rng = generator(self.seed, f"epoch {epoch}")
        yield from self._prepared(self.windows, rng)

    def _prepared(self, windows: WindowsOfHistory, rng: np.random.Generator) -> Iterator[tuple[Padded, Steps, I64]]:
        for piece in windows.batches(self.tokens, rng):
            batch, steps = steps_of(self.events, piece, self.new)
            if len(steps.target):
                yield batch, steps, self._negatives(rng)

    def _negatives(self, rng: np.random.Generator) -> I64:
        """Places in `live`."""
        if len(self.live) <= self.settings.negatives:
            return np.arange(len(self.live))
        return np.asarray(rng.choice(len(self.live), self.settings.negatives, p=self.odds))

    def judge(self) -> float | None:
        """1 - mean reciprocal rank of the held-back choices among what was on offer; None where none is held back.

        Ranks, not the loss: it rises again, from too much confidence, long before lists stop getting better.
        """
        if self.held_back is None or not len(self.held_back):
            return None
        rng = generator(self.seed, "held back")
        found: list[Tensor] = []
        with torch.no_grad():
            vectors = self.content + bounded(self.table.rows, self.settings.bound)
            for batch, steps, _ in self._prepared(self.held_back, rng):
                item = torch.from_numpy(self.events.item[batch.row].astype(np.int64))
                query = self._queries(batch, steps, vectors[item])
                found += [1 / (1 + better) for better in self._ahead(query, steps, vectors)]
                if sum(map(len, found)) >= _JUDGED:
                    break
        return 1 - float(torch.cat(found).mean()) if found else None

    def _ahead(self, query: Tensor, steps: Steps, vectors: Tensor) -> Iterator[Tensor]:
        """How many items on offer score higher than each target, a piece of the targets at a time."""
        live = torch.from_numpy(self.live)
        time = torch.from_numpy(steps.time)
        for step, target in zip(
            torch.from_numpy(steps.step).split(_PIECE), torch.from_numpy(steps.target).split(_PIECE), strict=True
        ):
            score = query[step] @ vectors[live].t()
            hit = (query[step] * vectors[target]).sum(dim=1, keepdim=True)
            yield (~(score <= hit) & (self.opens[live][None, :] < time[step, None])).sum(dim=1)

    def loss(self, given: tuple[Padded, Steps, I64]) -> tuple[Tensor, Tensor, Tensor]:
        """Mean over steps of the loss of their targets."""
        batch, steps, drawn = given
        negative = torch.from_numpy(self.live[drawn])
        item = torch.from_numpy(self.events.item[batch.row].astype(np.int64))
        target, step = torch.from_numpy(steps.target), torch.from_numpy(steps.step)
        used, place = torch.unique(torch.cat([item.flatten(), negative, target]), return_inverse=True)
        leaf = self.table.rows[used].requires_grad_(torch.is_grad_enabled())
        vectors = self.content[used] + bounded(leaf, self.settings.bound)
        of_item, of_negative, of_target = place.split([item.numel(), len(negative), len(target)])
        query = self._queries(batch, steps, vectors[of_item].view(*item.shape, -1))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            logits = (query @ vectors[of_negative].t()).float()
        if len(negative) < len(self.live):
            logits = logits - torch.from_numpy(np.log(self.odds[drawn] * len(drawn)).astype(np.float32))
        absent = self.opens[negative][None, :] >= torch.from_numpy(steps.time)[:, None]
        logits = logits.masked_fill(absent | self._chosen(negative, target, step, len(steps.asked)), _OFF)
        hit = (query[step] * vectors[of_target]).sum(dim=1)
        surprise = softplus(torch.logsumexp(logits, dim=1)[step] - hit)
        return (surprise * torch.from_numpy(steps.weight)).sum() / len(steps.asked), used, leaf

    def learned(self) -> Bool:
        """`bool[n]`: events of users that something is learned from."""
        held = np.zeros(len(self.events.users), dtype=np.bool_)
        held[self.events.user[self.windows.start]] = True
        return np.asarray(held[self.events.user])

    def differences(self) -> F32:
        """`float32[items, width]` what the table's rows add to content."""
        return bounded(self.table.rows, self.settings.bound).numpy().copy()

    def _queries(self, batch: Padded, steps: Steps, x: Tensor) -> Tensor:
        group, row = torch.from_numpy(batch.group), torch.from_numpy(batch.row)
        time = torch.from_numpy(self.events.timestamp[batch.row])
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            out = self.net(x, self.strength[row], time, group)
        out = out.flatten(0, 1)[torch.from_numpy(steps.place)].float()
        state = torch.from_numpy(steps.state)
        mean = torch.zeros(steps.states, out.shape[1]).index_add(0, state, out)
        mean = mean / torch.bincount(state, minlength=steps.states)[:, None]
        silence = torch.from_numpy(steps.silence)
        if torch.is_grad_enabled():
            known = torch.rand(len(silence), dtype=torch.float64)
            silence = torch.where(torch.rand(len(silence)) < 0.5, silence, (silence * known).long())
        return self.net.ask(mean[torch.from_numpy(steps.asked)], silence)

    def _chosen(self, negative: Tensor, target: Tensor, step: Tensor, steps: int) -> Tensor:
        """`bool[steps, negatives]`: a target of a step is no negative of it."""
        taken = torch.zeros(len(self.content), dtype=torch.bool)
        taken[target] = True
        suspects = taken[negative].nonzero()[:, 0]
        ordered, order = torch.sort(target)
        low = torch.searchsorted(ordered, negative[suspects])
        high = torch.searchsorted(ordered, negative[suspects], right=True)
        size = high - low
        owner = torch.repeat_interleave(torch.arange(len(suspects)), size)
        within = torch.arange(int(size.sum())) - torch.repeat_interleave(torch.cumsum(size, 0) - size, size)
        chosen = torch.zeros(steps, len(negative), dtype=torch.bool)
        chosen[step[order[low[owner] + within]], suspects[owner]] = True
        return chosen


def build(shape: NetShape, parameters: Arrays | None, seed: int) -> HistoryEncoder:
    """A net: fresh, or with the `parameters` of another."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = HistoryEncoder(shape)
    if parameters is not None:
        net.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in parameters.items()})
    return net.eval()


def encode(net: HistoryEncoder, x: F32, strength: F32, time: I64, group: I64, as_of: I64) -> F32:
    """Query vectors `float32[batch, width]`, as `Served` gives them."""
    with torch.no_grad():
        arrays = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, strength, time, group, as_of))
        return Served(net)(*arrays).numpy()


def to_onnx(net: HistoryEncoder) -> bytes:
    """The net as ONNX, float32, for any number and length of histories."""
    width = net.shape.width
    time, group = torch.arange(6).view(2, 3), torch.arange(6).view(2, 3) % 3
    example = (torch.zeros(2, 3, width), torch.zeros(2, 3), time, group, torch.full((2,), 9))
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    both = {0: batch, 1: length}
    axes = {"x": both, "strength": both, "time": both, "group": both, "as_of": {0: batch}}
    file = io.BytesIO()
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():  # the exporter warns of names of its own making
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(Served(net).eval(), example, dynamo=True, dynamic_shapes=axes, verbose=False)
            program.save(file)
        finally:
            logger.setLevel(level)
    return file.getvalue()
