"""The `evorec` program: its commands, and how errors reach people."""

import errno
import io
import sys
from typing import Annotated

import typer

from evorec import __version__
from evorec.cli import compare, data, doctor, evaluate, interests, recommend, train, tune, update
from evorec.core.errors import EvorecError

# Faults of the place that a user names to write to, as against faults of the program.
_PLACES = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EISDIR, errno.EEXIST, errno.ENOTDIR))

app = typer.Typer(
    name="evorec",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def about(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Recommendations that follow how each user's interests evolve."""
    if version:
        print(__version__)
        raise typer.Exit


app.command("train")(train.train)
app.command("update")(update.update)
app.command("recommend")(recommend.recommend)
app.command("interests")(interests.interests)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("tune")(tune.tune)
app.command("doctor")(doctor.doctor)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run a command; a user's mistake ends with a sentence and a non-zero exit, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # ids and titles come in every language, whatever the locale
    try:
        app()
    except EvorecError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; nothing half-written was kept; the same command goes on where it can", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        if error.errno not in _PLACES:
            raise
        print(f"error: {error.strerror}: {error.filename or 'output'}", file=sys.stderr)
        print("  mend: free some space, or choose a place that can be written", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
