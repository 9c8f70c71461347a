"""The charts of a comparison as SVG written by hand: bars with intervals, levels side by side, cost and quality."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evorec.plots.markup import Markup, drawing_of, tag
from evorec.plots.theme import INK, PALE, columns, shorten

WIDE: Final = 440.0  # units; a phone shows them a little smaller, half a desktop page a little larger
NARROW: Final = 340.0
_EDGE: Final = 8.0
_LETTER: Final = 6.3  # units of one column of a label beside a point


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure with its 95% interval (None: unknown) and who it belongs to; `kind` is recipe, part or baseline."""

    name: str
    mean: float
    low: float | None
    high: float | None
    kind: str = "part"
    said: str = ""

    @property
    def top(self) -> float:
        """The right end of what is drawn."""
        return self.mean if self.high is None else max(self.mean, self.high)


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of a stratum: its name, its size in words, and the figures of the systems compared in it."""

    name: str
    size: str
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A system in the plane of cost (seconds, above 0) and quality, with its number in the table."""

    number: int
    cost: float
    row: Row


def row_of(name: str, interval: Mapping[str, Any], kind: str) -> Row:
    """A row from an interval as JSON has it."""
    shown = f"{interval['mean']:.4f} [{interval['low']:.4f}, {interval['high']:.4f}]"
    return Row(name=name, mean=interval["mean"], low=interval["low"], high=interval["high"], kind=kind, said=shown)


def ticks(top: float, most: int = 4) -> list[float]:
    """Round places from 0 to at most `top`, at most `most` above 0.

    >>> ticks(0.09)
    [0.0, 0.03, 0.06, 0.09]
    """
    if not top > 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(top / most))
    step = next(s * power for s in (1, 2, 3, 5, 10) if s * power * most >= top * (1 - 1e-9))
    return [round(k * step, 12) for k in range(int(top / step + 1e-9) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Round places of a logarithmic axis between `low` and `high`, three at most in each decade.

    >>> decades(0.2, 3)
    [0.2, 0.5, 1.0, 2.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
    places = [round(s * 10.0**p, 12) for p in powers for s in steps]
    return [place for place in places if low * 0.999 <= place <= high * 1.001]


def bars(rows: Sequence[Row], label: str, *, width: float = WIDE) -> Markup:
    """One bar for each row from 0, its interval across it, its name and figures above it.

    A recipe is dark, a part of it light, a baseline an outline: told apart without colour.
    """
    top = max((row.top for row in rows), default=0) or 1.0
    height = 38.0 * len(rows) + 22
    parts = [_grid(ticks(top), top, width, height)]
    for place, row in enumerate(rows):
        y = 38.0 * place
        room = int((width - 2 * _EDGE - 6.6 * len(row.said)) / 7.2)
        parts += [
            _text(_EDGE, y + 14, shorten(row.name, room), weight="600" if row.kind == "recipe" else None),
            _text(width - _EDGE, y + 14, row.said, anchor="end", quiet=True),
            tag("rect", x=_EDGE, y=y + 20, width=max(_x(row.mean, top, width) - _EDGE, 0.5), height=11,
                **_look(row.kind)),
            *_whisker(row, y + 25.5, top, width),
        ]  # fmt: skip
    return drawing_of(width, height, label, *parts)


def levels(found: Sequence[Level], label: str, *, top: float, width: float = NARROW) -> Markup:
    """For each level a line with its size, below it a mark with an interval for each system: disc and square.

    `top` is where the scale ends, so that charts side by side can share it.
    """
    heights = [24 + 15 * len(level.rows) for level in found]
    height = sum(heights) + 22.0
    parts, y = [_grid(ticks(top, 3), top, width, height)], 0.0
    for level, tall in zip(found, heights, strict=True):
        parts += [
            _text(_EDGE, y + 14, level.name),
            _text(width - _EDGE, y + 14, level.size, anchor="end", quiet=True),
        ]
        for place, row in enumerate(level.rows):
            middle = y + 26 + 15 * place
            told = tag("title", f"{row.name}: {row.said}")
            mark = _mark(_x(row.mean, top, width), middle, 4.5, row.kind, told)
            parts += [*_whisker(row, middle, top, width), mark]
        y += tall
    return drawing_of(width, height, label, *parts)


def plane(points: Sequence[Point], label: str, *, cost: str, quality: str) -> Markup:
    """Points of cost (logarithmic, to the right) and quality (upward) with intervals, numbers inside, names beside."""
    width, height, left, bottom = WIDE, 330.0, 50.0, 44.0
    low, high = min(p.cost for p in points) / 1.5, max(p.cost for p in points) * 1.5
    top = max(p.row.top for p in points) or 1.0

    def at(point: Point, value: float) -> tuple[float, float]:
        right = math.log(point.cost / low) / math.log(high / low)
        return left + 12 + right * (width - left - 28), height - bottom - value / top * (height - bottom - 16)

    parts: list[Markup] = []
    for value in ticks(top):
        y = height - bottom - value / top * (height - bottom - 16)
        parts += [_line(left, y, width - _EDGE, y, grid=True), _text(left - 6, y + 4, f"{value:g}", anchor="end",
                                                                   quiet=True, size=11)]  # fmt: skip
    for value in decades(low, high):
        x = left + 12 + math.log(value / low) / math.log(high / low) * (width - left - 28)
        parts += [_line(x, height - bottom, x, height - bottom + 4),
                  _text(x, height - bottom + 17, f"{value:,g}", anchor="middle", quiet=True, size=11)]  # fmt: skip
    parts += [_text(width - _EDGE, height - 6, cost, anchor="end", quiet=True, size=12),
              _text(left, 11, quality, quiet=True, size=12)]  # fmt: skip
    taken = [(x - 9, y - 9, x + 9, y + 9) for x, y in (at(p, p.row.mean) for p in points)]
    marks: list[Markup] = []
    for point in points:
        x, y = at(point, point.row.mean)
        if point.row.low is not None and point.row.high is not None:
            parts.append(_line(x, at(point, point.row.low)[1], x, at(point, point.row.high)[1]))
        marks += _numbered(point, x, y)
        marks += _beside(shorten(point.row.name.removesuffix(" alone"), 26), (x, y), taken, width)
    return drawing_of(width, height, label, *parts, *marks)


def _numbered(point: Point, x: float, y: float) -> list[Markup]:
    dark = point.row.kind == "recipe"
    number = tag("text", point.number, x=x, y=y + 3.7, text_anchor="middle", font_size=10, font_weight="700",
                 fill="#fff" if dark else "#111", class_="on" if dark else "in")  # fmt: skip
    return [_mark(x, y, 8.5, point.row.kind, tag("title", f"{point.row.name}: {point.row.said}")), number]


def _beside(name: str, at: tuple[float, float], taken: list[tuple[float, float, float, float]], width: float
            ) -> list[Markup]:  # fmt: skip
    """The name of a point where it covers nothing, or nothing: its number is in the table."""
    (x, y), long = at, _LETTER * columns(name)
    for dx, dy in ((12, 4), (-12 - long, 4), (-long / 2, -13), (-long / 2, 21), (10, -10), (10, 18), (-10 - long, -10),
                   (-10 - long, 18)):  # fmt: skip
        box = (x + dx, y + dy - 10, x + dx + long, y + dy + 3)
        inside = box[0] >= 52 and box[2] <= width - 2 and box[1] >= 16 and box[3] <= 330 - 46
        if inside and not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            taken.append(box)
            return [_text(x + dx, y + dy, name, size=11)]
    return []


def _x(value: float, top: float, width: float) -> float:
    return _EDGE + max(value, 0.0) / top * (width - 2 * _EDGE)


def _grid(places: Sequence[float], top: float, width: float, height: float) -> Markup:
    parts: list[Markup] = []
    for value in places:
        x = _x(value, top, width)
        anchor = "start" if x < 20 else "end" if x > width - 20 else "middle"
        parts += [_line(x, 18, x, height - 18, grid=True),
                  _text(x, height - 4, f"{value:g}", anchor=anchor, quiet=True, size=11)]  # fmt: skip
    return tag("g", *parts)


def _whisker(row: Row, y: float, top: float, width: float) -> list[Markup]:
    """The interval of a row, on a light edge so that it is seen on a dark bar as well."""
    if row.low is None or row.high is None:
        return []
    ends = _x(row.low, top, width), _x(row.high, top, width)
    strokes = [(ends[0], y, ends[1], y), *((x, y - 3.5, x, y + 3.5) for x in ends)]
    edges = [
        tag("line", x1=a, y1=b, x2=c, y2=d, stroke="#fff", stroke_width=4, class_="halo") for a, b, c, d in strokes
    ]
    return edges + [_line(*stroke) for stroke in strokes]


def _line(x1: float, y1: float, x2: float, y2: float, *, grid: bool = False) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke="#ddd" if grid else "#111",
               stroke_width=1 if grid else 1.5, class_="grid" if grid else "rule")  # fmt: skip


def _text(x: float, y: float, said: str, *, anchor: str | None = None, quiet: bool = False, size: int | None = None,
          weight: str | None = None) -> Markup:  # fmt: skip
    return tag("text", said, x=x, y=y, text_anchor=anchor, font_size=size or (12 if quiet else None),
               font_weight=weight, fill="#555" if quiet else "#111", class_="quiet" if quiet else "in")  # fmt: skip


def _look(kind: str) -> dict[str, Any]:
    fill, stroke = {"recipe": (INK, INK), "part": ("#A9C0D6", INK)}.get(kind, ("#fff", PALE))
    return {"fill": fill, "stroke": stroke, "stroke_width": 1.2, "class_": f"mark {kind}",
            "stroke_dasharray": "4 2" if kind == "baseline" else None}  # fmt: skip


def _mark(x: float, y: float, size: float, kind: str, told: Markup) -> Markup:
    """A disc for a recipe or a part of it, a square for a baseline."""
    look = {**_look(kind), "stroke_dasharray": None}
    if kind == "baseline":
        return tag("rect", told, x=x - size, y=y - size, width=2 * size, height=2 * size, **look)
    return tag("circle", told, cx=x, cy=y, r=size, **look)
