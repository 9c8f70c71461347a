"""The history encoder: a transformer from what a user touched, and when, to a vector that items are compared with."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, scaled_dot_product_attention, silu

BUCKETS = 32
_MICROSECONDS = 1_000_000.0


@dataclass(frozen=True, kw_only=True)
class NetShape:
    """`width` of the vectors, number of `layers`, `heads` in each, and the `dropout` while training."""

    width: int
    layers: int
    heads: int
    dropout: float


def time_bucket(microseconds: Tensor) -> Tensor:
    """Bucket `int64[...]` of a span of time: floor(log2(seconds + 1)); the last one holds more than 68 years."""
    seconds = microseconds.clamp(min=0).to(torch.float32) / _MICROSECONDS
    return torch.log2(seconds + 1).floor().to(torch.int64).clamp(max=BUCKETS - 1)


def step_bucket(steps: Tensor) -> Tensor:
    """Bucket `int64[...]` of a distance in tie groups: exact below 16, then half octaves."""
    far = 16 + (2 * torch.log2(steps.clamp(min=16).to(torch.float32) / 16)).floor().to(torch.int64)
    return torch.where(steps < 16, steps.clamp(min=0), far).clamp(max=BUCKETS - 1)


def attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, *, fused: bool) -> Tensor:
    """Scaled dot-product attention `[batch, heads, length, width]`; not `fused` it can be exported."""
    if fused:
        return scaled_dot_product_attention(query, key, value, attn_mask=bias)
    logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    return torch.softmax(logits + bias, dim=-1) @ value


class Layer(nn.Module):
    """Attention with an output gate, then a gated feed-forward net; both normalise what they read.

    Gate and feed-forward after Shazeer (2020), "GLU variants improve transformer"; the gate on attention as in gated
    pre-norm layers for recommendation (LiGR, Borisyuk et al. 2024).
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        width = shape.width
        self.heads, self.dropout = shape.heads, shape.dropout
        self.norm = nn.RMSNorm(width)
        self.read = nn.Linear(width, 4 * width, bias=False)  # queries, keys, values, gate
        self.write = nn.Linear(width, width, bias=False)
        self.forward_norm = nn.RMSNorm(width)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`x [batch, length, width]`; `bias [batch, heads, length, length]` is added to the attention logits."""
        batch, length, width = x.shape
        query, key, value, gate = self.read(self.norm(x)).chunk(4, dim=-1)
        split = (batch, length, self.heads, width // self.heads)
        query, key, value = (t.view(split).transpose(1, 2) for t in (query, key, value))
        seen = attention(query, key, value, bias.to(query.dtype), fused=self.training)
        seen = seen.transpose(1, 2).flatten(2) * torch.sigmoid(gate)
        x = x + dropout(self.write(seen), self.dropout, self.training)
        up, gate = self.up(self.forward_norm(x)).chunk(2, dim=-1)
        return x + dropout(self.down(up * silu(gate)), self.dropout, self.training)


class _Lookup(torch.autograd.Function):
    """Rows of a small table for very many indices; the gradient by counting, which is several times faster on a CPU."""

    @staticmethod
    def forward(ctx, table: Tensor, index: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(index)
        ctx.rows = len(table)
        return table[index]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (index,) = ctx.saved_tensors
        flat, by_column = index.flatten(), gradient.reshape(index.numel(), -1).float().t().contiguous()
        sums = [torch.bincount(flat, weights=column, minlength=ctx.rows) for column in by_column]
        return torch.stack(sums, dim=1).to(gradient.dtype), None


class HistoryEncoder(nn.Module):
    """All positions in one pass; a position sees its own tie group and earlier ones, never a later one.

    Between two positions the attention logits get a learned bias by elapsed time and distance in tie groups (after the
    relative bias of HSTU, Zhai et al. 2024, "Actions speak louder than words"), so that nothing reads a position.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.enter = nn.Linear(width, width, bias=False)
        self.strength = nn.Parameter(torch.zeros(width))
        self.distance = nn.Parameter(torch.zeros(BUCKETS * BUCKETS, shape.heads))
        self.layers = nn.ModuleList([Layer(shape) for _ in range(shape.layers)])
        self.norm = nn.RMSNorm(width)
        self.silence = nn.Parameter(torch.zeros(BUCKETS, 2 * width))
        self.leave = nn.Linear(width, width, bias=False)
        with torch.no_grad():  # at first, a query is close to the mean of what it follows
            nn.init.eye_(self.enter.weight).mul_(math.sqrt(width))
            nn.init.eye_(self.leave.weight)
            for layer in self.layers:
                layer.write.weight.mul_(0.5)
                layer.down.weight.mul_(0.5)

    def forward(self, x: Tensor, strength: Tensor, time: Tensor, group: Tensor) -> Tensor:
        """States `[batch, length, width]` of item vectors `x [batch, length, width]`.

        `strength [batch, length]` is the log of the events' weights, `time int64` in microseconds, `group int64` the
        number of the tie group, -1 where padded.
        """
        x = dropout(self.enter(x) + strength[..., None] * self.strength, self.shape.dropout, self.training)
        steps = group[:, :, None] - group[:, None, :]
        index = time_bucket(time[:, :, None] - time[:, None, :]) * BUCKETS + step_bucket(steps)
        bias = _Lookup.apply(self.distance, index) if self.training else self.distance[index]
        hidden = (steps < 0) | ((group[:, None, :] < 0) & (steps != 0))
        bias = bias.masked_fill(hidden[..., None], -1e9).permute(0, 3, 1, 2)
        for layer in self.layers:
            x = layer(x, bias)
        return self.norm(x)

    def ask(self, state: Tensor, silence: Tensor) -> Tensor:
        """Query vectors `[n, width]` from states `[n, width]`, asked `silence int64[n]` microseconds later."""
        scale, shift = self.silence[time_bucket(silence)].chunk(2, dim=-1)
        return self.leave(state * (1 + scale) + shift)


class Served(nn.Module):
    """What is served: from a batch of histories to one query vector each."""

    def __init__(self, net: HistoryEncoder) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, strength: Tensor, time: Tensor, group: Tensor, as_of: Tensor) -> Tensor:
        """`[batch, width]`: asked at `as_of int64[batch]`, from the mean state of the newest tie group."""
        state = self.net(x, strength, time, group)
        newest = (group == group.max(dim=1, keepdim=True).values).to(state.dtype)
        state = (state * newest[..., None]).sum(dim=1) / newest.sum(dim=1, keepdim=True)
        return self.net.ask(state, as_of - time.max(dim=1).values)
