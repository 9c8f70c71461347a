"""Reading a catalogue: `load_catalogue`. Any table with an item column will do, an event log included."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evorec.core.catalogue import Catalogue
from evorec.core.columns import (
    AVAILABLE_FROM,
    AVAILABLE_UNTIL,
    CATALOGUE_SYNONYMS,
    CATEGORIES,
    DOMAIN,
    EVENT_SYNONYMS,
    IMAGE,
    ITEM,
    TEXT,
    TIMESTAMP,
    TITLE,
    USER,
    match_columns,
)
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import ALWAYS, I64, NEVER
from evorec.data import timestamps
from evorec.data.clean import CleaningReport
from evorec.data.reading import (
    attribute_columns,
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
from evorec.data.sources import Table, opened, quoted

MISSING_ITEM = "missing item"
SAME_ITEM = "another row of the same item"


def load_catalogue(
    source: Any, *, columns: Mapping[str, str] | None = None, timezone: str = "UTC"
) -> tuple[Catalogue, CleaningReport]:
    """Read what is known of the items; sources, `columns` and `timezone` as in `load_events`.

    `title`, `categories`, `domain`, `image`, `available_from`, `available_until` take the first column found for each;
    `text` joins all that are found (or takes the one that is mapped). `categories` may be lists, or text split at "|"
    if any row has it, else "/", else ",". Further numeric columns go to `numeric`, but for those that are counted over
    the whole log (such as average ratings), which would leak the future. Of several rows of one item the one with the
    most frequent title stays, then the one with the most content: an event log that carries titles serves as well
    (its numbers describe events and are passed over). The report's notes name what was not taken.

    >>> import pyarrow
    >>> rows = {"sku": ["b", "a", "a"], "name": ["Bread", "Tea", None], "genres": ["food|baked", "Unknown", None]}
    >>> catalogue, report = load_catalogue(pyarrow.table({**rows, "price": [2.5, 1.0, None], "n_orders": [9, 1, 1]}))
    >>> list(catalogue.items), catalogue.title, catalogue.categories, list(catalogue.numeric)
    (['a', 'b'], ('Tea', 'Bread'), ((), ('food', 'baked')), ['price'])
    """
    with opened(source) as table:
        timestamps.set_timezone(table.connection, timezone)
        mapping = map_columns(table, CATALOGUE_SYNONYMS, columns)
        if ITEM not in mapping:
            raise InputError(
                f"{table.label} has no column for {ITEM}; it has {', '.join(table.columns)}",
                mend=f"map it: {remapped(ITEM, option='--map-items')}",
            )
        texts = _text_columns(table, mapping, given=TEXT in (columns or {}))
        is_log = {USER, TIMESTAMP} <= map_columns(table, EVENT_SYNONYMS, columns).keys()
        used = (*mapping.values(), *texts)
        rest = [] if is_log else [name for name in table.columns if name not in used]
        table.keep(
            {ours: theirs for ours, theirs in mapping.items() if ours != TEXT}
            | {f"text {k}": theirs for k, theirs in enumerate(texts)}
            | {f"extra {theirs}": theirs for theirs in rest}
        )
        numeric, ignored, leaks = attribute_columns(table, rest)
        notes = _choose_rows(table, mapping, len(texts))
        catalogue, more_notes = _catalogue(table, mapping, len(texts), numeric)
        rows_in, without = count(table.connection, "raw"), count(table.connection, "typed WHERE id IS NULL")
    dropped = {MISSING_ITEM: without, SAME_ITEM: rows_in - without - len(catalogue)}
    left_out = (
        (f"left out, counted over the whole log: {', '.join(leaks)}",) * bool(leaks)
        + (f"not used: {', '.join(ignored)}",) * bool(ignored)
        + ("an event log: only its columns that describe items were used",) * is_log
    )
    return catalogue, CleaningReport(
        source=table.label,
        rows_in=rows_in,
        dropped={reason: n for reason, n in dropped.items() if n},
        rows_out=len(catalogue),
        notes=(*table.notes, *notes, *more_notes, *left_out),
    )


def _text_columns(table: Table, mapping: Mapping[str, str], *, given: bool) -> list[str]:
    """The columns that `text` is made of, in the order of the synonyms."""
    if given:
        return [mapping[TEXT]]
    taken = {theirs for ours, theirs in mapping.items() if ours != TEXT}
    free = [name for name in table.columns if name not in taken]
    matches = (match_columns(free, {TEXT: (synonym,)}).get(TEXT) for synonym in CATALOGUE_SYNONYMS[TEXT])
    return [name for name in matches if name is not None]


def _choose_rows(table: Table, mapping: Mapping[str, str], texts: int) -> tuple[str, ...]:
    """Fill `chosen` with one row per item, sorted by id."""
    connection = table.connection
    if not count(connection, "raw"):
        raise InputError(f"{table.label} has no rows", mend="check how it was written or downloaded")
    item, notes = id_expression(connection, ITEM, table.columns[mapping[ITEM]], name=mapping[ITEM])
    title = text_expression(TITLE) if TITLE in mapping else "NULL"
    words = (*(c for c in (TITLE, CATEGORIES, DOMAIN, IMAGE) if c in mapping), *(f"text {k}" for k in range(texts)))
    content = " + ".join(f"coalesce(length({text_expression(column)}), 0)" for column in words) or "0"
    connection.execute(
        f"CREATE TABLE typed AS SELECT {item} AS id, {title} AS title, {content} AS content, rowid AS position FROM raw"
    )
    connection.execute(
        """
        CREATE TABLE chosen AS
        WITH counted AS (
            SELECT *, CASE WHEN title IS NULL THEN 0 ELSE count(*) OVER (PARTITION BY id, title) END AS times
            FROM typed WHERE id IS NOT NULL
        ), best AS (
            SELECT id, position FROM counted
            QUALIFY row_number() OVER (PARTITION BY id ORDER BY times DESC, content DESC, position) = 1
        )
        SELECT id, raw.* FROM best JOIN raw ON raw.rowid = best.position ORDER BY id
        """
    )
    bad = count(connection, "typed WHERE id IS NULL")
    if 2 * bad > count(connection, "raw"):
        raise InputError(
            f"{table.label}: {bad:,} rows of column {mapping[ITEM]!r} ({ITEM}) are empty; "
            f"the first is {table.place(first_row(connection, 'typed WHERE id IS NULL'))}",
            mend=f"map another column: {remapped(ITEM, option='--map-items')}",
        )
    return notes


def _catalogue(
    table: Table, mapping: Mapping[str, str], texts: int, numeric: list[str]
) -> tuple[Catalogue, tuple[str, ...]]:
    connection = table.connection
    ids = strings(connection, "id", "chosen")

    def column(ours: str) -> tuple[str, ...]:
        return strings(connection, text_expression(ours), "chosen") if ours in mapping else ("",) * len(ids)

    categories: tuple[tuple[str, ...], ...] = ((),) * len(ids)
    if CATEGORIES in mapping:
        categories = split_lists(connection, CATEGORIES, table.columns[mapping[CATEGORIES]], "chosen")
    parts = [strings(connection, text_expression(f"text {k}"), "chosen") for k in range(texts)]
    available_from, from_notes = _moments(table, mapping, AVAILABLE_FROM, ALWAYS)
    available_until, until_notes = _moments(table, mapping, AVAILABLE_UNTIL, NEVER)
    catalogue = Catalogue(
        items=Vocabulary(ids),
        title=column(TITLE),
        text=tuple(_joined(row) for row in zip(*parts, strict=True)) if parts else ("",) * len(ids),
        categories=categories,
        domain=column(DOMAIN),
        image=column(IMAGE),
        available_from=available_from,
        available_until=available_until,
        numeric={name: numbers(connection, f"extra {name}", "chosen") for name in numeric},
    )
    return catalogue, (*from_notes, *until_notes)


def _joined(parts: tuple[str, ...]) -> str:
    """Texts one after the other, each ended by a full stop but the last; equal ones once."""
    distinct = list(dict.fromkeys(part for part in parts if part))
    ended = [part if part[-1] in ".!?。\uff01\uff1f" else f"{part}." for part in distinct[:-1]]
    return " ".join((*ended, *distinct[-1:]))


def _moments(table: Table, mapping: Mapping[str, str], ours: str, absent: int) -> tuple[I64, tuple[str, ...]]:
    """A timestamp column of the chosen rows, `absent` where there is none, and notes."""
    if ours not in mapping:
        return np.full(count(table.connection, "chosen"), absent, dtype=np.int64), ()
    name = mapping[ours]
    when = timestamps.reading(table.connection, quoted(ours), table.columns[name], name=name)
    rows = table.connection.execute(f"SELECT coalesce({when.sql}, {absent}) AS value FROM chosen").fetchnumpy()
    bad = count(table.connection, f"chosen WHERE {text_expression(ours)} IS NOT NULL AND {when.sql} IS NULL")
    notes = (f"{name}: {bad:,} dates cannot be read and were left open",) if bad else ()
    return np.ma.getdata(rows["value"]).astype(np.int64), (*when.notes, *notes)
