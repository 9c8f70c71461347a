"""A user's interests at one moment: short-term against long-term, and what is expected next, with its band."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import I64
from evorec.plots.theme import INK, PALE, drawing, heading, sheet, shorten, worded, write_figure

_ROWS: Final = 10  # topics shown
_NAME: Final = 30  # columns of a topic's name
_ROW: Final = 0.34  # inches of one topic
_WORDS: Final = {
    "en": {
        "share": "share of attention (%)", "profile": "Short-term against long-term interest",
        "short": "short-term (± one standard error)", "long": "long-term", "outlook": "Expected next{}",
        "forecast": "forecast", "band": "80% band", "now": "now", "nothing": "no topic has a share",
    },
    "zh": {
        "share": "关注份额 (%)", "profile": "短期兴趣与长期兴趣", "short": "短期 (± 一个标准误)", "long": "长期",
        "outlook": "接下来的预期{}", "forecast": "预测", "band": "80% 区间", "now": "当前",
        "nothing": "没有主题占有份额",
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Profile:
    """Shares of attention now: `short_term`, `long_term` and the standard `error` of short_term, each `[topics]`."""

    topics: Sequence[str]
    short_term: NDArray[Any]
    long_term: NDArray[Any]
    error: NDArray[Any]

    def __post_init__(self) -> None:
        _check(self.topics, short_term=self.short_term, long_term=self.long_term, error=self.error)

    def height(self) -> float:
        """Inches that the chart takes."""
        return 1.6 + _ROW * len(leading_rows(self.short_term, self.long_term))


@dataclass(frozen=True, eq=False, kw_only=True)
class Outlook:
    """Shares `now`, their `forecast`, and the `low` and `high` end of its 80% band, each `[topics]`.

    `ahead` says how far, in the language of the chart, such as "in the next 5 events".
    """

    topics: Sequence[str]
    now: NDArray[Any]
    forecast: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]
    ahead: str = ""

    def __post_init__(self) -> None:
        _check(self.topics, now=self.now, forecast=self.forecast, low=self.low, high=self.high)
        if (np.asarray(self.low) > np.asarray(self.high)).any():
            raise InputError("a band ends below its start", mend="give low and high in this order")

    def height(self) -> float:
        """Inches that the chart takes."""
        return 1.6 + _ROW * len(leading_rows(self.now, self.forecast))


def _check(topics: Sequence[str], **columns: NDArray[Any]) -> None:
    for name, column in columns.items():
        if np.shape(column) != (len(topics),) or not (np.isfinite(column) & (np.asarray(column) >= 0)).all():
            raise InputError(
                f"{name} of shape {np.shape(column)} does not go with {len(topics)} topics",
                mend="give one finite, non-negative number per topic",
            )


def leading_rows(*shares: NDArray[Any], most: int = _ROWS) -> I64:
    """The topics worth a row: the largest in any of `shares` (each `[topics]`), ordered by the first, then the second.

    >>> leading_rows(np.array([0.2, 0.8, 0.0, 0.0]), np.array([0.1, 0.3, 0.6, 0.0])).tolist()
    [1, 0, 2]
    """
    highest = np.max(shares, axis=0)
    chosen = np.argsort(-highest, kind="stable")[:most]
    chosen = chosen[highest[chosen] > 0]
    keys = [-np.asarray(one)[chosen] for one in reversed(shares)]
    return np.asarray(chosen[np.lexsort(keys)], dtype=np.int64)


def profile_chart(profile: Profile, path: Path, *, title: str, language: str = "en") -> None:
    """Draw short-term against long-term interest into `path` (.svg, .png, .html): one row per leading topic.

    A ring is the long-term share, a disc the short-term one, with a whisker of one standard error on either side.
    """
    words = worded(_WORDS, language)
    with drawing(path, [title, *profile.topics, *words.values()]):
        figure = sheet(profile.height(), title)
        axes = figure.subplots()
        draw_profile(axes, profile, leading_rows(profile.short_term, profile.long_term), language)
        write_figure(figure, path, title=title, language=language, caption=profile_caption(profile, language))


def outlook_chart(outlook: Outlook, path: Path, *, title: str, language: str = "en") -> None:
    """Draw a forecast into `path` (.svg, .png, .html): one row per leading topic, an 80% band beside the share now."""
    words = worded(_WORDS, language)
    with drawing(path, [title, outlook.ahead, *outlook.topics, *words.values()]):
        figure = sheet(outlook.height(), title)
        axes = figure.subplots()
        draw_outlook(axes, outlook, leading_rows(outlook.now, outlook.forecast), language)
        write_figure(figure, path, title=title, language=language, caption=outlook_caption(outlook, language))


def draw_profile(axes: Any, profile: Profile, rows: NDArray[Any], language: str) -> None:
    """Rows of rings and discs into `axes`; `rows int[r]` are the topics to show, from the top."""
    words = worded(_WORDS, language)
    y = np.arange(len(rows))
    short, long, error = (100 * np.asarray(one)[rows] for one in (profile.short_term, profile.long_term, profile.error))
    axes.hlines(y, short, long, color=PALE, linewidth=2.2, zorder=1)
    axes.errorbar(
        short, y, xerr=np.minimum(error, [short, np.maximum(100 - short, 0)]), fmt="o", color=INK, markersize=8,
        capsize=3, elinewidth=1.2, zorder=3, label=words["short"],
    )  # fmt: skip
    reach = max(float((short + error).max(initial=0)), float(long.max(initial=0)))
    axes.plot(long, y, "o", markerfacecolor="white", markeredgecolor="black", markersize=9, zorder=2,
              label=words["long"])  # fmt: skip
    heading(axes, words["profile"])
    _finish(axes, [profile.topics[k] for k in rows], min(reach, 100), words)


def draw_outlook(axes: Any, outlook: Outlook, rows: NDArray[Any], language: str) -> None:
    """Rows of bands, diamonds and discs into `axes`; `rows int[r]` are the topics to show, from the top."""
    words = worded(_WORDS, language)
    y = np.arange(len(rows))
    now, forecast, low, high = (
        100 * np.asarray(one)[rows] for one in (outlook.now, outlook.forecast, outlook.low, outlook.high)
    )
    axes.barh(y, high - low, left=low, height=0.5, color="#A9CCE3", edgecolor=INK, linewidth=0.6, zorder=1,
              label=words["band"])  # fmt: skip
    axes.plot(now, y, "o", color=INK, markersize=8, zorder=2, label=words["now"])
    axes.plot(forecast, y, "D", markerfacecolor="#D55E00", markeredgecolor="white", markersize=8, zorder=3,
              label=words["forecast"])  # fmt: skip
    heading(axes, words["outlook"].format(f": {outlook.ahead}" if outlook.ahead else ""))
    _finish(axes, [outlook.topics[k] for k in rows], float(np.max([now, forecast, high], initial=0)), words)


def _finish(axes: Any, names: Sequence[str], reach: float, words: dict[str, str]) -> None:
    axes.set_yticks(range(len(names)), [shorten(name, _NAME) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    neighbours = len(axes.get_shared_x_axes().get_siblings(axes)) > 1
    right = max(1.05 * reach, 1.0, axes.get_xlim()[1] if neighbours else 0)
    axes.set_xlim(-0.015 * right, right)  # room for a disc at 0
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(words["share"])
    if names:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.52 / (0.4 + _ROW * len(names))), ncols=3, frameon=False,
                    fontsize=9, borderaxespad=0)  # fmt: skip
    else:
        axes.text(0.5, 0.5, words["nothing"], transform=axes.transAxes, ha="center", va="center")


def profile_caption(profile: Profile, language: str) -> list[str]:
    """What a profile shows, in a line of text."""
    words = worded(_WORDS, language)
    rows = leading_rows(profile.short_term, profile.long_term)
    shown = (f"{profile.topics[k]} {profile.short_term[k]:.0%} / {profile.long_term[k]:.0%}" for k in rows)
    return [f"{words['profile']}: {', '.join(shown)}"]


def outlook_caption(outlook: Outlook, language: str) -> list[str]:
    """What a forecast shows, in a line of text."""
    words = worded(_WORDS, language)
    shown = (
        f"{outlook.topics[k]} {outlook.forecast[k]:.0%} ({outlook.low[k]:.0%}–{outlook.high[k]:.0%})"
        for k in leading_rows(outlook.now, outlook.forecast)
    )
    ahead = f": {outlook.ahead}" if outlook.ahead else ""
    return [f"{words['outlook'].format(ahead)}. {words['forecast']} ({words['band']}): {', '.join(shown)}"]


def outlook_text(outlook: Outlook, *, most: int = _ROWS, width: int = 30) -> list[tuple[str, str, str]]:
    """Rows `(topic, band, numbers)` for a terminal: `○` the share now, `●` the forecast, `◉` both, `─` the 80% band.

    All rows share one scale, from 0 to the highest band.

    >>> look = Outlook(topics=["tea", "tents"], now=np.array([0.7, 0.3]), forecast=np.array([0.5, 0.5]),
    ...                low=np.array([0.3, 0.3]), high=np.array([0.8, 0.7]))
    >>> outlook_text(look, width=9)
    [('tea', '   ──●─○─', '50% (30–80%)'), ('tents', '   ○─●── ', '50% (30–70%)')]
    """
    rows = leading_rows(outlook.now, outlook.forecast, most=most)
    full = max(float(np.max([outlook.high[rows], outlook.now[rows], outlook.forecast[rows]], initial=0.0)), 1e-12)
    lines = []
    for k in rows:
        now, forecast, low, high = (
            round(float(one[k]) / full * (width - 1))
            for one in (outlook.now, outlook.forecast, outlook.low, outlook.high)
        )
        cells = ["─" if low <= place <= high else " " for place in range(width)]
        cells[now] = "○"
        cells[forecast] = "◉" if forecast == now else "●"
        numbers = f"{outlook.forecast[k]:.0%} ({100 * outlook.low[k]:.0f}–{outlook.high[k]:.0%})"
        lines.append((outlook.topics[k], "".join(cells), numbers))
    return lines
