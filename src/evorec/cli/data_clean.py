"""`evorec data clean`: write a clean event log and account for every row."""

from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options
from evorec.cli.grouping import grouped


@grouped
def clean(
    data: options.EventLog,
    out: Annotated[Path, typer.Option(help="File to write: .parquet, .csv or .jsonl.")],
    k_core: Annotated[int, typer.Option(min=0, help="Keep users and items with so many events each; 0 keeps all.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Read, drop what cannot be used, say why and how many, write the rest."""
    from evorec.cli.output import emit_json, results
    from evorec.data import clean as cleaning
    from evorec.data.frames import event_columns, write_table

    kept, report = data.read()
    if k_core:
        kept, further = cleaning.k_core(kept, users=k_core, items=k_core)
        report = report.then(further)
    write_table(out, event_columns(kept))
    if as_json:
        emit_json({"out": str(out), "cleaning": report.as_dict()})
    else:
        results().print(f"{report}\nwrote {len(kept):,} events to {out}")
