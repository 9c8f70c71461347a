"""`evorec evaluate`: how good a recipe is on a log, honestly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options


def hold_out_command(summary: str, *, members: bool) -> Callable[..., None]:
    """The command behind `evaluate` and, with every member of the recipe alone, behind `compare`."""

    def command(
        events: options.EventsFile,
        items: options.ItemsFile = None,
        recipe: options.RecipeName = "fast",
        encoder: options.EncoderName = "auto",
        protocol: Annotated[str, typer.Option(help="next, successive or both.")] = "both",
        clock: Annotated[str, typer.Option(help="frozen, query_time or both.")] = "frozen",
        repeats: Annotated[bool, typer.Option("--repeats", help="Items the user has had count too.")] = False,
        users: options.UsersFile = None,
        value: options.ValueMeaning = "nothing",
        rating_range: options.RatingRange = options.RATINGS,
        action_weight: options.ActionWeights = None,
        columns: options.EventColumns = None,
        item_columns: options.ItemColumns = None,
        timezone: options.Timezone = "UTC",
        seed: options.Seed = 0,
        html: Annotated[Path | None, typer.Option(help="Write a page with charts: one .html file.")] = None,
        language: Annotated[str, typer.Option(help="Language of the page: en or zh.")] = "en",
        as_json: options.Json = False,
        quiet: options.Quiet = False,
    ) -> None:
        from evorec.cli.holding import Output, run
        from evorec.recipes.config import recipe as recipe_called

        feedback = options.feedback(value, rating_range, action_weight)
        run(
            (events, items, users),
            recipe=replace(recipe_called(recipe, encoder=encoder), feedback=feedback),
            protocols=(protocol, clock, repeats),
            reading=(options.mapping(columns), options.mapping(item_columns) or None, timezone),
            seed=seed,
            output=Output(as_json=as_json, quiet=quiet, html=html, language=language),
            members=members,
        )

    command.__doc__ = summary
    return command


evaluate = hold_out_command(
    "Train on the first 90% of the events, measure on what came after, beside the baselines.", members=False
)
