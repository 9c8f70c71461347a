"""`evorec interests`: what a user, or everybody, is interested in, how that came about, and where it is heading."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evorec.cli import options
from evorec.core.errors import InputError

if TYPE_CHECKING:
    from evorec.engine.engine import Engine


def interests(
    user: Annotated[str | None, typer.Argument(help="A user id.", show_default=False)] = None,
    model: Annotated[Path, typer.Option(help="Folder that `evorec train` wrote.")] = options.DEFAULT_MODEL,
    population: Annotated[bool, typer.Option("--population", help="Everybody, instead of one user.")] = False,
    as_of: options.AsOf = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the interests: .svg, .png or .html.")] = None,
    language: options.Language = "en",
    as_json: options.Json = False,
) -> None:
    """Show a user's interests: now, long-term, next, when they turned, journeys; or those of everybody."""
    from evorec.cli import portrait
    from evorec.cli.output import emit_json, messages
    from evorec.engine.pictures import draw_interests, draw_population
    from evorec.plots.theme import check_target
    from evorec.recipes.training import load

    if population and user is not None:
        raise InputError(f"both the user {user!r} and --population are given", mend="ask for one of them")
    if not population and user is None:
        raise InputError("say whose interests", mend="give a user id, or --population for everybody")
    if plot is not None:
        check_target(plot)
    engine, moment = load(model), options.moment(as_of)
    if user is not None:
        check_known(engine, user)
        with options.as_typed():
            view = engine.interests(user, as_of=moment)
        if plot is not None:
            draw_interests(view, user, plot, language=language)
    else:
        users = len(engine.log.user_ids())
        messages(quiet=as_json).print(f"reading {users:,} histories, each shuffled 499 times: some ms a user")
        with options.as_typed():
            everybody = engine.population(as_of=moment)
        if plot is not None:
            draw_population(everybody, plot, language=language)
    if plot is not None:
        messages(quiet=False).print(f"drew {plot}")
    ids, catalogue = engine.model.items.ids, engine.model.catalogue
    if user is not None:
        told = (view, user, engine.model.interests.unfitted())
        emit_json(portrait.as_dict(*told, ids)) if as_json else portrait.print_user(*told)
    elif as_json:
        emit_json(portrait.population_as_dict(everybody, ids))
    else:
        portrait.print_population(everybody, catalogue)


def check_known(engine: "Engine", user: str) -> None:
    """Refuse a user of whom nothing is known, at any moment, and say whether the id itself is."""
    if user in engine.log.user_ids() or engine.remarks.has_said(user):
        return
    if user in engine.remarks.user_ids():
        raise InputError(
            f"user {user!r} is known, but has no events yet, said nothing and declared no interests that could be read",
            mend="wait for the first event, or declare interests in the file of --users, in words of the catalogue",
        )
    raise InputError(
        f"there is no user {user!r}: nothing in the log, nothing said, no declared interests",
        mend="check the id, to the letter; who has no events yet can declare interests, in the file of --users",
    )
