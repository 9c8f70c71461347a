"""`evorec data`: describe, clean, split and fetch, without training anything."""

import typer

from evorec.cli import data_clean, data_describe, data_fetch, data_split

app = typer.Typer(help="Describe, clean, split and fetch data.", no_args_is_help=True)
app.command("describe")(data_describe.describe)
app.command("clean")(data_clean.clean)
app.command("split")(data_split.split)
app.command("fetch")(data_fetch.fetch)
