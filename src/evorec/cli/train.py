"""`evorec train`: from files to a saved model."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options


def train(
    events: options.EventsFile,
    items: options.ItemsFile = None,
    recipe: options.RecipeName = "fast",
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")] = options.DEFAULT_MODEL,
    encoder: options.EncoderName = "auto",
    users: Annotated[
        Path | None, typer.Option(help="Users with declared interests: a file with user_id and interests.")
    ] = None,
    value: Annotated[str, typer.Option(help="What the value column means: nothing, rating or share.")] = "nothing",
    action_weight: Annotated[
        list[str] | None, typer.Option(help="How much an action says: ACTION=WEIGHT, as in view=0.2. Repeatable.")
    ] = None,
    keep_topics: Annotated[
        Path | None, typer.Option(help="Folder of an earlier model: topics that go on keep their places and names.")
    ] = None,
    columns: options.EventColumns = None,
    item_columns: options.ItemColumns = None,
    timezone: options.Timezone = "UTC",
    seed: options.Seed = 0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Clean the data, read the items, fit, choose settings by inner validation, save a model."""
    from evorec.cli.output import emit_json, messages, reporter
    from evorec.data.feedback import Feedback
    from evorec.engine.model import Model
    from evorec.models.base import RunOptions
    from evorec.recipes.config import recipe as recipe_called
    from evorec.recipes.quickstart import load_dataset
    from evorec.recipes.training import fit, load

    Model.check_place(out)
    console = messages(quiet)
    feedback = Feedback(value=value, actions=options.weights(action_weight))  # type: ignore[arg-type]  # checked there
    chosen = replace(recipe_called(recipe, encoder=encoder), feedback=feedback)
    earlier = None if keep_topics is None else load(keep_topics).model
    loaded = load_dataset(
        events,
        items,
        users,
        columns=options.mapping(columns),
        item_columns=options.mapping(item_columns) or None,
        timezone=timezone,
    )
    for report in loaded.reports:
        console.print(str(report))
    reading = reporter(console, "reading items")
    engine = fit(loaded.dataset, chosen, RunOptions(seed=seed), earlier=earlier, progress=reading)
    card = engine.model.card
    for note in card.notes:
        console.print(note)
    replaced = " (replacing the model there)" if (out / "model").exists() else ""
    engine.save(out)
    console.print(
        f"saved to {out}{replaced}: {card.users:,} users, {card.items:,} items, {card.events:,} events, {card.encoder}"
    )
    if as_json:
        reports = [report.as_dict() for report in loaded.reports]
        emit_json({"model": str(out), "card": asdict(card), "cleaning": reports})
