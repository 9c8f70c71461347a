"""Timestamps in every common spelling, turned into UTC microseconds inside the table engine."""

from dataclasses import dataclass
from itertools import pairwise

import duckdb

from evorec.core.errors import InputError
from evorec.data.sources import holds_everywhere, literal

# Magnitudes below which a number counts seconds, milliseconds, microseconds; above: nanoseconds.
# In seconds the first reaches the year 5138; in milliseconds it starts at March 1973.
UNITS = (("seconds", 10**11), ("milliseconds", 10**14), ("microseconds", 10**17), ("nanoseconds", 10**19))

_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")

# Spellings beyond ISO 8601; one column follows one of them. Two-digit years first: %Y would take 10 for the year 10.
_SPELLINGS = {
    "month/day/year": ("%m/%d/%y", "%m/%d/%Y", "%m-%d-%Y", "%m %d, %Y"),
    "day/month/year": ("%d/%m/%y", "%d/%m/%Y", "%d-%m-%Y"),
    "day.month.year": ("%d.%m.%y", "%d.%m.%Y"),
    "named months": ("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%a, %d %b %Y"),
    "年月日": ("%Y年%m月%d日",),
    "yearmonthday": ("%Y%m%d",),
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_LARGE = ("HUGEINT", "UBIGINT", "UHUGEINT")
_DATES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


@dataclass(frozen=True)
class Reading:
    """SQL that gives `int64` UTC microseconds (NULL where unreadable), and what a reader of the report should know."""

    sql: str
    notes: tuple[str, ...] = ()


def set_timezone(connection: duckdb.DuckDBPyConnection, timezone: str) -> None:
    """Let zone-less timestamps be read in `timezone`, an IANA name such as "Asia/Shanghai"."""
    try:
        connection.execute(f"SET TimeZone = {literal(timezone)}")
    except duckdb.Error:
        raise InputError(
            f"no time zone is called {timezone!r}", mend='use an IANA name such as "UTC" or "Asia/Shanghai"'
        ) from None


def reading(connection: duckdb.DuckDBPyConnection, column: str, kind: str, *, name: str) -> Reading:
    """How to read the timestamps of `column` (an SQL name of the table `raw`, of SQL type `kind`).

    `name` is what the source calls it, for the notes.
    """
    if kind in _DATES:
        return Reading(f"epoch_us(CAST(CAST({column} AS TIMESTAMP) AS TIMESTAMPTZ))")
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Reading(f"epoch_us({column})")
    text = f"trim(CAST({column} AS VARCHAR))"
    if _all_compact_dates(connection, text):
        return Reading(_spelled(text, "yearmonthday"), (f"{name}: read as dates such as 20171125",))
    if kind in _INTEGERS:
        return Reading(_whole(column), _unit_notes(connection, column, name))
    if kind in _LARGE or kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        value = f"CAST({column} AS DOUBLE)"
        return Reading(_fractional(value), _unit_notes(connection, value, name))
    whole, fractional = f"TRY_CAST({text} AS BIGINT)", f"TRY_CAST({text} AS DOUBLE)"
    number = f"CASE WHEN contains({text}, '.') THEN {_fractional(fractional)} ELSE {_whole(whole)} END"
    # without a year in front the engine would take 12/1/10 for the 10th of January of the year 12
    iso = f"CASE WHEN regexp_matches({text}, '^[0-9]{{4}}[-/]') THEN epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)) END"
    sql = f"coalesce({number}, {iso})"
    spelling, notes = _best_spelling(connection, text, sql, name)
    if spelling:
        sql = f"coalesce({sql}, {_spelled(text, spelling)})"
    return Reading(sql, (*_unit_notes(connection, fractional, name), *notes))


def _whole(value: str) -> str:
    return (
        f"CASE WHEN abs({value}) < {UNITS[0][1]} THEN {value} * 1000000 WHEN abs({value}) < {UNITS[1][1]} "
        f"THEN {value} * 1000 WHEN abs({value}) < {UNITS[2][1]} THEN {value} ELSE {value} // 1000 END"
    )


def _fractional(value: str) -> str:
    scaled = (
        f"CASE WHEN abs({value}) < {UNITS[0][1]} THEN {value} * 1e6 WHEN abs({value}) < {UNITS[1][1]} "
        f"THEN {value} * 1e3 WHEN abs({value}) < {UNITS[2][1]} THEN {value} ELSE {value} / 1e3 END"
    )
    return f"TRY_CAST(round({scaled}) AS BIGINT)"


def _spelled(text: str, spelling: str) -> str:
    formats = ", ".join(f"'{date}{clock}'" for date in _SPELLINGS[spelling] for clock in _CLOCKS)
    return f"epoch_us(CAST(try_strptime({text}, [{formats}]) AS TIMESTAMPTZ))"


def _all_compact_dates(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Whether every value is eight digits that spell a date; as seconds they would all lie in 1970."""
    dates = f"regexp_full_match({text}, '(19|20)[0-9]{{6}}') AND try_strptime({text}, '%Y%m%d') IS NOT NULL"
    return holds_everywhere(connection, dates, text)


def _unit_notes(connection: duckdb.DuckDBPyConnection, value: str, name: str) -> tuple[str, ...]:
    bounds = [0, *(bound for _, bound in UNITS)]
    counts = ", ".join(
        f"count(*) FILTER (abs({value}) >= {low} AND abs({value}) < {high})" for low, high in pairwise(bounds)
    )
    row = connection.execute(f"SELECT {counts} FROM raw WHERE {value} <> 0").fetchone() or ()
    found = [f"{count:,} in {unit}" for (unit, _), count in zip(UNITS, row, strict=True) if count]
    return (f"{name}: numbers of different magnitude, read as {', '.join(found)}",) if len(found) > 1 else ()


def _best_spelling(
    connection: duckdb.DuckDBPyConnection, text: str, already: str, name: str
) -> tuple[str | None, tuple[str, ...]]:
    """The spelling that reads most of what numbers and ISO 8601 leave unread, and whether another reads as much."""
    unread = f"FROM raw WHERE {text} <> '' AND {already} IS NULL"
    if not _one(connection, f"SELECT count(*) {unread}"):
        return None, ()
    counts = {s: _one(connection, f"SELECT count({_spelled(text, s)}) {unread}") for s in _SPELLINGS}
    best = max(counts, key=lambda s: counts[s])  # the first of equals
    if not counts[best]:
        return None, ()
    if best == "month/day/year" and counts["day/month/year"] == counts[best]:
        return best, (f"{name}: day and month cannot be told apart, read as month/day/year",)
    return best, (f"{name}: read as {best}",)


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
