"""Online drift: a detector that takes one event at a time and raises an alarm while events stream."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import ALWAYS, F64, I64
from evorec.interests.drift import Spread, log_membership, sitting_numbers

_FOLDS = 5
_HISTORIES = 1000  # shuffled ones that calibrate, up to eight of a user where there are fewer users
_MOST = 30.0  # of a log-ratio: e^30 stays a number


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """How the next event is predicted, and when a change is called.

    An event's likelihood against the population is a mixture: `population` (1, whatever the user did), `topical` (the
    user's topic shares, with `prior` imagined events of the population in them), and for the rest the `Spread` model,
    its ratio to the power `temper`: the coordinates of an event are less independent than that model supposes.
    `window`: changes at most so many steps ago are weighed; `haste` is taken off a change's log-evidence with every
    step, which favours recent ones. `alarms`: share of users whose `per` events raise an alarm although their order is
    random.
    """

    population: float = 0.1
    topical: float = 0.1
    temper: float = 0.7
    prior: float = 2.0
    window: int = 20
    haste: float = 0.1
    alarms: float = 0.05
    per: int = 40

    def __post_init__(self) -> None:
        shares = self.population > 0 and self.topical >= 0 and self.population + self.topical <= 1
        steps = self.window >= 1 and self.haste >= 0 and self.temper > 0
        if not (shares and steps and self.prior > 0 and 0 < self.alarms < 1 and self.per >= 4):
            raise InputError(
                f"{self} cannot watch events",
                mend="population and temper above 0, population + topical at most 1, alarms in (0, 1), per at least 4",
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class DetectorModel:
    """What a detector knows of everybody: `population float64[topics]` shares of all events, their `spread`, and the
    `threshold`: log-evidence for a change above which an alarm is raised."""

    population: F64
    spread: Spread
    threshold: float
    config: DetectorConfig = field(default_factory=DetectorConfig)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Interests turned: first event of the new stretch `since`, raised by the events at `timestamp`; UTC microseconds.

    `strength`: log-evidence for a change within the window, against none.
    """

    since: int
    timestamp: int
    strength: float


class DriftDetector:
    """Watches one user; O(topics x window) per event.

    For every start of a new stretch within the window it keeps the evidence that the events since then come from
    another mean than the user's earlier ones: Bayesian online change-point detection (Adams and MacKay 2007) with a
    window-limited sum (Lai 1998) and a predictive made robust by mixing. The events at the newest timestamp stay an
    open tie group, whose evidence counts as one event's, until a later one arrives; `observe` returns the alarm of the
    group it closes, `read` looks at the open one as well. After an alarm only the new stretch is remembered.

    >>> rng = np.random.default_rng(0)
    >>> taste = rng.dirichlet([0.2] * 5, size=200)
    >>> topic = np.array([rng.choice(5, p=p) for p in taste for _ in range(20)])
    >>> model = fit_detector(offsets=np.arange(0, 4001, 20), membership=np.eye(5)[topic],
    ...                      timestamps=np.tile(np.arange(20), 200), config=DetectorConfig(per=20))
    >>> detector = DriftDetector(model)
    >>> alarms = [detector.observe(np.eye(5)[0 if day < 30 else 1], day) for day in range(45)]
    >>> [(a.since, a.timestamp) for a in alarms if a]
    [(30, 32)]
    """

    def __init__(self, model: DetectorModel) -> None:
        self.model = model
        self.newest = ALWAYS
        slots = model.config.window + 1  # the first is the whole past, the others stretches that may be new
        self._topics = np.zeros((slots, len(model.population)))
        self._sums = np.zeros((slots, len(model.spread.between)))
        self._counts = np.zeros(slots)
        self._evidence = np.full(slots, -np.inf)
        self._since = np.full(slots, ALWAYS, dtype=np.int64)
        self._clear_group()

    def observe(
        self, topics: NDArray[Any], timestamp: int, weight: float = 1.0, content: NDArray[Any] | None = None
    ) -> Alarm | None:
        """Take in one event with membership `topics float[topics]`; the alarm that the group before it raises, if any.

        `content float[d]`: the vector the spread was fitted on, where that was not the membership. An event before the
        newest one is refused.
        """
        c, z = self._checked(topics, weight, content)
        if timestamp < self.newest:
            raise InputError("the detector has moved past this event", mend="replay the user's log from the start")
        return self._take(c, z, timestamp, weight)

    def _take(self, c: F64, z: F64, timestamp: int, weight: float = 1.0) -> Alarm | None:
        """Take in one event with shares `c float64[topics]` at coordinates `z float64[r]` of the spread."""
        alarm = self._close() if timestamp > self.newest else None
        self.newest = timestamp
        ratio = self._log_ratios(c, z)
        self._group_ratio += weight * ratio
        self._group_topics += weight * c
        self._group_sum += weight * z
        self._group_count += weight
        return alarm

    def read(self, as_of: int) -> Alarm | None:
        """The alarm that the events before `as_of` would raise, the open tie group among them; changes nothing."""
        if as_of <= self.newest:
            raise InputError("the detector has moved past this moment", mend="ask for a later as_of")
        return self._alarm(*self._with_group())

    def strength(self) -> float:
        """Log-evidence for a change within the window, open tie group included; -inf with fewer than two groups."""
        return float(np.logaddexp.reduce(self._with_group()[0]))

    def closed_strength(self) -> float:
        """The same for the closed tie groups alone."""
        return float(np.logaddexp.reduce(self._evidence))

    def _checked(self, topics: NDArray[Any], weight: float, content: NDArray[Any] | None) -> tuple[F64, F64]:
        c = np.asarray(topics, dtype=np.float64)
        fine = c.shape == self.model.population.shape and np.isfinite(c).all() and (c >= 0).all()
        if not fine or not (np.isfinite(weight) and weight >= 0):
            raise InputError(
                f"an event of weight {weight} with topics of shape {c.shape} is no evidence",
                mend=f"give {len(self.model.population)} numbers of at least 0, and a weight of at least 0",
            )
        shares, z = _read(self.model, c[None], None if content is None else np.asarray(content)[None])
        return shares[0], z[0]

    def _log_ratios(self, c: F64, z: F64) -> F64:
        """Log-likelihood `float64[slots]` of one event after every kept stretch, against the population."""
        config, between = self.model.config, self.model.spread.between
        shrunk = between / (1 + self._counts[:, None] * between)  # variance of a stretch's mean, given its events
        misfit = (z - shrunk * self._sums) ** 2 / (1 + shrunk) + np.log1p(shrunk)
        log = 0.5 * ((np.log1p(between) + z * z / (1 + between)).sum() - misfit.sum(axis=1))
        shared = self._topics @ (c / np.maximum(self.model.population, 1e-9))
        topical = (shared + config.prior) / (self._counts + config.prior)
        own = 1 - config.population - config.topical
        mixed = config.population + config.topical * topical + own * np.exp(np.minimum(config.temper * log, _MOST))
        return np.asarray(np.log(mixed), dtype=np.float64)

    def _with_group(self) -> tuple[F64, I64]:
        """Log-evidence and start of every stretch, as if the open group had closed; it takes the slot `_spare`."""
        config = self.model.config
        if self._group_count == 0 or self._counts[0] == 0:
            return self._evidence, self._since
        scale = 1 / max(1.0, self._group_count)  # what is chosen together proves no more than one choice
        evidence = self._evidence + scale * (self._group_ratio - self._group_ratio[0]) - config.haste
        since, spare = self._since.copy(), self._spare()
        evidence[spare], since[spare] = -scale * self._group_ratio[0] - config.haste, self.newest
        return evidence, since

    def _spare(self) -> int:
        """The slot a new stretch takes: a free one, else that of the oldest; never the whole past's."""
        return 1 + int(np.argmin(self._since[1:]))

    def _alarm(self, evidence: F64, since: I64) -> Alarm | None:
        strength = float(np.logaddexp.reduce(evidence))
        if not strength > self.model.threshold:
            return None
        return Alarm(since=int(since[np.argmax(evidence)]), timestamp=self.newest, strength=strength)

    def _close(self) -> Alarm | None:
        if self._group_count == 0:
            return None
        evidence, since = self._with_group()
        spare = self._spare()
        self._evidence, self._since = evidence, since
        for kept in (self._topics, self._sums, self._counts):
            kept[spare] = 0
        self._topics += self._group_topics  # free slots too: what they hold is wiped when they are taken
        self._sums += self._group_sum
        self._counts += self._group_count
        self._clear_group()
        alarm = self._alarm(evidence, since)
        if alarm is not None:
            self._restart(int(np.argmax(evidence)))
        return alarm

    def _restart(self, slot: int) -> None:
        """Forget all but the new stretch."""
        for kept in (self._topics, self._sums, self._counts):
            kept[0] = kept[slot]
        self._evidence = np.full(len(self._counts), -np.inf)
        self._since = np.full(len(self._counts), ALWAYS, dtype=np.int64)

    def _clear_group(self) -> None:
        self._group_ratio = np.zeros(len(self._counts))
        self._group_topics = np.zeros(self._topics.shape[1])
        self._group_sum = np.zeros(self._sums.shape[1])
        self._group_count = 0.0


def strongest(
    model: DetectorModel, membership: NDArray[Any], timestamps: I64, content: NDArray[Any] | None = None
) -> float:
    """Highest log-evidence for a change along one user's events, if no alarm ever restarts the detector."""
    detector = DriftDetector(replace(model, threshold=np.inf))
    c, z = _read(model, membership, content)
    highest = -np.inf
    for k, at in enumerate(timestamps.tolist()):
        closing = k > 0 and at > timestamps[k - 1]
        detector._take(c[k], z[k], at)
        if closing:
            highest = max(highest, detector.closed_strength())
    return max(highest, detector.strength())


def _read(model: DetectorModel, membership: NDArray[Any], content: NDArray[Any] | None) -> tuple[F64, F64]:
    """Topic shares `float64[n, topics]` and coordinates `float64[n, r]` of events; unknown ones are like anybody's."""
    c = np.asarray(membership, dtype=np.float64)
    total = c.sum(axis=1, keepdims=True)
    c = np.divide(c, total, out=np.tile(model.population, (len(c), 1)), where=total > 0)
    return c, model.spread.project(log_membership(c) if content is None else content)


def shuffled_groups(timestamps: I64, rng: np.random.Generator) -> tuple[I64, I64]:
    """Order `int64[n]` of one user's events with tie groups shuffled whole, and the steps they then happen at."""
    group = sitting_numbers(timestamps, 0)
    place = rng.permutation(int(group[-1]) + 1) if len(group) else np.zeros(0, dtype=np.int64)
    order = np.argsort(place[group], kind="stable").astype(np.int64)
    return order, place[group][order]


def fit_detector(
    *,
    offsets: I64,
    membership: NDArray[Any],
    timestamps: I64,
    content: NDArray[Any] | None = None,
    config: DetectorConfig | None = None,
    seed: int = 0,
) -> DetectorModel:
    """A model whose detector raises few alarms on users whose events are in random order.

    Events of user u are rows offsets[u]:offsets[u + 1] of `membership float[n, topics]`, `timestamps int64[n]` and
    `content float[n, d]` (default: `log_membership`). The threshold comes from the latest `per` events of users with
    (nearly) as many, their tie groups shuffled, each judged by a model that was fitted on other users: on those it was
    fitted on a model looks too good. For the same reason `content` must not be learnt from who did what among these
    users: vectors of behaviour come from others.
    """
    config = config or DetectorConfig()
    membership = np.asarray(membership, dtype=np.float64)
    vectors = log_membership(membership) if content is None else np.asarray(content)
    rng = generator(seed, "detector")
    part = rng.permutation(len(offsets) - 1) % _FOLDS
    latest = [offsets[u] + _latest(timestamps[offsets[u] : offsets[u + 1]], config.per) for u in range(len(part))]
    enough = np.array([len(own) >= 0.9 * config.per for own in latest])
    repeats = np.clip(_HISTORIES // max(1, enough.sum()), 1, 8)
    highest: list[float] = []
    for fold in range(_FOLDS):
        model = _fitted(offsets, membership, vectors, config, np.flatnonzero(part != fold))
        for u in np.repeat(np.flatnonzero(enough & (part == fold)), repeats):
            order, steps = shuffled_groups(timestamps[latest[u]], rng)
            own = latest[u][order]
            highest.append(strongest(model, membership[own], steps, vectors[own]))
    if enough.sum() < 1 / config.alarms:
        raise InputError(
            f"{enough.sum()} users have {config.per} events", mend="give more users, a smaller per, or more alarms"
        )
    threshold = float(np.quantile(highest, 1 - config.alarms, method="higher"))
    everybody = _fitted(offsets, membership, vectors, config, np.arange(len(offsets) - 1))
    return replace(everybody, threshold=threshold)


def _fitted(offsets: I64, membership: F64, vectors: NDArray[Any], config: DetectorConfig, users: I64) -> DetectorModel:
    chosen = np.zeros(len(offsets) - 1, dtype=np.bool_)
    chosen[users] = True
    counts = np.diff(offsets)
    rows = np.repeat(chosen, counts)
    total = membership[rows].sum(axis=1, keepdims=True)
    known = total[:, 0] > 0
    population = (membership[rows][known] / total[known]).mean(axis=0)
    spread = Spread.fit(np.append(0, np.cumsum(counts[chosen])), vectors[rows])
    return DetectorModel(population=population, spread=spread, threshold=np.inf, config=config)


def _latest(timestamps: I64, most: int) -> I64:
    """Rows of the latest whole tie groups that hold at most `most` events."""
    first = len(timestamps) - most
    if first > 0:
        first = int(np.searchsorted(timestamps, timestamps[first - 1], side="right"))
    return np.arange(max(0, first), len(timestamps))
