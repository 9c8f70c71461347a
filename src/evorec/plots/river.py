"""The river of interests: how a user's attention moves between topics over time."""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.core.types import F64
from evorec.plots.theme import PALETTE, REST, check_target, font_families, write_figure

_MOST: Final = 8  # topics drawn by name; the rest flow together
_WORDS: Final = {
    "en": {"share": "share of attention (%)", "time": "time (UTC)", "events": "events", "other": "other topics"},
    "zh": {"share": "关注份额 (%)", "time": "时间 (UTC)", "events": "事件", "other": "其他主题"},
}
# Month names would stay English in a Chinese chart; matplotlib writes years, months, days, hours, minutes, seconds.
_DATES: Final[dict[str, dict[str, Any]]] = {
    "en": {},
    "zh": {
        "formats": ["%Y年", "%m月", "%m月%d日", "%H:%M", "%H:%M", "%S.%f"],
        "zero_formats": ["", "%Y年", "%m月", "%m月%d日", "%H:%M", "%H:%M"],
        "offset_formats": ["", "%Y年", "%Y年%m月", "%Y年%m月%d日", "%Y年%m月%d日", "%Y年%m月%d日 %H:%M"],
    },
}
_SPARKS: Final = "▁▂▃▄▅▆▇█"


def leading_topics(
    shares: NDArray[Any], names: Sequence[str], *, other: str, most: int = _MOST
) -> tuple[F64, list[str]]:
    """The `most` topics with the largest mean share, and the rest added up; `shares [t, topics]`.

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
    order = np.argsort(-shares.mean(axis=0), kind="stable")
    order = order[shares.mean(axis=0)[order] > 0]
    flows, labels = shares[:, order[:most]], [names[k] for k in order[:most]]
    if len(order) > most:
        flows = np.concatenate([flows, shares[:, order[most:]].sum(axis=1, keepdims=True)], axis=1)
        labels.append(other)
    return flows, labels


def interest_river(
    moments: NDArray[np.int64],
    shares: NDArray[Any],
    names: Sequence[str],
    path: Path,
    *,
    title: str,
    events: NDArray[np.int64] | None = None,
    language: str = "en",
) -> None:
    """Draw shares `[t, topics]` over `moments int64[t]` (UTC microseconds) into `path` (.svg, .png, .html).

    Areas are stacked to 100%, separated by white lines and labelled where they are widest, so that the chart reads
    without colour too; `events int64[n]` are ticks below. `language`: `en` or `zh`. Matplotlib comes with the extra
    `plot`.
    """
    if language not in _WORDS:
        raise InputError(f"charts are not written in {language!r}", mend=f"use one of {', '.join(_WORDS)}")
    if len(moments) < 2 or not (np.diff(moments) > 0).all():
        raise InputError("a river needs at least two moments, in ascending order", mend="take a longer stretch of time")
    if len(moments) != len(shares) or not np.any(shares):
        raise InputError(
            f"nothing to draw: {len(shares)} rows of shares, {len(moments)} moments",
            mend="give one row of shares for each moment, not all 0",
        )
    check_target(path)
    words = _WORDS[language]
    flows, labels = leading_topics(shares, names, other=words["other"])
    figures = require("matplotlib.figure", extra="plot")
    dates = require("matplotlib.dates", extra="plot")
    matplotlib = require("matplotlib", extra="plot")
    families = font_families([title, *labels, *words.values()], path)
    when = [datetime.fromtimestamp(t / 1e6, tz=UTC) for t in moments.tolist()]
    with matplotlib.rc_context({"font.family": families, "font.size": 10}), warnings.catch_warnings():
        # In SVG the viewer's fonts draw the letters; that ours lack some is no fault.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = figures.Figure(figsize=(11, 5), layout="constrained")
        river, ticks = figure.subplots(2, 1, sharex=True, height_ratios=[14, 1])
        colours = [PALETTE[k] for k in range(min(len(labels), _MOST))] + [REST] * (len(labels) > _MOST)
        river.stackplot(when, 100 * flows.T, colors=colours, edgecolor="white", linewidth=1.2)
        _label(river, when, flows, labels)
        river.set_ylim(0, 100)
        river.set_xlim(when[0], when[-1])
        river.set_ylabel(words["share"])
        river.set_title(title, loc="left", fontsize=13, parse_math=False)
        patches = require("matplotlib.patches", extra="plot")
        legend = river.legend(
            [patches.Patch(facecolor=c, edgecolor="grey") for c in reversed(colours)],
            list(reversed(labels)),
            loc="center left",
            bbox_to_anchor=(1.01, 0.5),
            frameon=False,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)  # a dollar sign in a name is a dollar sign
        _ticks(ticks, events, words)
        locator = ticks.xaxis.get_major_locator()
        ticks.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, **_DATES[language]))
        for axes in (river, ticks):
            axes.spines[["top", "right"]].set_visible(False)
        write_figure(figure, path, title=title, language=language)


def _label(axes: Any, when: Sequence[datetime], flows: F64, labels: Sequence[str]) -> None:
    """Name each band where it leaves most room over the length of a label; thin bands stay to the legend."""
    reach = len(when) // 20
    top = np.cumsum(flows, axis=1)
    for k, label in enumerate(labels):
        upper, lower = top[:, k], top[:, k] - flows[:, k]
        windows = [slice(at - reach, at + reach + 1) for at in range(reach, len(when) - reach)]
        ceiling = np.array([upper[window].min() for window in windows])
        floor = np.array([lower[window].max() for window in windows])
        best = int(np.argmax(ceiling - floor))
        if ceiling[best] - floor[best] < 0.05:
            continue
        axes.text(
            when[best + reach], 50 * (ceiling[best] + floor[best]), label, ha="center", va="center", fontsize=9,
            parse_math=False, bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
        )  # fmt: skip


def _ticks(axes: Any, events: NDArray[np.int64] | None, words: dict[str, str]) -> None:
    moments = [] if events is None else [datetime.fromtimestamp(t / 1e6, tz=UTC) for t in events.tolist()]
    axes.vlines(moments, 0, 1, color="black", linewidth=0.6, alpha=0.6)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.set_ylabel(words["events"], rotation=0, ha="right", va="center")
    axes.set_xlabel(words["time"])


def river_text(
    shares: NDArray[Any], names: Sequence[str], *, most: int = _MOST, width: int = 40
) -> list[tuple[str, str, str]]:
    """Rows `(topic, spark line, share now)` for a terminal; `shares [t, topics]`.

    A full bar is the largest share of all lines, so that they compare.

    >>> river_text(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), ["tea", "tents"], width=3)
    [('tea', '█▅▁', '0%'), ('tents', '▁▅█', '100%')]
    """
    flows, labels = leading_topics(shares, names, other="other topics", most=most)
    places = np.linspace(0, len(flows) - 1, min(width, len(flows))).round().astype(int)
    full = max(float(flows[places].max(initial=0.0)), 1e-12)
    rows = []
    for k, label in enumerate(labels):
        levels = np.rint(flows[places, k] / full * (len(_SPARKS) - 1)).astype(int)
        rows.append((label, "".join(_SPARKS[level] for level in levels), f"{flows[-1, k]:.0%}"))
    return rows
