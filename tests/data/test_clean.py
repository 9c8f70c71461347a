"""Cleaning: reports add up, steps are laws, and a description tells what was planted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, Events
from evorec.data.clean import (
    CleaningReport,
    compact,
    describe,
    drop_duplicates,
    k_core,
    last_of_equals,
    what_counts,
)
from evorec.data.feedback import Feedback, weigh
from evorec.data.load import load_events

SHARED = Path(__file__).parents[2] / "../shared/data"
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), max_size=60)


def log(triples: list[tuple[int, int, int]]) -> Events:
    return Events.create(
        user_ids=[f"u{u}" for u, _, _ in triples],
        item_ids=[f"i{i}" for _, i, _ in triples],
        timestamps=[t for _, _, t in triples],
    )


def pairs(events: Events) -> list[tuple[str, str]]:
    return sorted(zip(events.users.decode(events.user), events.items.decode(events.item), strict=True))


class TestReport:
    def test_refuses_what_does_not_add_up(self) -> None:
        with pytest.raises(InputError, match=r"a\.csv does not add up: 5 rows in, 4 accounted for"):
            CleaningReport(source="a.csv", rows_in=5, rows_out=4)
        with pytest.raises(InputError, match="does not add up"):
            CleaningReport(source="a.csv", rows_in=5, dropped={"x": -1}, rows_out=6)

    def test_chains_and_refuses_a_gap(self) -> None:
        first = CleaningReport(source="a", rows_in=9, dropped={"x": 1}, rows_out=8, notes=("n",))
        second = CleaningReport(source="b", rows_in=8, dropped={"x": 2, "y": 1}, rows_out=5, notes=("m",))
        assert first.then(second).as_dict() == {
            "source": "a",
            "rows_in": 9,
            "dropped": {"x": 3, "y": 1},
            "rows_out": 5,
            "notes": ["n", "m"],
        }
        with pytest.raises(InputError, match="starts from 9 rows"):
            second.then(first)


class TestReturns:
    """A return counts for nobody and nothing, and stays with what it takes back."""

    LOG = Events.create(
        user_ids=["a", "a", "a", "b", "b", "c", "c"],
        item_ids=["x", "y", "x", "x", "y", "x", "x"],
        timestamps=[1 * DAY, 2 * DAY, 3 * DAY, 1 * DAY, 2 * DAY, 1 * DAY, 2 * DAY],
        actions=["", "", "return", "", "", "", "return"],
    )

    def test_k_core(self) -> None:
        kept, report = k_core(self.LOG, users=2, items=2)
        assert pairs(kept) == [("a", "x"), ("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
        assert (report.rows_in, report.rows_out) == (7, 5)
        assert [kept.actions[a] for a in kept.action] == ["", "", "return", "", ""]

    def test_description(self) -> None:
        seen = describe(self.LOG)
        assert (seen.events, seen.users, seen.items, seen.repeat_share) == (5, 3, 2, 0)
        assert seen.actions == {"": 5, "return": 2}
        assert seen.last.startswith("1970-01-03")

    def test_what_counts_adds_up_by_reason(self) -> None:
        rated = Feedback(value="rating", actions={"ask": 0.0, "cancel": 0.5})
        events = Events.create(
            user_ids="a" * 8,
            item_ids="x" * 8,
            timestamps=range(8),
            actions=["", "", "view", "return", "skip", "ask", "cancel", "cancel"],
            values=[5, 2, 1, 5, 5, 5, 5, 1],
        )
        report = what_counts(weigh(events, rated), rated)
        assert (report.rows_in, report.rows_out) == (8, 2)
        assert dict(report.dropped) == {
            "cancel or return, counts against": 1,
            "action 'ask', counts neither way": 1,
            "action 'skip', counts against": 1,
            "rating below 3, counts against": 3,
        }

    def test_all_of_a_plain_log_counts(self) -> None:
        events = log([(0, 0, 1), (1, 1, 2)])
        assert what_counts(weigh(events, Feedback()), Feedback()).as_dict()["dropped"] == {}


class TestSteps:
    def test_duplicates_keep_the_last_value_and_ignore_actions(self) -> None:
        events = Events.create(
            user_ids=["u"] * 4,
            item_ids=["a", "a", "a", "b"],
            timestamps=[1, 1, 2, 1],
            actions=list("xyxx"),
            values=range(4),
        )
        kept, report = drop_duplicates(events)
        assert kept.value is not None
        assert kept.value.tolist() == [1, 3, 2]
        assert report.as_dict()["dropped"] == {"duplicate": 1}

    @given(PAIRS)
    def test_duplicates_leave_the_distinct_rows(self, triples: list[tuple[int, int, int]]) -> None:
        kept, report = drop_duplicates(log(triples))
        assert len(kept) == len(set(triples)) == report.rows_out
        assert drop_duplicates(kept)[0] is kept

    @given(st.lists(st.tuples(*[st.integers(0, 2)] * 5), max_size=40))
    def test_last_of_equals_is_what_a_dictionary_keeps(self, found: list[tuple[int, ...]]) -> None:
        ordered = sorted(found, key=lambda row: row[:3])
        keep = last_of_equals(*np.array(ordered, dtype=np.int64).reshape(-1, 5).T)
        last = {row: position for position, row in enumerate(ordered)}
        assert np.flatnonzero(keep).tolist() == sorted(last.values())

    @settings(deadline=None)
    @given(PAIRS, st.integers(0, 4), st.integers(0, 4))
    def test_k_core_is_the_largest_log_with_the_property(
        self, triples: list[tuple[int, int, int]], users: int, items: int
    ) -> None:
        """One row at a time, from either end, leads to the same log."""
        kept, report = k_core(log(triples), users, items)
        left = [(f"u{u}", f"i{i}") for u, i, _ in triples]
        while bad := [
            (u, i) for u, i in left if sum(u == v for v, _ in left) < users or sum(i == j for _, j in left) < items
        ]:
            left.remove(bad[-1])
        assert pairs(kept) == sorted(left)
        assert report.rows_out == len(left)
        assert set(kept.users) == {u for u, _ in left}
        assert set(kept.items) == {i for _, i in left}

    def test_k_core_keeps_the_words_of_users_who_stay(self) -> None:
        events = Events.create(
            user_ids=["a", "a", "a", "b"],
            item_ids=["x", "y", "", ""],
            timestamps=range(4),
            texts=["", "", "tea", "jam"],
        )
        assert k_core(events, 2, 1)[0].text == ("", "", "tea")

    def test_compact_of_nothing(self) -> None:
        nothing = log([(0, 0, 0)]).select(np.array([False]))
        assert (len(compact(nothing).users), len(compact(nothing).items)) == (0, 0)


class TestDescribe:
    def test_counts_by_hand(self) -> None:
        events = Events.create(
            user_ids=["a"] * 4 + ["b"] * 2 + ["c"],
            item_ids=["x", "y", "x", "", "x", "z", "x"],
            timestamps=[0, 0, 2 * DAY, 3 * DAY, 1, DAY + 1, 5],
            actions=["view"] * 6 + ["buy"],
            texts=[""] * 3 + ["绿茶"] + [""] * 3,
        )
        catalogue = Catalogue.create(item_ids=["x", "w"], title=["X", "W"])
        seen = describe(events, catalogue)
        assert (seen.events, seen.users, seen.items) == (7, 3, 3)
        assert (seen.first, seen.last) == ("1970-01-01T00:00:00+00:00", "1970-01-04T00:00:00+00:00")
        assert seen.median_span_days == 1  # of 3, 1, 0
        assert seen.tie_share == pytest.approx(2 / 7)
        assert seen.repeat_share == pytest.approx(1 / 6)  # a touches x twice
        assert seen.actions == {"buy": 1, "view": 6}
        assert seen.events_per_user == {"min": 1, "25%": 1.5, "median": 2, "75%": 3, "max": 4}
        assert seen.text_coverage == pytest.approx(4 / 6)
        assert seen.as_dict()["warnings"] == seen.warnings

    def test_new_items_in_the_newest_tenth(self) -> None:
        triples = [(0, k % 3, k) for k in range(19)] + [(0, 7, 30), (0, 1, 31)]
        assert describe(log(triples)).new_item_share == pytest.approx(1 / 3)  # i0 of time 18, then i7, i1

    def test_warnings_name_what_was_planted(self) -> None:
        one_sitting = log([(u, i, 0) for u in range(3) for i in range(2)])
        text = " ".join(describe(one_sitting, Catalogue.create(item_ids=["other"], title=["T"])).warnings)
        for planted in (
            "less than a day",
            "order is unknown",
            "fewer than 5 events",
            "0% of events are on items with words",
        ):
            assert planted in text

    def test_a_long_and_tidy_log_has_no_warnings(self) -> None:
        events = log([(u, i, (7 * u + i) * DAY) for u in range(6) for i in range(6)])
        assert describe(events).warnings == ()
        assert describe(events).text_coverage is None

    def test_an_empty_log_is_refused(self) -> None:
        with pytest.raises(InputError, match="empty"):
            describe(log([]))

    def test_times_beyond_the_calendar(self) -> None:
        assert describe(log([(0, 0, 2**62)])).last.endswith(" us")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not beside the repository")
def test_real_sets_are_described_as_published() -> None:
    seen = describe(load_events(SHARED / "amazon-food-kitchen/interactions.parquet")[0])
    assert (seen.events, seen.users, seen.items) == (173_548, 7_144, 28_095)
    assert seen.median_span_days / 365.25 == pytest.approx(3.4, abs=0.05)
    assert seen.new_item_share == pytest.approx(0.28, abs=0.01)
