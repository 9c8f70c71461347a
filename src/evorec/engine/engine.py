"""The engine: one model and the histories of its users, answering requests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import F32, I64, Bool, Queries
from evorec.encoders.base import Progress
from evorec.engine.interests import InterestView, Watcher, view_interests
from evorec.engine.model import Model
from evorec.engine.population import PopulationView, view_population
from evorec.engine.request import Request
from evorec.engine.results import Recommendations
from evorec.explain.evidence import Evidence, explain
from evorec.models.words import ranking
from evorec.retrieval.diversity import diversify
from evorec.retrieval.exact import top_k
from evorec.store.base import EventLog
from evorec.store.remarks import RemarkLog

_CHUNK = 64  # queries scored at once: memory stays at a few rows per item
_DIVERSITY_POOL = 10  # a diverse list is chosen from the best k times so many


class Engine:
    """A trained model with the event log of its users. `evorec.train` and `evorec.load` build it.

    `as_of` may be given everywhere (UTC microseconds); None means just after the newest event the engine knows. Only
    events before `as_of` are read.
    """

    def __init__(self, model: Model, log: EventLog, remarks: RemarkLog | None = None) -> None:
        self.model = model
        self.log = log
        self.remarks = RemarkLog() if remarks is None else remarks

    @property
    def now(self) -> int:
        """The default `as_of`: one microsecond after the newest known event."""
        said = self.remarks.newest
        return max(self.log.newest, self.model.trained_until, self.model.trained_until if said is None else said) + 1

    def queries(self, user_ids: Sequence[str], *, as_of: int | I64 | None = None) -> Queries:
        """What each user had touched and said before `as_of`."""
        moments = self._moments(as_of, len(user_ids))
        items = self.model.items
        remarks = self.remarks.of(user_ids, moments, items.embedding, items.topics)
        return replace(self.log.queries(user_ids, moments), remarks=remarks)

    def recommend(
        self, user_ids: Sequence[str], request: Request | None = None, *, as_of: int | I64 | None = None
    ) -> Recommendations:
        """Ranked lists for users of the log; users without a history follow `request.unknown`."""
        return self.recommend_for(self.queries(user_ids, as_of=as_of), tuple(user_ids), request)

    def recommend_for(
        self, queries: Queries, user_ids: tuple[str, ...], request: Request | None = None
    ) -> Recommendations:
        """Ranked lists for any histories, also of people the model never saw."""
        request = request or Request()
        empty = np.diff(queries.offsets) == 0
        if queries.remarks is not None:
            empty &= np.diff(queries.remarks.offsets) == 0
        if request.unknown == "error" and empty.any():
            first = user_ids[int(np.flatnonzero(empty)[0])]
            raise InputError(
                f"user {first!r} has no history ({int(empty.sum())} such users)",
                mend="check the id, give a history, or use unknown='fallback'",
            )
        shape = (len(queries), min(request.k, len(self.model.items)))  # no list is longer than the catalogue
        item = np.full(shape, -1, dtype=np.int64)
        score = np.full(shape, np.nan, dtype=np.float32)
        offered = self._offered(request)
        for start in range(0, len(queries), _CHUNK):
            part = queries.slice(start, start + _CHUNK)
            item[start : start + _CHUNK], score[start : start + _CHUNK] = self._rank(part, offered, request)
        if request.unknown == "skip":
            item[empty], score[empty] = -1, np.nan
        return Recommendations(
            user_ids=user_ids,
            items=self.model.items.ids,
            item=item,
            score=score,
            fallback=empty,
            hindsight=queries.as_of <= self.model.trained_until,
            trained_until=self.model.trained_until,
        )

    def recommend_everyone(
        self, request: Request | None = None, *, as_of: int | None = None
    ) -> Iterator[Recommendations]:
        """Lists for every user of the log, in batches."""
        ids = self.log.user_ids()
        for start in range(0, len(ids), 16 * _CHUNK):
            yield self.recommend(ids[start : start + 16 * _CHUNK], request, as_of=as_of)

    def queries_from(self, histories: Sequence[Sequence[tuple[str, int]]], *, as_of: int | None = None) -> Queries:
        """Queries of people outside the log, from `(item_id, timestamp)` pairs; unknown items are left out."""
        moment = self.now if as_of is None else as_of
        offsets, items, times = [0], [], []
        for history in histories:
            coded = [(t, self.model.items.ids.code(i)) for i, t in history if t < moment]
            known = sorted({(t, row) for t, row in coded if row >= 0})
            items += [row for _, row in known]
            times += [t for t, _ in known]
            offsets.append(len(items))
        return Queries(
            offsets=np.asarray(offsets, dtype=np.int64),
            item=np.asarray(items, dtype=np.int32),
            timestamp=np.asarray(times, dtype=np.int64),
            as_of=np.full(len(histories), moment, dtype=np.int64),
        )

    def observe(
        self, user_id: str, item_id: str, timestamp: int, *, action: str = "", value: float | None = None
    ) -> bool:
        """Take in one event; the next answer reads it. False where this user, item and time are already known.

        `action` and `value` weigh it, as the model's `Feedback` says; one that speaks against the item (a cancel, a
        skip) moves the interests away from it. Observing events one by one, in any order, gives the same answers as an
        engine that had them all along.
        """
        row = self.model.items.ids.code(item_id)
        if row < 0:
            raise InputError(f"item {item_id!r} is not in the catalogue", mend="add it first with add_items")
        weight = self.model.feedback.weight(action, value)
        if weight <= 0:
            return self.remarks.take_back(user_id, timestamp, row, weight)
        is_new = self.log.append(user_id, row, timestamp, weight)
        if is_new and timestamp < self.model.items.first_seen[row]:
            self.model = self.model.touched(row, timestamp)
        return is_new

    def observe_words(self, user_id: str, text: str, timestamp: int, *, weight: float = 1.0) -> bool:
        """Take in words of a user: a query, a review, a comment, a declared interest. They move interests and lists.

        The words are read by the encoder that read the items; False where they are already known, or where they have
        nothing to do with the catalogue: then they change nothing.
        """
        return self.observe_all_words([(user_id, timestamp, text)], weight=weight) > 0

    def observe_all_words(
        self, said: Sequence[tuple[str, int, str]], *, weight: float = 1.0, progress: Progress | None = None
    ) -> int:
        """Take in the words of many users, `(user_id, timestamp, text)` each; returns how many were new.

        Text is read once, all of it in one go: for many remarks that is far faster than one by one.
        """
        if not np.isfinite(weight):
            raise InputError(f"words cannot weigh {weight}", mend="give a finite number")
        new = sorted({text for _, _, text in said if text.strip() and not self.remarks.knows(text)})
        read = zip(new, self.model.read_words(new, progress=progress), strict=True) if new else ()
        vectors = {text: told for text, told in read if told[0].any() or told[1].any()}
        readable = [s for s in said if s[2] in vectors or self.remarks.knows(s[2])]
        return sum(self.remarks.say(user, at, text, vectors.get(text), weight) for user, at, text in readable)

    def add_items(self, catalogue: Catalogue, *, available_from: int | None = None) -> int:
        """Append new items; they are recommended by content at once. Returns how many were new.

        `available_from` counts for items whose own is open; None means just before now.
        """
        self.model, added = self.model.with_items(catalogue, self.now - 1 if available_from is None else available_from)
        return added

    def rename_topics(self, names: Mapping[str, str]) -> None:
        """Call clustered topics otherwise: old to new. Given categories keep their names."""
        self.model = replace(self.model, topics=self.model.topics.renamed(names))

    def similar_items(self, item_id: str, k: int = 10) -> list[tuple[str, float]]:
        """The `k` items nearest in content, with their cosine."""
        items = self.model.items
        row = items.ids.code(item_id)
        if k < 1:
            raise InputError(f"k is {k}", mend="ask for at least one item")
        if row < 0:
            raise InputError(f"item {item_id!r} is not in the catalogue", mend="check the id")
        if not items.embedding[row].any():
            raise InputError(f"item {item_id!r} has no content to compare", mend="give it a title or a text")
        cosine: F32 = items.embedding @ items.embedding[row]
        cosine[~items.embedding.any(axis=1)] = -np.inf
        cosine[row] = -np.inf
        best = [int(r) for r in top_k(cosine[None, :], k)[0] if r >= 0]
        return [(items.ids.ids[r], float(cosine[r])) for r in best]

    def explain(self, user_id: str, item_id: str, *, as_of: int | None = None) -> tuple[Evidence, ...]:
        """Why `item_id` suits `user_id`: evidence by scorer and event, strongest first."""
        query = self.queries([user_id], as_of=as_of)
        return self.explain_for(query, item_id, said=self.remarks.texts(user_id, int(query.as_of[0])))

    def explain_for(self, query: Queries, item_id: str, *, said: Sequence[str] = ()) -> tuple[Evidence, ...]:
        """Why `item_id` suits the one user of `query`, also somebody the model never saw.

        `said` are the texts of the remarks in `query`, in their order.
        """
        row = self.model.items.ids.code(item_id)
        if row < 0:
            raise InputError(f"item {item_id!r} is not in the catalogue", mend="check the id")
        return explain(self.model.blend, query, self.model.items, row, said=said)

    def interests(self, user_id: str, *, as_of: int | None = None, points: int = 120) -> InterestView:
        """What a user is interested in at `as_of`, how that came about, and what comes next."""
        moment = self.now if as_of is None else as_of
        query = self.queries([user_id], as_of=moment)
        if not len(query.item) and query.remarks is None:
            raise InputError(f"user {user_id!r} has no events before this moment", mend="check the id and as_of")
        if not self.model.topics.names:
            raise InputError(
                "this model has no topics", mend="train with a catalogue that has categories, titles or texts"
            )
        model = self.model
        return view_interests(query, model.items, model.catalogue, model.topics, model.interests, points=points)

    def population(self, *, as_of: int | None = None, periods: int = 12) -> PopulationView:
        """What everybody is interested in over `periods`: what rises and falls, what leads to what, who drifted."""
        moment = self.now if as_of is None else as_of
        everybody = self.log.user_ids()
        counts = np.diff(self.queries(everybody, as_of=moment).offsets)
        held = [user for user, count in zip(everybody, counts, strict=True) if count]
        if not held:
            raise InputError("nobody has events before this moment", mend="ask for a later one with as_of")
        queries = self.queries(held, as_of=moment)
        return view_population(queries, self.model.items, self.model.topics, self.model.interests, periods=periods)

    def watch(self, user_id: str) -> Watcher:
        """A watcher that has seen the user's log so far, and raises an alarm when interests turn."""
        detector = self.model.interests.detector
        if detector is None:
            raise InputError("this model cannot watch for drift", mend="train on a log where more users have 10 events")
        return Watcher(detector, self.model.interests, self.model.items, self.queries([user_id]))

    def save(self, folder: Path | str) -> None:
        """Write `model/` and `users/` into `folder`; both are replaced together, once both are complete."""
        self.model.save(Path(folder), self.log, self.remarks)

    def _moments(self, as_of: int | I64 | None, count: int) -> I64:
        return np.broadcast_to(np.asarray(self.now if as_of is None else as_of, dtype=np.int64), (count,)).copy()

    def _offered(self, request: Request) -> Bool:
        """`bool[items]`: what the request's filters leave, availability in time aside."""
        model, ids = self.model, self.model.items.ids
        offered = np.ones(len(ids), dtype=np.bool_)
        if request.candidates is not None:
            named = [row for row in ids.encode(request.candidates) if row >= 0]
            if request.candidates and not named:
                raise InputError("none of the candidates is in the catalogue", mend="check the ids, or add_items first")
            offered[:] = False
            offered[named] = True
        offered[[row for row in ids.encode(request.exclude) if row >= 0]] = False
        if request.domain is not None:
            if request.domain not in model.catalogue.domain:
                known = ", ".join(sorted({*model.catalogue.domain} - {""}))
                raise InputError(
                    f"no item has the domain {request.domain!r}",
                    mend=f"use one of {known}" if known else "this catalogue has no domains: leave it out",
                )
            offered &= np.asarray([d == request.domain for d in model.catalogue.domain], dtype=np.bool_)
        if request.category is not None:
            held = np.asarray([request.category in c for c in model.catalogue.categories], dtype=np.bool_)
            if not held.any():
                raise InputError(
                    f"no item has the category {request.category!r}", mend="spell it as the catalogue does"
                )
            offered &= held
        return offered

    def _rank(self, queries: Queries, offered: Bool, request: Request) -> tuple[I64, F32]:
        items = self.model.items
        k = min(request.k, len(items))
        score = ranking(self.model.blend, queries, items)
        moments, asked_at = np.unique(queries.as_of, return_inverse=True)
        for number, moment in enumerate(moments):
            on_offer = (items.first_seen < moment) & (moment < self.model.catalogue.available_until) & offered
            closed = np.flatnonzero(~on_offer)
            if len(closed):
                score[np.ix_(np.flatnonzero(asked_at == number), closed)] = -np.inf
        if not request.repeats:
            score[queries.owner, queries.item] = -np.inf
        if not request.diversity:
            best = top_k(score, k)
        else:
            pool = top_k(score, min(k * _DIVERSITY_POOL, len(items)))
            best = np.full((len(queries), k), -1, dtype=np.int64)
            for q, rows in enumerate(pool):
                held = rows[rows >= 0]
                chosen = diversify(score[q, held].astype(np.float64), items.embedding[held], k, request.diversity)
                best[q, : len(chosen)] = held[chosen]
        found = np.take_along_axis(score, np.maximum(best, 0), axis=1)
        return best, np.where(best >= 0, found, np.float32(np.nan))


def iso_time(timestamp: int) -> str:
    """A moment for people, UTC.

    >>> iso_time(0)
    '1970-01-01 00:00:00'
    """
    return datetime.fromtimestamp(timestamp / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
