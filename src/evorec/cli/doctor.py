"""`evorec doctor`: what is installed, what works, and what to do about the rest."""

import typer

from evorec.cli import options


def doctor(as_json: options.Json = False) -> None:
    """Check Python, packages, encoders, the cache and fonts; a missing optional part is named with its mend."""
    from evorec.cli.checks import checks
    from evorec.cli.output import emit_json, results, table

    found = checks()
    if as_json:
        emit_json([{"part": part, "ok": ok, "finding": finding} for part, ok, finding in found])
    else:
        rows = [["part", "", "finding"], *([part, "ok" if ok else "--", finding] for part, ok, finding in found)]
        results().print(table(rows))
    if not all(ok for part, ok, _ in found if part.startswith("core")):
        raise typer.Exit(1)
