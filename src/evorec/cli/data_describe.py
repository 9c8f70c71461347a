"""`evorec data describe`: what a log looks like before anything is trained."""

from evorec.cli import options
from evorec.cli.grouping import grouped


@grouped
def describe(data: options.LogAndItems, as_json: options.Json = False) -> None:
    """Rows, spans, ties, repeats, new items, text coverage, and warnings with their mends."""
    from evorec.cli.output import emit_json, results, table
    from evorec.data.clean import describe as describe_events

    loaded = data.load()
    told = loaded.dataset
    seen = describe_events(told.events, told.catalogue if data.items is not None else None).as_dict()
    if as_json:
        emit_json({"cleaning": [report.as_dict() for report in loaded.reports], "description": seen})
        return
    console = results()
    for report in loaded.reports:
        console.print(str(report))
    facts = [["measure", "value"]]
    for name, value in seen.items():
        if name == "warnings" or value is None or (name == "actions" and set(value) == {""}):
            continue
        shown = ", ".join(f"{k or 'none'} {v:,g}" for k, v in value.items()) if isinstance(value, dict) else value
        if isinstance(value, float):
            shown = f"{value:.1%}" if name.endswith(("share", "coverage")) else f"{value:,.3g}"
        facts.append([name.replace("_", " "), f"{shown:,}" if isinstance(shown, int) else str(shown)])
    console.print(table(facts))
    for warning in seen["warnings"]:
        console.print(f"warning: {warning}")
