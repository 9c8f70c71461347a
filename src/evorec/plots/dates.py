"""Time in charts: moments as dates, a date axis in either language, a day in words."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from evorec.core.extras import require

# Month names would stay English in a Chinese chart; matplotlib writes years, months, days, hours, minutes, seconds.
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "en": {},
    "zh": {
        "formats": ["%Y年", "%m月", "%m月%d日", "%H:%M", "%H:%M", "%S.%f"],
        "zero_formats": ["", "%Y年", "%m月", "%m月%d日", "%H:%M", "%H:%M"],
        "offset_formats": ["", "%Y年", "%Y年%m月", "%Y年%m月%d日", "%Y年%m月%d日", "%Y年%m月%d日 %H:%M"],
    },
}


def date(moment: int) -> datetime:
    """A moment (UTC microseconds) as a date.

    >>> date(0).isoformat()
    '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(moment / 1e6, tz=UTC)


def dates(moments: Iterable[int]) -> list[datetime]:
    """Moments (UTC microseconds) as dates."""
    return [date(int(moment)) for moment in moments]


def day(moment: int, *, clock: bool = False) -> str:
    """The day of a moment, with the time of day if `clock`; the same in every language.

    >>> day(86_400_000_000), day(90_000_000_000, clock=True)
    ('1970-01-02', '1970-01-02 01:00')
    """
    return date(moment).strftime("%Y-%m-%d %H:%M" if clock else "%Y-%m-%d")


def date_axis(axes: Any, language: str) -> None:
    """Write the time axis of `axes` in `language`, as finely as its length asks for."""
    formatter = require("matplotlib.dates", extra="plot").ConciseDateFormatter
    axes.xaxis.set_major_formatter(formatter(axes.xaxis.get_major_locator(), **_FORMATS[language]))
