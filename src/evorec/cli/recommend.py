"""`evorec recommend`: ranked lists from a saved model."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from evorec.cli import options
from evorec.core.errors import InputError


def recommend(
    model: options.ModelFolder = options.DEFAULT_MODEL,
    user: Annotated[list[str] | None, typer.Option(help="A user id. Repeatable.")] = None,
    users: Annotated[Path | None, typer.Option(help="File with one user id a line.")] = None,
    history: Annotated[
        Path | None, typer.Option(help="Events of people the model never saw: a file like the training log.")
    ] = None,
    says: options.Says = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every user of the log.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write a table (.parquet, .csv, .jsonl) instead of printing.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="Items per list.")] = 10,
    as_of: options.AsOf = None,
    domain: Annotated[str | None, typer.Option(help="Only items of this domain.")] = None,
    category: Annotated[str | None, typer.Option(help="Only items of this category.")] = None,
    candidates: Annotated[Path | None, typer.Option(help="Only the item ids in this file, one a line.")] = None,
    exclude: Annotated[Path | None, typer.Option(help="Never the item ids in this file, one a line.")] = None,
    repeats: Annotated[bool, typer.Option("--repeats", help="Also items the user has had.")] = False,
    diversity: Annotated[float, typer.Option(min=0, max=1, help="From 0 (relevance) to 1 (variety).")] = 0.0,
    unknown: Annotated[str, typer.Option(help="Users without history: fallback, error or skip.")] = "fallback",
    why: Annotated[bool, typer.Option("--why", help="Add reasons: which scorer, which events, how much.")] = False,
    columns: options.EventColumns = None,
    timezone: options.Timezone = "UTC",
    as_json: options.Json = False,
) -> None:
    """Recommend to users of the log, to everyone, or to people the model never saw."""
    from evorec.cli import listing
    from evorec.data.load import load_events
    from evorec.engine.request import Request
    from evorec.recipes.training import load

    if sum((bool(user), users is not None, history is not None, everyone)) != 1:
        raise InputError("say for whom", mend="give one of --user, --users FILE, --history FILE or --all")
    if says and not user:
        raise InputError("--says needs somebody who says it", mend="name one with --user")
    request = Request(
        k=k,
        candidates=None if candidates is None else tuple(options.lines(candidates)),
        exclude=() if exclude is None else tuple(options.lines(exclude)),
        domain=domain,
        category=category,
        repeats=repeats,
        diversity=diversity,
        unknown=unknown,
    )
    engine = load(model)
    moment = options.moment(as_of)

    reasons: listing.Why = partial(engine.explain, as_of=moment)
    if everyone:
        batches: Any = engine.recommend_everyone(request, as_of=moment)
    elif history is not None:
        read = load_events(history, columns=options.mapping(columns) or None, timezone=timezone)
        batches, reasons = listing.for_histories(engine, read, request, moment)
    else:
        ids = list(user or ()) or options.lines(users or Path())
        listing.hear(engine, ids, says or (), moment)
        batches = iter([engine.recommend(ids, request, as_of=moment)])
    listing.deliver(engine, batches, reasons if why else None, out=out, as_json=as_json)
