"""Forecasting interests: what share of the coming windows goes to each topic, from a user's windows so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F32, F64, I64, Bool
from evorec.interests.fitting import fit_shares
from evorec.interests.markov import evolve_shares, fit_transitions
from evorec.interests.windows import Windows, windows
from evorec.metrics.forecast import cross_entropy

MEMORIES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # half-lives tried, in windows
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # of smoothing, in imagined events
_CHOOSING = 8_000  # pairs that settings are chosen on


class Forecaster(Protocol):
    """What every forecaster is: fitted on the windows of some users, it forecasts those of any.

    `size` is the number of events per window and `population float64[topics]` the shares of everybody, both known
    after `fit`. `arrays` holds all that was fitted, under names; `restore` takes it back.
    """

    size: int
    population: F64

    def fit(self, cut: Windows, users: I64) -> Self:
        """Learn from pairs of windows of `users int64[m]`."""

    def forecast(self, cut: Windows, rows: I64, steps: int = 1) -> F64:
        """Shares `float64[n, topics]` expected `steps` windows after each of `rows int64[n]`, seeing none later."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything that was fitted, as named arrays."""

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The forecaster that `arrays` came from."""


def forecast_users(
    forecaster: Forecaster, *, offsets: I64, membership: F32, timestamps: I64, as_of: I64, steps: int = 1
) -> F64:
    """Shares `float64[users, topics]` expected `steps` windows on from now, given everything done before `as_of`.

    Events of user u are rows offsets[u]:offsets[u + 1], all before `as_of int64[users]` (UTC microseconds). Windows
    are cut backwards from the newest event. Who has no event with known topics gets the population's shares.

    >>> events = np.tile(np.eye(2, dtype=np.float32)[[0, 0, 1, 1]], (20, 1))  # everybody turns from one to the other
    >>> log = {"offsets": np.arange(0, 81, 4), "membership": events, "timestamps": np.tile(np.arange(4), 20)}
    >>> model = MarkovForecaster().fit(windows(**log, size=2), np.arange(20))
    >>> new = {"offsets": np.array([0, 2]), "membership": events[:2], "timestamps": np.arange(2)}
    >>> bool(forecast_users(model, **new, as_of=np.array([9]))[0, 1] > 0.7)
    True
    """
    users = np.repeat(np.arange(len(as_of)), np.diff(offsets))
    if (timestamps >= as_of[users]).any():
        raise InputError("a history reaches past its as_of", mend="cut the history at as_of")
    cut = windows(offsets=offsets, membership=membership, timestamps=timestamps, size=forecaster.size, keep_oldest=True)
    rows = cut.newest
    end = cut.end.copy()
    end[rows] = as_of[cut.owner[rows]]  # the moment a forecast is made; windows on a log are forecast at their end
    out = np.tile(forecaster.population, (len(as_of), 1))
    out[cut.owner[rows]] = forecaster.forecast(replace(cut, end=end), rows, steps)
    return out


def smoothed(evidence: NDArray[Any], population: F64, strength: float) -> F64:
    """Shares of `evidence float[n, topics]` with `strength` imagined events of the population added.

    >>> smoothed(np.array([[3.0, 0.0]]), np.array([0.5, 0.5]), 1.0).tolist()
    [[0.875, 0.125]]
    """
    m = np.asarray(evidence, dtype=np.float64)
    return np.asarray((m + strength * population) / (m.sum(axis=1, keepdims=True) + strength))


def fit_strength(evidence: F64, after: F64, population: F64) -> tuple[float, float]:
    """The smoothing among `STRENGTHS` under which the next windows surprise least, and how much they do."""
    losses = [float(cross_entropy(after, smoothed(evidence, population, strength)).mean()) for strength in STRENGTHS]
    return STRENGTHS[int(np.argmin(losses))], min(losses)


def training_pairs(cut: Windows, users: I64, ahead: int) -> tuple[I64, F64, F64]:
    """Windows of `users` with another one `ahead` further, its counts, and the shares of all windows of `users`."""
    rows = cut.followed(ahead, users)
    if not len(rows):
        raise InputError(f"no user has windows {ahead} apart to learn from", mend="give more users or smaller windows")
    total = cut.counts[np.isin(cut.owner, users)].sum(axis=0) + 0.5
    return rows, cut.counts[rows + ahead], total / total.sum()


def held_out(owner: I64) -> Bool:
    """`bool[n]`: the pairs of every fourth user, on which settings are chosen."""
    return np.asarray(np.unique(owner, return_inverse=True)[1] % 4 == 0)


def check_steps(ahead: int, steps: int) -> None:
    """A forecaster fitted on neighbouring windows can be iterated; one fitted further ahead goes that far only."""
    if steps < 1 or ahead not in (1, steps):
        raise InputError(
            f"a forecaster fitted {ahead} windows ahead cannot forecast {steps}",
            mend="fit it on that distance, or on 1 and iterate",
        )


@dataclass(frozen=True, kw_only=True)
class MeanConfig:
    """`memory`: half-life in windows (0: the last window alone; inf: all windows alike; None: fitted); `ahead`:
    windows between the pairs it is fitted on."""

    memory: float | None = None
    ahead: int = 1

    def __post_init__(self) -> None:
        if self.ahead < 1 or (self.memory is not None and not self.memory >= 0):
            raise InputError("memory must not be negative and ahead at least 1", mend="give windows")


class MeanForecaster:
    """What a user did stays: the decayed mean of the windows so far, smoothed toward the population.

    The last window alone is persistence, a memory without end the long-run mean. Iterated it stays where it is.

    >>> events = np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1, 1] * 10]
    >>> cut = windows(offsets=np.arange(0, 61, 3), membership=events, timestamps=np.tile(np.arange(3), 20), size=1)
    >>> model = MeanForecaster(MeanConfig(memory=0)).fit(cut, np.arange(20))
    >>> model.forecast(cut, np.array([0, 3])).round(2).tolist()
    [[0.95, 0.05], [0.05, 0.95]]
    """

    def __init__(self, config: MeanConfig | None = None) -> None:
        self.config = config or MeanConfig()
        self.size = 0
        self.half_life, self.strength = 0.0, 1.0
        self.population = np.zeros(0)

    def fit(self, cut: Windows, users: I64) -> Self:
        """The memory, unless given, and the smoothing, by the likelihood of what follows."""
        self.size = cut.size
        rows, after, self.population = training_pairs(cut, users, self.config.ahead)
        memories: Sequence[float] = MEMORIES if self.config.memory is None else (self.config.memory,)
        best = np.inf
        for memory in memories:
            strength, loss = fit_strength(cut.decayed(memory * cut.size)[rows], after, self.population)
            if loss < best:
                best, self.half_life, self.strength = loss, memory * cut.size, strength
        return self

    def forecast(self, cut: Windows, rows: I64, steps: int = 1) -> F64:
        """Shares `float64[n, topics]` expected `steps` windows after `rows`."""
        check_steps(self.config.ahead, steps)
        return smoothed(cut.decayed(self.half_life)[rows], self.population, self.strength)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything that was fitted, as named arrays."""
        settings = np.array([self.config.ahead, self.size, self.half_life, self.strength])
        return {"settings": settings, "population": self.population}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The forecaster that `arrays` came from."""
        ahead, size, half_life, strength = arrays["settings"].tolist()
        out = cls(MeanConfig(ahead=int(ahead)))
        out.size, out.half_life, out.strength = int(size), half_life, strength
        out.population = arrays["population"]
        return out


@dataclass(frozen=True, kw_only=True)
class MarkovConfig:
    """`switch_on`: fit b too, else it is 0; `ahead`: windows between the pairs it is fitted on; `priors`: imagined
    events per topic that stay, to choose among."""

    switch_on: bool = True
    ahead: int = 1
    priors: Sequence[float] = (1.0, 10.0)

    def __post_init__(self) -> None:
        if self.ahead < 1 or not len(self.priors) or min(self.priors) <= 0:
            raise InputError("ahead must be at least 1 and every prior above 0", mend="give windows, and events")


class MarkovForecaster:
    """The evolution formula on shares, s' = M s / sum(M s), from a decayed and smoothed state.

    P shrinks by itself, so the state is smoothed less than a mean that stands alone. Memory and smoothing are chosen
    on every fourth user, then P and b fitted on all.

    >>> rng = np.random.default_rng(0)
    >>> p = np.array([[0.8, 0.0, 0.3], [0.2, 0.7, 0.0], [0.0, 0.3, 0.7]])  # a window of one topic follows another
    >>> topics = np.zeros((400, 8), dtype=int)
    >>> for at in range(7):
    ...     topics[:, at + 1] = [rng.choice(3, p=p[:, topic]) for topic in topics[:, at]]
    >>> cut = windows(offsets=np.arange(0, 3201, 8), membership=np.eye(3, dtype=np.float32)[topics.ravel()],
    ...               timestamps=np.tile(np.arange(8), 400), size=1)
    >>> bool(np.abs(MarkovForecaster().fit(cut, np.arange(400)).p - p).max() < 0.08)
    True
    """

    def __init__(self, config: MarkovConfig | None = None) -> None:
        self.config = config or MarkovConfig()
        self.size = 0
        self.half_life, self.strength = 0.0, 1.0
        self.population, self.b = np.zeros(0), np.zeros(0)
        self.p = np.zeros((0, 0))

    def fit(self, cut: Windows, users: I64) -> Self:
        """Memory and smoothing of the state, then P and b, by the likelihood of what follows."""
        self.size = cut.size
        rows, after, self.population = training_pairs(cut, users, self.config.ahead)
        self.half_life, self.strength, prior = self._choose(cut, rows, after)
        before = self.state(cut, rows)
        if self.config.switch_on:
            self.p, self.b = fit_shares(before, after, prior=prior)
        else:
            self.p, self.b = fit_transitions(before, after, prior=prior), np.zeros(after.shape[1])
        return self

    def _choose(self, cut: Windows, rows: I64, after: F64) -> tuple[float, float, float]:
        """Half-life, smoothing and prior, one after the other, each the best on users held out."""
        some = np.arange(0, len(rows), max(1, len(rows) // _CHOOSING))
        rows, after = rows[some], after[some]
        held = held_out(cut.owner[rows])

        def loss(evidence: F64, strength: float, prior: float) -> float:
            state = smoothed(evidence, self.population, strength)
            p = fit_transitions(state[~held], after[~held], prior=prior, iterations=30)
            return float(cross_entropy(after[held], state[held] @ p.T).mean())

        first = self.config.priors[0]
        half_lives = [memory * cut.size for memory in (0.0, *MEMORIES)]
        half_life = min(half_lives, key=lambda h: loss(cut.decayed(h)[rows], 1.0, first))
        evidence = cut.decayed(half_life)[rows]
        strength = min(STRENGTHS[:5], key=lambda s: loss(evidence, s, first))
        return half_life, strength, min(self.config.priors, key=lambda x: loss(evidence, strength, x))

    def state(self, cut: Windows, rows: I64) -> F64:
        """The shares `float64[n, topics]` that P moves on from."""
        return smoothed(cut.decayed(self.half_life)[rows], self.population, self.strength)

    def forecast(self, cut: Windows, rows: I64, steps: int = 1) -> F64:
        """Shares `float64[n, topics]` expected `steps` windows after `rows`."""
        check_steps(self.config.ahead, steps)
        return evolve_shares(self.state(cut, rows), self.p, self.b, steps // self.config.ahead)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything that was fitted, as named arrays."""
        settings = np.array([self.config.ahead, self.size, self.half_life, self.strength])
        return {"settings": settings, "population": self.population, "p": self.p, "b": self.b}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The forecaster that `arrays` came from."""
        ahead, size, half_life, strength = arrays["settings"].tolist()
        out = cls(MarkovConfig(ahead=int(ahead)))
        out.size, out.half_life, out.strength = int(size), half_life, strength
        out.population, out.p, out.b = arrays["population"], arrays["p"], arrays["b"]
        return out
