"""Reading a catalogue: which columns are taken, joined, left out, and which row of an item stays."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evorec.core.types import ALWAYS, NEVER
from evorec.data.load import load_catalogue

SHARED = Path(__file__).parents[2] / "../shared/data"
SECOND = 1_000_000


def micros(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[arg-type]


def log(**columns: list[object]) -> pa.Table:
    """An Arrow event log; what is not given gets a harmless value."""
    n = len(next(iter(columns.values())))
    return pa.table({"user_id": ["u"] * n, "item_id": [f"i{k}" for k in range(n)], "timestamp": [1] * n, **columns})


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


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not beside the repository")
def test_chinese_captions() -> None:
    catalogue, _ = load_catalogue(SHARED / "kuairec-captions-zh/items.parquet")
    assert catalogue.categories[0] == ("颜值",)
    assert "精神小伙" in catalogue.title[0]
