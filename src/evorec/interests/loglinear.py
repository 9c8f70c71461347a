"""The best forecaster: one log-linear model over short and long memories, P, and what everybody does now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.signal import lfilter
from scipy.special import log_softmax, softmax

from evorec.core.errors import InputError
from evorec.core.types import DAY, F64, I64, Bool
from evorec.interests.forecast import (
    MarkovConfig,
    MarkovForecaster,
    check_steps,
    fit_strength,
    held_out,
    smoothed,
    training_pairs,
)
from evorec.interests.windows import Windows
from evorec.metrics.forecast import cross_entropy

_MEMORIES: Final = (0.2, 0.5, 1.0, 3.0, 10.0, np.inf)  # half-lives in windows; the first is "just now"
_NOW_DAYS: Final = (7.0, 30.0)  # half-lives of what everybody does
_NOW_STRENGTH: Final = 200.0  # imagined events that smooth it
_BLUNT, _SHARP, _SCALE = 5.0, 20.0, 20.0  # how much less features are smoothed than means; scale of share features
_PEOPLE: Final = 2  # behind a day of the series, at least
_PAIRS: Final = 40_000
_LONGEST: Final = 36_525  # days of a series: a century


def fit_log_linear(
    base: F64, features: F64, after: F64, *, ridge: float, start: tuple[F64, F64] | None = None, iterations: int = 100
) -> tuple[F64, F64]:
    """Weights `float64[f]` and `float64[d, topics]` of softmax(weights . base + features W), by likelihood.

    `base float64[f, n, topics]` are log shares that compete, one weight each; `features float64[n, d]` move every
    topic by coefficients of their own, pulled to 0 by `ridge` (the last column, a constant, is not); `after
    float64[n, topics]` are counts. Multinomial logistic regression by L-BFGS.

    >>> rng = np.random.default_rng(0)
    >>> features = np.hstack([rng.normal(size=(4000, 1)), np.ones((4000, 1))])
    >>> chance = softmax(features @ [[1.0, -1.0], [0.2, -0.2]], axis=1)
    >>> after = np.array([rng.multinomial(5, row) for row in chance]).astype(float)
    >>> weights, coefficients = fit_log_linear(np.zeros((1, 4000, 2)), features, after, ridge=0.1)
    >>> (coefficients[:, 0] - coefficients[:, 1]).round(1).tolist()
    [2.0, 0.4]
    """
    f, d, size = len(base), features.shape[1], after.shape[1]
    mass = after.sum(axis=1, keepdims=True)
    scale = max(1.0, float(mass.sum()))
    single = np.float32  # products in single precision take half the time; sums stay in double
    shares, inputs, each, counts = (np.asarray(x, dtype=single) for x in (base, features, mass, after))

    def loss(theta: F64) -> tuple[float, F64]:
        weights, coefficients = theta[:f], theta[f:].reshape(d, size)
        utility = np.tensordot(weights.astype(single), shares, 1) + inputs @ coefficients.astype(single)
        log_share = log_softmax(utility, axis=1)
        gap = np.exp(log_share) * each - counts
        held = coefficients.copy()
        held[-1] = 0
        value = -float((counts * log_share).sum(dtype=np.float64)) + 0.5 * ridge * float(np.vdot(held, held))
        to_weights = np.tensordot(shares, gap, axes=((1, 2), (0, 1)))
        to_coefficients = inputs.T @ gap + ridge * held
        return value / scale, np.concatenate((to_weights, to_coefficients.ravel())) / scale

    first = (np.full(f, 1 / max(1, f)), np.zeros((d, size))) if start is None else start
    theta = np.concatenate((first[0], first[1].ravel()))
    found = minimize(
        loss,
        theta,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": 1e-8, "gtol": 1e-8, "maxcor": 20},
    )
    theta = np.asarray(found.x)
    return theta[:f], theta[f:].reshape(d, size)


@dataclass(frozen=True, eq=False, kw_only=True)
class PopulationSeries:
    """What everybody did, day by day: `daily float64[days, topics]`, counts from UTC day number `first` on."""

    first: int
    daily: F64
    half_lives_days: tuple[float, ...] = _NOW_DAYS

    @classmethod
    def of(cls, cut: Windows, users: I64) -> "PopulationSeries":
        """The windows of `users`, each on the day it ended, or on the first day after it that two people are behind.

        A series is kept with a model: no day of it may be one person's. Refuses more than a century.
        """
        rows = np.flatnonzero(np.isin(cut.owner, users))
        rows = rows[np.argsort(cut.end[rows], kind="stable")]
        day = cut.end[rows] // DAY
        first, last = (int(day[0]), int(day[-1])) if len(day) else (0, 0)
        if last - first >= _LONGEST:
            raise InputError(
                f"events lie {(last - first) // 365:,} years apart, more than a century",
                mend="leave out those whose date is a placeholder (9999-12-31); timestamps are UTC microseconds",
            )
        daily = np.zeros((last - first + 1, cut.content.shape[1]))
        waiting = 0  # the first row whose day is not yet decided
        for stop in np.flatnonzero(np.diff(day, append=np.iinfo(np.int64).max)) + 1:
            held = rows[waiting:stop]
            if len(np.unique(cut.owner[held])) >= _PEOPLE:
                daily[day[stop - 1] - first] = cut.counts[held].sum(axis=0)
                waiting = int(stop)
        return cls(first=first, daily=daily)

    def before(self, moments: I64) -> F64:
        """Evidence `float64[half-lives, n, topics]` of the days before that of each of `moments` (UTC microseconds).

        >>> series = PopulationSeries(first=0, daily=np.array([[4.0, 0.0], [0.0, 2.0]]), half_lives_days=(1.0,))
        >>> series.before(np.array([0, 1, 2, 3]) * DAY)[0].tolist()
        [[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [0.5, 0.5]]
        """
        day = np.asarray(moments) // DAY - self.first
        at = np.clip(day, 0, len(self.daily))
        faded = self._kept[:, None] ** np.maximum(day - at, 0)
        return np.asarray(self._so_far[:, at] * faded[:, :, None])

    @property
    def _kept(self) -> F64:
        return np.asarray(0.5 ** (1 / np.array(self.half_lives_days)))

    @cached_property
    def _so_far(self) -> F64:
        """Evidence at the start of every day, and after the last: one request looks up a row of it."""
        decayed = [lfilter([kept], [1, -kept], self.daily, axis=0) for kept in self._kept]
        return np.pad(np.stack(decayed), ((0, 0), (1, 0), (0, 0)))


@dataclass(frozen=True, kw_only=True)
class LogLinearConfig:
    """`ahead`: windows between the pairs it is fitted on; `ridges`: pulls toward 0 to choose among."""

    ahead: int = 1
    ridges: Sequence[float] = (1000.0, 300.0, 100.0)

    def __post_init__(self) -> None:
        if self.ahead < 1 or not len(self.ridges) or min(self.ridges) <= 0:
            raise InputError("ahead must be at least 1 and every ridge above 0", mend="give windows, and pulls")


class LogLinearForecaster:
    """Shares as a softmax over what is known: the user's means at six memories, P's forecast, everybody now.

    Those compete as logarithms with one weight each; beside them every topic has coefficients on the user's just-now,
    decayed and long-run shares, so it learns which topic leads to which, with either sign, where P can only give.
    The ridge is chosen on every fourth user. Iterated it appends the window that it expects.

    >>> from evorec.interests.windows import windows
    >>> rng = np.random.default_rng(0)
    >>> topics = np.zeros((300, 8), dtype=int)
    >>> for at in range(7):  # from one topic to the next, round and round
    ...     topics[:, at + 1] = (topics[:, at] + rng.choice(2, p=[0.1, 0.9], size=300)) % 4
    >>> cut = windows(offsets=np.arange(0, 2401, 8), membership=np.eye(4, dtype=np.float32)[topics.ravel()],
    ...               timestamps=np.tile(np.arange(8), 300), size=1)
    >>> model = LogLinearForecaster().fit(cut, np.arange(200))
    >>> rows = cut.followed(1, np.arange(200, 300))
    >>> round(float(cross_entropy(cut.counts[rows + 1], model.forecast(cut, rows)).mean()), 1)  # planted: 0.325
    0.3
    """

    def __init__(self, config: LogLinearConfig | None = None) -> None:
        self.config = config or LogLinearConfig()
        self.size = 0
        self.population = np.zeros(0)
        self.markov = MarkovForecaster(MarkovConfig(switch_on=False, ahead=self.config.ahead))
        self.series = PopulationSeries(first=0, daily=np.zeros((1, 0)))
        self.half_lives, self.strengths, self.weights = np.zeros(0), np.zeros(0), np.zeros(0)
        self.coefficients = np.zeros((0, 0))

    def fit(self, cut: Windows, users: I64) -> Self:
        """P and the memories' smoothing first, then all weights at once, by the likelihood of what follows."""
        self.size = cut.size
        rows, after, self.population = training_pairs(cut, users, self.config.ahead)
        self.markov.fit(cut, users)
        self.series = PopulationSeries.of(cut, users)
        self.half_lives = np.append(np.array(_MEMORIES) * cut.size, self.markov.half_life)
        some = np.arange(0, len(rows), -(-len(rows) // _PAIRS))
        rows, after = rows[some], after[some]
        evidence = [cut.decayed(half_life)[rows] for half_life in self.half_lives]
        self.strengths = np.array([fit_strength(m, after, self.population)[0] for m in evidence])
        base, features = self._inputs(evidence, self._now(cut.end[rows]))
        ridge, start = self._choose(base, features, after, held_out(cut.owner[rows]))
        self.weights, self.coefficients = fit_log_linear(base, features, after, ridge=ridge, start=start)
        return self

    def forecast(self, cut: Windows, rows: I64, steps: int = 1) -> F64:
        """Shares `float64[n, topics]` expected `steps` windows after `rows`."""
        check_steps(self.config.ahead, steps)
        evidence = [cut.decayed(half_life)[rows] for half_life in self.half_lives]
        now = self._now(cut.end[rows])
        out = self._shares(evidence, now)
        for _ in range(steps // self.config.ahead - 1):
            for at, half_life in enumerate(self.half_lives):
                evidence[at] = evidence[at] * _left(self.size, half_life) + out * _worth(self.size, half_life)
            out = self._shares(evidence, now)
        return out

    def _shares(self, evidence: list[F64], now: F64) -> F64:
        base, features = self._inputs(evidence, now)
        return np.asarray(softmax(np.tensordot(self.weights, base, 1) + features @ self.coefficients, axis=1))

    def _now(self, moments: I64) -> F64:
        """Log shares `float64[2, n, topics]` of everybody just before `moments`, in two memories."""
        evidence = self.series.before(moments)
        return np.log(np.stack([smoothed(m, self.population, _NOW_STRENGTH) for m in evidence]))

    def _inputs(self, evidence: list[F64], now: F64) -> tuple[F64, F64]:
        """`base float64[f, n, topics]` and `features float64[n, d]` of `fit_log_linear`."""

        def mean(at: int, sharper: float = 1.0) -> F64:
            return smoothed(evidence[at], self.population, float(self.strengths[at]) / sharper)

        just_now, long_run, decayed = 0, len(evidence) - 2, len(evidence) - 1
        moved = smoothed(evidence[decayed], self.population, self.markov.strength) @ self.markov.p.T
        base = np.log([mean(at) for at in range(len(evidence) - 1)] + [np.maximum(moved, 1e-9)])
        logs = [np.log(mean(at, _BLUNT) / self.population) for at in (just_now, long_run, decayed)]
        shares = [_SCALE * (mean(at, _SHARP) - self.population) for at in (long_run, decayed)]
        return np.concatenate((base, now)), np.hstack([*logs, *shares, np.ones((len(moved), 1))])

    def _choose(self, base: F64, features: F64, after: F64, held: Bool) -> tuple[float, tuple[F64, F64] | None]:
        """The ridge under which users held out surprise least, and its weights, from which the last fit starts.

        Where there is one only, neither has to be looked for.
        """
        if len(self.config.ridges) == 1:
            return self.config.ridges[0], None
        start, tried = None, []
        for ridge in self.config.ridges:
            start = fit_log_linear(
                base[:, ~held], features[~held], after[~held], ridge=ridge, start=start, iterations=60
            )
            out = softmax(np.tensordot(start[0], base[:, held], 1) + features[held] @ start[1], axis=1)
            tried.append((float(cross_entropy(after[held], out).mean()), ridge, start))
        _, ridge, start = min(tried, key=lambda entry: entry[0])
        return ridge, start

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything that was fitted, as named arrays."""
        own: dict[str, NDArray[Any]] = {
            "half_lives": self.half_lives,
            "strengths": self.strengths,
            "weights": self.weights,
            "coefficients": self.coefficients,
            "daily": self.series.daily.astype(np.float32),
            "first_day": np.array([self.series.first]),
        }
        return own | {f"markov_{name}": value for name, value in self.markov.arrays().items()}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The forecaster that `arrays` came from."""
        markov = MarkovForecaster.restore(
            {name.removeprefix("markov_"): value for name, value in arrays.items() if name.startswith("markov_")}
        )
        out = cls(LogLinearConfig(ahead=markov.config.ahead))
        out.markov, out.size, out.population = markov, markov.size, markov.population
        out.half_lives, out.strengths = arrays["half_lives"], arrays["strengths"]
        out.weights, out.coefficients = arrays["weights"], arrays["coefficients"]
        out.series = PopulationSeries(first=int(arrays["first_day"][0]), daily=arrays["daily"].astype(np.float64))
        return out


def _left(events: int, half_life: float) -> float:
    """What is left of old evidence when `events` more have come."""
    return float(np.exp2(-events / half_life)) if half_life > 0 else 0.0


def _worth(events: int, half_life: float) -> float:
    """What `events` new events weigh together at their end."""
    return float(np.exp2(-np.arange(events) / half_life).sum()) if half_life > 0 else float(events)
