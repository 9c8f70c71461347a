"""`evorec evaluate`: how good a recipe is on a log, honestly."""

from typing import Annotated

import typer

from evorec.cli import options


def evaluate(
    events: options.EventsFile,
    items: options.ItemsFile = None,
    recipe: options.RecipeName = "fast",
    encoder: options.EncoderName = "auto",
    protocol: Annotated[str, typer.Option(help="next, successive or both.")] = "both",
    clock: Annotated[str, typer.Option(help="frozen, query_time or both.")] = "frozen",
    repeats: Annotated[bool, typer.Option("--repeats", help="Items the user has had count too.")] = False,
    columns: options.EventColumns = None,
    item_columns: options.ItemColumns = None,
    timezone: options.Timezone = "UTC",
    seed: options.Seed = 0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train on the first 90% of the events, measure on what came after, beside the baselines."""
    from evorec.cli.holding import run

    run(
        (events, items),
        recipe=(recipe, encoder),
        protocols=(protocol, clock, repeats),
        reading=(options.mapping(columns), options.mapping(item_columns) or None, timezone),
        seed=seed,
        output=(as_json, quiet),
        members=False,
    )
