"""What commands print: tables and messages on standard error or output, JSON on standard output."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table


def emit_json(value: Any) -> None:
    """One JSON value on one line of standard output; Chinese stays readable."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def messages(quiet: bool) -> Console:
    """The console for messages and progress: standard error."""
    return Console(stderr=True, quiet=quiet, highlight=False, markup=False, emoji=False, soft_wrap=True)


def results() -> Console:
    """The console for results: standard output. A title in square brackets is a title, no markup."""
    return Console(highlight=False, markup=False, emoji=False)


def table(rows: Sequence[Sequence[str]], *, title: str = "", numbers: Sequence[int] = ()) -> Table:
    """A table whose first row is the header; columns in `numbers` are set flush right.

    Where the terminal is too narrow for it, numbers break at their spaces and give way to words, which are never cut
    for a number's sake.
    """
    drawn = Table(title=title or None, title_justify="left", header_style="bold")
    widest = (max(map(cell_len, column)) for column in zip(*rows, strict=True))
    narrow = sum(width + 3 for width in widest) + 1 > results().width
    for place, name in enumerate(rows[0]):
        if place in numbers:
            drawn.add_column(_one_word_a_line(name) if narrow else name, justify="right", no_wrap=narrow)
        else:
            drawn.add_column(name, overflow="fold")
    for row in rows[1:]:
        cells = (_one_word_a_line(cell) if narrow and place in numbers else cell for place, cell in enumerate(row))
        drawn.add_row(*cells)
    return drawn


def _one_word_a_line(text: str) -> str:
    return text.replace(" ", "\n")


def reporter(console: Console, doing: str) -> Callable[[int, int], None]:
    """A progress callback `(done, in all)`: a line now and then in a log, rewritten in place on a terminal."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if not total or (done < total and now - last < (0.2 if console.is_terminal else 5.0)):
            return
        last = now
        ended = "\n" if done >= total or not console.is_terminal else "\r"
        console.print(f"{doing}: {done:,} of {total:,}", end=ended)

    return report
