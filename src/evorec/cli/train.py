"""`evorec train`: from files to a saved model."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options
from evorec.cli.grouping import grouped


@grouped
def train(
    data: options.Data,
    build: options.Build,
    printing: options.Printing,
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")] = options.DEFAULT_MODEL,
    keep_topics: Annotated[
        Path | None, typer.Option(help="Folder of an earlier model: topics that go on keep their places and names.")
    ] = None,
    seed: options.Seed = 0,
) -> None:
    """Clean the data, read the items, fit, choose settings by inner validation, save a model."""
    from evorec.cli.holding import read
    from evorec.cli.output import emit_json, messages, reporter
    from evorec.engine.model import Model
    from evorec.models.base import RunOptions
    from evorec.recipes.training import fit, load

    Model.check_place(out)
    console, recipe = messages(printing.quiet), build.chosen()
    earlier = None if keep_topics is None else load(keep_topics).model
    loaded = read(data, recipe.feedback, console)
    reading = reporter(console, "reading texts")
    kept = out / ".evorec-checkpoints"
    run = RunOptions(seed=seed, progress=reporter(console, "training the net, epochs"), checkpoints=kept)
    engine = fit(loaded.dataset, recipe, run, earlier=earlier, progress=reading)
    card = engine.model.card
    for note in card.notes:
        console.print(note)
    replaced = " (replacing the model there)" if (out / "model").exists() else ""
    engine.save(out)
    _drop(kept)
    console.print(
        f"saved to {out}{replaced}: {card.users:,} users, {card.items:,} items, {card.events:,} events, {card.encoder}"
    )
    if printing.as_json:
        reports = [report.as_dict() for report in loaded.reports]
        emit_json({"model": str(out), "card": asdict(card), "cleaning": reports})


def _drop(checkpoints: Path) -> None:
    """What a run that was cut short would have gone on from; it holds rows that single people taught."""
    for file in checkpoints.glob("*.safetensors"):
        file.unlink()
    if checkpoints.is_dir() and not any(checkpoints.iterdir()):
        checkpoints.rmdir()
