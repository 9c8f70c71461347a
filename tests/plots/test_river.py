"""The river: files of each kind, both languages, awkward names, refusals, and the small one for terminals."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.plots import theme
from evorec.plots.river import interest_river, leading_topics, river_text

pytest.importorskip("matplotlib", reason="needs the extra evorec[plot]")
MOMENTS = np.arange(60) * 5 * DAY
NAMES = [f"topic {k}" for k in range(12)]


def river(seed: int = 0, topics: int = 12) -> np.ndarray:
    """Shares that wander, biggest topics first."""
    steps = np.random.default_rng(seed).normal(0, 0.3, (len(MOMENTS), topics)).cumsum(axis=0)
    weight = np.exp(steps - np.arange(topics) / 3)
    return weight / weight.sum(axis=1, keepdims=True)


def words_of(svg: str) -> list[str]:
    """All texts of a well-formed SVG."""
    return [e.text for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text") and e.text]


def test_svg_holds_title_axes_topics_and_is_reproducible(tmp_path: Path) -> None:
    path = tmp_path / "river.svg"
    interest_river(MOMENTS, river(), NAMES, path, title="Interests of ann", events=MOMENTS[::3])
    svg = path.read_text(encoding="utf-8")
    found = words_of(svg)
    assert {"Interests of ann", "time (UTC)", "share of attention (%)", "events", "other topics"} <= set(found)
    named = {text for text in found if text.startswith("topic ")}
    assert len(named) == 8  # the rest flow together
    interest_river(MOMENTS, river(), NAMES, path, title="Interests of ann", events=MOMENTS[::3])
    assert path.read_text(encoding="utf-8") == svg


def test_chinese_stays_text_in_svg_months_included(tmp_path: Path) -> None:
    path = tmp_path / "river.svg"
    interest_river(MOMENTS, river(topics=2), ["茶具", "电影"], path, title="安的兴趣", language="zh")
    svg = path.read_text(encoding="utf-8")
    found = words_of(svg)
    assert {"安的兴趣", "茶具", "电影", "关注份额 (%)", "时间 (UTC)"} <= set(found)
    assert any(text.endswith("月") for text in found)
    assert not any(text[:3] in {"Jan", "Feb", "Mar", "Apr", "May", "Jun"} for text in found)
    assert "Noto Sans CJK SC" in svg  # a stack of fonts for the viewer to choose from


def test_html_is_one_page_without_script_and_escapes_names(tmp_path: Path) -> None:
    path = tmp_path / "river.html"
    interest_river(MOMENTS, river(topics=2), ["<b>tea", "a & b"], path, title='"R&D" <script>', language="zh")
    page = path.read_text(encoding="utf-8")
    assert page.startswith('<!doctype html>\n<html lang="zh">')
    assert "<script" not in page and "<b>" not in page and "&lt;b&gt;tea" in page
    assert 'role="img" aria-label="&quot;R&amp;D&quot; &lt;script&gt;"' in page


def test_png_has_pixels_of_more_than_one_colour(tmp_path: Path) -> None:
    from matplotlib.image import imread

    path = tmp_path / "river.PNG"
    interest_river(MOMENTS, river(), NAMES, path, title="t")
    assert len(np.unique(imread(path, format="png").reshape(-1, 4), axis=0)) > 9


def test_chinese_in_a_png_needs_a_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "CJK_FONTS", ())
    with pytest.raises(InputError, match="Chinese") as caught:
        interest_river(MOMENTS, river(topics=2), ["茶", "tea"], tmp_path / "river.png", title="t")
    assert ".svg" in caught.value.mend
    assert not (tmp_path / "river.png").exists()


def test_a_font_installed_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib keeps a list of fonts on disk; who installs one because an error said so must not meet that error."""
    from matplotlib.font_manager import findfont, fontManager

    dejavu = findfont("DejaVu Sans")
    monkeypatch.setattr(fontManager, "ttflist", [font for font in fontManager.ttflist if font.name == "DejaVu Serif"])
    monkeypatch.setattr(theme, "CJK_FONTS", ("DejaVu Sans",))
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: [dejavu, __file__])
    assert theme.cjk_fonts() == ["DejaVu Sans"]


def test_dollar_signs_are_no_formulas(tmp_path: Path) -> None:
    path = tmp_path / "river.svg"
    interest_river(MOMENTS, river(topics=2), ["a_$b^$", "$x"], path, title="pay $5 or $6_")
    assert {"pay $5 or $6_", "a_$b^$", "$x"} <= set(words_of(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"names": ["one"]}, "names"),
        ({"shares": np.full((60, 12), np.nan)}, "names"),
        ({"moments": MOMENTS[:1], "shares": river()[:1]}, "two moments"),
        ({"moments": MOMENTS[:0], "shares": river()[:0]}, "two moments"),
        ({"moments": MOMENTS[::-1]}, "ascending"),
        ({"moments": MOMENTS[:-1]}, "59 moments"),
        ({"shares": river() * 0}, "nothing to draw"),
        ({"language": "fr"}, "fr"),
        ({"path": Path("river.pdf")}, "pdf"),
        ({"path": Path("no such folder/river.svg")}, "folder"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, change: dict[str, object], match: str) -> None:
    asked: dict[str, object] = {"moments": MOMENTS, "shares": river(), "names": NAMES, "path": tmp_path / "r.svg"}
    with pytest.raises(InputError, match=match):
        interest_river(title="t", **{**asked, **change})  # type: ignore[arg-type]


def test_drawing_leaves_no_trace_in_matplotlib(tmp_path: Path) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    interest_river(MOMENTS, river(), NAMES, tmp_path / "river.svg", title="t")
    assert dict(mpl.rcParams) == before
    code = "import sys, evorec.plots.river; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_absent_topic_is_not_drawn_and_flows_add_up() -> None:
    flows, labels = leading_topics(np.array([[0.2, 0.0, 0.5, 0.3]] * 2), ["a", "none", "c", "d"], other="rest", most=2)
    assert labels == ["c", "d", "rest"]
    np.testing.assert_allclose(flows.sum(axis=1), 1)


def test_neighbouring_colours_differ_in_grey_too() -> None:
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (*theme.PALETTE, theme.REST)])
    grey = rgb @ [0.299, 0.587, 0.114]
    assert (np.abs(np.diff(grey)) > 20).all()


def test_terminal_lines_compare_with_each_other() -> None:
    shares = np.array([[0.4, 0.2], [0.2, 0.4], [0.0, 0.0]])
    assert river_text(shares, ["茶", "tea"]) == [("茶", "█▅▁", "0%"), ("tea", "▅█▁", "0%")]
    assert all(len(line) == 10 for _, line, _ in river_text(river(), NAMES, width=10))


def test_terminal_lines_of_nothing() -> None:
    assert river_text(np.zeros((3, 2)), ["a", "b"]) == []
    with pytest.raises(InputError, match="names"):
        river_text(np.zeros((0, 2)), ["a", "b"])
