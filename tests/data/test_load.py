"""Reading event logs, catalogues and users: every kind of source, every reason to drop a row, every fault named."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import ALWAYS, NEVER, Events
from evorec.data.frames import event_columns, write_table
from evorec.data.load import load_catalogue, load_events, load_users

SHARED = Path(__file__).parents[2] / "../shared/data"
SECOND = 1_000_000


def micros(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[arg-type]


def log(**columns: list[object]) -> pa.Table:
    """An Arrow event log; what is not given gets a harmless value."""
    n = len(next(iter(columns.values())))
    return pa.table({"user_id": ["u"] * n, "item_id": [f"i{k}" for k in range(n)], "timestamp": [1] * n, **columns})


def rows(events: Events) -> list[tuple[str, str, int]]:
    items = ["" if code < 0 else events.items.ids[code] for code in events.item]
    return list(zip(events.users.decode(events.user), items, events.timestamp.tolist(), strict=True))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("userId,movieId,rating,timestamp\n007,b,4.5,20\n7,a,3,10\n007,a,,10\n", encoding="utf-8")
    return path


EXPECTED = [("007", "a", 10 * SECOND), ("007", "b", 20 * SECOND), ("7", "a", 10 * SECOND)]


class TestSources:
    def test_csv_keeps_ids_as_written(self, csv: Path) -> None:
        events, report = load_events(csv)
        assert rows(events) == EXPECTED
        np.testing.assert_array_equal(events.value, np.array([np.nan, 4.5, 3], dtype=np.float32))
        assert (report.source, report.rows_in, report.rows_out, report.notes) == (str(csv), 3, 3, ())

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_any_delimiter(self, csv: Path, delimiter: str) -> None:
        csv.write_text(csv.read_text().replace(",", delimiter))
        assert rows(load_events(str(csv))[0]) == EXPECTED

    def test_tsv_json_lines_parquet_and_gzip(self, csv: Path, tmp_path: Path) -> None:
        tsv, jsonl, parquet = tmp_path / "a.tsv", tmp_path / "a.jsonl", tmp_path / "a [1].parquet"
        tsv.write_text(csv.read_text().replace(",", "\t"))
        records = [{"user": "007", "item": "b", "time": 20}, {"user": 7, "item": "a", "time": 10}]
        lines = [json.dumps(record) for record in (*records, {"user": "007", "item": "a", "time": 10})]
        jsonl.write_text("\n\n".join(lines))
        write_table(parquet, {"uid": ["007", "7", "007"], "sku": ["b", "a", "a"], "ts": [20, 10, 10]})
        packed = tmp_path / "log.csv.gz"
        packed.write_bytes(gzip.compress(csv.read_bytes()))
        for path in (tsv, jsonl, parquet, packed):
            assert rows(load_events(path)[0]) == EXPECTED

    def test_frames(self) -> None:
        columns = {"user_id": ["007", "7", "007"], "item_id": ["b", "a", "a"], "timestamp": [20, 10, 10]}
        with duckdb.connect() as connection:
            connection.register("given", pa.table(columns))
            frames = [pd.DataFrame(columns).iloc[::-1], pl.DataFrame(columns), pa.table(columns)]
            frames.append(pa.RecordBatchReader.from_batches(*(lambda t: (t.schema, t.to_batches()))(pa.table(columns))))
            for frame in (*frames, connection.sql("FROM given")):
                events, report = load_events(frame)
                assert rows(events) == EXPECTED
        assert report.source.endswith("table")

    def test_ids_that_gaps_turned_into_floats(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"user_id": [17850.0, np.nan], "item_id": pd.Categorical(["x", "y"]), "timestamp": [1, 2]})
        path = tmp_path / "gaps.csv"
        frame.to_csv(path)  # with pandas' unnamed index
        for source in (frame, pl.DataFrame({**frame, "item_id": ["x", "y"]}), path):
            events, report = load_events(source)
            assert rows(events) == [("17850", "x", SECOND)]
            assert report.dropped == {"missing user": 1}
        assert "17850.0" in report.notes[0]

    def test_float_like_text_ids_stay_where_not_all_are(self) -> None:
        events, _ = load_events(log(item_id=["1.0", "1.5"]))
        assert list(events.items) == ["1.0", "1.5"]

    def test_ids_are_trimmed_and_chinese_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "记录.csv"
        path.write_text("用户,商品,时间,行为\n 甲\u3000,茶,2024-05-01,购买\n", encoding="utf-8")
        events, _ = load_events(path, timezone="Asia/Shanghai")
        assert rows(events) == [("甲", "茶", micros(2024, 4, 30, 16))]
        assert events.actions == ("购买",)

    @pytest.mark.parametrize(
        ("encoding", "note"),
        [("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("utf-16", "utf-16"), ("gbk", "gb18030")],
    )
    def test_encodings(self, tmp_path: Path, encoding: str, note: str) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes("user_id,item_id,timestamp\n张三,绿茶,5\n李四,红茶,6\n".encode(encoding))
        events, report = load_events(path)
        assert list(events.items) == ["红茶", "绿茶"]
        assert report.notes == (f"read as {note}",)

    def test_western_text_is_not_taken_for_chinese(self, tmp_path: Path) -> None:
        path = tmp_path / "items.csv"
        path.write_bytes("item_id,title\n1,Léon à la crème\n2,Ça déjà vu\n3,£5 crêpe\x81\n".encode("latin-1"))
        catalogue, report = load_catalogue(path)
        assert catalogue.title == ("Léon à la crème", "Ça déjà vu", "£5 crêpe\x81")
        assert report.notes == ("read as cp1252",)

    def test_quotes_and_line_breaks_in_values(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text('user,item,time,review\n"a,""b""",x,1,"two\nlines"\n', encoding="utf-8")
        events, _ = load_events(path)
        assert (list(events.users), events.text) == (['a,"b"'], ("two\nlines",))

    def test_movielens_files(self, tmp_path: Path) -> None:
        flags = "|".join("1" if k in (1, 5) else "0" for k in range(19))
        contents = {
            "u.data": "196\t242\t3\t881250949\n",
            "u.item": f'1|Léon "x" (1994)|01-Jan-1995||http://a|{flags}\n',
            "u.user": "1|24|M|technician|08571\n",
            "ratings.dat": "1::1193::5::978300760\n",
            "movies.dat": "1::Léon: x (1994)::Action|Comedy\n",
            "users.dat": "1::F::1::10::48067\n",
        }
        for name, text in contents.items():
            (tmp_path / name).write_bytes(text.encode("latin-1"))
        assert rows(load_events(tmp_path / "u.data")[0]) == [("196", "242", 881250949 * SECOND)]
        assert rows(load_events(tmp_path / "ratings.dat")[0]) == [("1", "1193", 978300760 * SECOND)]
        old, _ = load_catalogue(tmp_path / "u.item")
        assert (old.title, old.categories) == (('Léon "x" (1994)',), (("Action", "Comedy"),))
        assert old.available_from.tolist() == [micros(1995, 1, 1)]
        assert not old.numeric
        new, _ = load_catalogue(tmp_path / "movies.dat")
        assert (new.title, new.categories) == (("Léon: x (1994)",), (("Action", "Comedy"),))
        users, _ = load_users(tmp_path / "u.user")
        assert users.attributes["zip"] == ("08571",)  # a leading zero is no number
        assert users.numeric["age"].tolist() == [24]
        assert load_users(tmp_path / "users.dat")[0].attributes["gender"] == ("F",)


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


class TestTimestamps:
    DAY = micros(2010, 12, 1)

    @pytest.mark.parametrize(
        "written",
        [
            *("2010-12-01", "2010-12-01T00:00:00Z", "2010-12-01 08:00:00+08:00", "2010/12/1", "12/1/2010 0:00"),
            *("12/1/10 0:00", "12/1/2010 12:00:00 AM", "01-Dec-2010", "1 Dec 2010", "Dec 1, 2010", "1.12.2010"),
            *("2010年12月1日", "2010年12月01日 00:00", "20101201", "1291161600", "1291161600.0", "1291161600000"),
            *("1291161600000000", "1291161600000000000", "2010-12-01T00:00:00.000", "12 1, 2010"),
        ],
    )
    def test_one_moment_in_many_spellings(self, written: str) -> None:
        assert load_events(log(timestamp=[written]))[0].timestamp.tolist() == [self.DAY]

    @pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
    @pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.string()])
    def test_units_by_magnitude(self, factor: int, kind: pa.DataType) -> None:
        source = log(timestamp=pa.array([1291161600 * factor]).cast(kind))
        assert load_events(source)[0].timestamp.tolist() == [self.DAY]

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_timestamp_types_and_zones(self, unit: str) -> None:
        moment = np.array(["2010-12-01T00:00:00"], dtype=f"datetime64[{unit}]")
        naive = pa.array(moment)
        assert load_events(log(timestamp=naive))[0].timestamp.tolist() == [self.DAY]
        assert load_events(log(timestamp=naive), timezone="Asia/Tokyo")[0].timestamp[0] == self.DAY - 9 * 3600 * SECOND
        zoned = naive.cast(pa.timestamp(unit, tz="Asia/Shanghai"))
        assert load_events(log(timestamp=zoned), timezone="Asia/Tokyo")[0].timestamp.tolist() == [self.DAY]

    def test_dates_and_fractions(self) -> None:
        day = load_events(log(timestamp=pa.array([datetime(2010, 12, 1).date()])))[0]
        assert day.timestamp.tolist() == [self.DAY]
        assert load_events(log(timestamp=[0.25]))[0].timestamp.tolist() == [SECOND // 4]

    def test_daylight_saving_of_the_time_zone(self) -> None:
        events, _ = load_events(log(timestamp=["7/1/2011 9:00", "1/1/2011 9:00"]), timezone="Europe/London")
        assert events.timestamp.tolist() == [micros(2011, 1, 1, 9), micros(2011, 7, 1, 8)]

    def test_day_first_is_found_and_doubt_is_noted(self) -> None:
        events, report = load_events(log(timestamp=["13/2/2010", "1/2/2010"]))
        assert events.timestamp.tolist() == [micros(2010, 2, 1), micros(2010, 2, 13)]
        assert "day/month/year" in report.notes[0]
        assert "cannot be told apart" in load_events(log(timestamp=["1/2/2010", "3/4/2010"]))[1].notes[0]

    def test_mixed_units_are_noted(self) -> None:
        _, report = load_events(log(timestamp=[1291161600, 1291161600000]))
        assert report.notes == ("timestamp: numbers of different magnitude, read as 1 in seconds, 1 in milliseconds",)

    def test_eight_digits_are_dates_only_where_all_are(self) -> None:
        events, _ = load_events(log(timestamp=[20101201, 19999999]))
        assert events.timestamp.tolist() == [19999999 * SECOND, 20101201 * SECOND]

    def test_unknown_time_zone(self) -> None:
        with pytest.raises(InputError, match="Mars/Base") as error:
            load_events(log(timestamp=[1]), timezone="Mars/Base")
        assert "IANA" in error.value.mend


class TestFaults:
    def test_missing_file_folder_suffix_and_emptiness(self, tmp_path: Path) -> None:
        (tmp_path / "a.xlsx").write_text("x")
        (tmp_path / "empty.csv").write_text("")
        (tmp_path / "header.csv").write_text("user,item,time\n")
        (tmp_path / "no.parquet").write_text("PAR?")
        (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"user,item,time\n1,2,3\n")[:-9])
        cases = {
            "none.csv": "does not exist",
            ".": "folder",
            "a.xlsx": "suffix",
            "empty.csv": "is empty",
            "header.csv": "no rows",
            "no.parquet": "cannot be read",
            "cut.csv.gz": "damaged",
        }
        for name, what in cases.items():
            with pytest.raises(InputError, match=what) as error:
                load_events(tmp_path / name)
            assert error.value.mend
        with pytest.raises(InputError, match="from a int"):
            load_events(3)

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

    def test_broken_rows_name_the_line(self, tmp_path: Path) -> None:
        path = tmp_path / "log.csv"
        path.write_text("user,item,time\na,x,1\na,x\n")
        with pytest.raises(InputError, match=r"log\.csv cannot be read.*Line: 3"):
            load_events(path)
        lines = tmp_path / "log.jsonl"
        lines.write_text('{"user": "a", "item": "x", "time": 1}\n{"user": \n')
        with pytest.raises(InputError, match=r"log\.jsonl cannot be read.*line 2"):
            load_events(lines)

    def test_repeated_headers_and_mixed_frames(self, tmp_path: Path) -> None:
        path = tmp_path / "log.csv"
        path.write_text("user,item,time,time\na,x,1,2\n")
        with pytest.raises(InputError, match="two columns are named 'time'"):
            load_events(path)
        frame = pd.DataFrame({"user_id": [1, "x"], "item_id": ["a", "b"], "timestamp": [1, 2]})
        with pytest.raises(InputError, match="pandas table cannot be read") as error:
            load_events(frame)
        assert "astype(str)" in error.value.mend

    def test_a_column_of_ever_new_actions_is_refused(self) -> None:
        with pytest.raises(InputError, match="different actions"):
            load_events(log(action=[f"a{k}" for k in range(40_000)]))


class TestCatalogue:
    def test_columns_are_found_joined_and_left_out(self) -> None:
        source = pa.table(
            {
                "movie_id": [2, 1],
                "title": ["B", None],
                "plot": ["A plot.", None],
                "overview": ["An overview", "Alone"],
                "genres": ["Drama | War|Drama", "Unknown"],
                "tags": ["x", "y"],
                "year": [1999, None],
                "avg_rating": [4.5, 3.0],
                "director": ["D", "E"],
                "release_date": ["2001-01-01", None],
                "domain": ["films", None],
            }
        )
        catalogue, report = load_catalogue(source)
        assert list(catalogue.items) == ["1", "2"]
        assert catalogue.title == ("", "B")
        assert catalogue.text == ("Alone", "An overview. A plot.")
        assert catalogue.categories == ((), ("Drama", "War"))
        assert catalogue.domain == ("", "films")
        assert catalogue.available_from.tolist() == [ALWAYS, micros(2001, 1, 1)]
        assert catalogue.available_until.tolist() == [NEVER, NEVER]
        assert list(catalogue.numeric) == ["year"]
        np.testing.assert_array_equal(catalogue.numeric["year"], [np.nan, 1999])
        assert report.notes == ("left out, counted over the whole log: avg_rating", "not used: tags, director")
        assert load_catalogue(source, columns={"text": "plot"})[0].text == ("", "A plot.")

    def test_text_files_tell_numbers_by_their_values(self, tmp_path: Path) -> None:
        path = tmp_path / "items.csv"
        path.write_text('item_id,name,price,code,categories\n01,Tea,2.5,007,"[""a"", ""b""]"\n02,Jam,,008,[]\n')
        catalogue, report = load_catalogue(path)
        assert list(catalogue.items) == ["01", "02"]
        assert catalogue.categories == (("a", "b"), ())
        np.testing.assert_array_equal(catalogue.numeric["price"], [2.5, np.nan])
        assert report.notes == ("not used: code",)

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            (["a/b|c", "d/e"], (("a/b", "c"), ("d/e",))),
            (["a/b, c", "d"], (("a", "b, c"), ("d",))),
            (["a, b,a", ""], (("a", "b"), ())),
            ([["a", " b ", None, "a"], None], (("a", "b"), ())),
            (["音乐|流行", "未知"], (("音乐", "流行"), ())),
        ],
    )
    def test_categories(self, written: list[object], expected: tuple[tuple[str, ...], ...]) -> None:
        assert load_catalogue(pa.table({"item_id": ["x", "y"], "category": written}))[0].categories == expected

    def test_of_one_item_the_fullest_row_stays(self) -> None:
        source = pa.table(
            {"item_id": ["a", "a", None, "b"], "title": ["T", "T", "N", "B"], "text": [None, "w", "", ""]}
        )
        catalogue, report = load_catalogue(source)
        assert (catalogue.title, catalogue.text) == (("T", "B"), ("w", ""))
        assert dict(report.dropped) == {"missing item": 1, "another row of the same item": 1}

    def test_an_event_log_gives_the_most_frequent_titles(self) -> None:
        source = log(item_id=["a"] * 4, Description=["SHORT", "A LONG ONE?", "SHORT", None], UnitPrice=[1, 2, 3, 4])
        catalogue, report = load_catalogue(source, columns={"title": "Description"})
        assert (catalogue.title, catalogue.text, dict(catalogue.numeric)) == (("SHORT",), ("",), {})
        assert (report.rows_in, report.rows_out) == (4, 1)
        assert "event log" in report.notes[0]


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
    """A small twin of the raw Online Retail file: cancels, returns, guests, repeated lines, two spellings of a title."""
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
        assert sum(map(bool, catalogue.title)) > 0.9 * len(catalogue)
        assert set(event_columns(events)) >= {"user_id", "item_id", "timestamp"}

    def test_chinese_captions(self) -> None:
        catalogue, _ = load_catalogue(SHARED / "kuairec-captions-zh/items.parquet")
        assert catalogue.categories[0] == ("颜值",)
        assert "精神小伙" in catalogue.title[0]
