"""Columns out: to pandas, polars and Arrow tables, and to files that appear whole or not at all."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from evorec.core import columns as names
from evorec.core.catalogue import Catalogue, Users
from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.core.types import ALWAYS, I64, NEVER, Events
from evorec.data.sources import literal, quoted

Columns = Mapping[str, NDArray[Any] | Sequence[Any]]

_FORMATS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER",
    ".jsonl": "FORMAT json",
}


def to_arrow(columns: Columns) -> Any:
    """A `pyarrow.Table` of equally long columns.

    >>> to_arrow({"item_id": ["a", "b"], "score": np.array([0.5, 0.25])}).to_pylist()
    [{'item_id': 'a', 'score': 0.5}, {'item_id': 'b', 'score': 0.25}]
    """
    _check_lengths(columns)
    return require("pyarrow", extra="frames").table({name: _plain(values) for name, values in columns.items()})


def to_pandas(columns: Columns) -> Any:
    """A `pandas.DataFrame` of equally long columns."""
    _check_lengths(columns)
    return require("pandas", extra="frames").DataFrame({name: _plain(values) for name, values in columns.items()})


def to_polars(columns: Columns) -> Any:
    """A `polars.DataFrame` of equally long columns."""
    _check_lengths(columns)
    return require("polars", extra="frames").DataFrame({name: _plain(values) for name, values in columns.items()})


def write_table(path: Path, columns: Columns) -> None:
    """Write equally long columns as Parquet, CSV or JSON lines, by the suffix of `path`.

    The file appears under its name only when it is complete; what was there stays until then.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(Path(folder) / "recs.csv", {"item_id": ["007", "茶"], "score": np.array([0.5, np.nan])})
    ...     print((Path(folder) / "recs.csv").read_text(encoding="utf-8"))
    item_id,score
    007,0.5
    茶,
    <BLANKLINE>
    """
    _check_lengths(columns)
    if path.suffix not in _FORMATS:
        raise InputError(f"{path} has a suffix that cannot be written", mend=f"use one of {', '.join(_FORMATS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"c{k}": _array(values) for k, values in enumerate(columns.values())}
    with (
        tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder,
        duckdb.connect() as connection,
    ):
        draft = Path(folder) / path.name
        # look at every value of a column of Python objects: a sample may hold nothing but empty lists
        connection.execute(f"SET pandas_analyze_sample = {max(len(array) for array in arrays.values()) + 1}")
        connection.register("given", arrays)
        kinds = [str(kind) for _, kind, *_ in connection.execute("DESCRIBE given").fetchall()]
        chosen = ", ".join(
            # a list in a CSV file is spelled as JSON, which leaves no doubt where a name ends
            f"{f'to_json({name})' if path.suffix == '.csv' and kind.endswith('[]') else name} AS {quoted(ours)}"
            for name, kind, ours in zip(arrays, kinds, columns, strict=True)
        )
        connection.execute(f"COPY (SELECT {chosen} FROM given) TO {literal(str(draft))} ({_FORMATS[path.suffix]})")
        draft.replace(path)


def event_columns(events: Events) -> dict[str, NDArray[Any]]:
    """An event log as columns under our names: what `write_table` takes and `load_events` reads back."""
    columns: dict[str, NDArray[Any]] = {
        names.USER: _strings(events.users)[events.user],
        names.ITEM: np.append(_strings(events.items), "")[events.item],  # code -1 takes the last entry
        names.TIMESTAMP: _moments(events.timestamp),
    }
    if events.action is not None:
        columns[names.ACTION] = _strings(events.actions)[events.action]
    if events.value is not None:
        columns[names.VALUE] = events.value
    if events.text is not None:
        columns[names.TEXT] = _strings(events.text)
    return columns


def catalogue_columns(catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """A catalogue as columns under our names, without those that hold nothing; `load_catalogue` reads them back."""
    columns: dict[str, NDArray[Any]] = {names.ITEM: _strings(catalogue.items)}
    for name in (names.TITLE, names.TEXT, names.DOMAIN, names.IMAGE):
        if any(getattr(catalogue, name)):
            columns[name] = _strings(getattr(catalogue, name))
    if any(catalogue.categories):
        columns[names.CATEGORIES] = _lists(catalogue.categories)
    for name in (names.AVAILABLE_FROM, names.AVAILABLE_UNTIL):
        moments = _moments(getattr(catalogue, name))
        if not np.isnat(moments).all():
            columns[name] = moments
    return columns | dict(catalogue.numeric)


def user_columns(users: Users) -> dict[str, NDArray[Any]]:
    """A user table as columns under our names; `load_users` reads them back."""
    columns: dict[str, NDArray[Any]] = {names.USER: _strings(users.users)}
    if any(users.interests):
        columns[names.INTERESTS] = _lists(users.interests)
    columns |= {name: _strings(values) for name, values in users.attributes.items()}
    return columns | dict(users.numeric)


def _strings(values: Any) -> NDArray[np.object_]:
    return np.array([*values], dtype=object)


def _lists(values: Sequence[Sequence[str]]) -> NDArray[np.object_]:
    out = np.empty(len(values), dtype=object)
    for row, entries in enumerate(values):
        out[row] = list(entries)
    return out


def _moments(timestamp: I64) -> NDArray[np.datetime64]:
    """UTC microseconds as `datetime64[us]`; open ends become NaT."""
    out = timestamp.astype("datetime64[us]")
    out[(timestamp == ALWAYS) | (timestamp == NEVER)] = np.datetime64("NaT")
    return out


def _plain(values: NDArray[Any] | Sequence[Any]) -> Any:
    """Object arrays as lists, which the frame packages read with the right types."""
    return values.tolist() if isinstance(values, np.ndarray) and values.dtype.kind in "OU" else values


def _array(values: NDArray[Any] | Sequence[Any]) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values.astype(object) if values.dtype.kind == "U" else values
    if any(isinstance(value, list | tuple) for value in values):
        return _lists(values)
    array = np.array(values)
    return array.astype(object) if array.dtype.kind == "U" or None in values else array


def _check_lengths(columns: Columns) -> None:
    lengths = {name: len(values) for name, values in columns.items()}
    if not lengths or len(set(lengths.values())) > 1:
        raise InputError(f"the columns are not equally long: {lengths}", mend="align the columns")
