"""`evorec interests`: what a user is interested in, how that came about, what comes next."""

from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options


def interests(
    user: Annotated[str, typer.Argument(help="A user id.", show_default=False)],
    model: Annotated[Path, typer.Option(help="Folder that `evorec train` wrote.")] = options.DEFAULT_MODEL,
    as_of: options.AsOf = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the river of interests: .svg, .png or .html.")] = None,
    language: Annotated[str, typer.Option(help="Language of the chart: en or zh.")] = "en",
    as_json: options.Json = False,
) -> None:
    """Show a user's interests: short-term, long-term, forecast, and the river they came down."""
    from evorec.cli.output import emit_json, messages, results, table
    from evorec.engine.engine import iso_time
    from evorec.plots.river import interest_river, river_text
    from evorec.recipes.training import load

    view = load(model).interests(user, as_of=options.moment(as_of))
    if plot is not None:
        title = f"{user} 的兴趣河流" if language == "zh" else f"Interests of user {user}"
        interest_river(view.moments, view.path, view.topics, plot, title=title, events=view.events, language=language)
        messages(quiet=False).print(f"drew {plot}")
    if as_json:
        emit_json({"user_id": user, "as_of": iso_time(view.as_of), "drift": view.drift, "topics": view.ranked()})
    else:
        rows = [["topic", "share now", "±", "long-term", "strength", "next event"]]
        for topic in view.ranked()[:12]:
            shown = (f"{topic[name]:.0%}" for name in ("share", "error", "long_term"))
            rows.append([topic["topic"], *shown, f"{topic['strength']:.2f}", f"{topic['forecast']:.0%}"])
        title = f"Interests of user {user} at {iso_time(view.as_of)} (drift {view.drift:.2f})"
        results().print(table(rows, title=title, numbers=range(1, 6)))
        river = river_text(view.path, view.topics, width=32)
        span = f"{iso_time(int(view.moments[0]))[:10]} to {iso_time(int(view.moments[-1]))[:10]}"
        results().print(table([["topic", span, "now"], *river], title="How that came about", numbers=(2,)))
