"""Reading event logs and user tables: `load_events`, `load_users`; `load_catalogue` is offered beside them."""

from collections.abc import Mapping
from itertools import compress
from typing import Any

import duckdb
import numpy as np

from evorec.core import columns as names
from evorec.core.catalogue import Users
from evorec.core.columns import ACTION, EVENT_SYNONYMS, INTERESTS, ITEM, TEXT, TIMESTAMP, USER, USER_SYNONYMS, VALUE
from evorec.core.errors import InputError
from evorec.core.ids import UNKNOWN, Vocabulary
from evorec.core.types import DAY, SECOND, Events
from evorec.data import timestamps
from evorec.data.clean import CleaningReport, last_of_equals
from evorec.data.feedback import ACTIONS, RETURN, taken_back
from evorec.data.items import load_catalogue
from evorec.data.reading import (
    attribute_columns,
    code_table,
    count,
    first_row,
    id_expression,
    map_columns,
    numbers,
    remapped,
    split_lists,
    strings,
    text_expression,
)
from evorec.data.sources import Table, literal, opened, quoted

__all__ = ["load_catalogue", "load_events", "load_users"]

MISSING_USER = "missing user"
MISSING_ITEM = "missing item"
MISSING_TIMESTAMP = "missing timestamp"
UNREADABLE_TIMESTAMP = "unreadable timestamp"
PLACEHOLDER = "placeholder instead of a date"
NO_PIECES = "quantity of zero"
DUPLICATE = "duplicate"

# No log of what people did is as long; 1970-01-01 and 9999-12-31 stand for "unknown".
_LONGEST = 25 * 365 * DAY
# Between them lie dates that are not suspect in themselves: after midnight of 1970-01-01 in any zone, before the 2090s.
_PLAUSIBLE = (14 * 3600 * SECOND + 1, 43_830 * DAY - 1)
_MOST_ACTIONS = np.iinfo(np.int16).max


def load_events(
    source: Any, *, columns: Mapping[str, str] | None = None, timezone: str = "UTC"
) -> tuple[Events, CleaningReport]:
    """Read an event log and say which rows were left out, and why.

    `source`: a path (CSV, TSV, JSON lines, Parquet by suffix; MovieLens files by name) or any object with
    `__arrow_c_stream__` (pandas, polars, Arrow, DuckDB). `columns` maps our names to the source's
    (`{"user_id": "CustomerID"}`); the rest are found by synonym. Timestamps without a zone are in `timezone`; numbers
    count seconds, milliseconds, microseconds or nanoseconds since 1970 by their size.

    Left out: rows without user, without item and text, without a readable timestamp, with a quantity of zero, and exact
    duplicates of (user, item, timestamp, action, text), of which the last stays; a date more than 25 years from the
    middle of the log is a placeholder (1970-01-01, 9999-12-31), and no timestamp. A quantity below zero is a `return`.
    Cancels and returns stay, under their action, and the notes count them: `weigh` turns them against their item.
    Raises `InputError` where a column is missing or more than half of it cannot be read.

    >>> import pyarrow
    >>> rows = {"customer_id": ["007", "007", None], "sku": ["tea", "jam", "tea"], "date": ["2024-05-01"] * 3}
    >>> events, report = load_events(pyarrow.table(rows))
    >>> list(events.users), list(events.items), dict(report.dropped)
    (['007'], ['jam', 'tea'], {'missing user': 1})
    """
    with opened(source) as table:
        timestamps.set_timezone(table.connection, timezone)
        mapping = map_columns(table, EVENT_SYNONYMS, columns)
        _require(table, mapping)
        table.keep(mapping)
        kinds = {ours: table.columns[theirs] for ours, theirs in mapping.items()}
        notes = (*_type_rows(table, mapping, kinds), *_strike_placeholders(table, mapping))
        _refuse_unreadable(table, mapping)
        counts = (
            "SELECT reason, count(*) AS n FROM typed WHERE reason IS NOT NULL GROUP BY reason ORDER BY n DESC, reason"
        )
        dropped = dict(table.connection.execute(counts).fetchall())
        events, duplicates = _events(table.connection, mapping)
        if duplicates:
            dropped[DUPLICATE] = duplicates
        report = CleaningReport(
            source=table.label,
            rows_in=count(table.connection, "raw"),
            dropped=dropped,
            rows_out=len(events),
            notes=(*table.notes, *notes, *_told_returns(events)),
        )
    return events, report


def load_users(source: Any, *, columns: Mapping[str, str] | None = None) -> tuple[Users, CleaningReport]:
    """Read a user table: `user_id`, declared `interests` (a list, or text split at | / or ,), and whatever else.

    Further columns become `numeric` where all their values are numbers, `attributes` otherwise. Of two rows with one
    id the fuller stays. Sources and `columns` as in `load_events`.

    >>> import pyarrow
    >>> users, report = load_users(pyarrow.table({"user": ["b", "a"], "age": [30, 40], "interests": ["tea|jam", ""]}))
    >>> list(users.users), users.interests, users.numeric["age"].tolist()
    (['a', 'b'], ((), ('tea', 'jam')), [40.0, 30.0])
    """
    with opened(source) as table:
        mapping = map_columns(table, USER_SYNONYMS, columns)
        if USER not in mapping:
            raise InputError(
                f"{table.label} has no column for {USER}; it has {', '.join(table.columns)}",
                mend=f'call the column {USER} in the table of users; in Python, load_users(..., columns={{"{USER}": '
                '"NAME OF THE COLUMN"})',
            )
        undeclared = f"no column for {INTERESTS}: nobody declares any; it has {', '.join(table.columns)}"
        rest = {name: name for name in table.columns if name not in mapping.values()}
        table.keep({**mapping, **{f"extra {name}": name for name in rest}})
        connection = table.connection
        numeric, texts, _ = attribute_columns(table, rest)
        user, notes = id_expression(connection, USER, table.columns[mapping[USER]], name=mapping[USER])
        filled = " + ".join(f"({quoted(f'extra {name}')} IS NOT NULL)::INTEGER" for name in rest) or "0"
        connection.execute(
            f"CREATE TABLE chosen AS SELECT {user} AS id, * FROM raw WHERE {user} IS NOT NULL "
            f"QUALIFY row_number() OVER (PARTITION BY {user} ORDER BY {filled} DESC, rowid) = 1 ORDER BY id"
        )
        ids = strings(connection, "id", "chosen")
        rows_in, without = count(connection, "raw"), count(connection, f"raw WHERE {user} IS NULL")
        interests: tuple[tuple[str, ...], ...] = ((),) * len(ids)
        if INTERESTS in mapping:
            interests = split_lists(connection, INTERESTS, table.columns[mapping[INTERESTS]], "chosen")
        users = Users(
            users=Vocabulary(ids),
            interests=interests,
            attributes={name: strings(connection, text_expression(f"extra {name}"), "chosen") for name in texts},
            numeric={name: numbers(connection, f"extra {name}", "chosen") for name in numeric},
        )
    dropped = {MISSING_USER: without, DUPLICATE: rows_in - without - len(ids)}
    return users, CleaningReport(
        source=table.label,
        rows_in=rows_in,
        dropped={reason: n for reason, n in dropped.items() if n},
        rows_out=len(ids),
        notes=(*table.notes, *notes, *([] if INTERESTS in mapping else [undeclared])),
    )


def _require(table: Table, mapping: Mapping[str, str]) -> None:
    for ours in (USER, TIMESTAMP):
        if ours not in mapping:
            raise _missing_column(table, ours)
    if ITEM not in mapping and TEXT not in mapping:
        raise _missing_column(table, ITEM)


def _missing_column(table: Table, ours: str) -> InputError:
    return InputError(
        f"{table.label} has no column for {ours}; it has {', '.join(table.columns)}",
        mend=f"map it: {remapped(ours)}",
    )


def _type_rows(table: Table, mapping: Mapping[str, str], kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Turn `raw` into `typed`, row by row: ids, microseconds, and the reason to drop a row (NULL to keep it)."""
    connection = table.connection
    no_notes: tuple[str, ...] = ()
    user, user_notes = id_expression(connection, USER, kinds[USER], name=mapping[USER])
    item, item_notes = "NULL", no_notes
    if ITEM in mapping:
        item, item_notes = id_expression(connection, ITEM, kinds[ITEM], name=mapping[ITEM])
    when = timestamps.reading(connection, TIMESTAMP, kinds[TIMESTAMP], name=mapping[TIMESTAMP])
    action = text_expression(ACTION) if ACTION in mapping else "NULL"
    text = text_expression(TEXT) if TEXT in mapping else "NULL"
    value, value_notes = "NULL", no_notes
    if VALUE in mapping:
        value = f"TRY_CAST({text_expression(VALUE)} AS DOUBLE)"
        bad = count(connection, f"raw WHERE {text_expression(VALUE)} IS NOT NULL AND {value} IS NULL")
        value_notes = (f"{mapping[VALUE]}: {bad:,} values are not numbers and were left empty",) if bad else ()
    pieces = "value" if VALUE in mapping and names.normalise(mapping[VALUE]) in names.QUANTITIES else "1"
    against = ", ".join(literal(name) for name, weight in ACTIONS.items() if weight < 0)
    connection.execute(
        f"""
        CREATE TABLE typed AS
        WITH read AS (
            SELECT {user} AS user_id, {item} AS item_id, {when.sql} AS micros, {text_expression(TIMESTAMP)} AS written,
                {action} AS action, {value} AS value, {text} AS words FROM raw
        )
        SELECT user_id, item_id, micros, written, value, words,
            CASE WHEN {pieces} < 0 AND coalesce(lower(action), '') NOT IN ({against}) THEN '{RETURN}'
                ELSE coalesce(action, '') END AS action,
            CASE
            WHEN user_id IS NULL THEN '{MISSING_USER}'
            WHEN item_id IS NULL AND words IS NULL THEN '{MISSING_ITEM}'
            WHEN micros IS NULL AND written IS NULL THEN '{MISSING_TIMESTAMP}'
            WHEN micros IS NULL THEN '{UNREADABLE_TIMESTAMP}'
            WHEN {pieces} = 0 THEN '{NO_PIECES}'
            END AS reason
        FROM read
        """
    )
    return (*user_notes, *item_notes, *when.notes, *value_notes)


def _strike_placeholders(table: Table, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Take the moment from rows of `typed` that lie too far from the middle of the log, and say so.

    One such row would make a log of years one of millennia, and its end the moment of asking. The middle is the median
    of plausible dates; a log without any counts time in its own way, and stays as it is.
    """
    execute = table.connection.execute
    plausible = "SELECT quantile_disc(micros, 0.5) FROM typed WHERE micros BETWEEN {} AND {}".format(*_PLAUSIBLE)
    (middle,) = execute(plausible).fetchone() or (None,)
    if middle is None:
        return ()
    far = f"NOT micros BETWEEN {middle - _LONGEST} AND {middle + _LONGEST}"
    struck = count(table.connection, f"typed WHERE {far}")
    if not struck:
        return ()
    first = first_row(table.connection, f"typed WHERE {far}")
    (written,) = execute(f"SELECT written FROM typed WHERE rowid = {first - 1}").fetchone() or (None,)
    execute(f"UPDATE typed SET micros = NULL, reason = coalesce(reason, '{PLACEHOLDER}') WHERE {far}")
    return (
        f"{mapping[TIMESTAMP]}: {struck:,} dates lie more than 25 years from the middle of the log, the first is "
        f"{table.place(first)}: {written!r}; correct them, or leave them empty where the time is unknown",
    )


def _told_returns(events: Events) -> tuple[str, ...]:
    returns = int(taken_back(events).sum())
    if not returns:
        return ()
    return (f"{returns:,} rows cancel or return something: they count against it, and are no event that anybody had",)


def _refuse_unreadable(table: Table, mapping: Mapping[str, str]) -> None:
    """Refuse a source of which more than half has no user, no item or no time: its columns are not what they seem."""
    rows = count(table.connection, "raw")
    if not rows:
        raise InputError(f"{table.label} has no rows", mend="check how it was written or downloaded")
    faults = {
        USER: ("user_id IS NULL", "give every row a user"),
        ITEM: ("item_id IS NULL AND words IS NULL", "give every row an item"),
        TIMESTAMP: ("micros IS NULL", "write numbers since 1970 or dates such as 2024-05-01 08:30:00"),
    }
    for ours, (fault, advice) in faults.items():
        bad = count(table.connection, f"typed WHERE {fault}")
        if 2 * bad <= rows:
            continue
        if ours not in mapping:  # words alone may do, but here they do not
            raise _missing_column(table, ours)
        first = first_row(table.connection, f"typed WHERE {fault}")
        column = mapping.get(ours, ours)
        found = table.connection.execute(f"SELECT {ours} FROM raw WHERE rowid = {first - 1}").fetchone() or (None,)
        raise InputError(
            f"{table.label}: {bad:,} of {rows:,} rows of column {column!r} ({ours}) cannot be read; "
            f"the first is {table.place(first)}: {'empty' if found[0] in (None, '') else repr(found[0])}",
            mend=f"{advice}, or map another column: {remapped(ours)}",
        )


def _events(connection: duckdb.DuckDBPyConnection, mapping: Mapping[str, str]) -> tuple[Events, int]:
    """The kept rows as codes, in the order of `Events`, and how many exact duplicates were left out."""
    users = code_table(connection, "users", "user_id")
    items = code_table(connection, "items", "item_id")
    actions = code_table(connection, "actions", "action")
    if len(actions) > _MOST_ACTIONS:
        raise InputError(
            f"column {mapping.get(ACTION)!r} has {len(actions):,} different actions",
            mend=f"it is no kind of action: map another column: {remapped(ACTION)}",
        )
    item = f"coalesce(items.code, {UNKNOWN})"
    relation = (
        "typed JOIN users ON users.id = typed.user_id LEFT JOIN items ON items.id = typed.item_id "
        "JOIN actions ON actions.id = typed.action "
        f"WHERE reason IS NULL ORDER BY users.code, micros, {item}, typed.rowid"
    )
    rows = connection.execute(
        f"SELECT users.code AS user, {item} AS item, micros, CAST(actions.code AS SMALLINT) AS action, "
        f"CAST(coalesce(value, 'nan'::DOUBLE) AS FLOAT) AS value, hash(words) AS words FROM {relation}"
    ).fetchnumpy()
    columns = {name: np.ma.getdata(column) for name, column in rows.items()}
    extra = [columns["action"], *([columns["words"]] if TEXT in mapping else [])]
    keep = last_of_equals(columns["user"], columns["micros"], columns["item"], *extra)
    text = None
    if TEXT in mapping:
        # free text is the one column that becomes a string per event
        text = tuple(compress(strings(connection, "words", relation), keep))
    events = Events(
        users=Vocabulary(users),
        items=Vocabulary(items),
        user=columns["user"][keep],
        item=columns["item"][keep],
        timestamp=columns["micros"][keep],
        actions=actions or ("",),
        action=None if actions in ((), ("",)) else columns["action"][keep],
        value=columns["value"][keep] if VALUE in mapping else None,
        text=text,
    )
    return events, int(len(keep) - keep.sum())
