"""`evorec evaluate`: how good a recipe is on a log, honestly."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options
from evorec.cli.grouping import grouped


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of the model."""

    protocol: Annotated[str, typer.Option(help="next, successive or both.")] = "both"
    clock: Annotated[str, typer.Option(help="frozen, query_time or both.")] = "frozen"
    repeats: Annotated[bool, typer.Option("--repeats", help="Items the user has had count too.")] = False


@dataclass(frozen=True, kw_only=True)
class Results(options.Printing):
    """Where results go: tables or JSON, and a page."""

    html: Annotated[Path | None, typer.Option(help="Write a page with charts: one .html file.")] = None
    language: options.Language = "en"


def hold_out_command(summary: str, *, members: bool) -> Callable[..., None]:
    """The command behind `evaluate` and, with every member of the recipe alone, behind `compare`."""

    def command(
        data: options.Data, build: options.Build, asked: Asked, results: Results, seed: options.Seed = 0
    ) -> None:
        from evorec.cli.holding import protocols_of, run

        protocols = protocols_of(asked.protocol, asked.clock, asked.repeats)
        run(data, recipe=build.chosen(), protocols=protocols, seed=seed, output=results, members=members)

    command.__doc__ = summary
    return grouped(command)


evaluate = hold_out_command(
    "Train on the first 90% of the events, measure on what came after, beside the baselines.", members=False
)
