"""`evorec interests`: what a user, or everybody, is interested in, how that came about, and where it is heading."""

from pathlib import Path
from typing import Annotated

import typer

from evorec.cli import options
from evorec.core.errors import InputError


def interests(
    user: Annotated[str | None, typer.Argument(help="A user id.", show_default=False)] = None,
    model: Annotated[Path, typer.Option(help="Folder that `evorec train` wrote.")] = options.DEFAULT_MODEL,
    population: Annotated[bool, typer.Option("--population", help="Everybody, instead of one user.")] = False,
    as_of: options.AsOf = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the interests: .svg, .png or .html.")] = None,
    language: Annotated[str, typer.Option(help="Language of the chart: en or zh.")] = "en",
    as_json: options.Json = False,
) -> None:
    """Show a user's interests: now, long-term, next, when they turned, journeys; or those of everybody."""
    from evorec.cli import portrait
    from evorec.cli.output import emit_json, messages
    from evorec.engine.pictures import draw_interests, draw_population
    from evorec.plots.theme import check_target
    from evorec.recipes.training import load

    if population == (user is not None):
        raise InputError("say whose interests", mend="give a user id, or --population for everybody")
    if plot is not None:
        check_target(plot)
    engine, moment = load(model), options.moment(as_of)
    if user is not None:
        view = engine.interests(user, as_of=moment)
        if plot is not None:
            draw_interests(view, user, plot, language=language)
    else:
        users = len(engine.log.user_ids())
        messages(quiet=as_json).print(f"reading {users:,} histories, each shuffled 499 times: some ms a user")
        everybody = engine.population(as_of=moment)
        if plot is not None:
            draw_population(everybody, plot, language=language)
    if plot is not None:
        messages(quiet=False).print(f"drew {plot}")
    ids, catalogue = engine.model.items.ids, engine.model.catalogue
    if user is not None:
        emit_json(portrait.as_dict(view, user, ids)) if as_json else portrait.print_user(view, user)
    elif as_json:
        emit_json(portrait.population_as_dict(everybody, ids))
    else:
        portrait.print_population(everybody, catalogue)
