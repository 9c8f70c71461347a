"""Simulated event logs with planted truth: interests, transitions, drift, new items, two domains."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.rng import generator
from evorec.core.types import DAY, F32, F64, I32, I64, NEVER, SECOND, Events
from evorec.data.dataset import Dataset
from evorec.data.simulate_titles import LANGUAGES, MOST_TOPICS, domain_names, titles, topic_names

START: Final = 1_704_067_200 * SECOND  # 2024-01-01, when every simulated log begins
I8 = NDArray[np.int8]
_PERIODS: Final = 64  # popularity is constant within a period, and new items arrive at the start of one


@dataclass(frozen=True, kw_only=True)
class SimulationConfig:
    """What to plant.

    `topics` counts those of one domain, `events_per_user` is a mean (lengths are geometric). Each event has one cause:
    with `transition_strength` its topic follows the topic before by P, with `habit_strength` it repeats a topic of the
    user's past, which counts half after `half_life_days`, with `repeat_share` it takes an earlier item again, else it
    follows the user's preference. `drift_share` of the users have a change point, `new_item_share` of the items arrive
    during the log, `tie_share` of the events carry the timestamp of the one before; `whole_days` cuts timestamps to
    days, which ties more. With two `domains`, `shared_interests` says whether taste in one tells taste in the other.
    """

    users: int = 500
    items: int = 400
    topics: int = 8
    events_per_user: float = 30.0
    days: int = 365
    transition_strength: float = 0.3
    habit_strength: float = 0.2
    half_life_days: float = 30.0
    repeat_share: float = 0.0
    drift_share: float = 0.3
    new_item_share: float = 0.2
    tie_share: float = 0.0
    whole_days: bool = False
    domains: int = 1
    shared_interests: bool = True
    language: str = "en"

    def __post_init__(self) -> None:
        shares = (name for name in self.__dataclass_fields__ if name.endswith(("_strength", "_share")))
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}", mend="give a share from 0 to 1")
        if self.transition_strength + self.habit_strength + self.repeat_share > 1 + 1e-9:
            raise InputError("transitions, habit and repeats explain more than all events", mend="lower one of them")
        if self.language not in LANGUAGES:
            raise InputError(f"no titles in language {self.language!r}", mend=f"use one of {', '.join(LANGUAGES)}")
        if self.domains not in (1, 2):
            raise InputError(f"domains is {self.domains}", mend="choose 1 or 2")
        most = MOST_TOPICS // self.domains
        if not 2 <= self.topics <= most:
            raise InputError(f"topics is {self.topics}", mend=f"choose from 2 to {most}")
        if self.items < self.topics * self.domains:
            raise InputError("there are fewer items than topics", mend="raise items or lower topics")
        if self.users < 1 or self.events_per_user < 1 or self.days < 2 or not self.half_life_days > 0:
            raise InputError("users, events_per_user, days or half_life_days is too small", mend="raise it")


class Cause(IntEnum):
    """Why a simulated event happened."""

    PREFERENCE = 0
    TRANSITION = 1
    HABIT = 2
    REPEAT = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Truth:
    """What was planted. Items, users and topics by code; topics of a second domain come after those of the first.

    - `topic_names`, `item_topic int32[items]`;
    - `transition float64[topics, topics]`: P[to, from], columns sum to 1; `successor int32[items, topics]`: the item
      that follows an item when a transition leads to a topic (an older one where it has not arrived yet);
    - `before`, `after float64[users, topics]`: preference on either side of the change point; `change_time
      int64[users]` (UTC microseconds, `NEVER` without one), `change_from`, `change_to int32[users]`: the two topics of
      the first domain that trade places (-1 without one);
    - `half_life_days` of the evidence behind habit;
    - `popularity float64[items]`: weight within the topic, in the middle of the log; `trend float64[items]`: how much
      its logarithm gains over the log; `available_from int64[items]`;
    - `counterpart int32[topics of one domain]`: which topic of the second domain goes with each of the first; None
      without shared interests;
    - `cause int8[n]`: the `Cause` of each event, in the order of the log.
    """

    topic_names: tuple[str, ...]
    item_topic: I32
    transition: F64
    successor: I32
    before: F64
    after: F64
    change_time: I64
    change_from: I32
    change_to: I32
    half_life_days: float
    popularity: F64
    trend: F64
    available_from: I64
    counterpart: I32 | None
    cause: I8

    @property
    def membership(self) -> F32:
        """`float32[items, topics]`: 1 where the item belongs to the topic."""
        return np.eye(len(self.topic_names), dtype=np.float32)[self.item_topic]

    def preference(self, user: I32 | I64, at: I64) -> F64:
        """`float64[n, topics]`: the preference of each `user int[n]` at each moment `at int64[n]`; rows sum to 1."""
        changed = (at >= self.change_time[user])[:, None]
        return np.where(changed, self.after[user], self.before[user])


@dataclass(frozen=True, eq=False, kw_only=True)
class Simulation:
    """A simulated log, its catalogue (over the same item vocabulary), and the truth planted in them."""

    config: SimulationConfig
    events: Events
    catalogue: Catalogue
    truth: Truth

    @property
    def dataset(self) -> Dataset:
        """Events and catalogue as a dataset."""
        return Dataset.create(self.events, self.catalogue)


def simulate(config: SimulationConfig, seed: int = 0) -> Simulation:
    """Simulate a log in which everything a model should find is known; the same seed gives the same log.

    Preference draws follow the user's planted preference, so that after a change point the new topic leads:

    >>> s = simulate(SimulationConfig(drift_share=1, events_per_user=60))
    >>> log, truth = s.events, s.truth
    >>> later = log.timestamp >= truth.change_time[log.user]
    >>> at_new_topic = truth.item_topic[log.item] == truth.change_to[log.user]
    >>> bool(at_new_topic[later].mean() > 2 * at_new_topic[~later].mean())
    True
    """
    truth = _plant(config, seed)
    user, timestamp = _moments(config, seed)
    item, cause = _walk(config, truth, user, timestamp, generator(seed, "simulated choices"))
    order = np.lexsort((item, timestamp, user))  # the order Events keeps; what caused an event moves with it
    events = Events(
        users=_ids("user", config.users),
        items=_ids("item", config.items),
        user=user[order],
        item=item[order],
        timestamp=timestamp[order],
    )
    truth = replace(truth, cause=cause[order])
    return Simulation(config=config, events=events, catalogue=_catalogue(config, truth, seed), truth=truth)


def chinese_demo(seed: int = 0) -> Simulation:
    """A small simulated Chinese shop: 240 items, 300 users, four in ten of whom move to another topic at a known date.

    >>> s = chinese_demo()
    >>> first = s.truth.change_time.argmin()
    >>> old, new = s.truth.change_from[first], s.truth.change_to[first]
    >>> s.truth.topic_names[old], s.truth.topic_names[new], s.catalogue.title[0]
    ('旅行', '美食', '双语历史读本 书籍')
    """
    return simulate(
        SimulationConfig(
            users=300,
            items=240,
            events_per_user=40,
            days=730,
            transition_strength=0.2,
            habit_strength=0.1,
            drift_share=0.4,
            new_item_share=0.1,
            language="zh",
        ),
        seed,
    )


def _ids(kind: str, count: int) -> Vocabulary:
    return Vocabulary(tuple(f"{kind}-{code:0{len(str(count - 1))}d}" for code in range(count)))  # sorted by name, too


def _plant(config: SimulationConfig, seed: int) -> Truth:
    """Everything but the events."""
    rng = generator(seed, "simulated truth")
    k, topics = config.topics, config.topics * config.domains
    counterpart = (k + rng.permutation(k)).astype(np.int32) if config.domains > 1 and config.shared_interests else None

    item_topic = rng.permutation(np.arange(config.items) % topics).astype(np.int32)
    members = [np.flatnonzero(item_topic == topic) for topic in range(topics)]
    successor = np.stack([rng.choice(of_topic, config.items) for of_topic in members], axis=1)

    # The first item of every topic is there from the start, so that no topic is ever empty.
    latecomers = rng.permutation(np.setdiff1d(np.arange(config.items), [of_topic[0] for of_topic in members]))
    latecomers = latecomers[: round(config.new_item_share * config.items)]
    starts = _period_starts(config)
    available_from = np.full(config.items, START)
    available_from[latecomers] = rng.choice(starts[1:], len(latecomers))

    before, after, change_time, change_from, change_to = _interests(config, counterpart, rng)
    return Truth(
        topic_names=topic_names(config.language, k, config.domains),
        item_topic=item_topic,
        transition=_transition(k, config.domains, counterpart, rng),
        successor=successor.astype(np.int32),
        half_life_days=config.half_life_days,
        popularity=np.power(1.0 + rng.permutation(config.items), -0.8),
        trend=rng.normal(0.0, 1.0, config.items),
        available_from=available_from,
        counterpart=counterpart,
        cause=np.zeros(0, dtype=np.int8),
        before=before,
        after=after,
        change_time=change_time,
        change_from=change_from,
        change_to=change_to,
    )


def _transition(k: int, domains: int, counterpart: I32 | None, rng: np.random.Generator) -> F64:
    """P[to, from]: stay, go on to one certain topic, or spread; with shared interests a fifth crosses domains."""
    matrix = np.zeros((k * domains, k * domains))
    for first in range(0, k * domains, k):
        cycle = first + rng.permutation(k)
        matrix[first : first + k, first : first + k] = 0.2 / k
        matrix[cycle, cycle] += 0.3
        matrix[np.roll(cycle, -1), cycle] += 0.5
    if counterpart is not None:
        matrix *= 0.8
        matrix[counterpart, np.arange(k)] += 0.2
        matrix[np.arange(k), counterpart] += 0.2
    return matrix


def _interests(
    config: SimulationConfig, counterpart: I32 | None, rng: np.random.Generator
) -> tuple[F64, F64, I64, I32, I32]:
    """Preferences with one leading topic per domain, and change points at which it trades places with another."""
    n, k = config.users, config.topics
    everyone = np.arange(n)
    leading = rng.integers(k, size=n)
    taste = 0.4 * rng.dirichlet(np.full(k, 0.5), size=n)
    taste[everyone, leading] += 0.6
    before = taste
    if config.domains > 1:
        second = rng.permutation(taste)  # somebody else's: nothing in common
        if counterpart is not None:
            second = np.empty_like(taste)
            second[:, counterpart - k] = taste
        weight = rng.uniform(0.2, 0.8, size=(n, 1))
        before = np.concatenate([weight * taste, (1 - weight) * second], axis=1)

    drifting = rng.permutation(n)[: round(config.drift_share * n)]
    old, new = np.full((2, n), -1, dtype=np.int32)
    old[drifting] = leading[drifting]
    new[drifting] = (leading[drifting] + rng.integers(1, k, size=len(drifting))) % k
    after = before.copy()
    for one, other in [(old, new)] if counterpart is None else [(old, new), (counterpart[old], counterpart[new])]:
        after[drifting, one[drifting]] = before[drifting, other[drifting]]
        after[drifting, other[drifting]] = before[drifting, one[drifting]]
    moment = np.full(n, NEVER)
    # Users begin in the first half of the log, so that everybody is there on both sides of the change.
    moment[drifting] = START + (rng.uniform(0.5, 0.75, len(drifting)) * config.days * 86_400).astype(np.int64) * SECOND
    return before, after, moment, old, new


def _moments(config: SimulationConfig, seed: int) -> tuple[I32, I64]:
    """User and timestamp of every event, sorted: each user is active from some day of the first half to the end."""
    rng = generator(seed, "simulated moments")
    count = rng.geometric(1 / config.events_per_user, size=config.users)
    user = np.repeat(np.arange(config.users, dtype=np.int32), count)
    begin = rng.uniform(0, 0.5, size=config.users)[user]
    share = begin + (1 - begin) * rng.random(len(user))
    second = (share * config.days * 86_400).astype(np.int64)
    second = second[np.lexsort((second, user))]
    tied = (rng.random(len(user)) < config.tie_share) & np.append(False, user[1:] == user[:-1])
    second = second[np.maximum.accumulate(np.where(tied, 0, np.arange(len(user))))]
    timestamp = START + second * SECOND
    return user, timestamp - (timestamp - START) % DAY if config.whole_days else timestamp


def _period_starts(config: SimulationConfig) -> I64:
    periods = min(config.days, _PERIODS)
    return START + np.arange(periods, dtype=np.int64) * config.days // periods * DAY


class _Shelf:
    """Draws an item of a topic by its popularity in a period, among those that have arrived."""

    def __init__(self, truth: Truth, starts: I64) -> None:
        self.order = np.argsort(truth.item_topic, kind="stable")
        self.first = np.searchsorted(truth.item_topic[self.order], np.arange(len(truth.topic_names) + 1))
        progress = np.arange(len(starts))[:, None] / len(starts) - 0.5
        weight = truth.popularity * np.exp(truth.trend * progress) * (truth.available_from <= starts[:, None])
        self.cumulative = np.concatenate(([0.0], np.cumsum(weight[:, self.order])))

    def draw(self, period: I64, topic: I64, uniform: F64) -> I64:
        shift = period * len(self.order)
        low, high = self.cumulative[shift + self.first[topic]], self.cumulative[shift + self.first[topic + 1]]
        point = np.minimum(low + uniform * (high - low), np.nextafter(high, 0))
        chosen: I64 = self.order[np.searchsorted(self.cumulative, point, side="right") - 1 - shift]
        return chosen


def _walk(
    config: SimulationConfig, truth: Truth, user: I32, timestamp: I64, rng: np.random.Generator
) -> tuple[I32, I8]:
    """Item and cause of every event: all users take their first event, then their second, and so on."""
    starts = _period_starts(config)
    shelf, period = _Shelf(truth, starts), np.searchsorted(starts, timestamp, side="right") - 1
    item, cause = np.zeros(len(user), dtype=np.int32), np.zeros(len(user), dtype=np.int8)
    count = np.bincount(user, minlength=config.users)
    first = np.cumsum(count) - count
    longest_first = np.argsort(-count, kind="stable")
    active = config.users - np.cumsum(np.bincount(count))
    habit = np.zeros_like(truth.before)
    shares = np.array([config.transition_strength, config.habit_strength, config.repeat_share])
    limits = np.cumsum(np.append(1 - shares.sum(), shares[:2]))

    for step in range(count.max()):
        who = longest_first[: active[step]]
        row = first[who] + step
        uniform = rng.random((4, len(who)))
        weight = truth.preference(who, timestamp[row])
        why = np.zeros(len(who), dtype=np.int64)
        if step:
            why = np.searchsorted(limits, uniform[0], side="right")
            last = item[row - 1]
            fading = np.exp2((timestamp[row - 1] - timestamp[row]) / (config.half_life_days * DAY))
            habit[who] *= np.maximum(fading, 1e-300)[:, None]  # the last topic always leaves a trace to draw from
            by_habit, by_transition = why == Cause.HABIT, why == Cause.TRANSITION
            weight[by_habit] = habit[who[by_habit]]
            weight[by_transition] = truth.transition.T[truth.item_topic[last[by_transition]]]
        cumulative = np.cumsum(weight, axis=1)
        topic = (cumulative <= uniform[1, :, None] * cumulative[:, -1:]).sum(axis=1)
        chosen = shelf.draw(period[row], topic, uniform[2])
        if step:
            follower = truth.successor[last, topic]
            chosen = np.where(by_transition & (truth.available_from[follower] <= timestamp[row]), follower, chosen)
            earlier = item[first[who] + (uniform[3] * step).astype(np.int64)]
            chosen = np.where(why == Cause.REPEAT, earlier, chosen)
        item[row], cause[row] = chosen, why
        habit[who, truth.item_topic[chosen]] += 1
    return item, cause


def _catalogue(config: SimulationConfig, truth: Truth, seed: int) -> Catalogue:
    rng = generator(seed, "simulated titles")
    domains = domain_names(config.language, config.domains)
    return Catalogue.create(
        item_ids=_ids("item", config.items),
        title=titles(config.language, truth.topic_names, truth.item_topic, rng),
        categories=[(truth.topic_names[topic],) for topic in truth.item_topic],
        domain=[domains[topic // config.topics] for topic in truth.item_topic],
        available_from=truth.available_from,
    )
