"""Injected switches: spliced histories, the same users shuffled, and an oracle that knows both users' topics."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import sets  # sets the number of threads, so it comes before numpy

# isort: split
import numpy as np
from scipy.optimize import linear_sum_assignment

from evorec.core.types import DAY, Events
from evorec.interests.drift import Spread, log_membership
from evorec.interests.online import shuffled_groups
from evorec.interests.topics import topics_from_categories, topics_from_embeddings
from evorec.models.evolution import behaviour_vectors

HORIZONS = (5, 10, 20)
MOST = 800  # sequences of a kind
LEADING = 32  # dimensions of behaviour, and of the embedding beside it: the leading ones
NEAR = 180 * DAY  # between the end of one history and the start of another: the same time
LATEST = 200  # events of a user that models are fitted on: long histories would outweigh the others
# Users with at least so many events; as many on either side of the switch.
LENGTH = {"ml-1m": 60, "ifdb-2026": 20, "amazon-food-kitchen": 20}


@dataclass(frozen=True, eq=False, kw_only=True)
class Data:
    """Events of all users, ragged; `membership [n, topics]` and `content [n, d]` of each, `item [n]`."""

    offsets: np.ndarray
    timestamps: np.ndarray
    item: np.ndarray
    membership: np.ndarray
    content: np.ndarray

    def rows(self, user: int) -> np.ndarray:
        return np.arange(self.offsets[user], self.offsets[user + 1])

    def of(self, users: np.ndarray) -> "Data":
        own = [self.rows(u)[-LATEST:] for u in users]
        rows, offsets = np.concatenate(own), np.append(0, np.cumsum([len(r) for r in own]))
        return Data(
            offsets=offsets,
            timestamps=self.timestamps[rows],
            item=self.item[rows],
            membership=self.membership[rows],
            content=self.content[rows],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Sequence:
    """Events `rows` that happen at `steps` (tie groups); `before` of them are `user`'s, the rest `other`'s."""

    rows: np.ndarray
    steps: np.ndarray
    before: int
    user: int
    other: int

    @property
    def ends(self) -> np.ndarray:
        """How many events have happened by the end of each step."""
        return np.cumsum(np.bincount(self.steps))


def load(name: str) -> tuple[Data, Events]:
    """With embeddings as content; and the log, whose users are numbered alike."""
    dataset = sets.read(name)
    events = sets.histories(dataset)
    embedding = sets.embed(dataset)
    if name == "ml-1m":
        topics = topics_from_categories(dataset.catalogue.categories, dataset.item_counts)
    else:
        topics = topics_from_embeddings(embedding, dataset.item_counts, sets.texts(dataset), seed=0)
    data = Data(
        offsets=events.offsets,
        timestamps=events.timestamp,
        item=events.item,
        membership=topics.membership[events.item].astype(np.float64),
        content=embedding[events.item],
    )
    return data, dataset.events


def with_behaviour(data: Data, events: Events, users: np.ndarray) -> Data:
    """Content: what `users` did with the items, beside the embedding. A spread must be fitted on other users."""
    theirs = events.select(np.isin(events.user, users))
    behaviour = behaviour_vectors(theirs, LEADING, seed=0)[data.item]
    return replace(data, content=np.hstack([behaviour, data.content[:, :LEADING]]))


def whole_groups(timestamps: np.ndarray, most: int, *, latest: bool) -> np.ndarray:
    """Rows of the first, or latest, whole tie groups that hold at most `most` events."""
    ends = np.flatnonzero(np.append(np.diff(timestamps) > 0, True)) + 1
    if latest:
        first = np.append(0, ends)
        return np.arange(first[np.searchsorted(first, len(timestamps) - most)], len(timestamps))
    within = ends[ends <= most]
    return np.arange(within[-1] if len(within) else 0)


def sequences(data: Data, users: np.ndarray, length: int, rng: np.random.Generator) -> dict[str, list[Sequence]]:
    """Spliced pairs; and the same users' own latest events, in their order (`ordered`) and shuffled (`shuffled`)."""
    spliced, ordered, shuffled = [], [], []
    for user, other in zip(users, np.roll(rng.permutation(users), 1), strict=True):
        if user != other and min(len(side(data, u, length, k)) for u, k in ((user, 0), (other, 1))) >= 0.8 * length:
            spliced.append(splice(data, user, other, length))
        mine = data.rows(user)
        own = mine[whole_groups(data.timestamps[mine], 2 * length, latest=True)]
        if len(own) >= 1.8 * length:
            kind = {"before": len(own), "user": user, "other": other}
            order, steps = shuffled_groups(data.timestamps[own], rng)
            shuffled.append(Sequence(rows=own[order], steps=steps, **kind))
            ordered.append(Sequence(rows=own, steps=numbered(data.timestamps[own]), **kind))
    return {"spliced": spliced[:MOST], "ordered": ordered[:MOST], "shuffled": shuffled[:MOST]}


def side(data: Data, user: int, length: int, place: int) -> np.ndarray:
    """The events of a user that come before a switch (`place` 0: the latest), or after it (1: the first)."""
    rows = data.rows(user)
    return rows[whole_groups(data.timestamps[rows], length, latest=place == 0)]


def splice(data: Data, user: int, other: int, length: int) -> Sequence:
    old, new = side(data, user, length, 0), side(data, other, length, 1)
    # The gaps of the other's events are kept; only the order of steps is read by what is compared here.
    steps = np.append(numbered(data.timestamps[old]), 0 * new)
    steps[len(old) :] = steps[len(old) - 1] + 1 + numbered(data.timestamps[new])
    return Sequence(rows=np.append(old, new), steps=steps, before=len(old), user=user, other=other)


def same_time(data: Data, users: np.ndarray, length: int, rng: np.random.Generator) -> dict[str, list[Sequence]]:
    """Splices of a user and one who starts as the first ends (`near`), and the same users paired at random (`any`).

    Items come and go: a splice of two times could be told by the time alone.
    """
    fit = [u for u in users if min(len(side(data, u, length, place)) for place in (0, 1)) >= 0.8 * length]
    end = np.array([data.timestamps[side(data, u, length, 0)[-1]] for u in fit])
    start = np.array([data.timestamps[side(data, u, length, 1)[0]] for u in fit])
    apart = np.minimum(np.abs(start - end[:, None]) / NEAR, 3.0)
    np.fill_diagonal(apart, 1e6)
    old, new = linear_sum_assignment(apart)
    near = rng.permutation(np.flatnonzero(apart[old, new] <= 1))[:MOST]
    old, new = old[near], new[near]
    pairs = {"near": zip(old, new, strict=True), "any": zip(rng.permutation(old), new, strict=True)}
    return {k: [splice(data, fit[a], fit[b], length) for a, b in some if a != b] for k, some in pairs.items()}


def numbered(timestamps: np.ndarray) -> np.ndarray:
    return np.cumsum(np.diff(timestamps, prepend=timestamps[:1]) > 0)


# ---- the ceiling: who knows both users' topics and the moment


def windows(sequence: Sequence, horizon: int) -> np.ndarray:
    """First and last event (excluded) of the whole steps within `horizon` events, from every step but the first."""
    ends = sequence.ends
    last = ends[np.maximum(np.searchsorted(ends, ends[:-1] + horizon, side="right") - 1, 0)]
    return np.column_stack([ends[:-1], last])[last > ends[:-1]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Oracle:
    """Log-likelihood ratio of the judged events under the other's interests against the user's own.

    What it knows of a user are all events but the judged ones: shares that hold the judged events would be the answer.
    `features [n, d]` add up; `known(sums, count)` scores `judged, n` under a user with these sums.
    """

    features: np.ndarray
    score: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

    def ratios(self, data: Data, sequence: Sequence, spans: np.ndarray, *, switched: bool) -> np.ndarray:
        total = np.vstack([np.zeros(self.features.shape[1]), np.cumsum(self.features[sequence.rows], axis=0)])
        judged, n = total[spans[:, 1]] - total[spans[:, 0]], spans[:, 1] - spans[:, 0]
        scores = []
        for user, holds_judged in ((sequence.other, switched), (sequence.user, not switched)):
            rows = data.rows(user)
            sums, count = self.features[rows].sum(axis=0), len(rows)
            scores.append(self.score(judged, n, sums - holds_judged * judged, count - holds_judged * n))
        return scores[0] - scores[1]


def oracles(data: Data, train: Data) -> dict[str, Oracle]:
    """Two likelihoods of topics: counts given shares, and the two-covariance model of memberships."""
    population = train.membership.mean(axis=0) + 1e-9
    prior = 5 * population / population.sum()
    spread = Spread.fit(train.offsets, log_membership(train.membership))

    def shares(judged: np.ndarray, n: np.ndarray, sums: np.ndarray, count: np.ndarray) -> np.ndarray:
        known = np.maximum(sums, 0) + prior
        return (judged * np.log(known / known.sum(axis=-1, keepdims=True))).sum(axis=-1)

    return {
        "shares": Oracle(features=data.membership, score=shares),
        "means": mean_oracle(spread, log_membership(data.membership)),
    }


def mean_oracle(spread: Spread, content: np.ndarray) -> Oracle:
    def means(judged: np.ndarray, n: np.ndarray, sums: np.ndarray, count: np.ndarray) -> np.ndarray:
        return spread.evidence(judged + sums, n + count) - spread.evidence(sums, count)

    return Oracle(features=spread.project(content), score=means)


def oracle_finds(oracle: Oracle, data: Data, parts: dict, horizon: int, *, one_test: bool) -> np.ndarray:
    """`bool[spliced]` of the held-out part; the threshold is the train part's.

    The moment is known in a spliced sequence. In an unspliced one there is none: `one_test` judges the middle alone;
    otherwise no moment of the sequence may raise an alarm, which is what a detector has to keep as well.
    """
    null = []
    for sequence in parts["train"]["shuffled"]:
        spans = windows(sequence, horizon)
        if not len(spans):
            continue
        if one_test:
            spans = spans[[np.argmin(np.abs(spans[:, 0] - len(sequence.rows) // 2))]]
        null.append(oracle.ratios(data, sequence, spans, switched=False).max())
    threshold = np.quantile(null, 0.95)
    found = []
    for sequence in parts["test"]["spliced"]:
        spans = windows(sequence, horizon)
        spans = spans[spans[:, 0] == sequence.before]
        found.append(len(spans) > 0 and oracle.ratios(data, sequence, spans, switched=True)[0] > threshold)
    return np.array(found)
