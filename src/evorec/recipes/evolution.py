"""How interests are kept and how they move, fitted on a log: half-lives, P and b, forecaster and bands, drift."""

from typing import Final

import numpy as np

from evorec.core.errors import InputError
from evorec.core.rng import generator
from evorec.core.types import F32, F64, I64, Bool, Queries
from evorec.data.dataset import Dataset
from evorec.interests.bands import ShareBands
from evorec.interests.drift import Spread
from evorec.interests.fitting import fit_shares
from evorec.interests.journeys import JourneyConfig, find_journeys, fit_pace
from evorec.interests.loglinear import LogLinearConfig, LogLinearForecaster
from evorec.interests.model import InterestModel, watched_content
from evorec.interests.online import DetectorConfig, DetectorModel, fit_detector
from evorec.interests.state import InterestConfig, fit_half_life, fit_short_half_life
from evorec.interests.windows import Windows, windows
from evorec.models.base import Items, RunOptions
from evorec.models.evolution import behaviour_vectors

_LONG_DAYS: Final = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0)  # a long-term interest outlasts a session
_SHORT_DAYS: Final = (7.0, 15.0, 30.0, 60.0)  # so does a short-term one: of a day, it would be the last sitting alone
_USERS: Final = 1000  # half-lives are fitted on at most so many users
_EVENTS: Final = 100_000  # forecasts on the users, drawn at random, who have so many events
_PACED: Final = 30_000  # the pace of journeys on those who have so many
_STEP: Final = 5  # events a forecast looks ahead, where histories are long enough
_RIDGES: Final = (300.0,)  # the pull that most logs choose; a search triples the time
_LEAST_PAIRS: Final = 200  # of windows, for a forecaster
_WATCHED_EVENTS: Final = 40_000  # that a detector's threshold rests on
_BUILDING: Final = 5_000  # events that behaviour vectors rest on at least
_BEHAVIOUR: Final = 32  # their length
_WATCHED: Final = (40, 20, 10)  # events per user a detector is set for: as many as enough users have


def fit_interests(dataset: Dataset, items: Items, options: RunOptions) -> InterestModel:
    """The long half-life by the likelihood of what follows, the short one by the likelihood beside it; the rest.

    Everything rests on a sample of users, so that it takes seconds whatever the size of the log.
    """
    events = dataset.events
    rng = generator(options.seed, "interests")
    count = np.bincount(events.user[events.item >= 0], minlength=len(events.users))
    drawn = rng.permutation(np.flatnonzero(count >= 3))
    moment = events.newest + 1 if len(events) else 0

    def histories(users: I64) -> Queries:
        asked = np.sort(users).astype(np.int32)
        return events.queries(asked, np.full(len(asked), moment))

    def some(most: int) -> Queries:
        return histories(drawn[: 1 + int(np.searchsorted(np.cumsum(count[drawn]), most))])

    config = _half_lives(histories(drawn[:_USERS]), items)
    told, few = some(_EVENTS), some(_PACED)
    size = items.topics.shape[1]
    step = _STEP if len(told.item) >= 2 * _STEP * max(1, len(told)) else 2
    forecaster, bands, moved = _forecasting(told, items, step) if size else (None, None, None)
    p, b = (np.eye(size), np.zeros(size)) if moved is None else moved
    spread = _spread(told, items.embedding)
    found = find_journeys(items.embedding, few.item, few.offsets, few.timestamp, config=JourneyConfig())
    detector, behaviour = _detector(dataset, items, drawn, spread is not None, options.seed)
    return InterestModel(
        config=config,
        transition=p,
        switch_on=b,
        step=step,
        forecaster=forecaster,
        bands=bands,
        pace=fit_pace(found),
        spread=spread,
        detector=detector,
        behaviour=behaviour,
    )


def _half_lives(sample: Queries, items: Items) -> InterestConfig:
    config = InterestConfig()
    if not len(sample.item):
        return config
    offsets, content, timestamps = sample.offsets, items.topics[sample.item], sample.timestamp
    long_days = fit_half_life(offsets=offsets, membership=content, timestamps=timestamps, grid=_LONG_DAYS)
    short_days = fit_short_half_life(
        offsets=offsets, membership=content, timestamps=timestamps, long_days=long_days, grid=_SHORT_DAYS
    )
    return InterestConfig(short_days=short_days, long_days=long_days)


def _forecasting(
    told: Queries, items: Items, step: int
) -> tuple[LogLinearForecaster | None, ShareBands | None, tuple[F64, F64] | None]:
    """Forecaster, its bands, and P with b; bands come from every fourth user, whom the forecaster has not seen."""
    if not len(told):
        return None, None, None
    cut = windows(offsets=told.offsets, membership=items.topics[told.item], timestamps=told.timestamp, size=step)
    users = np.unique(cut.owner)
    kept, judged = users[np.arange(len(users)) % 4 > 0], users[np.arange(len(users)) % 4 == 0]
    if len(cut.followed(1, kept)) < _LEAST_PAIRS or not len(cut.followed(1, judged)):
        return None, None, None
    forecaster = LogLinearForecaster(LogLinearConfig(ridges=_RIDGES)).fit(cut, kept)
    rows = cut.followed(1, judged)
    bands = ShareBands.fit(forecaster.forecast(cut, rows), _next_shares(cut, rows))
    markov, pairs = forecaster.markov, cut.followed(1, kept)
    moved = fit_shares(markov.state(cut, pairs), cut.counts[pairs + 1])
    return forecaster, bands, moved


def _next_shares(cut: Windows, rows: I64) -> F32:
    after = cut.counts[rows + 1]
    return np.asarray(after / np.maximum(after.sum(axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _spread(told: Queries, embedding: F32) -> Spread | None:
    """None where content does not tell users apart."""
    known = np.asarray(embedding.any(axis=1))[told.item]
    if not known.any():
        return None
    try:
        return Spread.fit(_kept_offsets(told, known), embedding[told.item[known]])
    except InputError:
        return None


def _detector(
    dataset: Dataset, items: Items, drawn: I64, by_content: bool, seed: int
) -> tuple[DetectorModel | None, F32]:
    """Set for the longest histories of `_WATCHED` that enough users have, with the behaviour vectors it reads.

    The vectors come from the users whose histories are shorter: on those who built them they would look too good, and
    the threshold with them. Where those are too few, embeddings alone are read; no detector where all are.
    """
    events, none = dataset.events, np.zeros((0, 0), dtype=np.float32)
    count = np.bincount(events.user[events.item >= 0], minlength=len(events.users))
    for per in _WATCHED:
        config = DetectorConfig(per=per)
        watched = drawn[count[drawn] >= 0.9 * per]
        if len(watched) < 4 / config.alarms:  # enough for a threshold that few of them exceed
            continue
        building = events.select(count[events.user] < 0.9 * per)
        behaviour = none
        if by_content and len(building) >= _BUILDING:
            behaviour = behaviour_vectors(building, _BEHAVIOUR, seed)
        users = np.sort(watched[: 1 + int(np.searchsorted(np.cumsum(count[watched]), _WATCHED_EVENTS))])
        told = events.queries(users.astype(np.int32), np.full(len(users), events.newest + 1))
        known = items.has_topics[told.item]
        offsets = _kept_offsets(told, known)
        if (np.diff(offsets) >= 0.9 * per).sum() < 4 / config.alarms:
            continue
        content = watched_content(behaviour, items.embedding, told.item[known].astype(np.int64)) if by_content else None
        try:
            detector = fit_detector(
                offsets=offsets,
                membership=items.topics[told.item[known]],
                timestamps=told.timestamp[known],
                content=content,
                config=config,
                seed=seed,
            )
        except InputError:  # neither content nor topics tell users apart: nothing to watch
            return None, none
        return detector, behaviour
    return None, none


def _kept_offsets(told: Queries, known: Bool) -> I64:
    kept = np.bincount(told.owner[known], minlength=len(told))
    return np.concatenate(([0], np.cumsum(kept))).astype(np.int64)
