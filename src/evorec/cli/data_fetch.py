"""`evorec data fetch`: bring a public data set."""

from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options


def fetch(
    name: Annotated[str, typer.Argument(help="movielens-100k or online-retail.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder to write to. Default: the name of the data set.")] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show the terms, download or resume, check sums, write clean tables."""
    from evorec.cli.output import emit_json, messages
    from evorec.data.fetch import fetch as fetch_set

    console = messages(quiet)
    found = fetch_set(name, out or Path(name), progress=console.print)
    console.print(f"source: {found.origin}")
    files = {part: str(path) for part, path in (("events", found.events), ("items", found.items)) if path}
    if as_json:
        emit_json({"name": name, "source": found.origin, "terms": found.terms, **files})
    else:
        console.print("wrote " + ", ".join(files.values()))
