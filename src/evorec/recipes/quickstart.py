"""From files or tables to an engine in one call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evorec.core.catalogue import Catalogue, Users
from evorec.core.types import Events
from evorec.data.clean import CleaningReport
from evorec.data.dataset import Dataset
from evorec.data.items import load_catalogue
from evorec.data.load import load_events, load_users
from evorec.engine.engine import Engine
from evorec.models.base import RunOptions
from evorec.recipes.config import Recipe
from evorec.recipes.config import recipe as recipe_called
from evorec.recipes.training import fit


@dataclass(frozen=True, eq=False, kw_only=True)
class Loaded:
    """A dataset and what reading each of its files kept and dropped."""

    dataset: Dataset
    reports: tuple[CleaningReport, ...]


def load_dataset(
    events: Any,
    items: Any = None,
    users: Any = None,
    *,
    columns: Mapping[str, str] | None = None,
    item_columns: Mapping[str, str] | None = None,
    timezone: str = "UTC",
) -> Loaded:
    """Read and clean a log, and where given a catalogue and a table of users.

    Each may be a path (CSV, TSV, JSON lines, Parquet, MovieLens), a pandas, polars or Arrow table, or already our own
    type. `columns` and `item_columns` map our names to those found. Without `items`, a title that `columns` maps in the
    event file itself is used.
    """
    reports: list[CleaningReport] = []

    def taken(loaded: tuple[Any, CleaningReport]) -> Any:
        reports.append(loaded[1])
        return loaded[0]

    given = dict(columns or {})
    item_names = ("title", "categories", "domain", "image")
    own = {name: column for name, column in given.items() if name not in item_names}
    log = events if isinstance(events, Events) else taken(load_events(events, columns=own, timezone=timezone))
    if items is None and "title" in given:
        items, item_columns = (
            events,
            {name: column for name, column in given.items() if name in ("item_id", *item_names)},
        )
    if items is not None and not isinstance(items, Catalogue):
        items = taken(load_catalogue(items, columns=item_columns, timezone=timezone))
    if users is not None and not isinstance(users, Users):
        users = taken(load_users(users))
    return Loaded(dataset=Dataset.create(log, items, users), reports=tuple(reports))


def train(
    events: Any,
    items: Any = None,
    users: Any = None,
    *,
    recipe: str | Recipe = "fast",
    columns: Mapping[str, str] | None = None,
    item_columns: Mapping[str, str] | None = None,
    options: RunOptions | None = None,
) -> Engine:
    """A trained engine from an event log, a catalogue, and users; see `load_dataset` for what each may be.

    Users who declared interests have a state before their first event.

    >>> from evorec.core.types import DAY
    >>> log = Events.create(user_ids=["ann", "ann", "bo", "bo", "cy"], item_ids=["tent", "map", "tent", "map", "tent"],
    ...                     timestamps=[day * DAY for day in (1, 2, 1, 3, 4)])
    >>> engine = train(log, recipe=recipe_called("fast", encoder="lexical"))
    >>> engine.recommend(["cy"]).list_of(0)
    ['map']
    """
    chosen = recipe_called(recipe) if isinstance(recipe, str) else recipe
    loaded = load_dataset(events, items, users, columns=columns, item_columns=item_columns)
    return fit(loaded.dataset, chosen, options)
