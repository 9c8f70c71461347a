"""How charts look: colours, fonts for both languages, short names, and writing a figure to a file."""

import html
import io
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evorec.core.errors import InputError
from evorec.core.extras import require
from evorec.language.words import han_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color universal design", ordered so that neighbours also differ in lightness.
PALETTE: Final = ("#0072B2", "#F0E442", "#D55E00", "#56B4E9", "#009E73", "#E69F00", "#7F7F7F", "#CC79A7")
REST: Final = "#C8C8C8"  # for all that is not drawn by name
INK: Final = "#1F3B57"  # what a chart is about
PALE: Final = "#8C8C8C"  # what it is compared with
WIDTH: Final = 11.0  # inches
CJK_FONTS: Final = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Noto Sans CJK JP",
)  # fmt: skip
_STACK: Final = "'DejaVu Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif"

# On a narrow screen the picture keeps a width at which its letters can be read, and is scrolled sideways.
_STYLE: Final = (
    "body{margin:1rem auto;padding:0 1rem;max-width:70rem;background:#fff;color:#111;font-family:sans-serif}"
    "figure{margin:0}div{overflow-x:auto}svg{width:100%;min-width:48rem;height:auto}figcaption{line-height:1.5}"
)


def has_han(texts: Iterable[str]) -> bool:
    """Whether any text has a Chinese character.

    >>> has_han(["tea"]), has_han(["tea", "茶"])
    (False, True)
    """
    return any(han_share(text) > 0 for text in texts)


def cjk_fonts() -> list[str]:
    """Those of `CJK_FONTS` that are on this machine, also when installed after matplotlib made its list of fonts."""
    manager = require("matplotlib.font_manager", extra="plot")
    listed = manager.fontManager.ttflist
    found = [name for name in CJK_FONTS if name in {font.name for font in listed}]
    if found:
        return found
    for path in set(manager.findSystemFonts()) - {font.fname for font in listed}:
        with suppress(OSError, RuntimeError):  # a font that cannot be read is none of ours
            manager.fontManager.addfont(path)
    return [name for name in CJK_FONTS if name in {font.name for font in listed}]


def font_families(texts: Iterable[str], path: Path) -> list[str]:
    """Font families that can write `texts`; for PNG one with Chinese must be on the machine where they need it."""
    if not has_han(texts):
        return ["DejaVu Sans"]
    found = cjk_fonts()
    if not found and path.suffix.lower() == ".png":
        raise InputError(
            "no font on this machine can write Chinese into a PNG",
            mend="install one (Debian: apt-get install fonts-noto-cjk), or write .svg or .html",
        )
    return ["DejaVu Sans", *found[:1]]


def check_target(path: Path) -> None:
    """Refuse a chart file of another kind, or in a folder that does not exist, before anything is drawn."""
    if path.suffix.lower() not in (".svg", ".png", ".html"):
        raise InputError(f"cannot draw into {path.name}", mend="name a file that ends in .svg, .png or .html")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", mend="create it, or draw into another")


def worded(words: Mapping[str, dict[str, str]], language: str) -> dict[str, str]:
    """The words of a chart in `language`, out of a table of languages.

    >>> worded({"en": {"time": "time"}, "zh": {"time": "时间"}}, "zh")
    {'time': '时间'}
    """
    if language not in words:
        raise InputError(f"charts are not written in {language!r}", mend=f"use one of {', '.join(words)}")
    return words[language]


def columns(text: str) -> int:
    """How many places of a fixed-width line `text` takes: a Chinese character takes two.

    >>> columns("tea"), columns("茶tea")
    (3, 5)
    """
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def shorten(text: str, most: int) -> str:
    """`text` on one line of at most `most` columns, cut with an ellipsis; what cannot be printed becomes a space.

    >>> shorten("green tea", 20), shorten("green tea", 6), shorten("绿茶和红茶", 6)
    ('green tea', 'green…', '绿茶…')
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if columns(text) <= most:
        return text
    kept = ""
    for c in text:
        if columns(kept + c) >= most:
            break
        kept += c
    return kept.rstrip() + "…"


@contextmanager
def drawing(path: Path, texts: Iterable[str]) -> Iterator[None]:
    """Fonts that can write `texts` into `path`, with matplotlib's settings put back afterwards.

    Names are never read as formulas: a dollar sign is a dollar sign.
    """
    check_target(path)
    matplotlib: Any = require("matplotlib", extra="plot")
    settings = {"font.family": font_families(texts, path), "font.size": 10, "text.parse_math": False}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # In SVG the viewer's fonts draw the letters; that ours lack some is no fault.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def sheet(height: float, title: str) -> "Figure":
    """A figure of the usual width, `height` inches high, with its title at the left edge and nothing else yet."""
    figure = require("matplotlib.figure", extra="plot").Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(shorten(title, 88), x=0.01, ha="left", fontsize=14)
    return figure  # type: ignore[no-any-return]


def heading(axes: Any, title: str, note: str = "") -> None:
    """The title of a panel at its left edge, with a smaller line of explanation below it."""
    axes.set_title(title, loc="left", fontsize=12, pad=20 if note else 6)
    if note:
        axes.annotate(
            note, (0, 1), xytext=(0, 6), xycoords="axes fraction", textcoords="offset points", fontsize=9,
            color="#444444",
        )  # fmt: skip


def _settle(figure: "Figure") -> None:
    """Lay the figure out once, on round places: the solver's last digits differ from run to run, and would be drawn."""
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(5))
    for axes in figure.axes:
        left, bottom, width, height = (round(place, 5) for place in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))
    for title in figure.texts:
        x, y = title.get_position()
        title.set_position((round(x, 5), round(y, 5)))


def write_figure(figure: "Figure", path: Path, *, title: str, language: str, caption: Sequence[str] = ()) -> None:
    """Write a figure as .svg, .png or .html (a page of its own around the SVG, without scripts).

    Lines of `caption` say in the page's text what the picture shows, for who cannot see it or reads on a small screen.
    """
    check_target(path)
    matplotlib: Any = require("matplotlib", extra="plot")
    _settle(figure)
    if path.suffix.lower() == ".png":
        figure.savefig(path, format="png", dpi=150)
        return
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "evorec"}):  # text stays text
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Title": title})
    svg = drawn.getvalue().replace("'DejaVu Sans'", _STACK)
    if path.suffix.lower() == ".html":
        label = html.escape(title)
        body = svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
        lines = "".join(f"<p>{html.escape(line)}</p>\n" for line in caption)
        svg = (
            f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{label}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style></head>\n'
            f'<body><figure><div tabindex="0" role="region" aria-label="{label}">{body}</div>\n'
            f"<figcaption>{lines}</figcaption></figure></body></html>\n"
        )
    path.write_text(svg, encoding="utf-8")
