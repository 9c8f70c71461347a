"""Where interests go: the transition map as a heat map, and the moves between topics as a flow diagram."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.core.types import F64, I64
from evorec.plots.theme import PALETTE, drawing, heading, sheet, shorten, worded, write_figure

_CELLS: Final = 16  # topics in the heat map
_NODES: Final = 10  # topics in the flow diagram
_STRONG: Final = 12  # flows in colour
_NAME: Final = 26  # columns of a topic's name
FLOW_HEIGHT: Final = 6.5  # inches
_SENTENCE: Final = 1.6  # inches, where nothing moves
_WORDS: Final = {
    "en": {
        "map": "From topic to topic", "from": "from", "to": "to", "chance": "chance to move (%)",
        "map note": "chance (%) that interest in the row goes to the column in one step; hatched: it stays",
        "flow": "Moves of interest", "before": "before", "after": "after one step", "stays": "stays {}",
        "flow note": "one step between the topics that move most, {:.0%} of all moves; outlined: the strongest",
        "none": "No topic leads to another: the log is too short to learn it, or interests stay where they are.",
    },
    "zh": {
        "map": "从主题到主题", "from": "从", "to": "到", "chance": "转移概率 (%)",
        "map note": "每一步中, 行主题的兴趣转到列主题的概率 (%); 斜线格: 保持不变",
        "flow": "兴趣的流动", "before": "之前", "after": "一步之后", "stays": "保持 {}",
        "flow note": "一步之中流动最多的主题之间的转移, 占全部转移的 {:.0%}; 有描边的为最强的流向",
        "none": "没有主题之间的转移: 日志太短, 或兴趣保持不变。",
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Transitions:
    """How interest moves in one step: `p [to, from]`, and the `share [topics]` of everybody's attention before it."""

    topics: Sequence[str]
    p: NDArray[Any]
    share: NDArray[Any]

    def __post_init__(self) -> None:
        k = len(self.topics)
        if not k or np.shape(self.p) != (k, k) or np.shape(self.share) != (k,):
            raise InputError(
                f"P of shape {np.shape(self.p)} and shares of shape {np.shape(self.share)} do not go with {k} topics",
                mend="give P as [topics, topics] and one share per topic",
            )
        if not (np.asarray(self.p) >= 0).all() or not (np.asarray(self.share) >= 0).all():
            raise InputError("P and shares hold a negative or missing number", mend="give chances from 0 to 1")

    def flows(self) -> F64:
        """`float64[from, to]`: the share of all attention that takes each way; the diagonal stays."""
        return np.asarray(np.asarray(self.share)[:, None] * np.asarray(self.p).T, dtype=np.float64)

    def any(self) -> bool:
        """Whether interest in some topic goes to another one."""
        return bool((_moves(self.flows()) > 0).any())

    def leading(self, most: int) -> I64:
        """The topics with the largest share, largest first."""
        return np.argsort(-np.asarray(self.share), kind="stable")[:most].astype(np.int64)


def transition_map(transitions: Transitions, path: Path, *, title: str, language: str = "en") -> None:
    """Draw `P` as a heat map into `path` (.svg, .png, .html): from the row to the column, in percent.

    Staying is far likelier than any move: the diagonal is muted, and colours span the moves alone.
    """
    words = worded(_WORDS, language)
    with drawing(path, [title, *transitions.topics, *words.values()]):
        figure = sheet(map_height(transitions) + 0.4, title)
        draw_map(figure.subplots(), transitions, language)
        write_figure(figure, path, title=title, language=language, caption=transition_caption(transitions, language))


def transition_flow(transitions: Transitions, path: Path, *, title: str, language: str = "en") -> None:
    """Draw the moves of one step as ribbons into `path` (.svg, .png, .html): topics before left, after right.

    >>> from tempfile import TemporaryDirectory
    >>> p = np.array([[0.9, 0.2], [0.1, 0.8]])
    >>> moves = Transitions(topics=["tea", "tents"], p=p, share=np.array([0.7, 0.3]))
    >>> with TemporaryDirectory() as folder:
    ...     transition_flow(moves, Path(folder) / "flow.svg", title="Moves")
    ...     svg = (Path(folder) / "flow.svg").read_text(encoding="utf-8")
    >>> "stays 90%" in svg
    True
    """
    words = worded(_WORDS, language)
    with drawing(path, [title, *transitions.topics, *words.values()]):
        figure = sheet(FLOW_HEIGHT + 0.4, title)
        draw_flow(figure.subplots(), transitions, language)
        write_figure(figure, path, title=title, language=language, caption=transition_caption(transitions, language))


def map_height(transitions: Transitions) -> float:
    """Inches that the heat map takes with its names."""
    return 2.6 + 0.36 * min(len(transitions.topics), _CELLS) if transitions.any() else _SENTENCE


def flow_height(transitions: Transitions) -> float:
    """Inches that the flow diagram takes."""
    return FLOW_HEIGHT if transitions.any() else _SENTENCE


def draw_map(axes: Any, transitions: Transitions, language: str) -> None:
    """Draw the heat map of the leading topics into `axes`."""
    words = worded(_WORDS, language)
    if not transitions.any():
        heading(axes, words["map"], "")
        _say_none(axes, words)
        return
    rows = transitions.leading(_CELLS)
    chance = 100 * np.asarray(transitions.p, dtype=np.float64).T[np.ix_(rows, rows)]  # [from, to]
    size = len(rows)
    moves = np.ma.masked_array(chance, mask=np.eye(size, dtype=bool))
    highest = float(moves.max()) if size > 1 and moves.max() > 0 else 1.0
    digits = 0 if highest >= 5 else 1 if highest >= 0.5 else 2
    mesh = axes.pcolormesh(moves, cmap="Blues", vmin=0, vmax=highest, edgecolors="white", linewidth=1)
    patches = require("matplotlib.patches", extra="plot")
    for k in range(size):
        axes.add_patch(
            patches.Rectangle((k, k), 1, 1, facecolor="#F2F2F2", edgecolor="#CFCFCF", hatch="////", linewidth=0)
        )
    for source in range(size):
        for target in range(size):
            value, stays = chance[source, target], source == target
            if value < max(0.04 * highest, 0.5 * 0.1**digits):
                continue
            axes.text(
                target + 0.5, source + 0.5, f"{value:.{0 if stays else digits}f}", ha="center", va="center", fontsize=8,
                color="#555555" if stays else "white" if value > 0.6 * highest else "black",
                bbox={"boxstyle": "round,pad=0.1", "facecolor": "#F2F2F2", "linewidth": 0} if stays else None,
            )  # fmt: skip
    names = [shorten(transitions.topics[k], _NAME) for k in rows]
    axes.set_xticks(np.arange(size) + 0.5, names, rotation=40, ha="right", rotation_mode="anchor", fontsize=9)
    axes.set_yticks(np.arange(size) + 0.5, names, fontsize=9)
    axes.set_ylim(size, 0)
    axes.set_ylabel(words["from"])
    axes.set_xlabel(words["to"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    heading(axes, words["map"], words["map note"])
    axes.figure.colorbar(mesh, ax=axes, label=words["chance"], shrink=0.7, aspect=25, pad=0.02).outline.set_visible(
        False
    )


def _nodes(transitions: Transitions) -> I64:
    """The topics that the strongest moves lead from or to, at most `_NODES`, by how much moves there."""
    moves = _moves(transitions.flows())
    chosen: list[int] = []
    for way in np.argsort(-moves, axis=None, kind="stable"):
        if len(chosen) >= _NODES or moves.flat[way] <= 0:
            break
        chosen += [k for k in divmod(int(way), len(moves)) if k not in chosen]
    nodes = np.array(chosen[:_NODES], dtype=np.int64)
    inside = moves[np.ix_(nodes, nodes)]
    return np.asarray(nodes[np.argsort(-(inside.sum(axis=0) + inside.sum(axis=1)), kind="stable")], dtype=np.int64)


def _moves(flows: F64) -> F64:
    """Flows without what stays."""
    return np.asarray(flows * (1 - np.eye(len(flows))), dtype=np.float64)


def draw_flow(axes: Any, transitions: Transitions, language: str) -> None:
    """Draw the moves between topics into `axes`: ribbons from left to right, as thick as the interest they carry."""
    words = worded(_WORDS, language)
    flows, nodes = transitions.flows(), _nodes(transitions)
    moves = _moves(flows)[np.ix_(nodes, nodes)]
    drawn = moves.sum() / max(float(_moves(flows).sum()), 1e-12)
    axes.axis("off")
    heading(axes, words["flow"], words["flow note"].format(drawn) if len(nodes) else "")
    if not len(nodes):
        _say_none(axes, words)
        return
    share = moves / moves.sum()
    left, right = _stack(share.sum(axis=1)), _stack(share.sum(axis=0))
    strong = np.sort(share, axis=None)[::-1][min(_STRONG, share.size) - 1]
    out = left[:, None] + np.cumsum(share, axis=1) - share  # where each ribbon starts, by target
    into = right[None, :] + np.cumsum(share, axis=0) - share
    # Pale ribbons first, so that the strong ones lie on top.
    for source, target in sorted(np.argwhere(share > 0).tolist(), key=lambda way: share[way[0], way[1]]):
        coloured = share[source, target] >= strong
        ends = (out[source, target], into[source, target], share[source, target])
        _ribbon(axes, *ends, colour=PALETTE[source % len(PALETTE)] if coloured else None)
    for row, k in enumerate(nodes):
        name = shorten(transitions.topics[k], _NAME)
        _node(axes, 0, left[row], share[row].sum(), f"{name}  {share[row].sum():.0%}")
        _node(axes, 1, right[row], share[:, row].sum(), f"{share[:, row].sum():.0%}  {name}")
        stays = words["stays"].format(f"{transitions.p[k, k]:.0%}")
        axes.annotate(
            stays, (0, left[row] + share[row].sum() / 2), xytext=(-8, -11), textcoords="offset points", ha="right",
            va="center", fontsize=8, color="#6E6E6E",
        )  # fmt: skip
    for x, word in ((0, words["before"]), (1, words["after"])):
        axes.text(x, -0.03, word, ha="center", va="bottom", fontsize=9, color="#444444")
    axes.set_xlim(-0.45, 1.35)
    axes.set_ylim(max(left[-1] + share[-1].sum(), right[-1] + share[:, -1].sum()) + 0.06, -0.08)


def _say_none(axes: Any, words: dict[str, str]) -> None:
    axes.axis("off")
    axes.text(0.5, 0.5, words["none"], ha="center", va="center", transform=axes.transAxes)


def _node(axes: Any, x: int, low: float, size: float, told: str) -> None:
    """A bar of the left (`x` = 0) or right (1) column, with what it is beside it."""
    axes.fill_betweenx([low, low + size], x - 0.012, x + 0.012, color="#333333", linewidth=0)
    axes.annotate(
        told, (x, low + size / 2), xytext=(16 * x - 8, 0), textcoords="offset points", ha="left" if x else "right",
        va="center", fontsize=9,
    )  # fmt: skip


def _stack(sizes: F64) -> F64:
    """Where each node of a column starts, so that a small one still has room for its name."""
    room = np.maximum(sizes, 0.075) + 0.02
    start = np.concatenate(([0.0], np.cumsum(room)[:-1]))
    return np.asarray(start + (room - 0.02 - sizes) / 2)


def _ribbon(axes: Any, start: float, end: float, size: float, *, colour: str | None) -> None:
    """A band from the left column at `start` to the right column at `end`, `size` high."""
    path = require("matplotlib.path", extra="plot").Path
    patches = require("matplotlib.patches", extra="plot")
    corners = [
        (0.012, start), (0.5, start), (0.5, end), (0.988, end),
        (0.988, end + size), (0.5, end + size), (0.5, start + size), (0.012, start + size), (0.012, start),
    ]  # fmt: skip
    codes = [path.MOVETO, *[path.CURVE4] * 3, path.LINETO, *[path.CURVE4] * 3, path.CLOSEPOLY]
    look: dict[str, Any] = {"facecolor": "#E6E6E6", "alpha": 0.6, "linewidth": 0}
    if colour:  # the outline tells it from the pale ones in black and white
        look = {"facecolor": colour, "alpha": 0.8, "linewidth": 0.7, "edgecolor": "#222222"}
    axes.add_patch(patches.PathPatch(path(corners, codes), **look))


def transition_caption(transitions: Transitions, language: str) -> list[str]:
    """The strongest moves in a line of text."""
    words = worded(_WORDS, language)
    flows = _moves(transitions.flows())
    ways = np.argsort(-flows, axis=None, kind="stable")[:8]
    pairs = [divmod(int(way), len(flows)) for way in ways if flows.flat[way] > 0]
    shown = (
        f"{transitions.topics[a]} → {transitions.topics[b]} {np.asarray(transitions.p)[b, a]:.1%}" for a, b in pairs
    )
    return [f"{words['map']}: {', '.join(shown) or words['none']}"]
