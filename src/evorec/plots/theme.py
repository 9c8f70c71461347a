"""How charts look: colours, fonts for both languages, and writing a figure to a file."""

import html
import io
from collections.abc import Iterable
from contextlib import suppress
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
CJK_FONTS: Final = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Noto Sans CJK JP",
)  # fmt: skip
_STACK: Final = "'DejaVu Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif"


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


def write_figure(figure: "Figure", path: Path, *, title: str, language: str) -> None:
    """Write a figure as .svg, .png or .html (a page of its own around the SVG, without scripts)."""
    check_target(path)
    matplotlib: Any = require("matplotlib", extra="plot")
    if path.suffix.lower() == ".png":
        figure.savefig(path, format="png", dpi=150)
        return
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "evorec"}):  # text stays text
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue().replace("'DejaVu Sans'", _STACK)
    if path.suffix.lower() == ".html":
        label = html.escape(title)
        body = svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
        svg = (
            f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{label}</title>\n'
            "<style>body{margin:2rem auto;max-width:70rem}svg{width:100%;height:auto}</style></head>\n"
            f"<body>{body}</body></html>\n"
        )
    path.write_text(svg, encoding="utf-8")
