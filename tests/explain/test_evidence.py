"""Evidence: exact parts of a score, traced to the events it rests on."""

from dataclasses import replace

import numpy as np
import pytest

from evorec.core.types import Queries, Remarks
from evorec.explain.evidence import explain
from evorec.models.words import steer


def query_of(engine, user):
    return engine.log.queries([user], np.array([engine.now]))


@pytest.fixture(scope="module")
def asked(engine):
    """A user with a long history, and the best items for them."""
    sizes = np.diff(engine.log.queries(ids := engine.log.user_ids(), np.full(len(ids), engine.now)).offsets)
    user = ids[int(sizes.argmax())]
    return user, engine.recommend([user]).item[0].tolist()


def test_parts_are_what_each_scorer_adds(engine, asked):
    blend, items, query = engine.model.blend, engine.model.items, query_of(engine, asked[0])
    weights = blend.member_weights(query, items)
    for row in asked[1]:
        added = {}
        for j, scorer in enumerate(blend.scorers):
            evidence, known = scorer.score(query, items)
            part = float(blend.contribution(j, evidence, known, weights[:, j])[0, row])
            added[scorer.name] = part if known[0, row] else 0.0
        assert sum(added.values()) == pytest.approx(float(blend.score(query, items)[0][0, row]), abs=1e-4)
        found = explain(blend, query, items, row)
        spoken = sum(added[evidence.scorer] for evidence in found)
        for evidence in found:
            assert evidence.share == pytest.approx(added[evidence.scorer] / spoken, abs=1e-4)
        assert sum(evidence.share for evidence in found) == pytest.approx(1)
        assert {name for name, part in added.items() if part > 0.02 * spoken} <= {e.scorer for e in found}


def test_events_come_from_the_history_strongest_first(engine, asked):
    query = query_of(engine, asked[0])
    held = set(zip(query.item.tolist(), query.timestamp.tolist(), strict=True))
    for evidence in explain(engine.model.blend, query, engine.model.items, asked[1][0], most_events=500):
        shares = [event.share for event in evidence.events]
        assert shares == sorted(shares, reverse=True)
        assert {(event.item, event.timestamp) for event in evidence.events} <= held
        if evidence.events:
            assert sum(shares) == pytest.approx(1)


def test_it_is_faithful(engine, asked):
    """Without the event named first, the scorer's evidence falls further than without the one named last."""
    items, query = engine.model.items, query_of(engine, asked[0])
    for evidence in explain(engine.model.blend, query, items, asked[1][0], most_events=500):
        if len(evidence.events) < 3:
            continue
        scorer = next(s for s in engine.model.blend.scorers if s.name == evidence.scorer)

        def without(event, scorer=scorer):
            keep = ~((query.item == event.item) & (query.timestamp == event.timestamp))
            rest = Queries(
                offsets=np.array([0, keep.sum()]),
                item=query.item[keep],
                timestamp=query.timestamp[keep],
                as_of=query.as_of,
            )
            return scorer.score(rest, items)[0][0, asked[1][0]]

        assert without(evidence.events[0]) <= without(evidence.events[-1]) + 1e-6


def test_most_events_bounds_the_list(engine, asked):
    for evidence in explain(
        engine.model.blend, query_of(engine, asked[0]), engine.model.items, asked[1][0], most_events=1
    ):
        assert len(evidence.events) <= 1


class TestWords:
    @pytest.fixture
    def spoken(self, engine, asked):
        """The query of `asked` and of somebody cold, with words for one topic said just now."""
        items = engine.model.items
        row = int(items.topics[:, 1].argmax())
        found = []
        for user in (asked[0], "newcomer"):
            query = query_of(engine, user)
            said = Remarks(
                offsets=np.array([0, 1]),
                embedding=items.embedding[row : row + 1],
                topics=items.topics[row : row + 1],
                weight=np.ones(1, dtype=np.float32),
                timestamp=query.as_of,
            )
            found.append(replace(query, as_of=query.as_of + 1, remarks=said))
        return row, found

    def test_their_part_is_what_the_score_loses_without_them(self, engine, spoken):
        blend, items = engine.model.blend, engine.model.items
        row, queries = spoken
        for query in queries:
            told = blend.score(query, items)[0]
            untold = blend.score(replace(query, remarks=None), items)[0]
            lost = float((told + steer(told, query, items) - untold)[0, row])
            plain = {e.scorer: e.share for e in explain(blend, replace(query, remarks=None), items, row)}
            found = {e.scorer: e for e in explain(blend, query, items, row, said=("tents",))}
            words = found.pop("words")
            assert words.words == ("tents",)
            weights = blend.member_weights(query, items)
            spoken = lost
            for j, scorer in enumerate(blend.scorers):
                evidence, known = scorer.score(replace(query, remarks=None), items)
                part = float(blend.contribution(j, evidence, known, weights[:, j])[0, row]) * known[0, row]
                spoken += part if scorer.name in found else 0
            assert words.share == pytest.approx(lost / spoken, abs=1e-4)
            assert found.keys() <= plain.keys()  # beside words, some others come to less than 1%
            for name, evidence in found.items():  # the rest keep their proportions
                first = next(iter(found))
                assert evidence.share / found[first].share == pytest.approx(plain[name] / plain[first], abs=1e-4)

    def test_unknown_texts_are_still_words(self, engine, spoken):
        row, queries = spoken
        (words,) = (e for e in explain(engine.model.blend, queries[1], engine.model.items, row) if e.scorer == "words")
        assert words.words == words.events == ()
