"""Reading event logs and users: what is dropped and why, which columns are found, which faults are named."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.feedback import taken_back
from evorec.data.frames import event_columns, write_table
from evorec.data.load import load_catalogue, load_events, load_users

SHARED = Path(__file__).parents[2] / "../shared/data"
SECOND = 1_000_000


def log(**columns: list[object]) -> pa.Table:
    """An Arrow event log; what is not given gets a harmless value."""
    n = len(next(iter(columns.values())))
    return pa.table({"user_id": ["u"] * n, "item_id": [f"i{k}" for k in range(n)], "timestamp": [1] * n, **columns})


def rows(events: Events) -> list[tuple[str, str, int]]:
    items = ["" if code < 0 else events.items.ids[code] for code in events.item]
    return list(zip(events.users.decode(events.user), items, events.timestamp.tolist(), strict=True))


class TestDroppedRows:
    def test_every_reason_is_counted_once(self) -> None:
        source = pa.table(
            {
                "user_id": ["u", None, "u", "u", "u", "u", "u", "u", " "],
                "item_id": ["a", "a", None, "b", "c", "d", "a", "a", "a"],
                "timestamp": ["5", "5", "5", "", "soon", "5", "5", "6", "5"],
                "action": ["buy", "buy", "buy", "buy", "buy", "buy", "buy", "buy", "buy"],
                "quantity": [1, 2, 3, 4, 5, 0, 7, 8, 9],
            }
        )
        events, report = load_events(source)
        assert dict(report.dropped) == {
            "missing user": 2,
            "quantity of zero": 1,
            "missing item": 1,
            "missing timestamp": 1,
            "unreadable timestamp": 1,
            "duplicate": 1,
        }
        assert report.rows_in == 9 == report.rows_out + sum(report.dropped.values())
        assert rows(events) == [("u", "a", 5 * SECOND), ("u", "a", 6 * SECOND)]
        assert events.value is not None
        assert events.value.tolist() == [7, 8]  # of duplicates the last stays

    def test_duplicates_differ_in_action_or_text(self) -> None:
        source = log(item_id=["a"] * 5, action=["view", "buy", "view", "view", None], query=["x", "x", "y", "x", "x"])
        events, report = load_events(source)
        assert dict(report.dropped) == {"duplicate": 1}
        assert sorted(zip([events.actions[a] for a in events.action], events.text, strict=True)) == [
            ("", "x"),
            ("buy", "x"),
            ("view", "x"),
            ("view", "y"),
        ]

    def test_words_without_an_item_stay(self) -> None:
        source = pa.table({"user": ["u", "u"], "item": [None, "a"], "time": [1, 2], "query": ["绿茶 tea", None]})
        events, _ = load_events(source)
        assert (events.item.tolist(), events.text) == ([-1, 0], ("绿茶 tea", ""))
        only_words, _ = load_events(source.drop_columns("item"))
        assert (only_words.item.tolist(), len(only_words.items)) == ([-1], 0)

    def test_values_that_are_no_numbers_are_noted(self) -> None:
        events, report = load_events(log(rating=["4", "good"]))
        np.testing.assert_array_equal(events.value, [4, np.nan])
        assert report.notes == ("rating: 1 values are not numbers and were left empty",)

    def test_the_mapping_wins_and_one_mapping_serves_a_raw_file(self) -> None:
        source = pa.table({"user_id": ["x"], "who": ["u"], "what": ["a"], "timestamp": [1], "label": ["Tea"]})
        mapping = {"user_id": "who", "item_id": "what", "title": "label"}
        assert rows(load_events(source, columns=mapping)[0]) == [("u", "a", SECOND)]
        assert load_catalogue(source, columns=mapping)[0].title == ("Tea",)


class TestReturns:
    TOLD = "1 rows cancel or return something: they count against it, and are no event that anybody had"

    def test_a_quantity_below_zero_is_a_return(self) -> None:
        events, report = load_events(log(item_id=["a"] * 3, Quantity=[3, -3, 0], timestamp=[1, 1, 2]))
        assert [(events.actions[a], v) for a, v in zip(events.action, events.value, strict=True)] == [
            ("", 3),
            ("return", -3),
        ]
        assert dict(report.dropped) == {"quantity of zero": 1}
        assert report.notes == (self.TOLD,)

    def test_a_rating_is_no_quantity(self) -> None:
        events, report = load_events(log(rating=[3, -3, 0]))
        assert (len(events), events.action, report.notes) == (3, None, ())

    def test_what_was_done_is_kept_where_it_counts_against_anyway(self) -> None:
        events, report = load_events(
            log(action=["buy", "Refund", "buy", "remove"], qty=[1, -1, -1, -1], timestamp=[1, 2, 3, 4])
        )
        assert [events.actions[a] for a in events.action] == ["buy", "Refund", "return", "remove"]
        assert report.notes == (self.TOLD.replace("1", "2"),)  # to remove from a cart is no return

    @pytest.mark.parametrize("action", ["cancel", "RETURNED", "退货", "refunded"])
    def test_by_action(self, action: str) -> None:
        events, report = load_events(log(action=["buy", action]))
        assert (len(events), report.dropped, report.notes) == (2, {}, (self.TOLD,))

    def test_a_clean_file_still_tells_them(self, tmp_path: Path) -> None:
        events, _ = load_events(log(item_id=["a"] * 2, Quantity=[3, -3], timestamp=[1, 2]))
        write_table(tmp_path / "clean.csv", event_columns(events))
        again, report = load_events(tmp_path / "clean.csv")
        assert again.actions == events.actions == ("", "return")
        assert report.notes == (self.TOLD,)


class TestPlaceholders:
    """Dates that stand for "unknown" are no timestamps; a log is not stretched to 9999 by one of them."""

    @pytest.mark.parametrize("written", ["9999-12-31", "1970-01-01", "1900-01-01", "0001-01-01", "2099-12-31", "0"])
    def test_they_are_left_out_with_a_note(self, written: str) -> None:
        events, report = load_events(log(date=["2024-05-01", "2024-05-02", written, "2023-01-01"]).drop(["timestamp"]))
        assert dict(report.dropped) == {"placeholder instead of a date": 1}
        assert len(events) == 3
        (note,) = report.notes
        assert note.startswith("date: 1 dates lie more than 25 years from the middle of the log, the first is row 3")
        assert repr(written) in note

    def test_a_log_about_1970_is_left_alone(self) -> None:
        events, report = load_events(log(timestamp=[0, 5, 86_400, 40_000_000]))
        assert (len(events), report.dropped, report.notes) == (4, {}, ())

    def test_the_middle_is_that_of_the_other_dates(self) -> None:
        events, report = load_events(log(timestamp=[0, 0, 1_700_000_000, 1_700_000_100]))
        assert events.timestamp.tolist() == [1_700_000_000 * SECOND, 1_700_000_100 * SECOND]
        assert report.dropped == {"placeholder instead of a date": 2}

    @pytest.mark.parametrize("dates", [("1900-01-01", "2024-05-01"), ("2024-05-01", "9999-12-31")])
    def test_one_of_two(self, dates: tuple[str, str]) -> None:
        events, _ = load_events(log(date=list(dates)).drop(["timestamp"]))
        assert events.timestamp.tolist() == [1_714_521_600 * SECOND]

    def test_a_log_that_counts_time_in_its_own_way(self) -> None:
        events, report = load_events(log(date=["2151-05-01", "2190-05-02"]).drop(["timestamp"]))
        assert (len(events), report.dropped) == (2, {})

    def test_mostly_placeholders_are_refused(self) -> None:
        with pytest.raises(InputError, match=r"3 of 4 rows of column 'timestamp'.*row 1: 0"):
            load_events(log(timestamp=[0, 0, 0, 1_700_000_000]))

    @pytest.mark.parametrize("number", [2**62, -(2**62), 2**63 - 1])
    def test_numbers_at_the_end_of_the_range(self, number: int) -> None:
        events, _ = load_events(log(timestamp=[1_700_000_000, 1_700_000_001, number]))
        assert len(events) == 2

    def test_decades_are_none(self) -> None:
        assert len(load_events(log(date=["1999-05-01", "2024-05-02", "2015-05-02"]))[0]) == 3


class TestFaults:
    def test_missing_columns_and_wrong_mappings(self) -> None:
        with pytest.raises(InputError, match=r"no column for timestamp.*user_id, item_id") as error:
            load_events(log(item_id=["a"]).drop_columns("timestamp"))
        assert 'columns={"timestamp"' in error.value.mend
        with pytest.raises(InputError, match="no column for item_id"):
            load_events(log(item_id=["a"]).drop_columns("item_id"))
        with pytest.raises(InputError, match="no column 'CustomerID'"):
            load_events(log(item_id=["a"]), columns={"user_id": "CustomerID"})
        with pytest.raises(InputError, match="no column is called 'user'"):
            load_events(log(item_id=["a"]), columns={"user": "user_id"})
        with pytest.raises(InputError, match="no column for item_id"):
            load_catalogue(pa.table({"title": ["x"]}))
        with pytest.raises(InputError, match="no column for user_id; it has age") as error:
            load_users(pa.table({"age": [1]}))
        assert "--map" not in error.value.mend  # which maps the events
        assert 'load_users(..., columns={"user_id"' in error.value.mend

    def test_mostly_unreadable_names_file_column_row_line_and_value(self, tmp_path: Path) -> None:
        path = tmp_path / "log.csv"
        path.write_text('user,item,time,note\na,x,1,"two\nlines"\n\na,x,soon,\na,x,later,\n')
        with pytest.raises(InputError) as error:
            load_events(path)
        assert f"{path}: 2 of 3 rows of column 'time' (timestamp)" in error.value.what
        assert "row 2 (line 5): 'soon'" in error.value.what
        with pytest.raises(InputError, match=r"row 1: empty"):
            load_events(log(user_id=[None, None]).set_column(0, "user_id", pa.array([None, None], pa.string())))

    def test_json_lines_are_counted_without_blank_ones(self, tmp_path: Path) -> None:
        path = tmp_path / "log.jsonl"
        path.write_text('\n{"user": "a", "item": "x", "time": "soon"}\n')
        with pytest.raises(InputError, match=r"row 1 \(line 2\): 'soon'"):
            load_events(path)

    def test_a_column_of_ever_new_actions_is_refused(self) -> None:
        with pytest.raises(InputError, match="different actions"):
            load_events(log(action=[f"a{k}" for k in range(40_000)]))


class TestUsers:
    def test_without_interests_it_says_so(self) -> None:
        assert load_users(pa.table({"uid": ["a"], "hobbies": ["tea"]}))[1].notes == (
            "no column for interests: nobody declares any; it has uid, hobbies",
        )

    def test_attributes_numbers_and_interests(self) -> None:
        source = pl.DataFrame(
            {
                "uid": ["b", "a", "a", None],
                "interests": [["tea", "jam"], [], None, []],
                "age": [30, None, 40, 1],
                "city": ["北京", None, "Rome", "X"],
            }
        )
        users, report = load_users(source)
        assert list(users.users) == ["a", "b"]
        assert users.interests == ((), ("tea", "jam"))
        assert users.attributes == {"city": ("Rome", "北京")}
        assert users.numeric["age"].tolist() == [40, 30]
        assert dict(report.dropped) == {"missing user": 1, "duplicate": 1}


IDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=4)
ROWS = st.lists(st.tuples(IDS, IDS, st.integers(0, 9)), min_size=1, max_size=30)


@settings(deadline=None, max_examples=30)
@given(ROWS, st.randoms())
def test_file_order_does_not_matter_but_for_duplicates(found: list[tuple[str, str, int]], random: object) -> None:
    """Reading gives the distinct rows, sorted, over sorted vocabularies, whatever the order of the file."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    events, report = load_events(
        pa.table(dict(zip(("user_id", "item_id", "timestamp"), zip(*shuffled, strict=True), strict=True)))
    )
    assert rows(events) == sorted({(u, i, t * SECOND) for u, i, t in found}, key=lambda r: (r[0], r[2], r[1]))
    assert list(events.users) == sorted({u for u, _, _ in found})
    assert report.rows_in == len(found)


def test_a_raw_shop_log_adds_up() -> None:
    """A small twin of the raw Online Retail file: returns, guests, and lines that repeat within one minute."""
    generator = np.random.default_rng(0)
    n = 5_000
    quantity = generator.integers(-1, 6, n)
    customer = np.where(generator.random(n) < 0.25, np.nan, generator.integers(12346, 12400, n))
    raw = pd.DataFrame(
        {
            "InvoiceNo": [f"{'C' if q < 0 else ''}{k // 5}" for k, q in enumerate(quantity)],
            "StockCode": [f"{c:05d}" for c in generator.integers(0, 40, n)],
            "Quantity": quantity,
            "InvoiceDate": pd.to_datetime("2010-12-01 08:26") + pd.to_timedelta(np.arange(n) // 50, unit="min"),
            "CustomerID": customer,
        }
    )
    mapping = {"user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "value": "Quantity"}
    events, report = load_events(raw, columns=mapping)
    assert report.rows_in == n
    assert report.dropped["missing user"] == np.isnan(customer).sum()
    assert report.dropped["quantity of zero"] == ((quantity == 0) & ~np.isnan(customer)).sum()
    for kept, found in ((raw.Quantity > 0, ~taken_back(events)), (raw.Quantity < 0, taken_back(events))):
        distinct = raw[kept & raw.CustomerID.notna()].drop_duplicates(["CustomerID", "StockCode", "InvoiceDate"])
        assert found.sum() == len(distinct)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not beside the repository")
class TestRealData:
    def test_the_raw_online_retail_file(self) -> None:
        path = SHARED / "online-retail/full.parquet"
        mapping = {"user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "value": "Quantity"}
        events, report = load_events(path, columns={**mapping, "title": "Description"})
        assert report.rows_in == 541_909 == report.rows_out + sum(report.dropped.values())
        assert report.dropped["missing user"] == 135_080
        assert (~taken_back(events)).sum() == 387_797
        assert taken_back(events).sum() == 8_806
        assert report.notes[-1].startswith("8,806 rows cancel or return")
        catalogue, _ = load_catalogue(path, columns={**mapping, "title": "Description"})
        assert catalogue.title[catalogue.items.code("85123A")] == "WHITE HANGING HEART T-LIGHT HOLDER"

    @pytest.mark.parametrize(
        ("name", "events_in", "events_out", "users"),
        [
            ("ml-100k", 100_000, 100_000, 943),
            ("amazon-beauty", 198_502, 198_502, 22_363),
            ("amazon-food-kitchen", 173_548, 173_548, 7_144),
            ("ifdb-2026", 117_527, 117_527, 3_700),
            ("online-retail", 394_806, 386_250, 4_334),
        ],
    )
    def test_every_set_is_read_without_a_mapping(self, name: str, events_in: int, events_out: int, users: int) -> None:
        events, report = load_events(SHARED / name / "interactions.parquet")
        had = events.select(~taken_back(events))
        assert (report.rows_in, len(had), len(np.unique(had.user))) == (events_in, events_out, users)
        catalogue, _ = load_catalogue(SHARED / name / "items.parquet")
        assert sum(map(bool, catalogue.title)) > 0.8 * len(catalogue)
        assert set(event_columns(events)) >= {"user_id", "item_id", "timestamp"}


def test_words_without_an_item_column_ask_for_one(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,time,comment,product_code\nann,2025-01-01,,a\nbo,2025-01-02,,b\nann,2025-01-03,nice,b\n")
    with pytest.raises(InputError, match=r"no column for item_id; it has .*product_code"):
        load_events(path)
