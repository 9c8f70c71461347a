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
from evorec.interests.model import InterestModel
from evorec.interests.online import DetectorConfig, DetectorModel, fit_detector
from evorec.interests.state import InterestConfig, fit_half_life
from evorec.interests.windows import Windows, windows
from evorec.models.base import Items, RunOptions

_LONG_DAYS: Final = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0)  # a long-term interest outlasts a session
_USERS: Final = 1000  # half-lives are fitted on at most so many users
_EVENTS: Final = 100_000  # all else on the users, drawn at random, who have so many events
_STEP: Final = 5  # events a forecast looks ahead, where histories are long enough
_RIDGES: Final = (300.0,)  # the pull that most logs choose; a search triples the time
_LEAST_PAIRS: Final = 200  # of windows, for a forecaster
_WATCHED_EVENTS: Final = 40_000  # that a detector's threshold rests on
_WATCHED: Final = (40, 20, 10)  # events per user a detector is set for: as many as enough users have


def fit_interests(dataset: Dataset, items: Items, options: RunOptions) -> InterestModel:
    """The half-lives by the likelihood of what follows, the short one at most a quarter of the long one; then the rest.

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

    config = _half_lives(histories(drawn[:_USERS]), items)
    told = histories(drawn[: 1 + int(np.searchsorted(np.cumsum(count[drawn]), _EVENTS))])
    size = items.topics.shape[1]
    step = _STEP if len(told.item) >= 2 * _STEP * max(1, len(told)) else 2
    forecaster, bands, moved = _forecasting(told, items, step) if size else (None, None, None)
    p, b = (np.eye(size), np.zeros(size)) if moved is None else moved
    spread = _spread(told, items.embedding)
    found = find_journeys(items.embedding, told.item, told.offsets, told.timestamp, config=JourneyConfig())
    return InterestModel(
        config=config,
        transition=p,
        switch_on=b,
        step=step,
        forecaster=forecaster,
        bands=bands,
        pace=fit_pace(found),
        spread=spread,
        detector=_detector(
            told.slice(0, int(np.searchsorted(told.offsets, _WATCHED_EVENTS))), items, spread is not None, options.seed
        ),
    )


def _half_lives(sample: Queries, items: Items) -> InterestConfig:
    config = InterestConfig()
    if not len(sample.item):
        return config
    long_days = fit_half_life(
        offsets=sample.offsets,
        membership=items.topics[sample.item],
        timestamps=sample.timestamp,
        grid=_LONG_DAYS,
    )
    return InterestConfig(short_days=min(config.short_days, long_days / 4), long_days=long_days)


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


def _detector(told: Queries, items: Items, by_content: bool, seed: int) -> DetectorModel | None:
    """Set for the longest histories of `_WATCHED` that enough users have; None where too few have any."""
    known = items.has_topics[told.item]
    offsets = _kept_offsets(told, known)
    lengths = np.diff(offsets)
    for per in _WATCHED:
        config = DetectorConfig(per=per)
        if (lengths >= per).sum() < 4 / config.alarms:  # enough for a threshold that few of them exceed
            continue
        return fit_detector(
            offsets=offsets,
            membership=items.topics[told.item[known]],
            timestamps=told.timestamp[known],
            content=items.embedding[told.item[known]] if by_content else None,
            config=config,
            seed=seed,
        )
    return None


def _kept_offsets(told: Queries, known: Bool) -> I64:
    kept = np.bincount(told.owner[known], minlength=len(told))
    return np.concatenate(([0], np.cumsum(kept))).astype(np.int64)
