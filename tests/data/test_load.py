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
from evorec.data.frames import event_columns
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
                "action": ["buy", "buy", "buy", "buy", "buy", "Refund", "buy", "buy", "buy"],
                "rating": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            }
        )
        events, report = load_events(source)
        assert dict(report.dropped) == {
            "missing user": 2,
            "cancel or return": 1,
            "missing item": 1,
            "missing timestamp": 1,
            "unreadable timestamp": 1,
            "duplicate": 1,
        }
        assert report.rows_in == 9 == report.rows_out + sum(report.dropped.values())
        assert rows(events) == [("u", "a", 5 * SECOND), ("u", "a", 6 * SECOND)]
        assert events.value is not None
        assert events.value.tolist() == [7, 8]  # of duplicates the last stays

    def test_returns_by_quantity_but_not_by_rating(self) -> None:
        by_quantity, report = load_events(log(Quantity=[3, -3, 0]))
        assert (len(by_quantity), dict(report.dropped)) == (1, {"cancel or return": 2})
        assert len(load_events(log(rating=[3, -3, 0]))[0]) == 3

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
        with pytest.raises(InputError, match="no column for user_id"):
            load_users(pa.table({"age": [1]}))

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
    assert report.dropped["cancel or return"] == ((quantity <= 0) & ~np.isnan(customer)).sum()
    kept = raw[(raw.Quantity > 0) & raw.CustomerID.notna()]
    assert len(events) == len(kept.drop_duplicates(["CustomerID", "StockCode", "InvoiceDate"]))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not beside the repository")
class TestRealData:
    def test_the_raw_online_retail_file(self) -> None:
        path = SHARED / "online-retail/full.parquet"
        mapping = {"user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "value": "Quantity"}
        events, report = load_events(path, columns={**mapping, "title": "Description"})
        assert report.rows_in == 541_909 == report.rows_out + sum(report.dropped.values())
        assert report.dropped["missing user"] == 135_080
        assert len(events) == 387_797
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
        assert (report.rows_in, report.rows_out, len(events.users)) == (events_in, events_out, users)
        catalogue, _ = load_catalogue(SHARED / name / "items.parquet")
        assert sum(map(bool, catalogue.title)) > 0.8 * len(catalogue)
        assert set(event_columns(events)) >= {"user_id", "item_id", "timestamp"}


def test_words_without_an_item_column_ask_for_one(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,time,comment,product_code\nann,2025-01-01,,a\nbo,2025-01-02,,b\nann,2025-01-03,nice,b\n")
    with pytest.raises(InputError, match=r"no column for item_id; it has .*product_code"):
        load_events(path)
