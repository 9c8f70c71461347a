"""`evorec recommend`: ranked lists from a saved model."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evorec.cli import options
from evorec.cli.grouping import grouped
from evorec.core.errors import InputError

if TYPE_CHECKING:
    from evorec.engine.request import Request


@dataclass(frozen=True, kw_only=True)
class Whom:
    """Who gets a list."""

    user: Annotated[list[str] | None, typer.Option(help="A user id. Repeatable.")] = None
    users: Annotated[Path | None, typer.Option(help="File with one user id a line.")] = None
    history: Annotated[
        Path | None, typer.Option(help="Events of people the model never saw: a file like the training log.")
    ] = None
    columns: options.EventColumns = None
    timezone: options.Timezone = "UTC"
    says: options.Says = None
    everyone: Annotated[bool, typer.Option("--all", help="Every user of the log.")] = False

    def __post_init__(self) -> None:
        if sum((bool(self.user), self.users is not None, self.history is not None, self.everyone)) != 1:
            raise InputError("say for whom", mend="give one of --user, --users FILE, --history FILE or --all")
        if self.says and not self.user:
            raise InputError("--says needs somebody who says it", mend="name one with --user")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a list holds."""

    k: Annotated[int, typer.Option(min=1, help="Items per list.")] = 10
    domain: Annotated[str | None, typer.Option(help="Only items of this domain.")] = None
    category: Annotated[str | None, typer.Option(help="Only items of this category.")] = None
    candidates: Annotated[Path | None, typer.Option(help="Only the item ids in this file, one a line.")] = None
    exclude: Annotated[Path | None, typer.Option(help="Never the item ids in this file, one a line.")] = None
    repeats: Annotated[bool, typer.Option("--repeats", help="Also items the user has had.")] = False
    diversity: Annotated[float, typer.Option(min=0, max=1, help="From 0 (relevance) to 1 (variety).")] = 0.0
    unknown: Annotated[str, typer.Option(help="Users without history: fallback, error or skip.")] = "fallback"

    def request(self) -> "Request":
        """The same, with the files read."""
        from evorec.engine.request import Request

        return Request(
            k=self.k,
            candidates=None if self.candidates is None else tuple(options.lines(self.candidates)),
            exclude=() if self.exclude is None else tuple(options.lines(self.exclude)),
            domain=self.domain,
            category=self.category,
            repeats=self.repeats,
            diversity=self.diversity,
            unknown=self.unknown,
        )


@grouped
def recommend(
    whom: Whom,
    wanted: Wanted,
    model: options.ModelFolder = options.DEFAULT_MODEL,
    as_of: options.AsOf = None,
    why: Annotated[bool, typer.Option("--why", help="Add reasons: which scorer, which events, how much.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write a table (.parquet, .csv, .jsonl) instead of printing.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Recommend to users of the log, to everyone, or to people the model never saw."""
    from evorec.cli import listing
    from evorec.recipes.training import load

    request = wanted.request()
    engine = load(model)
    moment = options.moment(as_of)

    reasons: listing.Why = partial(engine.explain, as_of=moment)
    if whom.everyone:
        batches: Any = engine.recommend_everyone(request, as_of=moment)
    elif whom.history is not None:
        strangers = options.EventLog(events=whom.history, columns=whom.columns, timezone=whom.timezone)
        batches, reasons = listing.for_histories(engine, strangers.read(), request, moment)
    else:
        ids = list(whom.user or ()) or options.lines(whom.users or Path())
        listing.hear(engine, ids, whom.says or (), moment)
        batches = iter([engine.recommend(ids, request, as_of=moment)])
    listing.deliver(engine, batches, reasons if why else None, out=out, as_json=as_json)
