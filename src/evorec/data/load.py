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
from evorec.core.types import Events
from evorec.data import timestamps
from evorec.data.clean import CleaningReport, last_of_equals
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
CANCELLED = "cancel or return"
DUPLICATE = "duplicate"

# Actions that take a purchase back; compared in lower case.
CANCELS = ("cancel", "cancelled", "canceled", "cancellation", "return", "returned", "refund", "refunded",
           "取消", "退货", "退款")  # fmt: skip
# A value column of one of these names counts pieces, and zero or fewer pieces are no interest.
QUANTITIES = ("quantity", "qty", "数量")
_MOST_ACTIONS = np.iinfo(np.int16).max


def load_events(
    source: Any, *, columns: Mapping[str, str] | None = None, timezone: str = "UTC"
) -> tuple[Events, CleaningReport]:
    """Read an event log and say which rows were left out, and why.

    `source`: a path (CSV, TSV, JSON lines, Parquet by suffix; MovieLens files by name) or any object with
    `__arrow_c_stream__` (pandas, polars, Arrow, DuckDB). `columns` maps our names to the source's
    (`{"user_id": "CustomerID"}`); the rest are found by synonym. Timestamps without a zone are in `timezone`; numbers
    count seconds, milliseconds, microseconds or nanoseconds since 1970 by their size.

    Left out: rows without user, without item and text, without a readable timestamp, cancels and returns (by action,
    or a quantity of zero or less), and exact duplicates of (user, item, timestamp, action, text), of which the last
    stays. Raises `InputError` where a column is missing or more than half of it cannot be read.

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
        notes = _type_rows(table, mapping, kinds)
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
            notes=(*table.notes, *notes),
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
            raise _missing_column(table, USER)
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
        notes=(*table.notes, *notes),
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
    quantity = VALUE in mapping and names.normalise(mapping[VALUE]) in QUANTITIES
    cancels = ", ".join(literal(name) for name in CANCELS)
    connection.execute(
        f"""
        CREATE TABLE typed AS
        WITH read AS (
            SELECT {user} AS user_id, {item} AS item_id, {when.sql} AS micros, {text_expression(TIMESTAMP)} AS written,
                {action} AS action, {value} AS value, {text} AS words FROM raw
        )
        SELECT user_id, item_id, micros, coalesce(action, '') AS action, value, words, CASE
            WHEN user_id IS NULL THEN '{MISSING_USER}'
            WHEN item_id IS NULL AND words IS NULL THEN '{MISSING_ITEM}'
            WHEN micros IS NULL AND written IS NULL THEN '{MISSING_TIMESTAMP}'
            WHEN micros IS NULL THEN '{UNREADABLE_TIMESTAMP}'
            WHEN lower(action) IN ({cancels}) OR ({quantity} AND value <= 0) THEN '{CANCELLED}'
            END AS reason
        FROM read
        """
    )
    return (*user_notes, *item_notes, *when.notes, *value_notes)


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
    actions = code_table(connection, "actions", "action") if ACTION in mapping else ("",)
    if len(actions) > _MOST_ACTIONS:
        raise InputError(
            f"column {mapping[ACTION]!r} has {len(actions):,} different actions",
            mend=f"it is no kind of action: map another column: {remapped(ACTION)}",
        )
    code = "CAST(actions.code AS SMALLINT)" if ACTION in mapping else "CAST(0 AS SMALLINT)"
    join = "JOIN actions ON actions.id = typed.action" if ACTION in mapping else ""
    relation = (
        "typed JOIN users ON users.id = typed.user_id LEFT JOIN items ON items.id = typed.item_id "
        f"{join} WHERE reason IS NULL ORDER BY users.code, micros, coalesce(items.code, {UNKNOWN}), typed.rowid"
    )
    rows = connection.execute(
        f"SELECT users.code AS user, coalesce(items.code, {UNKNOWN}) AS item, micros, {code} AS action, "
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
        action=columns["action"][keep] if ACTION in mapping else None,
        value=columns["value"][keep] if VALUE in mapping else None,
        text=text,
    )
    return events, int(len(keep) - keep.sum())
