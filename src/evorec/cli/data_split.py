"""`evorec data split`: write the training and the test part of a log."""

from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options
from evorec.cli.grouping import grouped


@grouped
def split(
    data: options.EventLog,
    out: Annotated[Path, typer.Option(help="Folder for train.parquet and test.parquet.")],
    fraction: Annotated[float, typer.Option(min=0.01, max=0.99, help="Share of the events that trains.")] = 0.9,
    shuffled: Annotated[
        bool, typer.Option("--random", help="Draw rows at random instead of cutting by time (leaks the future).")
    ] = False,
    seed: options.Seed = 0,
    as_json: options.Json = False,
) -> None:
    """Cut at one moment for everybody (the honest way), or at random with a seed."""
    from evorec.cli.output import emit_json, results
    from evorec.data import split as splitting
    from evorec.data.frames import event_columns, write_table
    from evorec.engine.engine import iso_time

    log, report = data.read()
    cut = splitting.time_cut(log, fraction)
    train = splitting.random_split(len(log), fraction, seed=seed) if shuffled else log.timestamp < cut
    out.mkdir(parents=True, exist_ok=True)
    parts = {"train": log.select(train), "test": log.select(~train)}
    for name, part in parts.items():
        write_table(out / f"{name}.parquet", event_columns(part))
    sizes = {name: len(part) for name, part in parts.items()}
    if as_json:
        emit_json({**sizes, "cut": None if shuffled else iso_time(cut), "cleaning": report.as_dict()})
    else:
        how = f"at random, seed {seed}" if shuffled else f"at {iso_time(cut)} UTC"
        results().print(f"{report}\nsplit {how}: {sizes['train']:,} events train, {sizes['test']:,} test; in {out}")
