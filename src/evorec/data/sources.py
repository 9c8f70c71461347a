"""Opening a source of rows (file, data frame, Arrow stream) as one table whose rows are numbered as they came."""

import csv
import gzip
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from evorec.core.errors import InputError
from evorec.data.encodings import as_utf8, recognise

_MOVIELENS_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip

# MovieLens files carry no header: name -> (delimiter, columns).
MOVIELENS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "u.data": ("\t", ("user_id", "item_id", "rating", "timestamp")),
    "u.item": ("|", ("item_id", "title", "release_date", "video_release_date", "imdb_url", *_MOVIELENS_GENRES)),
    "u.user": ("|", ("user_id", "age", "gender", "occupation", "zip")),
    "ratings.dat": ("::", ("user_id", "item_id", "rating", "timestamp")),
    "movies.dat": ("::", ("item_id", "title", "genres")),
    "users.dat": ("::", ("user_id", "gender", "age", "occupation", "zip")),
}
DELIMITED = (".csv", ".tsv", ".txt")
JSON_LINES = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A source of rows inside the table engine.

    `columns` maps the names found to SQL types; `expressions` maps them to SQL over `relation`. `label` names the
    source in messages. `untyped`: every column came as text. `text_file` knows the lines; None where there are none.
    """

    connection: duckdb.DuckDBPyConnection
    label: str
    relation: str
    columns: Mapping[str, str]
    expressions: Mapping[str, str]
    untyped: bool = False
    notes: tuple[str, ...] = ()
    text_file: "TextFile | None" = None

    def keep(self, wanted: Mapping[str, str]) -> None:
        """Read the columns `wanted` (`{new name: name found}`) into the table `raw`; its rowid counts rows from 0."""
        chosen = ", ".join(f"{self.expressions[theirs]} AS {quoted(ours)}" for ours, theirs in wanted.items())
        try:
            self.connection.execute(f"CREATE OR REPLACE TABLE raw AS SELECT {chosen} FROM {self.relation}")
        except duckdb.Error as error:
            raise self.unreadable(error) from None

    def unreadable(self, error: Exception) -> InputError:
        """The table engine's complaint as an error that names the source."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = (self.text_file and self.text_file.fault()) or "; ".join(lines[:3])
        return InputError(f"{self.label} cannot be read: {text}", mend="repair or remove what the message names")

    def place(self, row: int) -> str:
        """Where data row `row` (from 1) stands, for a message."""
        line = self.text_file.line(row) if self.text_file else None
        return f"row {row}" if line is None else f"row {row} (line {line})"


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """How a UTF-8 text file is cut into rows; `delimiter` None means one JSON object a line."""

    path: Path
    delimiter: str | None
    header: bool = False
    quotes: bool = False

    def names(self) -> list[str]:
        """The header's names; an empty one is named by its position, and a repeated one is refused."""
        with self.path.open(encoding="utf-8", newline="") as file:
            found = next(csv.reader(file, delimiter=self.delimiter or ","), [])
        names = [name.strip() or f"column {position}" for position, name in enumerate(found, start=1)]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{self.path.name}: two columns are named {name!r}", mend="rename one of them")
        return names

    def line(self, row: int) -> int | None:
        """The line on which data row `row` (from 1) starts; blank lines are no rows, quoted values may span lines."""
        with self.path.open(encoding="utf-8", newline="") as file:
            if not self.quotes:
                full = (number for number, text in enumerate(file, start=1) if text.strip())
                return next((number for count, number in enumerate(full, start=1) if count == row), None)
            reader, seen, end = csv.reader(file, delimiter=self.delimiter or ","), -1 if self.header else 0, 0
            for record in reader:
                seen += bool(record)
                if seen == row and record:
                    return end + 1
                end = reader.line_num
        return None

    def fault(self) -> str | None:
        """The first line that is not JSON, where it should be; the engine's own line numbers are off by some."""
        if self.delimiter is not None:
            return None
        with self.path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                try:
                    json.loads(text.strip() or "{}")
                except ValueError as error:
                    return f"line {number} is not JSON: {error}"
        return None


class _ArrowStream:
    """Shows a frame to the table engine as an Arrow stream and nothing else, so that all kinds take one road."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def quoted(name: str) -> str:
    """A column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """A path as an SQL literal; the engine would read `*`, `?` and `[` in a name as a pattern."""
    return literal("".join(f"[{c}]" if c in "*?[" else c for c in str(path)))


def holds_everywhere(connection: duckdb.DuckDBPyConnection, condition: str, text: str) -> bool:
    """Whether an SQL condition holds in every row of `raw` whose `text` is not empty, of which there must be one."""
    rows = f"FROM raw WHERE {text} <> ''"
    first = connection.execute(f"SELECT {condition} {rows} LIMIT 1").fetchone()
    if not first or not first[0]:  # nearly always so, and then the other rows need no look
        return False
    every = connection.execute(f"SELECT bool_and({condition}) {rows}").fetchone()
    return bool(every and every[0])


@contextmanager
def opened(source: Any) -> Iterator[Table]:
    """Open a path or any object with `__arrow_c_stream__` as a `Table`; engine and temporary files go afterwards."""
    with tempfile.TemporaryDirectory(prefix="evorec-") as name, duckdb.connect() as connection:
        folder = Path(name)
        connection.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}")
        connection.execute("SET TimeZone = 'UTC'")
        if isinstance(source, str | Path):
            yield _open_file(connection, Path(source), folder)
        elif hasattr(source, "__arrow_c_stream__"):
            yield _open_frame(connection, source)
        else:
            raise InputError(
                f"cannot read rows from a {type(source).__name__}",
                mend="pass a path, or a pandas, polars or Arrow table",
            )


def _open_frame(connection: duckdb.DuckDBPyConnection, frame: Any) -> Table:
    label = f"the {type(frame).__module__.partition('.')[0]} table"
    try:  # copied at once, because some streams can be read only once
        connection.register("stream", _ArrowStream(frame))
        connection.execute("CREATE TABLE frame AS SELECT * FROM stream")
    except duckdb.Error as error:
        raise InputError(
            f"{label} cannot be read: {str(error).splitlines()[0]}",
            mend="give every column one type, e.g. frame['item_id'].astype(str); pandas also needs pyarrow "
            "(pip install 'evorec[frames]')",
        ) from None
    columns = _columns(connection, "frame")
    index = [name for name in columns if name.startswith("__index_level_")]  # pandas' row labels, not data
    return _table(connection, label, "frame", {n: t for n, t in columns.items() if n not in index})


def _open_file(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> Table:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {what}", mend="check the path; it must be one file")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty", mend="check how it was written or downloaded")
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind in PARQUET:
        relation = f"read_parquet({file_literal(path)})"
        return _table(connection, str(path), relation, _columns(connection, relation, label=str(path)))
    movielens = path.name.removesuffix(".gz") in MOVIELENS
    if not movielens and kind not in (*DELIMITED, *JSON_LINES):
        raise InputError(
            f"{path} has a suffix that is not known",
            mend=f"use one of {', '.join((*DELIMITED, *JSON_LINES, *PARQUET))}, or a MovieLens file name",
        )
    try:
        encoding = recognise(path)
        plain = as_utf8(path, encoding, folder)
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged: {error}", mend="write or download it again") from None
    if movielens:
        table = _open_movielens(connection, path, plain)
    elif kind in JSON_LINES:
        table = _open_json(connection, path, plain)
    else:
        table = _open_delimited(connection, path, plain)
    notes = () if encoding == "utf-8" else (f"read as {encoding}",)
    return replace(table, notes=notes)


def _open_delimited(connection: duckdb.DuckDBPyConnection, path: Path, plain: Path) -> Table:
    delimiter = _delimiter(plain, tab=".tsv" in path.suffixes)
    file = TextFile(path=plain, delimiter=delimiter, header=True, quotes=True)
    return _text_table(connection, str(path), file, file.names())


def _open_movielens(connection: duckdb.DuckDBPyConnection, path: Path, plain: Path) -> Table:
    delimiter, names = MOVIELENS[path.name.removesuffix(".gz")]
    table = _text_table(connection, str(path), TextFile(path=plain, delimiter=delimiter), names)
    if "Film-Noir" not in names:
        return table
    flags = {name: table.expressions[name] for name in _MOVIELENS_GENRES}
    cases = ", ".join(f"CASE WHEN {column} = '1' THEN {literal(name)} END" for name, column in flags.items())
    columns = {name: kind for name, kind in table.columns.items() if name not in flags} | {"genres": "VARCHAR"}
    expressions = {**table.expressions, "genres": f"concat_ws('|', {cases})"}
    return replace(table, columns=columns, expressions=expressions)


def _text_table(
    connection: duckdb.DuckDBPyConnection, label: str, file: TextFile, names: list[str] | tuple[str, ...]
) -> Table:
    """Every column as text, so that an id keeps its leading zeros; columns are called c0, c1, ... inside."""
    quote = '"' if file.quotes else ""
    columns = ", ".join(f"'c{k}': 'VARCHAR'" for k in range(len(names)))
    relation = (
        f"read_csv({file_literal(file.path)}, delim = {literal(file.delimiter or ',')}, quote = '{quote}', "
        f"escape = '{quote}', header = {file.header}, auto_detect = false, columns = {{{columns}}})"
    )
    return Table(
        connection=connection,
        label=label,
        relation=relation,
        columns=dict.fromkeys(names, "VARCHAR"),
        expressions={name: f"c{k}" for k, name in enumerate(names)},
        untyped=True,
        text_file=file,
    )


def _open_json(connection: duckdb.DuckDBPyConnection, path: Path, plain: Path) -> Table:
    arguments = f"{file_literal(plain)}, format = 'newline_delimited'"
    file = TextFile(path=plain, delimiter=None)
    found = _columns(connection, f"read_json({arguments})", label=str(path), file=file)
    keys = ", ".join(f"{literal(name)}: 'JSON'" for name in found)
    lists = {name for name, kind in found.items() if kind == "VARCHAR[]"}
    return Table(
        connection=connection,
        label=str(path),
        relation=f"read_json({arguments}, columns = {{{keys}}})",
        columns={name: "VARCHAR[]" if name in lists else "VARCHAR" for name in found},
        # as text, exactly as written: the engine would turn numbers and dates into values of its own
        expressions={
            name: f"CAST({quoted(name)} AS VARCHAR[])" if name in lists else f"{quoted(name)} ->> '$'" for name in found
        },
        untyped=True,
        text_file=file,
    )


def _table(connection: duckdb.DuckDBPyConnection, label: str, relation: str, columns: Mapping[str, str]) -> Table:
    return Table(
        connection=connection,
        label=label,
        relation=relation,
        columns=columns,
        expressions={name: quoted(name) for name in columns},
    )


def _columns(
    connection: duckdb.DuckDBPyConnection, relation: str, *, label: str = "", file: TextFile | None = None
) -> dict[str, str]:
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        complaint = (file and file.fault()) or str(error).splitlines()[0]
        raise InputError(
            f"{label} cannot be read: {complaint}", mend="check that the file is what its suffix says"
        ) from None
    return {str(name): str(kind) for name, kind, *_ in rows}


def _delimiter(path: Path, *, tab: bool) -> str:
    """The delimiter of a file with a header: the candidate that cuts the header into most columns."""
    if tab:
        return "\t"
    with path.open(encoding="utf-8", newline="") as file:
        header = file.readline()
    return max((",", ";", "\t", "|"), key=lambda d: len(next(csv.reader([header], delimiter=d), [])))
