"""Events, Queries and Catalogue: valid from birth, and blind to the order in which rows came."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.catalogue import Catalogue, Users
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import ALWAYS, NEVER, Events, Queries, Remarks, tie_groups

NAMES = "abcd"
ROWS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["", "x", "y", "z", "茶"]),
        st.integers(0, 5),
        st.sampled_from(["view", "buy"]),
    ),
    max_size=25,
    unique_by=lambda row: row[:3],
)


def log_of(rows):
    user_ids, item_ids, timestamps, actions = zip(*rows, strict=True) if rows else ((), (), (), ())
    values = [len(a) + t for a, t in zip(actions, timestamps, strict=True)]
    texts = [u + i + str(t) for u, i, t in zip(user_ids, item_ids, timestamps, strict=True)]
    return Events.create(
        user_ids=user_ids, item_ids=item_ids, timestamps=timestamps, actions=actions, values=values, texts=texts
    )


def rows_of(events):
    """The rows of a log as plain values, sorted."""
    item = [events.items.ids[i] if i >= 0 else "" for i in events.item]
    action = [""] * len(events) if events.action is None else [events.actions[a] for a in events.action]
    rows = zip(events.users.decode(events.user), item, events.timestamp.tolist(), action, events.text, strict=True)
    return sorted(rows)


def rows_with_actions(events):
    """Code of the item, and action, of each event in the log's own order."""
    action = [""] * len(events) if events.action is None else [events.actions[a] for a in events.action]
    return list(zip(events.item.tolist(), action, strict=True))


def same_log(one, other):
    return (
        one.users == other.users
        and one.items == other.items
        and all(
            np.array_equal(getattr(one, name), getattr(other, name))
            for name in ("user", "item", "timestamp", "action", "value", "text")
        )
    )


def queries_of(histories, as_of=100):
    """Queries from lists of timestamps; items are numbered through."""
    sizes = [len(h) for h in histories]
    return Queries(
        offsets=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        item=np.arange(sum(sizes), dtype=np.int32),
        timestamp=np.asarray([t for h in histories for t in h], dtype=np.int64),
        as_of=np.full(len(histories), as_of, dtype=np.int64),
    )


def weighed(histories, said, as_of=100):
    """Queries whose events weigh their row number, with remarks at the moments in `said`, one list a query."""
    sizes = [len(h) for h in said]
    total = sum(sizes)
    remarks = Remarks(
        offsets=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        embedding=np.arange(2 * total, dtype=np.float32).reshape(-1, 2),
        topics=np.arange(3 * total, dtype=np.float32).reshape(-1, 3),
        weight=-np.arange(total, dtype=np.float32),
        timestamp=np.asarray([t for h in said for t in h], dtype=np.int64),
    )
    plain = queries_of(histories, as_of)
    return replace(plain, weight=np.arange(len(plain.item), dtype=np.float32), remarks=remarks)


HISTORIES = st.lists(st.lists(st.integers(0, 6), max_size=12).map(sorted), max_size=5)
BESIDE = st.lists(
    st.tuples(*[st.lists(st.integers(0, 6), max_size=5).map(sorted)] * 2), max_size=5
)  # events and remarks of each query


class TestEvents:
    @given(ROWS, st.randoms(use_true_random=False))
    def test_the_order_of_input_never_matters(self, rows, random):
        shuffled = list(rows)
        random.shuffle(shuffled)
        assert same_log(log_of(rows), log_of(shuffled))

    @given(ROWS)
    def test_every_row_is_kept_with_its_own_columns(self, rows):
        log = log_of(rows)
        assert rows_of(log) == sorted((u, i, t, a, u + i + str(t)) for u, i, t, a in rows)
        if rows:
            value = {(u, i, t): len(a) + t for u, i, t, a in rows}
            item = [log.items.ids[i] if i >= 0 else "" for i in log.item]
            keys = zip(log.users.decode(log.user), item, log.timestamp.tolist(), strict=True)
            assert log.value.tolist() == [value[key] for key in keys]

    @given(ROWS, st.integers(-1, 7))
    def test_before_and_the_rest_make_the_whole(self, rows, as_of):
        log = log_of(rows)
        early, late = log.before(as_of), log.select(log.timestamp >= as_of)
        assert (early.timestamp < as_of).all()
        assert sorted(rows_of(early) + rows_of(late)) == rows_of(log)

    @given(ROWS)
    def test_recoding_keeps_what_happened(self, rows):
        log = log_of(rows)
        wider = log.recoded(users=Vocabulary((*reversed(log.users.ids), "new")), items=Vocabulary(("new", *log.items)))
        assert rows_of(wider) == rows_of(log)
        assert same_log(wider.recoded(users=log.users, items=log.items), log)

    @given(ROWS)
    def test_offsets_and_tie_groups(self, rows):
        log = log_of(rows)
        for code in range(len(log.users)):
            assert set(log.user[log.offsets[code] : log.offsets[code + 1]].tolist()) <= {code}
        assert log.offsets[-1] == len(log)
        pairs = set(zip(log.user.tolist(), log.timestamp.tolist(), strict=True))
        assert len(set(log.tie_group.tolist())) == len(pairs)

    @given(ROWS, st.integers(-1, 7))
    def test_queries_hold_exactly_what_was_visible(self, rows, as_of):
        log = log_of(rows)
        everyone = np.arange(len(log.users), dtype=np.int32)
        queries = log.queries(everyone, np.full(len(everyone), as_of))
        seen = [
            (log.users.ids[q], log.items.ids[i], t)
            for q, i, t in zip(queries.owner, queries.item, queries.timestamp.tolist(), strict=True)
        ]
        assert sorted(seen) == sorted((u, i, t) for u, i, t, _ in rows if i and t < as_of)

    def test_a_user_may_ask_twice_at_two_moments(self):
        log = Events.create(user_ids=["ann"] * 3, item_ids=["x", "y", "z"], timestamps=[1, 2, 3])
        queries = log.queries(np.array([0, 0], dtype=np.int32), np.array([2, 4]))
        assert np.diff(queries.offsets).tolist() == [1, 3]

    @given(ROWS, st.integers(-1, 7))
    def test_weights_stay_with_their_events(self, rows, as_of):
        log = log_of(rows)
        code = {a: 0.5 + n for n, a in enumerate(log.actions)}
        weight = np.asarray([code[a] for *_, a in rows_with_actions(log)], dtype=np.float32)
        log = replace(log, weight=weight)
        back = list(reversed(log.users.ids))
        for moved in (log, log.select(log.timestamp < as_of), log.recoded(users=Vocabulary(tuple(back)))):
            assert moved.weight.tolist() == [code[a] for *_, a in rows_with_actions(moved)]
        asked = log.queries(np.arange(len(log.users), dtype=np.int32), np.full(len(log.users), as_of))
        assert asked.weight.tolist() == log.weight[(log.timestamp < as_of) & (log.item >= 0)].tolist()

    def test_newest_of_an_empty_log_is_refused(self):
        with pytest.raises(InputError, match="empty"):
            _ = Events.create(user_ids=[], item_ids=[], timestamps=[]).newest

    def test_faults_are_named(self):
        log = Events.create(user_ids=["a", "b"], item_ids=["x", "y"], timestamps=[1, 2])
        with pytest.raises(InputError, match="not sorted"):
            replace(log, user=log.user[::-1])
        with pytest.raises(InputError, match="not sorted"):
            replace(log, user=np.zeros(2, dtype=np.int32), timestamp=log.timestamp[::-1])
        with pytest.raises(InputError, match="outside the vocabulary"):
            replace(log, user=log.user + 1)
        with pytest.raises(InputError, match="outside the vocabulary"):
            replace(log, item=log.item + 1)
        with pytest.raises(InputError, match="value has 1 entries where 2"):
            replace(log, value=np.zeros(1, dtype=np.float32))
        with pytest.raises(InputError, match="timestamp has 1 entries"):
            Events.create(user_ids=["a", "b"], item_ids=["x", "y"], timestamps=[1])
        with pytest.raises(InputError, match="unknown event column 'price'"):
            Events.create(user_ids=["a"], item_ids=["x"], timestamps=[1], price=[1])
        with pytest.raises(InputError, match="lacks an id"):
            log.recoded(items=Vocabulary(("x",)))


class TestQueries:
    @given(HISTORIES)
    def test_age_counts_newer_events_averaged_inside_groups(self, histories):
        queries = queries_of(histories)
        expected = [
            sum(other > t for other in h) + (h.count(t) - 1) / 2  # newer ones, and half of the others in the group
            for h in histories
            for t in h
        ]
        np.testing.assert_allclose(queries.age, expected)

    @given(HISTORIES, st.integers(1, 8))
    def test_among_latest_takes_whole_tie_groups(self, histories, limit):
        queries = queries_of(histories)
        expected = [sum(other > t for other in h) < limit for h in histories for t in h]
        assert queries.among_latest(limit).tolist() == expected

    @given(HISTORIES, st.integers(0, 5), st.integers(0, 5))
    def test_a_slice_is_a_batch_of_its_own(self, histories, start, length):
        start = min(start, len(histories))
        stop = start + length
        part, alone = queries_of(histories).slice(start, stop), queries_of(histories[start:stop])
        assert len(part) == len(alone)
        assert part.offsets.tolist() == alone.offsets.tolist()
        assert part.timestamp.tolist() == alone.timestamp.tolist()
        np.testing.assert_array_equal(part.age, alone.age)

    @given(BESIDE, st.integers(0, 5), st.integers(0, 5))
    def test_a_slice_takes_weights_and_remarks_along(self, people, start, length):
        histories, said = [h for h, _ in people], [s for _, s in people]
        start = min(start, len(people))
        stop = min(start + length, len(people))
        whole, part = weighed(histories, said), weighed(histories, said).slice(start, stop)
        rows = slice(whole.offsets[start], whole.offsets[stop])
        assert part.weight.tolist() == whole.weight[rows].tolist()
        spoken = slice(whole.remarks.offsets[start], whole.remarks.offsets[stop])
        assert part.remarks.offsets.tolist() == (whole.remarks.offsets[start : stop + 1] - spoken.start).tolist()
        for name in ("embedding", "topics", "weight", "timestamp"):
            assert np.array_equal(getattr(part.remarks, name), getattr(whole.remarks, name)[spoken]), name
        assert part.newest.tolist() == whole.newest[start:stop].tolist()

    @given(BESIDE)
    def test_the_newest_is_an_event_or_a_remark(self, people):
        queries = weighed([h for h, _ in people], [s for _, s in people])
        assert queries.newest.tolist() == [max([*h, *s], default=99) for h, s in people]
        alone = queries_of([h for h, _ in people])
        assert alone.newest.tolist() == [max(h, default=99) for h, _ in people]

    @given(BESIDE)
    def test_a_remark_belongs_to_its_query(self, people):
        remarks = weighed([h for h, _ in people], [s for _, s in people]).remarks
        assert remarks.owner.tolist() == [q for q, (_, said) in enumerate(people) for _ in said]

    def test_weights_and_remarks_must_fit(self):
        with pytest.raises(InputError, match="remark reaches past its as_of"):
            weighed([[1]], [[5]], as_of=5)
        with pytest.raises(InputError, match="weight has 2 entries where 1"):
            replace(queries_of([[1]]), weight=np.zeros(2, dtype=np.float32))
        with pytest.raises(InputError, match="remarks has 3 entries where 2"):
            replace(queries_of([[1]]), remarks=weighed([[], []], [[], []]).remarks)
        with pytest.raises(InputError, match="topics has 1 entries where 2"):
            replace(weighed([[]], [[1, 2]]).remarks, topics=np.zeros((1, 3), dtype=np.float32))

    def test_a_history_past_its_as_of_is_refused(self):
        with pytest.raises(InputError, match="past its as_of"):
            queries_of([[1, 5]], as_of=5)

    def test_tie_groups_end_with_the_query(self):
        assert queries_of([[3, 3], [3]]).tie_group.tolist() == [0, 0, 1]
        assert tie_groups(np.zeros(0), np.zeros(0, dtype=np.int64)).tolist() == []


class TestCatalogue:
    @given(st.permutations(["a", "b", "c", "d"]), st.sets(st.sampled_from("abcdef")))
    def test_aligned_moves_every_column_with_its_item(self, order, wanted):
        codes = {name: ord(name) for name in order}
        catalogue = Catalogue.create(
            item_ids=order,
            title=[f"T{n}" for n in order],
            text=[f"x{n}" for n in order],
            categories=[(n, "all") for n in order],
            domain=[f"D{n}" for n in order],
            image=[f"{n}.png" for n in order],
            available_from=[codes[n] for n in order],
            available_until=[2 * codes[n] for n in order],
            numeric={"price": np.asarray([codes[n] for n in order], dtype=np.float32)},
        )
        target = Vocabulary(tuple(sorted(wanted)))
        moved = catalogue.aligned(target)
        assert moved.items == target
        for row, name in enumerate(target):
            held = name in order
            assert moved.title[row] == (f"T{name}" if held else "")
            assert moved.categories[row] == ((name, "all") if held else ())
            assert moved.image[row] == (f"{name}.png" if held else "")
            assert moved.domain[row] == (f"D{name}" if held else "")
            assert moved.available_from[row] == (codes[name] if held else ALWAYS)
            assert moved.available_until[row] == (2 * codes[name] if held else NEVER)
            assert moved.numeric["price"][row] == codes[name] if held else np.isnan(moved.numeric["price"][row])

    def test_what_is_not_given_is_empty(self):
        catalogue = Catalogue.create(item_ids=["a"])
        assert catalogue.describe(0) == ""
        assert catalogue.categories == ((),)
        assert (catalogue.available_from[0], catalogue.available_until[0]) == (ALWAYS, NEVER)

    def test_faults_are_named(self):
        with pytest.raises(InputError, match="unknown catalogue column 'colour'"):
            Catalogue.create(item_ids=["a"], colour=["red"])
        with pytest.raises(InputError, match="title has 2 entries where 1"):
            Catalogue.create(item_ids=["a"], title=["A", "B"])
        with pytest.raises(InputError, match="price has 2 entries where 1"):
            Catalogue.create(item_ids=["a"], numeric={"price": np.zeros(2, dtype=np.float32)})


def test_users_are_aligned_too():
    people = Users(users=Vocabulary(("ann", "bo")), interests=(("tea",), ()))
    assert len(people) == 2
    with pytest.raises(InputError, match="city has 1 entries where 2"):
        replace(people, attributes={"city": ("Oslo",)})
