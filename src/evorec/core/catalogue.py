"""Catalogue and Users: what is known about items and people beside the log. Frozen, and valid from birth."""

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import ALWAYS, F32, I64, NEVER, check_length


@dataclass(frozen=True, eq=False, kw_only=True)
class Catalogue:
    """What can be recommended, one entry per item; empty strings and tuples where nothing is known.

    `available_from`, `available_until` `int64[items]` are UTC microseconds (`ALWAYS`, `NEVER` where open);
    `numeric` holds further columns as `float32[items]`, NaN where absent.

    >>> c = Catalogue.create(item_ids=["b", "a"], title=["Bread", "Apple"], categories=[("food",), ()])
    >>> c.title, c.describe(0)
    (('Bread', 'Apple'), 'Bread. food')
    """

    items: Vocabulary
    title: tuple[str, ...]
    text: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    domain: tuple[str, ...]
    image: tuple[str, ...]
    available_from: I64
    available_until: I64
    numeric: Mapping[str, F32] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("title", "text", "categories", "domain", "image", "available_from", "available_until"):
            check_length(name, getattr(self, name), len(self.items))
        for name, column in self.numeric.items():
            check_length(name, column, len(self.items))

    @classmethod
    def create(
        cls, *, item_ids: Iterable[str], numeric: Mapping[str, F32] | None = None, **columns: Any
    ) -> "Catalogue":
        """A catalogue from plain columns (any of the fields); what is not given is empty."""
        items = Vocabulary(tuple(item_ids))
        n = len(items)
        empty: dict[str, Any] = dict.fromkeys(("title", "text", "domain", "image"), ("",) * n)
        empty["categories"] = ((),) * n
        empty["available_from"] = np.full(n, ALWAYS)
        empty["available_until"] = np.full(n, NEVER)
        for name, values in columns.items():
            if name not in empty:
                raise InputError(f"unknown catalogue column {name!r}", mend=f"use one of {', '.join(empty)}")
            if isinstance(empty[name], np.ndarray):
                empty[name] = np.asarray(values, dtype=np.int64)
            else:
                empty[name] = tuple(tuple(v) for v in values) if name == "categories" else tuple(values)
        return cls(items=items, numeric=dict(numeric or {}), **empty)

    def __len__(self) -> int:
        return len(self.items)

    def describe(self, row: int) -> str:
        """The words an encoder reads for one item: title, categories, text; "" where nothing is known."""
        parts = (self.title[row], ", ".join(self.categories[row]), self.text[row])
        return ". ".join(part for part in parts if part)

    def aligned(self, items: Vocabulary) -> "Catalogue":
        """The same content over `items`; ids the catalogue lacks get an empty entry."""
        rows = self.items.encode(items)
        found = rows >= 0

        def strings(column: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(column[r] if r >= 0 else "" for r in rows)

        def numbers(column: NDArray[Any], absent: float) -> NDArray[Any]:
            out = np.full(len(items), absent, dtype=column.dtype)
            out[found] = column[rows[found]]
            return out

        return Catalogue(
            items=items,
            title=strings(self.title),
            text=strings(self.text),
            categories=tuple(self.categories[r] if r >= 0 else () for r in rows),
            domain=strings(self.domain),
            image=strings(self.image),
            available_from=numbers(self.available_from, ALWAYS),
            available_until=numbers(self.available_until, NEVER),
            numeric={name: numbers(column, np.nan) for name, column in self.numeric.items()},
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Users:
    """Optional facts about users: attributes (strings), numeric columns, and declared interests."""

    users: Vocabulary
    interests: tuple[tuple[str, ...], ...]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numeric: Mapping[str, F32] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_length("interests", self.interests, len(self.users))
        tables: tuple[Mapping[str, Sized], ...] = (self.attributes, self.numeric)
        for columns in tables:
            for name, column in columns.items():
                check_length(name, column, len(self.users))

    def __len__(self) -> int:
        return len(self.users)
