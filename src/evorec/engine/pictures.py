"""Views as pictures: a user's portrait, and the page of everybody."""

from pathlib import Path
from typing import Final

import numpy as np

from evorec.core.errors import InputError
from evorec.engine.interests import InterestView
from evorec.engine.population import PopulationView
from evorec.plots.population import Drifts, Trends, population_page
from evorec.plots.portrait import portrait
from evorec.plots.profile import Outlook, Profile
from evorec.plots.river import ChangeMark, River
from evorec.plots.threads import Thread
from evorec.plots.transitions import Transitions

_AHEAD: Final = {"en": "in the next {} events", "zh": "接下来 {} 个事件"}
_USER: Final = {"en": "Interests of user {}", "zh": "用户 {} 的兴趣"}
_ALL: Final = {"en": "Interests of everybody", "zh": "所有人的兴趣"}
_JOURNEYS: Final = 10


def draw_interests(view: InterestView, user_id: str, path: Path, *, language: str = "en") -> None:
    """Draw a user's portrait into `path` (.svg, .png, .html): the river with its turns, journeys, profile, outlook.

    `language`: `en` or `zh`. Needs the extra `plot`.
    """
    _check(language)
    if not view.path.any():
        raise InputError(
            f"nothing speaks for any interest of user {user_id!r}",
            mend="give the items categories or texts, or take a moment before all of it was taken back",
        )
    banded = not np.isnan(view.low).any()
    portrait(
        path,
        title=_USER[language].format(user_id),
        river=river_of(view),
        threads=[
            Thread(name=j.name, moments=j.moments, alive=j.alive, strength=j.strength)
            for j in view.journeys[:_JOURNEYS]
        ]
        or None,
        profile=Profile(topics=view.topics, short_term=view.short_term, long_term=view.long_term, error=view.error),
        outlook=outlook_of(view, language) if banded else None,
        language=language,
    )


def river_of(view: InterestView) -> River:
    """The river of one user, with the moments at which it turned and those at which the stream called a turn."""
    marks = []
    for change in view.changes:
        risen, fallen = (tuple(view.topics[k] for k in those) for those in change.moved(2))
        marks.append(
            ChangeMark(moment=change.moment, risen=risen, fallen=fallen, between=(change.earliest, change.latest))
        )
    return River(
        topics=view.topics,
        moments=view.moments,
        shares=view.path,
        events=view.events,
        changes=tuple(marks),
        alarms=tuple(alarm.timestamp for alarm in view.alarms),
    )


def outlook_of(view: InterestView, language: str = "en") -> Outlook:
    """Share now beside the forecast and its band; a view without a band has none."""
    if np.isnan(view.low).any():
        raise InputError("this model knows no forecast band", mend="train on a longer log")
    return Outlook(
        topics=view.topics,
        now=view.short_term,
        forecast=view.forecast,
        low=np.minimum(view.low, view.forecast),
        high=np.maximum(view.high, view.forecast),
        ahead=_AHEAD[language].format(view.step),
    )


def draw_population(view: PopulationView, path: Path, *, language: str = "en") -> None:
    """Draw everybody into `path` (.svg, .png, .html): topic river, trends, ways between topics, drift."""
    _check(language)
    everybody, trend = view.population, view.population.trend
    told = everybody.shares.any(axis=1)
    middle = (everybody.edges[:-1] + everybody.edges[1:]) // 2
    direction = (trend.low > 0).astype(int) - (trend.high < 0).astype(int)
    population_page(
        path,
        title=_ALL[language],
        river=River(
            topics=everybody.names,
            moments=middle[told],
            shares=everybody.shares[told],
            trend=direction,
        ),
        trends=Trends(topics=everybody.names, change=trend.slope, low=trend.low, high=trend.high)
        if not np.isnan(trend.slope).any()
        else None,
        transitions=transitions_of(view) if len(everybody.names) > 1 else None,
        drift=None if np.isnan(view.drift.excess).all() else drifts_of(view),
        language=language,
    )


def transitions_of(view: PopulationView) -> Transitions:
    """Which interest leads to which, with the share of attention that each topic has had."""
    everybody = view.population
    told = everybody.shares.any(axis=1)
    return Transitions(topics=everybody.names, p=everybody.transition, share=everybody.shares[told].mean(axis=0))


def drifts_of(view: PopulationView) -> Drifts:
    """How far each user drifted, and whose drift is significant."""
    return Drifts(excess=view.drift.excess, significant=view.drifted)


def _check(language: str) -> None:
    if language not in _USER:
        raise InputError(f"charts are not written in {language!r}", mend=f"use one of {', '.join(_USER)}")
