"""Opening sources: files of every kind and encoding, frames, and what is said of those that are broken."""

import gzip
import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.frames import write_table
from evorec.data.load import load_catalogue, load_events, load_users

SHARED = Path(__file__).parents[2] / "../shared/data"
SECOND = 1_000_000


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
            table = pa.table(columns)
            connection.register("given", table)
            frames = [pd.DataFrame(columns).iloc[::-1], pl.DataFrame(columns), table, table.to_reader()]
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
        source = pa.table({"user_id": ["u", "u"], "item_id": ["1.0", "1.5"], "timestamp": [1, 2]})
        assert list(load_events(source)[0].items) == ["1.0", "1.5"]

    def test_ids_are_trimmed_and_chinese_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "记录.csv"
        path.write_text("用户,商品,时间,行为\n 甲\u3000,茶,2024-05-01,购买\n", encoding="utf-8")
        events, _ = load_events(path, timezone="Asia/Shanghai")
        assert rows(events) == [("甲", "茶", 1_714_492_800 * SECOND)]
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
        assert old.available_from.tolist() == [788_918_400 * SECOND]
        assert not old.numeric
        new, _ = load_catalogue(tmp_path / "movies.dat")
        assert (new.title, new.categories) == (("Léon: x (1994)",), (("Action", "Comedy"),))
        users, _ = load_users(tmp_path / "u.user")
        assert users.attributes["zip"] == ("08571",)  # a leading zero is no number
        assert users.numeric["age"].tolist() == [24]
        assert load_users(tmp_path / "users.dat")[0].attributes["gender"] == ("F",)


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
