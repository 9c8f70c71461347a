"""Columns out: frames, files that appear whole, and values that come back as they went."""

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evorec.core import extras
from evorec.core.catalogue import Catalogue, Users
from evorec.core.errors import InputError, MissingExtraError
from evorec.core.ids import Vocabulary
from evorec.core.types import DAY, Events
from evorec.data.frames import (
    catalogue_columns,
    event_columns,
    to_arrow,
    to_pandas,
    to_polars,
    user_columns,
    write_table,
)
from evorec.data.load import load_catalogue, load_events, load_users

SUFFIXES = (".parquet", ".csv", ".jsonl")
COLUMNS = {"id": ["007", "茶", ""], "score": np.array([0.5, np.nan, 1], np.float32), "tags": [["a", "b|c"], [], ["'"]]}


def test_frames_hold_the_columns() -> None:
    assert to_arrow(COLUMNS).column("tags").to_pylist() == COLUMNS["tags"]
    assert to_pandas(COLUMNS)["id"].tolist() == COLUMNS["id"]
    assert to_polars(COLUMNS).schema == {"id": pl.String, "score": pl.Float32, "tags": pl.List(pl.String)}
    strings = np.array(["a", "b"], dtype=object)
    assert to_polars({"x": strings}).schema == {"x": pl.String}
    for make in (to_arrow, to_pandas, to_polars):
        with pytest.raises(InputError, match="equally long"):
            make({"a": [1], "b": [1, 2]})


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    for make in (to_arrow, to_pandas, to_polars):
        with pytest.raises(MissingExtraError) as error:
            make({"a": [1]})
        assert "evorec[frames]" in error.value.mend


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_hold_the_columns(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / f"it's [1]{suffix}"
    write_table(path, {**COLUMNS, "when": np.array(["2024-05-01", "NaT", "2024-05-02"], dtype="datetime64[us]")})
    catalogue, _ = load_catalogue(path, columns={"item_id": "id", "categories": "tags", "available_from": "when"})
    assert dict(zip(catalogue.items, catalogue.categories, strict=True)) == {"007": ("a", "b|c"), "茶": ()}
    write_table(path, {"id": np.zeros(0, dtype=object), "n": np.zeros(0)})
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_lists_are_found_in_whichever_row_they_stand(tmp_path: Path) -> None:
    lists: list[list[str]] = [[] for _ in range(5_000)]
    lists[4_321] = ["茶"]
    write_table(tmp_path / "a.parquet", {"x": lists})
    assert pl.read_parquet(tmp_path / "a.parquet")["x"].to_list() == lists


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    write_table(path, {"x": [1]})

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_table(path, {"x": [2]})
    assert path.read_text() == "x\n1\n"
    assert list(tmp_path.iterdir()) == [path]


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="suffix"):
        write_table(tmp_path / "a.xlsx", {"x": [1]})
    with pytest.raises(InputError, match="equally long"):
        write_table(tmp_path / "a.csv", {})


EVENTS = Events.create(
    user_ids=["007", "7", "茶客"],
    item_ids=["b", "", "a"],
    timestamps=[100_000_001, -5 * DAY, 0],
    actions=["view", "search", ""],
    values=[0.1, np.nan, 3],
    texts=["", 'say "hi",\nthen', ""],
)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_events_come_back(tmp_path: Path, suffix: str) -> None:
    write_table(tmp_path / f"e{suffix}", event_columns(EVENTS))
    events, report = load_events(tmp_path / f"e{suffix}")
    assert (events.users, events.items, events.actions) == (EVENTS.users, EVENTS.items, EVENTS.actions)
    assert events.text == EVENTS.text
    for name in ("user", "item", "timestamp", "action", "value"):
        np.testing.assert_array_equal(getattr(events, name), getattr(EVENTS, name))
    assert report.notes == ()


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=5)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(NAMES, unique=True, max_size=3), min_size=1, max_size=5), st.sampled_from(SUFFIXES))
def test_categories_come_back(tmp_path_factory: pytest.TempPathFactory, lists: list[list[str]], suffix: str) -> None:
    path = tmp_path_factory.mktemp("c") / f"c{suffix}"
    given_ = Catalogue.create(item_ids=[f"i{k}" for k in range(len(lists))], title=["t"] * len(lists), categories=lists)
    write_table(path, catalogue_columns(given_))
    assert load_catalogue(path)[0].categories == given_.categories


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_catalogues_and_users_come_back(tmp_path: Path, suffix: str) -> None:
    catalogue = Catalogue.create(
        item_ids=["01", "02"],
        title=["Tea", "茶"],
        text=["", "words"],
        domain=["d", ""],
        available_from=[DAY, np.iinfo(np.int64).min],
        available_until=[np.iinfo(np.int64).max, 2 * DAY],
        numeric={"price": np.array([2.5, np.nan], np.float32)},
    )
    write_table(tmp_path / f"c{suffix}", catalogue_columns(catalogue))
    read, _ = load_catalogue(tmp_path / f"c{suffix}")
    for name in ("items", "title", "text", "categories", "domain", "image"):
        assert getattr(read, name) == getattr(catalogue, name)
    for name in ("available_from", "available_until"):
        np.testing.assert_array_equal(getattr(read, name), getattr(catalogue, name))
    np.testing.assert_array_equal(read.numeric["price"], catalogue.numeric["price"])

    users = Users(
        users=Vocabulary(("a", "b")),
        interests=(("tea",), ()),
        attributes={"city": ("北京", "Rome")},
        numeric={"age": np.array([30, 40], np.float32)},
    )
    write_table(tmp_path / f"u{suffix}", user_columns(users))
    back, _ = load_users(tmp_path / f"u{suffix}")
    assert (back.users, back.interests, back.attributes) == (users.users, users.interests, users.attributes)
    assert back.numeric["age"].tolist() == [30, 40]


def test_parquet_needs_no_frame_package(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", {"x": ["a"], "n": [1]})
    with duckdb.connect() as connection:
        assert connection.execute(f"FROM '{tmp_path / 'a.parquet'}'").fetchall() == [("a", 1)]
