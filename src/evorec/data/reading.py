"""Steps that every reader shares: matching columns, ids as text, vocabularies, lists, numbers."""

import ast
from collections.abc import Iterable, Mapping

import duckdb
import numpy as np

from evorec.core.columns import CATALOGUE_COLUMNS, EVENT_COLUMNS, FUTURE_LEAKS, USER_COLUMNS, match_columns, normalise
from evorec.core.errors import InputError
from evorec.core.types import F32
from evorec.data.sources import Table, holds_everywhere, quoted

_KNOWN = frozenset((*EVENT_COLUMNS, *CATALOGUE_COLUMNS, *USER_COLUMNS))
_SPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"  # with the no-break and the Chinese space
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT",
            "FLOAT", "DOUBLE", "BOOLEAN")  # fmt: skip
_NOTHING = frozenset({"", "unknown", "(no genres listed)", "未知"})


def map_columns(
    table: Table, synonyms: Mapping[str, tuple[str, ...]], given: Mapping[str, str] | None
) -> dict[str, str]:
    """`{ours: found}` for the columns of one kind of table: what is `given` first, then synonyms among the rest.

    Names of the other kinds of table may be given too and are passed over, so that one mapping serves one raw file
    read as events and as a catalogue.
    """
    mapping: dict[str, str] = {}
    for ours, theirs in (given or {}).items():
        if ours not in _KNOWN:
            raise InputError(f"no column is called {ours!r}", mend=f"map one of {', '.join(sorted(_KNOWN))}")
        if ours not in synonyms:
            continue
        if theirs not in table.columns:
            raise InputError(
                f"{table.label} has no column {theirs!r} (mapped to {ours}); it has {', '.join(table.columns)}",
                mend="correct the mapping",
            )
        mapping[ours] = theirs
    rest = [name for name in table.columns if name not in mapping.values()]
    found = match_columns(rest, {ours: others for ours, others in synonyms.items() if ours not in mapping})
    return {ours: (mapping | found)[ours] for ours in synonyms if ours in mapping or ours in found}


def remapped(ours: str, *, option: str = "--map") -> str:
    """How to name the column for `ours`, from Python and on the command line."""
    return f'columns={{"{ours}": "NAME OF THE COLUMN"}}, on the command line {option} {ours}=NAME'


def text_expression(column: str) -> str:
    """SQL for a column of `raw` as trimmed text, NULL where nothing is left."""
    return f"nullif(trim(CAST({quoted(column)} AS VARCHAR), {_SPACE}), '')"


def id_expression(
    connection: duckdb.DuckDBPyConnection, column: str, kind: str, *, name: str
) -> tuple[str, tuple[str, ...]]:
    """SQL for a column of `raw` as an id, and notes. Text stays as it is; whole numbers lose a trailing ".0".

    Tables with gaps often hold whole numbers as floats. A text column counts as such where every value ends in ".0".
    """
    text = text_expression(column)
    if kind in ("FLOAT", "DOUBLE"):
        raw = quoted(column)
        whole = f"CAST(TRY_CAST({raw} AS HUGEINT) AS VARCHAR)"
        return f"CASE WHEN isnan({raw}) THEN NULL WHEN {raw} = trunc({raw}) THEN {whole} ELSE {text} END", ()
    if kind == "VARCHAR" and holds_everywhere(connection, f"regexp_full_match({text}, '[0-9]+\\.0')", text):
        return f"regexp_replace({text}, '\\.0$', '')", (f"{name}: ids such as 17850.0 were read as 17850",)
    return text, ()


def code_table(connection: duckdb.DuckDBPyConnection, name: str, column: str) -> tuple[str, ...]:
    """The sorted distinct values of a column among the kept rows of `typed`; the table `name` holds their codes."""
    connection.execute(
        f"CREATE TABLE {name} AS SELECT id, CAST(row_number() OVER (ORDER BY id) - 1 AS INTEGER) AS code FROM "
        f"(SELECT DISTINCT {column} AS id FROM typed WHERE reason IS NULL AND {column} IS NOT NULL)"
    )
    return strings(connection, "id", f"{name} ORDER BY code")


def strings(connection: duckdb.DuckDBPyConnection, expression: str, relation: str) -> tuple[str, ...]:
    """A text column as Python strings, "" where it is NULL."""
    rows = connection.execute(f"SELECT coalesce({expression}, '') AS value FROM {relation}").fetchnumpy()
    return tuple(np.ma.getdata(rows["value"]).tolist())


def numbers(connection: duckdb.DuckDBPyConnection, column: str, relation: str) -> F32:
    """A column as float32, NaN where it is not a number."""
    value = f"TRY_CAST({text_expression(column)} AS DOUBLE)"
    rows = connection.execute(f"SELECT CAST(coalesce({value}, 'nan'::DOUBLE) AS FLOAT) AS value FROM {relation}")
    return np.asarray(np.ma.getdata(rows.fetchnumpy()["value"]), dtype=np.float32)


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """How many rows a relation has."""
    row = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0


def first_row(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """The number of the first data row of `relation`, from 1."""
    row = connection.execute(f"SELECT min(rowid) + 1 FROM {relation}").fetchone()
    return int(row[0]) if row else 0


def attribute_columns(table: Table, found: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """The columns `found` (held in `raw` as "extra NAME") by kind: numeric, text, and those that leak the future.

    Text files carry no types: there a column is numeric where every value is a number without a leading zero.
    """
    numeric, texts, leaks = [], [], []
    for name in found:
        kind = table.columns[name]
        is_number = kind in _NUMBERS or kind.startswith("DECIMAL")
        if table.untyped and kind == "VARCHAR":
            text = text_expression(f"extra {name}")
            plain = f"TRY_CAST({text} AS DOUBLE) IS NOT NULL AND NOT regexp_matches({text}, '^[+-]?0[0-9]')"
            is_number = holds_everywhere(table.connection, plain, text)
        if normalise(name) in FUTURE_LEAKS:
            leaks.append(name)
        elif is_number:
            numeric.append(name)
        elif kind == "VARCHAR" or kind.startswith("ENUM"):
            texts.append(name)
    return numeric, texts, leaks


def split_lists(
    connection: duckdb.DuckDBPyConnection, column: str, kind: str, relation: str
) -> tuple[tuple[str, ...], ...]:
    """A column of lists, or of text that spells lists, as tuples of trimmed distinct names; see `as_names`."""
    if kind.endswith("[]"):
        expression = f"CAST({quoted(column)} AS VARCHAR[])"
        rows = connection.execute(f"SELECT {expression} FROM {relation}").fetchall()
        return tuple(_names(name for name in (row[0] or ()) if name is not None) for row in rows)
    return as_names(strings(connection, text_expression(column), relation))


def as_names(column: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Split every text at the column's separator: "|" if any text has it, else "/", else ",". Order is kept.

    Lists written out (`["Jam", "Tea"]`, `['Jam', 'Tea']`) are read as lists. What says nothing ("", "Unknown") is left
    out, and so are repetitions.

    >>> as_names(["Action|Sci-Fi", "Drama/War", "unknown"])
    (('Action', 'Sci-Fi'), ('Drama/War',), ())
    >>> as_names(["['Jam', 'Tea']", "[]"])
    (('Jam', 'Tea'), ())
    """
    texts = tuple(column)
    if any(texts) and all(text.startswith("[") and text.endswith("]") for text in texts if text):
        return tuple(_names(_written_list(text)) for text in texts)
    separator = next((s for s in "|/" if any(s in text for text in texts)), ",")
    return tuple(_names(text.split(separator)) for text in texts)


def _written_list(text: str) -> list[str]:
    try:
        value = ast.literal_eval(text) if text else []
    except (ValueError, SyntaxError):
        return text[1:-1].split(",")
    flat = [part for entry in value for part in (entry if isinstance(entry, list | tuple) else (entry,))]
    return [str(part) for part in flat]


def _names(parts: Iterable[str]) -> tuple[str, ...]:
    trimmed = (part.strip() for part in parts)
    return tuple(dict.fromkeys(name for name in trimmed if name.lower() not in _NOTHING))
