"""`evorec tune`: settings of a recipe, searched for one log."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options


def tune(
    events: options.EventsFile,
    items: options.ItemsFile = None,
    recipe: options.RecipeName = "fast",
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to search; asked between trials.")] = 10.0,
    output: Annotated[Path, typer.Option(help="File .json to write the recipe to; trials stand beside it.")] = Path(
        "tuned.json"
    ),
    encoder: options.EncoderName = "auto",
    users: options.UsersFile = None,
    value: options.ValueMeaning = "nothing",
    rating_range: options.RatingRange = options.RATINGS,
    action_weight: options.ActionWeights = None,
    columns: options.EventColumns = None,
    item_columns: options.ItemColumns = None,
    timezone: options.Timezone = "UTC",
    seed: options.Seed = 0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Search settings on the first 90% of the events, by inner validation, and save them as a recipe.

    Ctrl-C ends it early; the same command goes on where it ended.
    """
    from evorec.cli.holding import read
    from evorec.cli.output import emit_json, messages, reporter
    from evorec.models.base import RunOptions
    from evorec.recipes.config import recipe as recipe_called
    from evorec.recipes.saved import check_output, save_recipe
    from evorec.recipes.tuning import OPTIMISTIC, Tried
    from evorec.recipes.tuning import tune as search

    check_output(output)
    console = messages(quiet)
    feedback = options.feedback(value, rating_range, action_weight)
    chosen = replace(recipe_called(recipe, encoder=encoder), feedback=feedback)
    found = (options.mapping(columns), options.mapping(item_columns) or None, timezone)
    loaded = read((events, items, users), found, feedback, console)

    def told(trial: Tried) -> None:
        console.print(f"trial {trial.number} ({trial.changed}): NDCG@10 {trial.ndcg:.4f}, best {trial.best:.4f}")

    tuned = search(
        loaded.dataset,
        chosen,
        minutes=minutes,
        journal=output.with_suffix(".journal"),
        options=RunOptions(seed=seed),
        reading=reporter(console, "reading texts"),
        report=told,
    )
    account = {key: held for key, held in asdict(tuned).items() if key != "recipe"}
    account = {"started_from": chosen.name, "seed": seed, **account, "note": OPTIMISTIC}
    save_recipe(output, tuned.recipe, tuning=account)
    console.print(
        f"saved to {output}: NDCG@10 {tuned.before:.4f} -> {tuned.after:.4f}, gain {tuned.gain:+.4f} ± "
        f"{tuned.error:.4f} (standard error, {tuned.targets:,} targets), {tuned.trials} trials; {OPTIMISTIC}"
    )
    if as_json:
        emit_json({"recipe": str(output), **account})
