"""The river of interests: how attention moves between topics over time, and when it turned."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.core.types import DAY, F64
from evorec.plots.dates import date, date_axis, dates, day
from evorec.plots.theme import PALETTE, REST, columns, drawing, sheet, shorten, worded, write_figure

_MOST: Final = 8  # topics drawn by name; the rest flow together
_NAME: Final = 26  # columns of a topic's name
_NOTES: Final = 6  # change points told in words
_HEIGHT: Final = 4.0  # inches of the river itself
_WORDS: Final = {
    "en": {
        "share": "share of attention (%)", "time": "time (UTC)", "events": "events", "other": "other topics",
        "more": "and {} more turning points", "alarm": "◆ called from the stream",
        "legend": "share at the end", "trend": "▲ rising  ▼ falling",
    },
    "zh": {
        "share": "关注份额 (%)", "time": "时间 (UTC)", "events": "事件", "other": "其他主题",
        "more": "另有 {} 个转折点", "alarm": "◆ 实时检测到的变化",
        "legend": "末期份额", "trend": "▲ 上升  ▼ 下降",
    },
}  # fmt: skip
_SPARKS: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, eq=False, kw_only=True)
class ChangeMark:
    """A moment (UTC microseconds) at which interests turned, and the topics that rose and fell there.

    `between` holds the moments before and after which they did not turn, where they are known.
    """

    moment: int
    risen: Sequence[str] = ()
    fallen: Sequence[str] = ()
    between: tuple[int, int] | None = None

    def text(self, *, clock: bool = False) -> str:
        """The change in words: its day (with the time of day if `clock`), then what rose and what fell.

        >>> ChangeMark(moment=0, risen=["tea"], fallen=["tents"]).text()
        '1970-01-01  ▲ tea  ▼ tents'
        """
        told = [day(self.moment, clock=clock)]
        for sign, names in (("▲", self.risen), ("▼", self.fallen)):
            if names:
                rest = f" +{len(names) - 2}" * (len(names) > 2)
                told.append(f"{sign} {', '.join(shorten(name, _NAME) for name in names[:2])}{rest}")
        return "  ".join(told)


@dataclass(frozen=True, eq=False, kw_only=True)
class River:
    """Shares of attention over time: what `interest_river` draws.

    `shares [t, topics]` at `moments int64[t]` (UTC microseconds, ascending); `events int64[n]`, `changes` and `alarms`,
    moments at which a turn was called while events streamed, are marked where given. `trend int[topics]` says
    which topics rise (1), fall (-1) or neither (0) over the whole.
    """

    topics: Sequence[str]
    moments: NDArray[np.int64]
    shares: NDArray[Any]
    events: NDArray[np.int64] | None = None
    changes: Sequence[ChangeMark] = ()
    trend: NDArray[Any] | None = None
    alarms: Sequence[int] = ()

    def __post_init__(self) -> None:
        if len(self.moments) < 2 or not (np.diff(self.moments) > 0).all():
            raise InputError(
                "a river needs at least two moments, in ascending order", mend="take a longer stretch of time"
            )
        if len(self.moments) != len(self.shares) or not np.any(self.shares):
            raise InputError(
                f"nothing to draw: {len(self.shares)} rows of shares, {len(self.moments)} moments",
                mend="give one row of shares for each moment, not all 0",
            )
        leading_topics(self.shares, self.topics, other="")
        if np.asarray(self.shares).sum(axis=1).max() > 1.001:
            raise InputError("shares of one moment add up to more than 1", mend="divide each row by its sum")
        if any(not self.moments[0] <= change.moment <= self.moments[-1] for change in self.changes):
            raise InputError("a change point lies outside the river", mend="let the moments span all change points")
        if any(not self.moments[0] <= alarm <= self.moments[-1] for alarm in self.alarms):
            raise InputError("an alarm lies outside the river", mend="let the moments span all alarms")
        if self.trend is not None and len(self.trend) != len(self.topics):
            raise InputError(
                f"{len(self.trend)} trends do not go with {len(self.topics)} topics", mend="give one trend per topic"
            )

    def told_changes(self) -> list[str]:
        """The change points in words, in time order; with the time of day where the river is short."""
        clock = bool(self.moments[-1] - self.moments[0] < 4 * DAY)
        return [change.text(clock=clock) for change in sorted(self.changes, key=lambda change: change.moment)]

    def texts(self) -> list[str]:
        """Every name that the chart writes."""
        return [*self.topics, *self.told_changes()]


def leading_topics(
    shares: NDArray[Any], names: Sequence[str], *, other: str, most: int = _MOST
) -> tuple[F64, list[str]]:
    """The `most` topics with the largest share, and the rest added up; `shares [t, topics]`.

    The mean share and the last one count alike: a long quiet past must not hide what a user likes now.

    >>> flows, labels = leading_topics(np.array([[0.5, 0.2, 0.3]]), ["a", "b", "c"], other="rest", most=1)
    >>> labels, flows.tolist()
    (['a', 'rest'], [[0.5, 0.5]])
    """
    shares = np.asarray(shares, dtype=np.float64)
    if shares.ndim != 2 or not len(shares) or shares.shape[1] != len(names) or not (shares >= 0).all():
        raise InputError(
            f"shares of shape {shares.shape} do not go with {len(names)} names",
            mend="give one row of non-negative shares per moment, one column per name",
        )
    order = _leading(shares)
    flows, labels = shares[:, order[:most]], [names[k] for k in order[:most]]
    if len(order) > most:
        flows = np.concatenate([flows, shares[:, order[most:]].sum(axis=1, keepdims=True)], axis=1)
        labels.append(other)
    return flows, labels


def _leading(shares: F64) -> NDArray[np.int64]:
    """Topics that occur, the largest first, mean and last share taken together."""
    size = shares.mean(axis=0) + shares[-1]
    order = np.argsort(-size, kind="stable")
    return np.asarray(order[size[order] > 0], dtype=np.int64)


def interest_river(river: River, path: Path, *, title: str, language: str = "en") -> None:
    """Draw a river of interests into `path` (.svg, .png, .html), in `language` `en` or `zh`.

    Areas are stacked to 100%, separated by white lines and labelled where they are widest, so that the chart reads
    without colour too. Change points are dashed lines, numbered, told in words above; a bar at the top spans where each
    can lie. Events are ticks below. Matplotlib comes with the extra `plot`.

    >>> from tempfile import TemporaryDirectory
    >>> from evorec.core.types import DAY
    >>> turn = ChangeMark(moment=2 * DAY, risen=["tents"], fallen=["tea"])
    >>> river = River(topics=["tea", "tents"], moments=np.arange(0, 8, 2) * DAY, changes=[turn],
    ...               shares=np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]]))
    >>> with TemporaryDirectory() as folder:
    ...     interest_river(river, Path(folder) / "river.svg", title="Interests of ann")
    ...     svg = (Path(folder) / "river.svg").read_text(encoding="utf-8")
    >>> "1970-01-03  ▲ tents  ▼ tea" in svg
    True
    """
    words = worded(_WORDS, language)
    with drawing(path, [title, *river.texts(), *words.values()]):
        figure = sheet(river_height(river), title)
        axes = river_axes(figure, river)
        draw_river(axes, river, language)
        date_axis(axes[-1], language)
        axes[-1].set_xlabel(words["time"])
        write_figure(figure, path, title=title, language=language, caption=river_caption(river, language))


def river_height(river: River) -> float:
    """Inches that a river takes with its notes, its ticks and the time axis."""
    return _HEIGHT + 0.2 * _note_lines(river) + 0.3 + 0.9


def river_axes(figure: Any, river: River, *below: float) -> list[Any]:
    """Axes for the river, for the ticks of its events if it has some, and one for each height (inches) in `below`."""
    heights = [_HEIGHT, *[0.3] * (river.events is not None), *below]
    return list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0])


def _note_lines(river: River) -> int:
    return min(len(river.changes), _NOTES) + (len(river.changes) > _NOTES)


def draw_river(axes: Sequence[Any], river: River, language: str) -> None:
    """Draw into the axes `river_axes` made."""
    words = worded(_WORDS, language)
    stream = axes[0]
    flows, labels = leading_topics(river.shares, river.topics, other=words["other"])
    labels = [shorten(label, _NAME) for label in labels]
    when = dates(river.moments)
    colours = [PALETTE[k] for k in range(min(len(labels), _MOST))] + [REST] * (len(labels) > _MOST)
    stream.stackplot(when, 100 * flows.T, colors=colours, edgecolor="white", linewidth=1.2)
    stream.set_ylim(0, 100)
    stream.set_xlim(when[0], when[-1])
    stream.set_ylabel(words["share"])
    _label(stream, river.moments, flows, labels)
    _legend(stream, river, flows, [labels, colours], words)
    _changes(stream, river, words)
    for alarm in river.alarms:
        stream.plot(
            [date(alarm)],
            [92],  # clear of the numbers of change points
            "D",
            color="black",
            markersize=7,
            markeredgecolor="white",
            markeredgewidth=1,
            zorder=5,
        )
    stream.spines[["top", "right"]].set_visible(False)
    if river.events is not None:
        _ticks(axes[1], river, river.events, words)


def _label(axes: Any, moments: NDArray[np.int64], flows: F64, labels: Sequence[str]) -> None:
    """Name each band where it leaves most room over the length of a label; thin bands stay to the legend."""
    grid = np.linspace(moments[0], moments[-1], 201)
    top = np.stack([np.interp(grid, moments, level) for level in np.cumsum(flows, axis=1).T])
    for k, label in enumerate(labels):
        upper, lower = top[k], top[k - 1] if k else np.zeros(len(grid))
        reach = min(5 + columns(label), 99)  # about half the width of the label and its frame, in places of the grid
        spans = [slice(at - reach, at + reach + 1) for at in range(reach, len(grid) - reach)]
        ceiling = np.array([upper[span].min() for span in spans])
        floor = np.array([lower[span].max() for span in spans])
        best = int(np.argmax(ceiling - floor))
        if ceiling[best] - floor[best] < 0.05:
            continue
        axes.text(
            date(int(grid[best + reach])), 50 * (ceiling[best] + floor[best]), label, ha="center", va="center",
            fontsize=9, bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.85, "linewidth": 0},
        )  # fmt: skip


def _legend(axes: Any, river: River, flows: F64, drawn: Sequence[Sequence[str]], words: dict[str, str]) -> None:
    """Every band's name and its share at the right edge, stacked as the bands are."""
    labels, colours = drawn
    patches = require("matplotlib.patches", extra="plot")
    signs = [""] * len(labels)
    if river.trend is not None:
        order = _leading(np.asarray(river.shares, dtype=np.float64))[:_MOST]
        signs = [{1: "  ▲", -1: "  ▼"}.get(int(np.sign(river.trend[k])), "") for k in order]
        signs += [""] * (len(labels) - len(signs))
    rows = [f"{flow:\u2007>4.0%}  {label}{sign}" for flow, sign, label in zip(flows[-1], signs, labels, strict=True)]
    title = [words["legend"], *([words["trend"]] if river.trend is not None else [])]
    axes.legend(
        [patches.Patch(facecolor=c, edgecolor="grey") for c in reversed(colours)],
        rows[::-1],
        title="\n".join([*([words["alarm"]] if river.alarms else []), *title]),
        alignment="left",
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        fontsize=9,
    )


def _changes(axes: Any, river: River, words: dict[str, str]) -> None:
    """Dashed lines with numbers at the top of the river, a bar as long as they are unsure; above it, in words."""
    ordered = sorted(river.changes, key=lambda change: change.moment)
    span = float(river.moments[-1] - river.moments[0])
    places = [(change.moment - int(river.moments[0])) / span for change in ordered]
    for change in ordered:
        if change.between is not None:
            low, high = np.clip(change.between, river.moments[0], river.moments[-1])
            axes.axvspan(date(low), date(high), facecolor="white", alpha=0.3, edgecolor="none")
            axes.hlines(99.4, date(low), date(high), color="black", linewidth=3)
        axes.axvline(date(change.moment), color="white", linewidth=2.6)
        axes.axvline(date(change.moment), color="black", linewidth=1.3, linestyle=(0, (4, 3)))
    for first, last in _near(places, 0.03):
        axes.annotate(
            f"{first + 1}" if first == last else f"{first + 1}–{last + 1}",
            ((places[first] + places[last]) / 2, 1), xycoords="axes fraction", xytext=(0, -3),
            textcoords="offset points", ha="center", va="center", fontsize=8,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "black"},
        )  # fmt: skip
    told = [f"{number}   {text}" for number, text in enumerate(river.told_changes()[:_NOTES], start=1)]
    if len(ordered) > _NOTES:
        told.append(words["more"].format(len(ordered) - _NOTES))
    if told:
        axes.annotate(
            "\n".join(told), (0, 1), xycoords="axes fraction", xytext=(0, 9), textcoords="offset points", fontsize=9,
            va="bottom", linespacing=1.35,
        )  # fmt: skip


def _near(places: Sequence[float], reach: float) -> list[tuple[int, int]]:
    """First and last of each run of ascending `places` that lie closer than `reach`: their numbers share a frame."""
    runs: list[tuple[int, int]] = []
    for k, place in enumerate(places):
        if runs and place - places[k - 1] < reach:
            runs[-1] = (runs[-1][0], k)
        else:
            runs.append((k, k))
    return runs


def _ticks(axes: Any, river: River, events: NDArray[np.int64], words: dict[str, str]) -> None:
    # More ticks than the chart has pixels would only make the file large.
    span = river.moments[-1] - river.moments[0]
    place = np.unique((np.asarray(events) - river.moments[0]) * 2000 // span)
    fade = float(np.clip(120 / max(len(place), 1), 0.3, 0.8))
    axes.vlines(dates(river.moments[0] + place * span // 2000), 0, 1, color="black", linewidth=0.7, alpha=fade)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.set_ylabel(words["events"], rotation=0, ha="right", va="center")
    axes.spines[["top", "right", "left"]].set_visible(False)


def river_caption(river: River, language: str) -> list[str]:
    """What a river shows, in lines of text: the shares at its end, and its change points."""
    words = worded(_WORDS, language)
    flows, labels = leading_topics(river.shares, river.topics, other=words["other"])
    ending = sorted(zip(flows[-1], labels, strict=True), key=lambda pair: -pair[0])
    stretch = f"{day(int(river.moments[0]))} – {day(int(river.moments[-1]))}"
    shown = ", ".join(f"{label} {flow:.0%}" for flow, label in ending)
    called = [f"{words['alarm']}: {', '.join(day(alarm) for alarm in river.alarms)}"] if river.alarms else []
    return [f"{stretch}. {words['legend']}: {shown}", *river.told_changes(), *called]


def river_text(
    shares: NDArray[Any], names: Sequence[str], *, most: int = _MOST, width: int = 40
) -> list[tuple[str, str, str]]:
    """Rows `(topic, spark line, share now)` for a terminal; `shares [t, topics]`.

    A full bar is the largest share of all lines, so that they compare.

    >>> river_text(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), ["tea", "tents"], width=3)
    [('tents', '▁▅█', '100%'), ('tea', '█▅▁', '0%')]
    """
    flows, labels = leading_topics(shares, names, other="other topics", most=most)
    places = np.linspace(0, len(flows) - 1, min(width, len(flows))).round().astype(int)
    full = max(float(flows[places].max(initial=0.0)), 1e-12)
    rows = []
    for k, label in enumerate(labels):
        levels = np.rint(flows[places, k] / full * (len(_SPARKS) - 1)).astype(int)
        rows.append((label, "".join(_SPARKS[level] for level in levels), f"{flows[-1, k]:.0%}"))
    return rows
