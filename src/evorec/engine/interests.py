"""One user's interests as people ask for them: now, how they came about, when they turned, what comes next."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, F64, I64, Queries
from evorec.interests.changes import ChangePoint, change_points
from evorec.interests.drift import drift
from evorec.interests.forecast import forecast_users
from evorec.interests.journeys import JourneyConfig, find_journeys, name_journeys, silence_chance
from evorec.interests.markov import evolve_shares
from evorec.interests.model import InterestModel, watched_content
from evorec.interests.names import name_clusters
from evorec.interests.needs import latent_needs, touched_topics
from evorec.interests.online import Alarm, DetectorModel, DriftDetector
from evorec.interests.state import batch_evidence, degrees, interest_path, share_error, shares
from evorec.interests.topics import Topics
from evorec.models.base import Items

_STROKES: Final = 30  # half-lives that a path is drawn with at most
VISIBLE: Final = 0.005  # smaller shares are shown as 0%: noise to a reader
_FAMILIAR: Final = 0.03  # with soft membership, a topic with such a share now is no news even if never the main one
ENDED: Final = 0.05  # a journey this unlikely to be merely silent has ended: also the share of ends called wrongly


@dataclass(frozen=True, eq=False, kw_only=True)
class JourneyView:
    """A thread the user follows: its evidence is `item int64[n]` (rows of the item table) at `moments int64[n]`.

    `strength`: its share of the user's attention, in [0, 1]; `silence_chance`: how likely a journey that goes on is
    silent for so long; `alive` where that is not below 5%.
    """

    name: str
    item: I64
    moments: I64
    strength: float
    silence_chance: float

    @property
    def alive(self) -> bool:
        """Whether the silence since its last event is no longer than its own pace explains."""
        return self.silence_chance >= ENDED


@dataclass(frozen=True, kw_only=True)
class Need:
    """A topic the user never touched, expected next: its forecast share, that over the population's share (`lift`), and
    the own topic that leads there, with the part of the way that it explains."""

    topic: str
    forecast: float
    lift: float
    source: str | None
    source_part: float


@dataclass(frozen=True, eq=False, kw_only=True)
class InterestView:
    """Interests of one user at `as_of` (UTC microseconds), arrays over topics `float64[topics]`.

    `short_term`, `long_term`: shares of attention with the short and the long half-life; `forecast`: as expected for
    the next `step` events, with its 80% band `low`..`high` (NaN where the log was too short to know); `strength`:
    degrees in [0, 1] of the long-term interest; `error`: standard error of the short-term shares. `path
    float64[t, topics]` are shares at `moments int64[t]`, with the short half-life or a thirtieth of the history where
    that is longer, since in a picture of years a habit of days is noise; `events int64[n]` are the times of the events
    behind it. Words and weights move shares, strength and path; forecast, drift, changes, alarms and journeys rest on
    the items touched alone. `changes`: when interests turned, found looking back; `alarms`: the same as a watcher of
    the stream had called it.
    `drift_beyond_noise`: divergence of the later from the earlier half of the history, in nats, less what shuffled
    histories of this user show, and its `drift_p_value` (NaN: too few sittings to tell).
    """

    as_of: int
    topics: tuple[str, ...]
    short_term: F64
    long_term: F64
    forecast: F64
    low: F64
    high: F64
    step: int
    strength: F64
    error: F64
    moments: I64
    path: F64
    events: I64
    changes: tuple[ChangePoint, ...]
    alarms: tuple[Alarm, ...]
    drift_beyond_noise: float
    drift_p_value: float
    journeys: tuple[JourneyView, ...]
    needs: tuple[Need, ...]

    @property
    def drift(self) -> float:
        """Total variation in [0, 1] between short-term and long-term shares."""
        return float(0.5 * np.abs(self.short_term - self.long_term).sum())

    def ranked(self) -> list[dict[str, Any]]:
        """Topics that round to 1% or more, strongest short-term share first, as plain values."""
        order = np.argsort(-self.short_term, kind="stable")
        return [
            {
                "topic": self.topics[k],
                "share": float(self.short_term[k]),
                "error": float(self.error[k]),
                "long_term": float(self.long_term[k]),
                "strength": float(self.strength[k]),
                "forecast": float(self.forecast[k]),
                "low": None if np.isnan(self.low[k]) else float(self.low[k]),
                "high": None if np.isnan(self.high[k]) else float(self.high[k]),
            }
            for k in order
            if max(self.short_term[k], self.long_term[k]) >= VISIBLE
        ]


def view_interests(
    query: Queries, items: Items, catalogue: Catalogue, topics: Topics, model: InterestModel, *, points: int
) -> InterestView:
    """The view of the one user in `query`, who must have events or remarks; `points` moments along the path."""
    content, times, weights = evidence_rows(query, items)
    config, ends = model.config, np.array([0, len(times)])

    def at(half_life_days: float, as_of: I64) -> F64:
        evidence = batch_evidence(
            offsets=ends,
            membership=content,
            timestamps=times,
            as_of=as_of,
            half_life_days=half_life_days,
            weights=weights,
        )
        return np.asarray(evidence[0], dtype=np.float64)

    first, last = int(times[0]) + 1, int(times[-1]) + 1
    # Shares do not change in silence, so they are read where the evidence was last fresh; strength fades until as_of.
    fresh = np.array([last])
    now, long = shares(at(config.short_days, fresh)), shares(at(config.long_days, fresh))
    moments = np.unique(np.linspace(first, max(last, first + DAY), points).astype(np.int64))
    half_life = max(config.short_days, (last - first) / DAY / _STROKES)
    path = interest_path(content, times, moments, half_life_days=half_life, weights=weights)
    touched = items.topics[query.item]
    vectors = items.embedding[query.item]
    known = touched.any(axis=1)
    spread = None if model.spread is None else (model.spread, vectors)
    moved = drift(offsets=query.offsets, membership=touched, timestamps=query.timestamp, content=spread)
    forecast, low, high = _forecast(query, touched, now, model)
    return InterestView(
        as_of=int(query.as_of[0]),
        topics=topics.names,
        short_term=now,
        long_term=long,
        forecast=forecast,
        low=low,
        high=high,
        step=model.step,
        strength=degrees(at(config.long_days, query.as_of), config.saturation),
        error=share_error(at(config.short_days, query.as_of)),
        moments=moments,
        path=shares(path),
        events=times,
        changes=tuple(change_points(touched, query.timestamp, content=spread)) if known.any() else (),
        alarms=_alarms(query, items, model),
        drift_beyond_noise=float(moved.excess[0]),
        drift_p_value=float(moved.p_value[0]),
        journeys=_journeys(query, items, catalogue, model),
        needs=_needs(query, touched, forecast, now, topics, model),
    )


def evidence_rows(query: Queries, items: Items) -> tuple[Any, I64, F64]:
    """Content vectors, times and weights of all that one user did and said, in time order."""
    content, times, weights = items.topics[query.item], query.timestamp, query.weights.astype(np.float64)
    if query.remarks is not None:
        content = np.concatenate([content, query.remarks.topics])
        times = np.concatenate([times, query.remarks.timestamp])
        weights = np.concatenate([weights, query.remarks.weight])
    order = np.argsort(times, kind="stable")
    return content[order], times[order], weights[order]


class Watcher:
    """Watches the stream of one user for a turn of interests, event by event; `called` are the alarms so far."""

    def __init__(self, detector: DetectorModel, model: InterestModel, items: Items, history: Queries) -> None:
        self._detector, self._model, self._items = DriftDetector(detector), model, items
        self._by_content = model.spread is not None
        self.called: list[Alarm] = []
        for row, timestamp in zip(history.item.tolist(), history.timestamp.tolist(), strict=True):
            self._see(row, timestamp)

    def observe(self, item_id: str, timestamp: int) -> Alarm | None:
        """Take in one event, not older than the newest; the alarm that the tie group before it raises, if any."""
        row = self._items.ids.code(item_id)
        if row < 0:
            raise InputError(f"item {item_id!r} is not in the catalogue", mend="check the id")
        return self._see(row, timestamp)

    def read(self, as_of: int) -> Alarm | None:
        """The alarm that the newest tie group raises, once `as_of` lies after it."""
        return self._detector.read(as_of)

    def _see(self, row: int, timestamp: int) -> Alarm | None:
        topics = self._items.topics[row]
        if not topics.any():  # what has no topics tells nothing
            return None
        content = None
        if self._by_content:
            content = watched_content(self._model.behaviour, self._items.embedding, np.array([row]))[0]
        alarm = self._detector.observe(topics, timestamp, content=content)
        if alarm is not None:
            self.called.append(alarm)
        return alarm


def _alarms(query: Queries, items: Items, model: InterestModel) -> tuple[Alarm, ...]:
    if model.detector is None:
        return ()
    watcher = Watcher(model.detector, model, items, query)
    last = watcher.read(int(query.as_of[0]))
    return tuple(watcher.called) + (() if last is None else (last,))


def _forecast(query: Queries, touched: Any, now: F64, model: InterestModel) -> tuple[F64, F64, F64]:
    unknown = np.full(len(now), np.nan)
    if model.forecaster is None or model.bands is None or not len(query.item):
        return (evolve_shares(now, model.transition, model.switch_on) if now.any() else now), unknown, unknown
    forecast = forecast_users(
        model.forecaster,
        offsets=query.offsets,
        membership=touched,
        timestamps=query.timestamp,
        as_of=query.as_of,
    )
    low, high, _, _ = model.bands.around(forecast)
    return forecast[0], low[0], high[0]


def _journeys(query: Queries, items: Items, catalogue: Catalogue, model: InterestModel) -> tuple[JourneyView, ...]:
    found = find_journeys(items.embedding, query.item, query.offsets, query.timestamp, config=JourneyConfig())
    if not len(found.strength):
        return ()
    titles = [title or items.ids.ids[row] for row, title in enumerate(catalogue.title)]
    names = name_journeys(found, query.item, titles, titles, name_clusters)
    chance = silence_chance(found, query.as_of, model.pace)
    return tuple(
        JourneyView(
            name=names[j],
            item=query.item[found.label == j].astype(np.int64),
            moments=query.timestamp[found.label == j],
            strength=float(found.strength[j]),
            silence_chance=float(chance[j]),
        )
        for j in range(len(names))
    )


def _needs(
    query: Queries, touched: Any, forecast: F64, now: F64, topics: Topics, model: InterestModel
) -> tuple[Need, ...]:
    if model.forecaster is None or not now.any():
        return ()
    found = latent_needs(
        forecast=forecast[None],
        shares=now[None],
        touched=touched_topics(np.array([0, len(touched)]), touched) | (now >= _FAMILIAR),
        transition=model.transition * (1 - np.eye(len(now))),  # a topic does not lead to itself
        population=model.forecaster.population,
    )
    return tuple(
        Need(
            topic=topics.names[k],
            forecast=float(found.forecast[0, place]),
            lift=float(found.lift[0, place]),
            source=None if found.source[0, place] < 0 else topics.names[found.source[0, place]],
            source_part=float(found.source_part[0, place]),
        )
        for place, k in enumerate(found.topic[0].tolist())
        if k >= 0
    )
