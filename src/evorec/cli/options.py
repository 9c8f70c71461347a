"""Arguments and options that several commands share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evorec.core.errors import InputError

if TYPE_CHECKING:
    from evorec.core.types import Events
    from evorec.data.clean import CleaningReport
    from evorec.data.feedback import Feedback
    from evorec.recipes.config import Recipe
    from evorec.recipes.quickstart import Loaded

DEFAULT_MODEL = Path("evorec-model")
RATINGS = (1.0, 5.0)
_YEAR_10000 = 253_402_300_800  # in seconds since 1970; what lies beyond was meant as milliseconds, or by mistake

EventsFile = Annotated[Path, typer.Argument(help="Event log: CSV, TSV, JSON lines or Parquet.", show_default=False)]
ItemsFile = Annotated[Path | None, typer.Argument(help="Catalogue, in the same formats.", show_default=False)]
ModelFolder = Annotated[Path, typer.Argument(help="Folder that `evorec train` wrote.")]
RecipeName = Annotated[str, typer.Option("--recipe", help="What to build: a name, or a file that `evorec tune` wrote.")]
EncoderName = Annotated[
    str,
    typer.Option(help="auto, lexical, use-multilingual, minilm, a Hugging Face name or a local folder."),
]
UsersFile = Annotated[
    Path | None,
    typer.Option(
        "--users", help="Users with declared interests: a file with user_id and interests.", show_default=False
    ),
]
ValueMeaning = Annotated[str, typer.Option("--value", help="What the value column means: nothing, rating or share.")]
RatingRange = Annotated[
    tuple[float, float], typer.Option(help="The lowest and the highest rating, with --value rating: two numbers.")
]
ActionWeights = Annotated[
    list[str] | None,
    typer.Option("--action-weight", help="How much an action says: ACTION=WEIGHT, as in view=0.2. Repeatable."),
]
EventColumns = Annotated[
    list[str] | None,
    typer.Option("--map", help="Column of the events: OURS=THEIRS, as in user_id=CustomerID. Repeatable."),
]
ItemColumns = Annotated[list[str] | None, typer.Option("--map-items", help="The same for the catalogue. Repeatable.")]
Timezone = Annotated[str, typer.Option(help="Zone of times that name none, as in Europe/London.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same machine, same result.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")]
Says = Annotated[
    list[str] | None,
    typer.Option(help="Words of the --user, as if just said: a query, a comment. Repeatable; nothing is saved."),
]
Language = Annotated[str, typer.Option(help="Language of charts and pages: en or zh.")]
AsOf = Annotated[
    str | None,
    typer.Option(help="The moment of asking: seconds since 1970 or a date (UTC). Default: after the newest event."),
]


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """A file of events, and how it is read."""

    events: EventsFile
    columns: EventColumns = None
    timezone: Timezone = "UTC"

    def read(self) -> "tuple[Events, CleaningReport]":
        """The events, and what was left out."""
        from evorec.data.load import load_events

        return load_events(self.events, columns=mapping(self.columns) or None, timezone=self.timezone)


@dataclass(frozen=True, kw_only=True)
class LogAndItems(EventLog):
    """Events and a catalogue, in files."""

    items: ItemsFile = None
    item_columns: ItemColumns = None

    def load(self, users: Path | None = None) -> "Loaded":
        """The dataset, and what reading each of its files kept and dropped."""
        from evorec.recipes.quickstart import load_dataset

        return load_dataset(
            self.events,
            self.items,
            users,
            columns=mapping(self.columns),
            item_columns=mapping(self.item_columns) or None,
            timezone=self.timezone,
        )


@dataclass(frozen=True, kw_only=True)
class Data(LogAndItems):
    """Events, catalogue and users, in files."""

    users: UsersFile = None

    @property
    def names(self) -> list[str]:
        """Names of the files, without their folders."""
        return [path.name for path in (self.events, self.items, self.users) if path is not None]

    def load(self, users: Path | None = None) -> "Loaded":
        """As for a log and items, with the table of users."""
        return super().load(users or self.users)


@dataclass(frozen=True, kw_only=True)
class Build:
    """What is built, and what counts as interest."""

    recipe: RecipeName = "fast"
    encoder: EncoderName = "auto"
    value: ValueMeaning = "nothing"
    rating_range: RatingRange = RATINGS
    action_weight: ActionWeights = None

    def chosen(self) -> "Recipe":
        """The recipe, with what counts."""
        from evorec.recipes.config import recipe

        counted = feedback(self.value, self.rating_range, self.action_weight)  # before a saved recipe is read
        return replace(recipe(self.recipe, encoder=self.encoder), feedback=counted)


@dataclass(frozen=True, kw_only=True)
class Printing:
    """What is printed."""

    as_json: Json = False
    quiet: Quiet = False


def mapping(pairs: Sequence[str] | None) -> dict[str, str]:
    """`OURS=THEIRS` pairs as a dictionary.

    >>> mapping(["user_id=CustomerID"])
    {'user_id': 'CustomerID'}
    """
    found: dict[str, str] = {}
    for pair in pairs or ():
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise InputError(f"a column mapping reads OURS=THEIRS, not {pair!r}", mend="as in --map user_id=CustomerID")
        found[ours] = theirs
    return found


def weights(pairs: Sequence[str] | None) -> dict[str, float]:
    """`ACTION=WEIGHT` pairs as a dictionary.

    >>> weights(["view=0.2"])
    {'view': 0.2}
    """
    found: dict[str, float] = {}
    for pair in pairs or ():
        action, _, number = pair.rpartition("=")
        try:
            found[action] = float(number)
        except ValueError:
            action = ""
        if not action:
            raise InputError(f"a weight reads ACTION=WEIGHT, not {pair!r}", mend="as in --action-weight view=0.2")
    return found


def feedback(value: str, rating_range: tuple[float, float], action_weights: Sequence[str] | None) -> "Feedback":
    """What counts, and how much, from the options that say so.

    >>> feedback("rating", (0, 10), ["view=0.2"]).weight("view", 10)
    0.2
    """
    from evorec.data.feedback import Feedback

    if rating_range != RATINGS and value != "rating":
        raise InputError("--rating-range without ratings", mend="add --value rating, or leave it out")
    lowest, highest = rating_range
    return Feedback(value=value, actions=weights(action_weights), lowest=lowest, highest=highest)  # type: ignore[arg-type]


def moment(text: str | None) -> int | None:
    """A moment given as seconds or as an ISO date, in UTC microseconds.

    >>> moment("10"), moment("1970-01-01 00:00:10")
    (10000000, 10000000)
    """
    if text is None:
        return None
    with suppress(ValueError):
        seconds = float(text)
        if abs(seconds) < _YEAR_10000:
            return round(seconds * 1_000_000)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is no moment", mend="give seconds since 1970, or a date such as 2026-03-01T12:00"
        ) from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return round(parsed.timestamp() * 1_000_000)


@contextmanager
def as_typed() -> Iterator[None]:
    """Let an error name `--as-of` as people type it, not as Python spells it."""
    try:
        yield
    except InputError as error:
        raise InputError(*(_typed(text) for text in error.args), mend=_typed(error.mend)) from None


def _typed(text: str) -> str:
    return text.replace("as_of", "--as-of")


def lines(path: Path) -> list[str]:
    """The non-empty lines of a text file, UTF-8, with or without a byte order mark."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", mend="check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path} is not a file", mend="name a file with one id a line") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text", mend="save it as UTF-8") from None
    return [line.strip() for line in content.splitlines() if line.strip()]
