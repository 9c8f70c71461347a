"""The blend: one ranking from several scorers, weighted by what is known about the user."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from scipy.optimize import minimize

from evorec.core.errors import InputError
from evorec.core.types import DAY, F32, F64, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.interests.state import shares
from evorec.models.base import Arrays, Items, RunOptions, Scorer
from evorec.models.match import interests

HARD = 60  # candidates taken from the top of each scorer
EASY = 200  # candidates drawn at random
TIE_BREAK = 1e-4  # weight that orders what is equal and moves nothing else
SILENCE: Final = {"in session": 0.02, "back in hours": 0.5, "back in days": 10.0, "back after months": 100.0}  # days
CONTEXT: Final = (
    *(f"{silence}, {length} history" for silence in SILENCE for length in ("long", "short")),
    "drifting",
    "steady",
)
STANDING: Final = 0.8  # share of silence and length in the weights; the rest is that of drift


@dataclass(frozen=True, kw_only=True)
class BlendConfig:
    """How weights are fitted.

    `surprise`: probability that a user does something no scorer can explain; it bounds the loss of one event, so that
    unpredictable events do not flatten the weights. `ridge` pulls every weight toward `prior` (in units of
    standardised evidence); `context_ridge` pulls a context's weights toward those of everybody.
    """

    surprise: float = 1e-3
    ridge: float = 1.0
    context_ridge: float = 0.2
    prior: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.surprise < 1:
            raise InputError("surprise is a probability above 0 and below 1", mend="0.001 is a good start")
        if self.ridge < 0 or self.context_ridge < 0 or self.prior < 0:
            raise InputError("ridge, context_ridge and prior cannot be negative", mend="use 0 or more")


def context(queries: Queries, items: Items) -> F32:
    """`float32[queries, 10]` soft membership in the contexts named in `CONTEXT`; rows sum to 1.

    Silence before `as_of` (between the days of `SILENCE`, in the logarithm) and history length (full at 256 events, in
    the logarithm) share `STANDING` as pairs: what a short history is worth depends on whether its owner is in the
    midst of things. Drift has the rest: the total variation between topic shares with half-lives of 30 and 365 days.
    Someone without a history counts as back after months. Events alone decide: weights are fitted on them, and whoever
    merely speaks should see the list move by the words, not by the silence they broke.
    """
    queries = replace(queries, remarks=None)
    count = np.diff(queries.offsets)
    length = np.clip(np.log2(np.maximum(1, count)) / 8, 0, 1)
    nodes = np.log(list(SILENCE.values()))
    silence = np.full(len(queries), nodes[-1])
    silence[count > 0] = np.log((queries.as_of - queries.newest)[count > 0] / DAY)
    held = np.stack([np.interp(silence, nodes, full) for full in np.eye(len(nodes))], axis=1)
    pairs = (held[:, :, None] * np.stack([length, 1 - length], axis=1)[:, None, :]).reshape(
        len(queries), 2 * len(nodes)
    )
    moved = np.clip(drift(queries, items), 0, 1)[:, None]
    shared = [STANDING * pairs, (1 - STANDING) * moved, (1 - STANDING) * (1 - moved)]
    return np.concatenate(shared, axis=1, dtype=np.float32)


def drift(queries: Queries, items: Items) -> F64:
    """`float64[queries]` total variation in [0, 1] between short-term and long-term topic shares."""
    short, long = (shares(interests(queries, items, half_life_days=days)) for days in (30.0, 365.0))
    return np.asarray(0.5 * np.abs(short - long).sum(axis=1))


@dataclass(frozen=True, eq=False, kw_only=True)
class Choices:
    """What users chose, among what: one row per query, a column per candidate, padded.

    `evidence float32[q, c, scorers]`, `known bool[q, c, scorers]`; `log_count float64[q, c]` is the log of how many
    candidates a sampled one stands for (-inf: padding); `target float64[q, c]` sums to 1 over the chosen items;
    `context float32[q, contexts]`.
    """

    evidence: F32
    known: Bool
    log_count: F64
    target: F64
    context: F32


def collect_choices(
    scorers: Sequence[Scorer], queries: Queries, items: Items, allowed: Bool, chosen: Bool, rng: np.random.Generator
) -> Choices:
    """Candidates for fitting: every chosen item, each scorer's `HARD` best, and `EASY` random others.

    `allowed bool[q, items]` marks the candidates, `chosen bool[q, items]` those taken. The random ones stand for all
    the rest, so the likelihood over the sample estimates that over the whole catalogue.
    """
    scored = [scorer.score(queries, items) for scorer in scorers]
    hard = np.zeros_like(allowed)
    for evidence, known in scored:
        value = np.where(allowed & known, evidence, -np.inf)
        top = np.argpartition(-value, min(HARD, value.shape[1] - 1), axis=1)[:, :HARD]
        np.put_along_axis(hard, top, True, axis=1)
    hard &= allowed & ~chosen
    easy = np.zeros_like(allowed)
    draws = rng.integers(0, allowed.shape[1], size=(len(queries), EASY))
    np.put_along_axis(easy, draws, True, axis=1)
    easy &= allowed & ~chosen & ~hard
    rest = (allowed & ~chosen & ~hard).sum(axis=1)
    weight = np.log(np.maximum(rest, 1) / np.maximum(easy.sum(axis=1), 1))

    used = chosen | hard | easy
    width = int(used.sum(axis=1).max())
    order = np.argsort(~used, axis=1, kind="stable")[:, :width]
    pick = np.take_along_axis
    log_count = np.where(pick(easy, order, axis=1), weight[:, None], 0.0)
    log_count[~pick(used, order, axis=1)] = -np.inf
    target = pick(chosen, order, axis=1).astype(np.float64)
    return Choices(
        evidence=np.stack([pick(evidence, order, axis=1) for evidence, _ in scored], axis=2),
        known=np.stack([pick(known, order, axis=1) for _, known in scored], axis=2),
        log_count=log_count,
        target=target / target.sum(axis=1, keepdims=True),
        context=context(queries, items),
    )


class Blend:
    """Log-linear pool of scorers: sum over scorers of weight(context) x standardised evidence.

    Weights are at least 0 and mix linearly over the contexts of `context`; a pair that a scorer does not know adds that
    scorer's constant instead. Fitted by the conditional likelihood of what users chose, each event's probability
    floored by `surprise` (a mixture with an unexplained choice: without it the many unpredictable events flatten the
    weights and the top of the list suffers). After Hinton (2002), "Training products of experts by minimizing
    contrastive divergence", for the pool, and Train (2009), "Discrete choice methods with simulation", for the
    likelihood with sampled alternatives.
    """

    name = "blend"

    def __init__(self, scorers: Sequence[Scorer], config: BlendConfig | None = None) -> None:
        self.scorers = tuple(scorers)
        self.config = config or BlendConfig()
        size = len(self.scorers)
        self.common: F64 = np.full(size, self.config.prior)
        self.weights: F64 = np.full((size, len(CONTEXT)), self.config.prior)
        self.absent: F64 = np.zeros(size)
        self.centre: F64 = np.zeros(size)
        self.scale: F64 = np.ones(size)
        self.error: F64 = np.full(size, np.nan)

    def fit(self, dataset: Dataset, options: RunOptions) -> Self:
        """Fit every member on `dataset`; the weights come from `fit_weights`, on cuts inside the training time."""
        for scorer in self.scorers:
            scorer.fit(dataset, options)
        return self

    @property
    def validated(self) -> bool:
        """Whether the weights were fitted on choices; else they are the prior."""
        return not np.isnan(self.error).all()

    def standardise(self, queries: Queries, items: Items) -> Self:
        """Take centre and scale of each fitted member from its scores for `queries`, where a log has no choices."""
        for j, scorer in enumerate(self.scorers):
            evidence, known = scorer.score(queries, items)
            self._typical(j, evidence[known])
        return self

    def _typical(self, member: int, evidence: F32) -> None:
        self.centre[member] = float(evidence.mean()) if len(evidence) else 0.0
        self.scale[member] = max(float(evidence.std()), 1e-6) if len(evidence) else 1.0

    def fit_weights(self, batches: Sequence[Choices], *, with_errors: bool = True) -> Self:
        """Fit weights on choices from several cuts: first those of everybody, then the contexts' deviations.

        Standard errors of the common weights cost a quarter of the time: a fit that is only judged needs none.
        """
        size, contexts = len(self.scorers), len(CONTEXT)
        for j in range(size):
            held = [b.evidence[..., j][b.known[..., j] & np.isfinite(b.log_count)] for b in batches]
            self._typical(j, np.concatenate(held))
        prepared = [_Prepared(b, self.centre, self.scale, self.config.surprise) for b in batches]
        everyone = np.ones((contexts, 1))
        start = np.concatenate([np.full(size, self.config.prior), np.zeros(size)])
        common = _minimise(prepared, everyone, start, start, self.config.ridge, size)
        if with_errors:
            self.error = _standard_errors(prepared, everyone, common, start, self.config.ridge, size)
        self.common = common[:size]
        start = np.concatenate([np.repeat(common[:size, None], contexts, axis=1).ravel(), common[size:]])
        fitted = _minimise(prepared, np.eye(contexts), start, start, self.config.context_ridge, size)
        self.weights, self.absent = fitted[: size * contexts].reshape(size, contexts), fitted[size * contexts :]
        return self

    def utilities(self, batch: Choices) -> F64:
        """`float64[q, c]` blended scores of the candidates of `batch`; -inf where padded."""
        prepared = _Prepared(batch, self.centre, self.scale, self.config.surprise)
        utility = prepared.utilities(batch.context @ self.weights.T, self.absent)
        return np.where(np.isfinite(batch.log_count), utility, -np.inf)

    def ignore_context(self) -> Self:
        """Give every context the weights that were fitted for everybody."""
        self.weights = np.repeat(self.common[:, None], len(CONTEXT), axis=1)
        return self

    def rely_on(self, member: int) -> Self:
        """Rank by one member; the others only break its ties, and speak for those it knows nothing of."""
        self.weights = np.full_like(self.weights, TIE_BREAK)
        self.weights[member] = 1.0
        self.absent = np.where(np.arange(len(self.scorers)) == member, np.minimum(self.absent, 0.0), 0.0)
        return self

    def member_weights(self, queries: Queries, items: Items) -> F32:
        """`float32[queries, scorers]` weights in each query's context."""
        return context(queries, items) @ self.weights.T.astype(np.float32)

    def contribution(self, member: int, evidence: F32, known: Bool, weight: F32) -> F32:
        """`float32[queries, items]`: what one member adds, given its score and its `weight float32[queries]`."""
        scaled = np.empty(evidence.shape, dtype=np.float32)
        shift = self._scale_into(scaled, member, evidence, known, weight)
        return scaled + shift[:, None]

    def _scale_into(self, scaled: F32, member: int, evidence: F32, known: Bool, weight: F32) -> F32:
        """Fill `scaled` with a contribution less its shift, and return the shift `float32[queries]`.

        One buffer and one shift for all members: passes over [queries, items] are what a batch spends its time on.
        """
        slope = weight / np.float32(self.scale[member])
        shift: F32 = -slope * np.float32(self.centre[member])
        np.multiply(evidence, slope[:, None], out=scaled)
        if not known.strides[0]:  # the same for every query: one row tells all
            known = known[:1]
        if not known.all():
            np.copyto(scaled, np.float32(self.absent[member]) - shift[:, None], where=~known)
        return shift

    def score(self, queries: Queries, items: Items) -> tuple[F32, Bool]:
        """The blend for every pair; known where any member knows."""
        weights = self.member_weights(queries, items)
        total = np.zeros((len(queries), len(items)), dtype=np.float32)
        scaled, shift = np.empty_like(total), np.zeros(len(queries), dtype=np.float32)
        anyone = np.zeros((len(queries), len(items)), dtype=np.bool_)
        for j, scorer in enumerate(self.scorers):
            if not self.weights[j].any() and not self.absent[j]:
                continue
            evidence, known = scorer.score(queries, items)
            shift += self._scale_into(scaled, j, evidence, known, weights[:, j])
            total += scaled
            anyone |= known
        total += shift[:, None]
        return total, anyone

    def arrays(self) -> Arrays:
        """Weights, constants for the unknown, centre and scale of each member, standard errors."""
        return {
            "weights": self.weights,
            "common": self.common,
            "absent": self.absent,
            "centre": self.centre,
            "scale": self.scale,
            "error": self.error,
        }

    def restore(self, arrays: Arrays) -> Self:
        """Take over what `arrays` gave."""
        self.weights, self.common, self.absent = arrays["weights"], arrays["common"], arrays["absent"]
        self.centre, self.scale, self.error = arrays["centre"], arrays["scale"], arrays["error"]
        return self


class _Prepared:
    """Choices with standardised evidence, ready for repeated evaluation of the loss."""

    def __init__(self, batch: Choices, centre: F64, scale: F64, surprise: float) -> None:
        z = (batch.evidence - centre.astype(np.float32)) / scale.astype(np.float32)
        self.features = np.concatenate([np.where(batch.known, z, 0), ~batch.known], axis=2, dtype=np.float32)
        self.log_count, self.target, self.context = batch.log_count, batch.target, batch.context
        self.surprise = surprise

    def utilities(self, member_weights: F64, absent: F64) -> F64:
        """`float64[q, c]` blended scores, given weights `float64[q, scorers]`."""
        each = np.concatenate([member_weights, np.broadcast_to(absent, member_weights.shape)], axis=1)
        return np.asarray(np.matmul(self.features, each[:, :, None].astype(np.float32))[:, :, 0], dtype=np.float64)

    def loss(self, member_weights: F64, absent: F64) -> tuple[float, F64]:
        """Loss summed over queries, and per query its gradient `float64[q, 2 x scorers]` by weights and constants."""
        utility = self.utilities(member_weights, absent) + self.log_count
        utility -= utility.max(axis=1, keepdims=True)
        odds = np.exp(utility)
        p = odds / odds.sum(axis=1, keepdims=True)
        loss = -float((self.target * np.log(self.surprise + p)).sum())
        pull = self.target * p / (self.surprise + p)
        residual = (p * pull.sum(axis=1, keepdims=True) - pull).astype(np.float32)
        return loss, np.matmul(residual[:, None, :], self.features)[:, 0, :].astype(np.float64)


def _objective(
    flat: F64, batches: Sequence[_Prepared], basis: F64, prior: F64, ridge: float, size: int
) -> tuple[float, F64, list[F64]]:
    """Penalised loss, gradient and per-query gradients by `flat` = weights[size, groups] then constants[size].

    `basis[contexts, groups]` says which contexts share a weight.
    """
    groups = basis.shape[1]
    weights, absent = flat[: size * groups].reshape(size, groups), flat[size * groups :]
    value, gradient, rows = ridge * float(((flat - prior) ** 2).sum()), 2 * ridge * (flat - prior), []
    for batch in batches:
        mix = batch.context @ basis
        loss, slope = batch.loss(mix @ weights.T, absent)
        by_weight = slope[:, :size, None] * mix[:, None, :]
        rows.append(np.concatenate([by_weight.reshape(len(mix), -1), slope[:, size:]], axis=1))
        value += loss
        gradient = gradient + rows[-1].sum(axis=0)
    return value, gradient, rows


def _minimise(batches: Sequence[_Prepared], basis: F64, start: F64, prior: F64, ridge: float, size: int) -> F64:
    count = sum(len(b.context) for b in batches)

    def scaled(flat: F64) -> tuple[float, F64]:
        value, gradient, _ = _objective(flat, batches, basis, prior, ridge, size)
        return value / count, gradient / count

    bounds = [(0.0, None)] * (len(start) - size) + [(None, None)] * size
    return np.asarray(minimize(scaled, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200}).x)


def _standard_errors(batches: Sequence[_Prepared], basis: F64, at: F64, prior: F64, ridge: float, size: int) -> F64:
    """Robust standard errors of the common weights (White 1982, sandwich form); 0 for weights held at the bound."""
    _, base, rows = _objective(at, batches, basis, prior, ridge, size)
    free = np.flatnonzero(np.concatenate([at[:size] > 0, np.ones(size, dtype=np.bool_)]))
    hessian = np.zeros((len(free), len(free)))
    for column, k in enumerate(free):
        moved = at.copy()
        moved[k] += 1e-3
        hessian[:, column] = (_objective(moved, batches, basis, prior, ridge, size)[1] - base)[free] / 1e-3
    inverse = np.linalg.pinv((hessian + hessian.T) / 2)
    spread = np.concatenate(rows)[:, free]
    covariance = inverse @ (spread.T @ spread) @ inverse
    error = np.zeros(2 * size)
    error[free] = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return error[:size]
