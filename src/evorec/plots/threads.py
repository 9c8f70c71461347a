"""The journeys of a user as a timeline: one line per thread, from its first event to its last."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.core.types import DAY
from evorec.plots.dates import date, date_axis, dates, day
from evorec.plots.theme import INK, drawing, heading, sheet, shorten, worded, write_figure

_ROWS: Final = 10
_NAME: Final = 56  # columns of a thread's name
_ROW: Final = 0.43  # inches of one thread
_GREY: Final = "#6E6E6E"
_WORDS: Final = {
    "en": {
        "journeys": "Journeys", "event": "event", "alive": "alive", "ended": "ended", "time": "time (UTC)",
        "note": "right: strength, the share of all events, recent ones counting more",
        "more": "and {} weaker journeys", "none": "no journeys",
    },
    "zh": {
        "journeys": "兴趣旅程", "event": "事件", "alive": "进行中", "ended": "已结束", "time": "时间 (UTC)",
        "note": "右侧: 强度, 即占全部事件的份额, 近期事件权重更大",
        "more": "另有 {} 条较弱的旅程", "none": "没有旅程",
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Thread:
    """One journey: its events at `moments int64[m]` (UTC microseconds, m >= 1), whether it lives, its strength.

    `strength` is the journey's share of all events, recent ones counting more, from 0 to 1.
    """

    name: str
    moments: NDArray[np.int64]
    alive: bool
    strength: float

    def __post_init__(self) -> None:
        if not len(self.moments) or not 0 <= self.strength <= 1 + 1e-6:
            raise InputError(
                f"the journey {self.name!r} has {len(self.moments)} events and a strength of {self.strength}",
                mend="give at least one event, and a strength between 0 and 1",
            )


def journey_chart(threads: Sequence[Thread], path: Path, *, title: str, as_of: int, language: str = "en") -> None:
    """Draw the strongest journeys into `path` (.svg, .png, .html), up to `as_of` (UTC microseconds).

    A dot is an event, a line runs from the first to the last. A journey that lives goes on dashed to an arrow at
    `as_of`; one that ended stops at a cross.
    """
    words = worded(_WORDS, language)
    with drawing(path, [title, *(thread.name for thread in threads), *words.values()]):
        figure = sheet(threads_height(threads) + 1.6, title)
        axes = figure.subplots()
        draw_threads(axes, threads, as_of, language)
        date_axis(axes, language)
        axes.set_xlabel(words["time"])
        write_figure(figure, path, title=title, language=language, caption=threads_caption(threads, language))


def threads_height(threads: Sequence[Thread]) -> float:
    """Inches that the lines of the timeline take."""
    return _ROW * (min(max(len(threads), 1), _ROWS) + (len(threads) > _ROWS))


def shown_threads(threads: Sequence[Thread]) -> list[Thread]:
    """The strongest threads, those that live before those that ended, each kind by strength."""
    strongest = sorted(threads, key=lambda thread: -thread.strength)[:_ROWS]
    return sorted(strongest, key=lambda thread: (not thread.alive, -thread.strength))


def draw_threads(axes: Any, threads: Sequence[Thread], as_of: int, language: str) -> None:
    """Draw the timeline into `axes`, whose time axis may be shared with a river."""
    words = worded(_WORDS, language)
    heading(axes, words["journeys"], words["note"] if threads else "")
    shown = shown_threads(threads)
    start = min((int(np.min(thread.moments)) for thread in shown), default=as_of - DAY)
    left, right = axes.get_xlim() if len(axes.get_shared_x_axes().get_siblings(axes)) > 1 else (np.inf, -np.inf)
    numbers = require("matplotlib.dates", extra="plot").date2num(dates([start, as_of]))
    low, high = min(left, numbers[0]), max(right, numbers[1])
    axes.set_xlim(low, max(high, low + 1e-5))
    for row, thread in enumerate(shown):
        _draw_thread(axes, thread, row, as_of)
        axes.axhline(row + 0.5, color="#E4E4E4", linewidth=0.8, zorder=0)
    rows = max(len(shown), 1)
    if len(threads) > _ROWS:
        axes.text(0.005, rows, words["more"].format(len(threads) - _ROWS), transform=axes.get_yaxis_transform(),
                  fontsize=9, va="center")  # fmt: skip
        rows += 1
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    if shown:
        _legend(axes, words)
    else:
        axes.text(0.5, 0.5, words["none"], transform=axes.transAxes, ha="center", va="center")


def _draw_thread(axes: Any, thread: Thread, row: int, as_of: int) -> None:
    """One line of the timeline: name above, events on the line, its end, its strength at the right edge."""
    mathdates = require("matplotlib.dates", extra="plot")
    when = dates(np.sort(np.asarray(thread.moments)))
    ink, y = (INK if thread.alive else _GREY), row + 0.17
    axes.hlines(y, when[0], when[-1], color=ink, linewidth=1.2 + 4 * thread.strength, alpha=0.8)
    axes.plot(when, [y] * len(when), "o", color=ink, markersize=5, markeredgecolor="white", markeredgewidth=0.6,
              clip_on=False)  # fmt: skip
    if thread.alive:
        axes.hlines(y, when[-1], date(as_of), color=ink, linewidth=1, linestyle=(0, (2, 2)))
        axes.plot([date(as_of)], [y], ">", color=ink, markersize=7, clip_on=False)
    else:
        axes.plot([when[-1]], [y], "x", color="black", markersize=9, markeredgewidth=1.8)
    low, high = axes.get_xlim()
    begin, end = ((number - low) / (high - low) for number in mathdates.date2num([when[0], when[-1]]))
    at_start = begin <= 0.5  # a name starts where its line does, or ends where its line does when that is further right
    axes.text(
        begin if at_start else max(end, 0.5), row - 0.2, shorten(thread.name, _NAME), va="center", fontsize=9,
        ha="left" if at_start else "right", transform=axes.get_yaxis_transform(),
    )  # fmt: skip
    axes.text(1.015, y, f"{thread.strength:\u2007>4.0%}", va="center", fontsize=9, transform=axes.get_yaxis_transform())


def _legend(axes: Any, words: dict[str, str]) -> None:
    lines = require("matplotlib.lines", extra="plot")
    dot = {"marker": "o", "color": INK, "markersize": 5, "linewidth": 1.6}
    axes.legend(
        [
            lines.Line2D([], [], **dot),
            lines.Line2D([], [], marker=">", color=INK, markersize=7, linewidth=1, linestyle=(0, (2, 2))),
            lines.Line2D([], [], marker="x", color="black", markersize=9, markeredgewidth=1.8, linestyle="none"),
        ],
        [words["event"], words["alive"], words["ended"]],
        loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=9, borderaxespad=0.2,
    )  # fmt: skip


def threads_caption(threads: Sequence[Thread], language: str) -> list[str]:
    """What a timeline shows, one line of text for each journey."""
    words = worded(_WORDS, language)
    lines = []
    for thread in shown_threads(threads):
        stretch = f"{day(int(np.min(thread.moments)))} – {day(int(np.max(thread.moments)))}"
        ending = words["alive"] if thread.alive else words["ended"]
        lines.append(
            f"{thread.name}: {stretch}, {len(thread.moments)} × {words['event']}, {ending}, {thread.strength:.0%}"
        )
    return lines
