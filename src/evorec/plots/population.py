"""What everybody's interests do: topics that rise and fall, drift over users, and one page with all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.types import F64, Bool
from evorec.plots.dates import date_axis
from evorec.plots.river import River, draw_river, river_axes, river_caption, river_height
from evorec.plots.theme import INK, PALE, drawing, heading, sheet, shorten, worded, write_figure
from evorec.plots.transitions import Transitions, draw_flow, draw_map, flow_height, map_height, transition_caption

_SIDE: Final = 7  # topics shown on either side, rising and falling
_NAME: Final = 26
_HEIGHT: Final = 5.0  # inches of trends and drift
_WORDS: Final = {
    "en": {
        "time": "time (UTC)", "trends": "Rising and falling topics", "none": "no topic rises or falls",
        "change": "change of share a year (percentage points, 95% interval)", "sure": "interval excludes 0",
        "unsure": "interval holds 0", "drift": "How far users drifted",
        "excess": "excess drift (nats beyond sampling noise)",
        "users": "users", "significant": "drifted (significant)", "steady": "not significant",
        "null": "expected without drift",
        "drift note": "users: {n:,}, {share:.1%} of them significant; too few events to tell: {unknown:,}",
    },
    "zh": {
        "time": "时间 (UTC)", "trends": "上升与下降的主题", "none": "没有上升或下降的主题",
        "change": "每年份额变化 (百分点, 95% 区间)", "sure": "区间不含 0", "unsure": "区间包含 0",
        "drift": "用户的兴趣漂移",
        "excess": "超额漂移 (奈特, 扣除抽样噪声)", "users": "用户数", "significant": "显著漂移", "steady": "不显著",
        "null": "无漂移时的预期",
        "drift note": "{n:,} 位用户, 其中 {share:.1%} 显著; 另有 {unknown:,} 位事件太少, 无法判断",
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Trends:
    """How much each topic's share changes in a year, with the ends of its 95% interval.

    Each is `[topics]`, in shares: 0.01 is one percentage point.
    """

    topics: Sequence[str]
    change: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]

    def __post_init__(self) -> None:
        for name, column in (("change", self.change), ("low", self.low), ("high", self.high)):
            if np.shape(column) != (len(self.topics),) or not np.isfinite(column).all():
                raise InputError(
                    f"{name} of shape {np.shape(column)} does not go with {len(self.topics)} topics",
                    mend="give one finite number per topic",
                )
        if (np.asarray(self.low) > np.asarray(self.high)).any():
            raise InputError("an interval ends below its start", mend="give low and high in this order")

    def sure(self) -> Bool:
        """Which topics' intervals exclude 0."""
        return np.asarray((np.asarray(self.low) > 0) | (np.asarray(self.high) < 0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Drifts:
    """Each user's drift beyond sampling noise: `excess [users]` in nats (NaN: cannot tell), whether `significant`.

    `null [m]` holds what the same measure gives without drift, such as for shuffled histories.
    """

    excess: NDArray[Any]
    significant: NDArray[Any]
    null: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        if np.ndim(self.excess) != 1 or np.shape(self.excess) != np.shape(self.significant):
            raise InputError(
                f"drift of shape {np.shape(self.excess)}, significance of shape {np.shape(self.significant)}",
                mend="give one number and one flag per user",
            )
        if not np.isfinite(self.excess).any():
            raise InputError("no user has a known drift", mend="take users with more events")


def trend_chart(trends: Trends, path: Path, *, title: str, language: str = "en") -> None:
    """Draw which topics rise and fall into `path` (.svg, .png, .html), strongest rise first, with 95% intervals."""
    words = worded(_WORDS, language)
    with drawing(path, [title, *trends.topics, *words.values()]):
        figure = sheet(_HEIGHT + 0.4, title)
        draw_trends(figure.subplots(), trends, language)
        write_figure(figure, path, title=title, language=language, caption=trend_caption(trends, language))


def drift_chart(drift: Drifts, path: Path, *, title: str, language: str = "en") -> None:
    """Draw how far users drifted into `path` (.svg, .png, .html): a histogram, significant users hatched.

    >>> from tempfile import TemporaryDirectory
    >>> drift = Drifts(excess=np.array([0.0, 0.1, 0.5, np.nan]), significant=np.array([False, False, True, False]))
    >>> with TemporaryDirectory() as folder:
    ...     drift_chart(drift, Path(folder) / "drift.svg", title="Drifts")
    ...     svg = (Path(folder) / "drift.svg").read_text(encoding="utf-8")
    >>> "users: 3, 33.3% of them significant" in svg
    True
    """
    words = worded(_WORDS, language)
    with drawing(path, [title, *words.values()]):
        figure = sheet(_HEIGHT + 0.4, title)
        draw_drift(figure.subplots(), drift, language)
        write_figure(figure, path, title=title, language=language, caption=drift_caption(drift, language))


def population_page(
    path: Path,
    *,
    title: str,
    river: River,
    trends: Trends | None = None,
    transitions: Transitions | None = None,
    drift: Drifts | None = None,
    language: str = "en",
) -> None:
    """Draw what everybody's interests do into `path` (.svg, .png, .html); a part that is not given is left out."""
    words = worded(_WORDS, language)
    topics = [*(trends.topics if trends else ()), *(transitions.topics if transitions else ())]
    beside = (trends is not None) + (drift is not None)
    heights = [river_height(river), *[_HEIGHT] * bool(beside)]
    heights += [map_height(transitions), flow_height(transitions)] if transitions else []
    with drawing(path, [title, *river.texts(), *topics, *words.values()]):
        figure = sheet(sum(heights), title)
        parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False, hspace=0.04)[:, 0])
        axes = river_axes(parts[0], river)
        draw_river(axes, river, language)
        date_axis(axes[-1], language)
        axes[-1].set_xlabel(words["time"])
        row = list(parts[1].subplots(1, beside, squeeze=False)[0]) if beside else []
        if trends is not None:
            draw_trends(row[0], trends, language)
        if drift is not None:
            draw_drift(row[-1], drift, language)
        if transitions is not None:
            draw_map(parts[-2].subplots(), transitions, language)
            draw_flow(parts[-1].subplots(), transitions, language)
        caption = [*river_caption(river, language), *(trend_caption(trends, language) if trends else ())]
        caption += drift_caption(drift, language) if drift else []
        caption += transition_caption(transitions, language) if transitions else []
        write_figure(figure, path, title=title, language=language, caption=caption)


def _strongest(trends: Trends) -> list[int]:
    """Topics that rise most, then those that fall most, the strongest rise first and the strongest fall last."""
    order = np.argsort(-np.asarray(trends.change), kind="stable")
    rising = [int(k) for k in order if trends.change[k] > 0][:_SIDE]
    return rising + [int(k) for k in order if trends.change[k] < 0][-_SIDE:]


def draw_trends(axes: Any, trends: Trends, language: str) -> None:
    """Rows of changes with intervals into `axes`: triangles that point up or down, hollow where 0 is possible."""
    words = worded(_WORDS, language)
    rows, sure = _strongest(trends), trends.sure()
    axes.axvline(0, color="black", linewidth=1)
    for y, k in enumerate(rows):
        change, low, high = (100 * float(one[k]) for one in (trends.change, trends.low, trends.high))
        axes.hlines(y, low, high, color=INK if sure[k] else PALE, linewidth=1.6)
        axes.plot([change], [y], "^" if change > 0 else "v", markersize=8, markeredgecolor=INK if sure[k] else PALE,
                  markerfacecolor=INK if sure[k] else "white")  # fmt: skip
    axes.set_yticks(range(len(rows)), [shorten(trends.topics[k], _NAME) for k in rows], fontsize=9)
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(words["change"])
    heading(axes, words["trends"], f"▲▼ {words['sure']}   △▽ {words['unsure']}")
    if not rows:
        axes.text(0.5, 0.5, words["none"], transform=axes.transAxes, ha="center", va="center")


def draw_drift(axes: Any, drift: Drifts, language: str) -> None:
    """A histogram of users by excess drift into `axes`, the expectation without drift as a dashed line."""
    words = worded(_WORDS, language)
    excess, significant, null = _known(drift)
    everything = np.concatenate([excess, null])
    low, high = float(everything.min()), float(everything.max())
    bins = np.linspace(low, high if high > low else low + 1, 31)
    axes.hist(
        [excess[significant], excess[~significant]], bins=bins, stacked=True, color=[INK, "#D0DCE8"], edgecolor="white",
        linewidth=0.6, label=[words["significant"], words["steady"]],
    )  # fmt: skip
    if len(null):
        height = np.histogram(null, bins=bins)[0] * len(excess) / len(null)
        axes.stairs(height, bins, color="black", linewidth=1.6, linestyle=(0, (4, 2)), label=words["null"])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(words["excess"])
    axes.set_ylabel(words["users"])
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])  # room for the legend above the bars
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    heading(axes, words["drift"], drift_caption(drift, language)[0].partition(": ")[2])


def _known(drift: Drifts) -> tuple[F64, Bool, F64]:
    """Drifts and significance of the users of whom both are known, and the null."""
    excess = np.asarray(drift.excess, dtype=np.float64)
    known = np.isfinite(excess)
    null = np.zeros(0) if drift.null is None else np.asarray(drift.null, dtype=np.float64)
    return excess[known], np.asarray(drift.significant, dtype=bool)[known], null[np.isfinite(null)]


def trend_caption(trends: Trends, language: str) -> list[str]:
    """The topics that surely rise and fall, in a line of text."""
    words = worded(_WORDS, language)
    sure = trends.sure()
    shown = [
        f"{'▲' if trends.change[k] > 0 else '▼'} {trends.topics[k]} {100 * trends.change[k]:+.1f}"
        for k in _strongest(trends)
        if sure[k]
    ]
    return [f"{words['trends']}: {', '.join(shown) or words['none']}"]


def drift_caption(drift: Drifts, language: str) -> list[str]:
    """How many users drifted, in a line of text."""
    words = worded(_WORDS, language)
    excess, significant, _ = _known(drift)
    unknown = len(drift.excess) - len(excess)
    note = words["drift note"].format(n=len(excess), share=float(significant.mean()), unknown=unknown)
    return [f"{words['drift']}: {note}"]
