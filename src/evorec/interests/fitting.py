"""Fitting P and b of the evolution formula by the likelihood of the next window, on shares and on degrees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax

from evorec.core.errors import InputError
from evorec.core.types import F64
from evorec.interests.markov import fit_transitions

_TINY = 1e-12
_EM_STEPS = 30
_START_P, _START_B = 1e-3, 0.05  # in a softmax and a logit what starts at 0 stays there


def fit_shares(
    before: NDArray[Any],
    after: NDArray[Any],
    *,
    prior: float = 1.0,
    prior_b: float = 1.0,
    iterations: int = 100,
) -> tuple[F64, F64]:
    """`P[to, from]` (columns sum to 1) and `b` of s' = M s / sum(M s), M = (Id - B) P + b 1^T, by likelihood.

    `before float[n, topics]` are shares now (rows sum to 1), `after float[n, topics]` the counts of the next window.
    `prior` imagines that many events that stay in their topic, per topic; `prior_b` so many chances, per topic, to
    switch on by itself that were not taken: only M up to scale is identified, and this prior chooses. Starts at the P
    of `fit_transitions` and goes on by L-BFGS, on the softmax of the columns and the logits of b: in
    expectation-maximisation b hardly moves.

    >>> rng = np.random.default_rng(0)
    >>> p, b = np.array([[0.9, 0.3, 0.1], [0.1, 0.6, 0.1], [0, 0.1, 0.8]]), np.array([0.0, 0.1, 0.3])
    >>> m = (1 - b)[:, None] * p + b[:, None]
    >>> before = rng.dirichlet([0.5] * 3, size=5000)
    >>> after = np.array([rng.multinomial(10, m @ s / (m @ s).sum()) for s in before])
    >>> p_, b_ = fit_shares(before, after)
    >>> m_ = (1 - b_)[:, None] * p_ + b_[:, None]
    >>> bool(np.abs(m_ / m_.sum() - m / m.sum()).max() < 0.01)
    True
    """
    before, after = checked_pairs(before, after)
    size = before.shape[1]
    start = fit_transitions(before, after, prior=prior, iterations=_EM_STEPS)
    mass = after.sum(axis=1)
    scale = max(1.0, float(mass.sum()))

    def loss(theta: F64) -> tuple[float, F64]:
        p, b = softmax(theta[:-size].reshape(size, size), axis=0), expit(theta[-size:])
        carried = before @ p.T
        rate = carried + b * (1 - carried) + _TINY
        total = rate.sum(axis=1)
        stay = np.diag(p) + _TINY
        value = float(mass @ np.log(total) - np.vdot(after, np.log(rate)))
        value -= prior * float(np.log(stay).sum()) + prior_b * float(np.log1p(-b).sum())
        pull = (mass / total)[:, None] - after / rate
        to_p = (1 - b)[:, None] * (pull.T @ before) - np.diag(prior / stay)
        to_b = (pull * (1 - carried)).sum(axis=0) + prior_b / (1 - b)
        to_theta = p * (to_p - (p * to_p).sum(axis=0))
        return value / scale, np.concatenate((to_theta.ravel(), to_b * b * (1 - b))) / scale

    theta = np.concatenate((np.log(start + _START_P).ravel(), np.full(size, logit(_START_B))))
    found = minimize(
        loss,
        theta,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": 1e-9, "gtol": 1e-8, "maxcor": 20},
    )
    theta = np.asarray(found.x)
    return softmax(theta[:-size].reshape(size, size), axis=0), expit(theta[-size:])


def fit_degrees(
    before: NDArray[Any],
    after: NDArray[Any],
    *,
    prior: float = 10.0,
    prior_b: float = 10.0,
    iterations: int = 300,
    tolerance: float = 1e-5,
) -> tuple[F64, F64]:
    """`P[to, from]` (rows sum to at most 1: the rest is forgetting) and `b` of d' = P d + b (1 - P d).

    `before`, `after` `float[n, topics]` are degrees in [0, 1], now and one step later; the likelihood is that of a
    topic being on with probability d'. Priors as in `fit_shares`; expectation-maximisation over which topic, if any,
    switched it on (Dempster, Laird and Rubin 1977).

    >>> rng = np.random.default_rng(0)
    >>> p, b = np.array([[0.8, 0.1], [0.2, 0.5]]), np.array([0.05, 0.2])
    >>> before = rng.random((20000, 2))
    >>> after = rng.random((20000, 2)) < before @ p.T + b * (1 - before @ p.T)
    >>> p_, b_ = fit_degrees(before, after)
    >>> bool(np.abs(p_ - p).max() < 0.05 and np.abs(b_ - b).max() < 0.05)
    True
    """
    before, after = checked_pairs(before, after)
    if before.max(initial=0) > 1 or after.max(initial=0) > 1:
        raise InputError("a degree is above 1", mend="give degrees, not counts")
    size = before.shape[1]
    stay = prior * np.eye(size)
    p = np.full((size, size), 0.1 / max(1, size)) + 0.8 * np.eye(size)
    b = np.full(size, 0.01)
    for _ in range(iterations):
        carried = before @ p.T
        on = after / np.maximum(carried + b * (1 - carried), _TINY)
        off = (1 - after) / np.maximum(1 - carried, _TINY)
        off_sum = off.sum(axis=0)
        by_topic = p * ((1 - b)[:, None] * (on.T @ before) + off_sum[:, None] - off.T @ before)
        forgotten = np.maximum(1 - p.sum(axis=1), 0) * off_sum
        kept = by_topic + stay
        new_p = kept / np.maximum(kept.sum(axis=1) + forgotten, _TINY)[:, None]
        by_itself = b * on.sum(axis=0)
        not_taken = (1 - b) * (on * carried).sum(axis=0) + (1 - after).sum(axis=0) + prior_b
        new_b = by_itself / np.maximum(by_itself + not_taken, _TINY)
        moved = max(np.abs(new_p - p).max(initial=0), np.abs(new_b - b).max(initial=0))
        p, b = new_p, new_b
        if moved < tolerance:
            break
    return p, b


def checked_pairs(before: NDArray[Any], after: NDArray[Any]) -> tuple[F64, F64]:
    """The same numbers as float64, of one shape [n, topics], none negative."""
    before, after = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if before.shape != after.shape or before.ndim != 2:
        raise InputError(f"before {before.shape} and after {after.shape} differ", mend="give [windows, topics] twice")
    if not (before >= 0).all() or not (after >= 0).all():
        raise InputError("before and after must not be negative or NaN", mend="give shares and counts")
    return before, after
