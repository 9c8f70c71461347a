"""`evorec update`: a saved model goes on with new events."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evorec.cli import options
from evorec.cli.grouping import grouped

if TYPE_CHECKING:
    from rich.console import Console

    from evorec.recipes.updating import Updated


@grouped
def update(
    model: options.ModelFolder,
    data: options.Data,
    printing: options.Printing,
    out: Annotated[
        Path | None, typer.Option("--out", "--output", help="Folder to write to. Default: the model is replaced.")
    ] = None,
    seed: options.Seed = 0,
) -> None:
    """Go on from a saved model with new events: counts exactly, nets by a short warm start; say what that gained."""
    from evorec.cli.holding import accounted
    from evorec.cli.output import emit_json, messages, reporter
    from evorec.core.artifact import identity
    from evorec.engine.model import Model
    from evorec.models.base import RunOptions
    from evorec.recipes.training import load
    from evorec.recipes.updating import update as updated

    place = model if out is None else out
    Model.check_place(place)
    console = messages(printing.quiet)
    engine = load(model)
    loaded = accounted(data.load(), engine.model.feedback, console)
    origin = identity(model / "model")[:12]
    reading = reporter(console, "reading texts")
    run = RunOptions(seed=seed, progress=reporter(console, "training the net, epochs"))
    found = updated(engine, loaded.dataset, run, origin=origin, progress=reading)
    _tell(found, console)
    if found.brought or place != model:
        found.engine.save(place)
        card = found.engine.model.card
        console.print(f"saved to {place}: {card.users:,} users, {card.items:,} items, {card.events:,} events")
    else:
        console.print(f"{model} stays as it is")
    if printing.as_json:
        reports = [report.as_dict() for report in loaded.reports]
        emit_json(
            {
                "model": str(place),
                "card": asdict(found.engine.model.card),
                "cleaning": reports,
                "update": _as_dict(found),
            }
        )


def _tell(found: "Updated", console: "Console") -> None:
    console.print(
        f"new: {found.events:,} events, {found.remarks:,} remarks, {found.users:,} users, {found.items:,} items; "
        f"{found.duplicates:,} events were known already; updated in {found.seconds:.1f} s"
    )
    if found.gain is None:
        console.print(f"gain not measured: {found.unjudged}")
        return
    stale, updated = found.gain.stale, found.gain.updated
    console.print(
        f"the newest tenth held out ({stale.queries:,} choices of {stale.users:,} users), updated with the rest:"
    )
    for metric, name in (("ndcg", "NDCG@10"), ("recall", "Recall@10")):
        told = found.gain.compared(metric)
        console.print(
            f"  {name} {stale.mean(metric):.4f} stale, {updated.mean(metric):.4f} updated; "
            f"difference {told.difference}: {told.verdict}"
        )


def _as_dict(found: "Updated") -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("events", "duplicates", "remarks", "users", "items", "seconds")}
    if found.gain is None:
        return {**counts, "gain": None, "unjudged": found.unjudged}
    stale, updated = found.gain.stale, found.gain.updated
    gain: dict[str, Any] = {"queries": stale.queries, "users": stale.users}
    for metric in ("ndcg", "recall"):
        told = found.gain.compared(metric)
        gain[metric] = {
            "stale": stale.mean(metric),
            "updated": updated.mean(metric),
            "difference": asdict(told.difference),
            "verdict": told.verdict,
        }
    return {**counts, "gain": gain}
