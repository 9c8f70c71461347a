"""Markov evolution of interests: I_{t+1} = P I_t + B (1 - P I_t), on degrees and on shares.

`P[to, from]` is the transpose of the usual p_ij (from i to j); to people it is shown as from -> to. `b` is the diagonal
of B: the chance that a topic switches on by itself. The two readings of an interest vector are *degrees* in [0, 1] per
topic (how strong) and *shares* that sum to 1 (where attention goes); every function says which one it takes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F64

_SLACK = 1e-9
_TOLERANCE = 1e-5  # sums and degrees in float32 are no more exact


def evolve(degrees: NDArray[Any], p: NDArray[Any], b: NDArray[Any], steps: int = 1) -> F64:
    """Degrees `float64[..., topics]` after `steps` of P I + b * (1 - P I).

    Rows of `p` sum to at most 1 (the rest is forgetting), `b` lies in [0, 1]: then degrees stay in [0, 1].

    >>> evolve(np.array([0.6, 0.4]), np.array([[0.8, 0.3], [0.2, 0.7]]), np.array([0.1, 0.2])).round(4).tolist()
    [0.64, 0.52]
    """
    p, b = _checked(p, b)
    state = _checked_interest(degrees, len(b))
    for _ in range(steps):
        carried = state @ p.T
        if (carried > 1 + _TOLERANCE).any():
            raise InputError("P I exceeds 1: a row of P sums to more than 1", mend="scale its rows to at most 1")
        state = carried + b * (1 - carried)
    return state


def evolve_shares(shares: NDArray[Any], p: NDArray[Any], b: NDArray[Any], steps: int = 1) -> F64:
    """Shares `float64[..., topics]` after `steps` of s' = M s / sum(M s), with M = (Id - B) P + b 1^T.

    Columns of `p` sum to 1. A row of zeros (nothing known) stays so. On vectors that sum to 1 this is `evolve` followed
    by rescaling.

    >>> evolve_shares(np.array([0.6, 0.4]), np.array([[0.8, 0.3], [0.2, 0.7]]), np.array([0.1, 0.2])).round(4).tolist()
    [0.5517, 0.4483]
    """
    p, b = _checked(p, b)
    _check_columns(p)
    m = (1 - b)[:, None] * p + b[:, None]
    state = _checked_interest(shares, len(b))
    for _ in range(steps):
        state = state @ m.T
        total = state.sum(axis=-1, keepdims=True)
        state = np.divide(state, total, out=np.zeros_like(state), where=total > 0)
    return state


def limit_degrees(p: NDArray[Any], b: NDArray[Any]) -> F64:
    """Where degrees end: (Id - (Id - B) P)^-1 b, for a P that forgets (spectral radius of (Id - B) P below 1).

    >>> p, b = np.array([[0.6, 0.2], [0.1, 0.7]]), np.array([0.1, 0.2])
    >>> bool(np.allclose(evolve(limit_degrees(p, b), p, b), limit_degrees(p, b)))
    True
    """
    p, b = _checked(p, b)
    kept = (1 - b)[:, None] * p
    if np.abs(np.linalg.eigvals(kept)).max() >= 1 - _SLACK:
        raise InputError("this P never forgets, so degrees have no limit of their own", mend="let rows sum to below 1")
    return np.asarray(np.linalg.solve(np.eye(len(b)) - kept, b), dtype=np.float64)


def limit_shares(p: NDArray[Any], b: NDArray[Any]) -> F64:
    """Where shares end: the Perron vector of M, scaled to sum to 1; unique where b > 0.

    Refuses an M whose shares end in different places for different starts, or circle for ever.

    >>> p, b = np.array([[0.8, 0.3], [0.2, 0.7]]), np.array([0.1, 0.2])
    >>> bool(np.allclose(evolve_shares(limit_shares(p, b), p, b), limit_shares(p, b)))
    True
    """
    p, b = _checked(p, b)
    _check_columns(p)
    values, vectors = np.linalg.eig((1 - b)[:, None] * p + b[:, None])
    size = np.abs(values)
    if (size >= size.max() - _SLACK).sum() > 1:
        raise InputError("shares have no single limit under this P and b", mend="let every b be above 0")
    leading = np.abs(np.real(vectors[:, np.argmax(size)]))
    return np.asarray(leading / leading.sum(), dtype=np.float64)


def fit_transitions(
    before: NDArray[Any], after: NDArray[Any], *, prior: float = 10.0, iterations: int = 100, tolerance: float = 1e-7
) -> F64:
    """P[to, from] by maximum likelihood of what follows: columns sum to 1, prior toward staying.

    `before float64[n, topics]` are shares in one window, `after float64[n, topics]` counts (or shares) in the next. The
    likelihood of one event after is the mixture sum_from P[to, from] before[from]; expectation-maximisation fits it
    (Dempster, Laird and Rubin 1977). `prior` counts that many imagined events that stay in their topic, per topic.

    >>> rng = np.random.default_rng(0)
    >>> planted = np.array([[0.9, 0.4], [0.1, 0.6]])
    >>> before = rng.dirichlet([0.5, 0.5], size=4000)
    >>> after = np.array([rng.multinomial(10, planted @ s) for s in before])
    >>> bool(np.abs(fit_transitions(before, after) - planted).max() < 0.05)
    True
    """
    before, after = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if before.shape != after.shape or before.ndim != 2:
        raise InputError(f"before {before.shape} and after {after.shape} differ", mend="give [windows, topics] twice")
    if not (before >= 0).all() or not (after >= 0).all():
        raise InputError("before and after must not be negative or NaN", mend="give shares and counts")
    size = before.shape[1]
    stay = prior * np.eye(size)
    p = np.full((size, size), 0.1 / max(1, size)) + 0.9 * np.eye(size)
    p /= p.sum(axis=0)
    for _ in range(iterations):
        expected = before @ p.T
        ratio = np.divide(after, expected, out=np.zeros_like(after), where=expected > 0)
        counts = p * (ratio.T @ before) + stay
        total = counts.sum(axis=0)
        new = np.divide(counts, total, out=np.eye(size), where=total > 0)
        moved = float(np.abs(new - p).max())
        p = new
        if moved < tolerance:
            break
    return p


def _checked(p: NDArray[Any], b: NDArray[Any]) -> tuple[F64, F64]:
    p, b = np.asarray(p, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if b.ndim != 1 or p.shape != (len(b), len(b)):
        raise InputError(f"P has shape {p.shape}, b {b.shape}", mend="give P [topics, topics] and b [topics]")
    if not (p >= 0).all() or not ((b >= 0) & (b <= 1)).all():  # so that NaN fails too
        raise InputError("P must not be negative and b must lie in [0, 1]", mend="they are probabilities")
    return p, b


def _checked_interest(interest: NDArray[Any], topics: int) -> F64:
    state = np.asarray(interest, dtype=np.float64)
    if state.ndim == 0 or state.shape[-1] != topics:
        raise InputError(f"interests have shape {state.shape}, P has {topics} topics", mend="give [..., topics]")
    if not ((state >= 0) & (state <= 1 + _TOLERANCE)).all():
        raise InputError("an interest lies outside [0, 1]", mend="take degrees or shares of the evidence first")
    return state


def _check_columns(p: F64) -> None:
    if np.abs(p.sum(axis=0) - 1).max(initial=0.0) > _TOLERANCE:
        raise InputError("on shares every column of P sums to 1", mend="divide each column by its sum")
