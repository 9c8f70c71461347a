"""`evorec tune`: settings of a recipe, searched for one log."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options
from evorec.cli.grouping import grouped


@grouped
def tune(
    data: options.Data,
    build: options.Build,
    printing: options.Printing,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to search; asked between trials.")] = 10.0,
    out: Annotated[
        Path, typer.Option("--out", "--output", help="File .json to write the recipe to; trials stand beside it.")
    ] = Path("tuned.json"),
    seed: options.Seed = 0,
) -> None:
    """Search settings on the first 90% of the events, by inner validation, and save them as a recipe.

    Ctrl-C ends it early; the same command goes on where it ended.
    """
    from evorec.cli.holding import read
    from evorec.cli.output import emit_json, messages, reporter
    from evorec.models.base import RunOptions
    from evorec.recipes.saved import check_output, save_recipe
    from evorec.recipes.tuning import OPTIMISTIC, Tried
    from evorec.recipes.tuning import tune as search

    check_output(out)
    console, recipe = messages(printing.quiet), build.chosen()
    loaded = read(data, recipe.feedback, console)

    def told(trial: Tried) -> None:
        console.print(f"trial {trial.number} ({trial.changed}): NDCG@10 {trial.ndcg:.4f}, best {trial.best:.4f}")

    tuned = search(
        loaded.dataset,
        recipe,
        minutes=minutes,
        journal=out.with_suffix(".journal"),
        options=RunOptions(seed=seed),
        reading=reporter(console, "reading texts"),
        report=told,
    )
    account = {key: held for key, held in asdict(tuned).items() if key != "recipe"}
    account = {"started_from": recipe.name, "seed": seed, **account, "note": OPTIMISTIC}
    save_recipe(out, tuned.recipe, tuning=account)
    console.print(
        f"saved to {out}: NDCG@10 {tuned.before:.4f} -> {tuned.after:.4f}, gain {tuned.gain:+.4f} ± "
        f"{tuned.error:.4f} (standard error, {tuned.targets:,} targets), {tuned.trials} trials; {OPTIMISTIC}"
    )
    if printing.as_json:
        emit_json({"recipe": str(out), **account})
