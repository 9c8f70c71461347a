"""The river: files of each kind, both languages, change points, awkward names, refusals, lines for terminals."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.plots import theme
from evorec.plots.river import ChangeMark, River, interest_river, leading_topics, river_text

pytest.importorskip("matplotlib", reason="needs the extra evorec[plot]")
MOMENTS = np.arange(60) * 5 * DAY
NAMES = [f"topic {k}" for k in range(12)]


def shares_of(topics: int = 12, seed: int = 0) -> np.ndarray:
    """Shares that wander, biggest topics first."""
    steps = np.random.default_rng(seed).normal(0, 0.3, (len(MOMENTS), topics)).cumsum(axis=0)
    weight = np.exp(steps - np.arange(topics) / 3)
    return weight / weight.sum(axis=1, keepdims=True)


def river(names: list[str] = NAMES, **more: object) -> River:
    return River(**{"topics": names, "moments": MOMENTS, "shares": shares_of(len(names)), **more})  # type: ignore[arg-type]


def test_svg_holds_title_axes_topics_and_is_reproducible(tmp_path: Path, words_of) -> None:
    path = tmp_path / "river.svg"
    interest_river(river(events=MOMENTS[::3]), path, title="Interests of ann")
    svg = path.read_bytes()
    found = words_of(path)
    assert {"Interests of ann", "time (UTC)", "share of attention (%)", "events"} <= set(found)
    named = {text.partition("  ")[2] for text in found if "%  topic " in text}
    assert len(named) == 8 and any(text.endswith("%  other topics") for text in found)  # the rest flow together
    interest_river(river(events=MOMENTS[::3]), path, title="Interests of ann")
    assert path.read_bytes() == svg


def test_the_legend_says_the_shares_at_the_end(tmp_path: Path, words_of) -> None:
    shares = np.repeat([[0.5, 0.3, 0.2]], len(MOMENTS), axis=0)
    shares[-1] = [0.01, 0.9, 0.09]
    trend = np.array([-1, 1, 0])
    interest_river(river(["tea", "tents", "pens"], shares=shares, trend=trend), tmp_path / "r.svg", title="t")
    rows = [text.replace("\u2007", "") for text in words_of(tmp_path / "r.svg") if "%  " in text]
    assert rows == ["9%  pens", "1%  tea  ▼", "90%  tents  ▲"]  # stacked as the bands are


def test_chinese_stays_text_in_svg_months_included(tmp_path: Path, words_of) -> None:
    path = tmp_path / "river.svg"
    turn = ChangeMark(moment=int(MOMENTS[20]), risen=["茶具"], fallen=["电影"])
    interest_river(river(["茶具", "电影"], changes=[turn]), path, title="安的兴趣", language="zh")
    found = words_of(path)
    assert {"安的兴趣", "茶具", "电影", "关注份额 (%)", "时间 (UTC)"} <= set(found)
    assert any("▲ 茶具  ▼ 电影" in text for text in found)
    assert any(text.endswith("月") for text in found)
    assert not any(text[:3] in {"Jan", "Feb", "Mar", "Apr", "May", "Jun"} for text in found)
    assert "Noto Sans CJK SC" in path.read_text(encoding="utf-8")  # a stack of fonts for the viewer to choose from


def test_html_is_one_page_without_script_and_escapes_names(tmp_path: Path) -> None:
    path = tmp_path / "river.html"
    interest_river(river(["<b>tea", "a & b"]), path, title='"R&D" <script>', language="zh")
    page = path.read_text(encoding="utf-8")
    assert page.startswith('<!doctype html>\n<html lang="zh">')
    assert "<script" not in page and "<b>" not in page and "&lt;b&gt;tea" in page
    assert 'role="img" aria-label="&quot;R&amp;D&quot; &lt;script&gt;"' in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")  # nothing is fetched: only names of vocabularies


def test_the_page_says_in_text_what_the_picture_shows(tmp_path: Path) -> None:
    turn = ChangeMark(moment=int(MOMENTS[20]), risen=["tents"], fallen=["tea"])
    shares = np.repeat([[0.75, 0.25]], len(MOMENTS), axis=0)
    interest_river(river(["tea", "tents"], shares=shares, changes=[turn]), tmp_path / "r.html", title="t")
    caption = (tmp_path / "r.html").read_text(encoding="utf-8").partition("<figcaption>")[2]
    assert "1970-01-01 – 1970-10-23. share at the end: tea 75%, tents 25%" in caption
    assert "1970-04-11  ▲ tents  ▼ tea" in caption


def test_change_points_are_numbered_in_time_and_close_ones_share_a_frame(tmp_path: Path, words_of) -> None:
    days = [200, 100, 101, 102]
    turns = [ChangeMark(moment=d * DAY, risen=[f"r{d}"]) for d in days]
    interest_river(river(changes=turns), tmp_path / "r.svg", title="t")
    found = words_of(tmp_path / "r.svg")
    assert {"1–3", "4"} <= set(found)
    told = [text for text in found if "▲" in text]
    assert [text.split()[0] for text in told] == ["1", "2", "3", "4"] and told[-1].endswith("▲ r200")


def test_a_short_river_tells_the_time_of_day(tmp_path: Path, words_of) -> None:
    hours = np.arange(60) * (DAY // 60)
    interest_river(
        river(moments=hours, changes=[ChangeMark(moment=DAY // 4, risen=["x"])]), tmp_path / "r.svg", title="t"
    )
    assert any("1970-01-01 06:00  ▲ x" in text for text in words_of(tmp_path / "r.svg"))


def test_a_change_point_shows_between_which_moments_it_lies(tmp_path: Path) -> None:
    sure, path = ChangeMark(moment=int(MOMENTS[20])), tmp_path / "r.svg"
    interest_river(river(changes=[sure]), path, title="t")
    lines = path.read_text(encoding="utf-8").count("<path")
    unsure = ChangeMark(moment=int(MOMENTS[20]), between=(int(MOMENTS[0]) - DAY, int(MOMENTS[25])))
    interest_river(river(changes=[unsure]), path, title="t")
    assert path.read_text(encoding="utf-8").count("<path") == lines + 2  # a shade and a bar


def test_of_many_change_points_the_first_are_told_in_words(tmp_path: Path, words_of) -> None:
    turns = [ChangeMark(moment=(10 + 20 * k) * DAY, fallen=["a", "b", "c"]) for k in range(9)]
    interest_river(river(changes=turns), tmp_path / "r.svg", title="t")
    found = words_of(tmp_path / "r.svg")
    assert len([text for text in found if text.endswith("▼ a, b +1")]) == 6
    assert "and 3 more turning points" in found and "9" in found


def test_alarms_are_marked_and_told(tmp_path: Path, words_of) -> None:
    path = tmp_path / "river.svg"
    interest_river(river(alarms=[int(MOMENTS[20]), int(MOMENTS[50])]), path, title="t")
    assert "◆ called from the stream" in words_of(path)
    page = tmp_path / "river.html"
    interest_river(river(alarms=[int(MOMENTS[20])]), page, title="t")
    assert "called from the stream: 1970-04-11" in page.read_text(encoding="utf-8")
    interest_river(river(), path, title="t")
    assert "◆ called from the stream" not in words_of(path)
    with pytest.raises(InputError, match="alarm lies outside"):
        river(alarms=[int(MOMENTS[-1]) + DAY])


def test_png_has_pixels_of_more_than_one_colour(tmp_path: Path) -> None:
    from matplotlib.image import imread

    path = tmp_path / "river.PNG"
    interest_river(river(), path, title="t")
    assert len(np.unique(imread(path, format="png").reshape(-1, 4), axis=0)) > 9


def test_chinese_in_a_png_needs_a_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "CJK_FONTS", ())
    with pytest.raises(InputError, match="Chinese") as caught:
        interest_river(river(["茶", "tea"]), tmp_path / "river.png", title="t")
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


def test_dollar_signs_are_no_formulas(tmp_path: Path, words_of) -> None:
    path = tmp_path / "river.svg"
    interest_river(river(["a_$b^$", "$x"]), path, title="pay $5 or $6_")
    assert {"pay $5 or $6_", "a_$b^$", "$x"} <= set(words_of(path))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"topics": ["one"]}, "names"),
        ({"shares": np.full((60, 12), np.nan)}, "names"),
        ({"shares": shares_of() * 2}, "more than 1"),
        ({"moments": MOMENTS[:1], "shares": shares_of()[:1]}, "two moments"),
        ({"moments": MOMENTS[:0], "shares": shares_of()[:0]}, "two moments"),
        ({"moments": MOMENTS[::-1]}, "ascending"),
        ({"moments": MOMENTS[:-1]}, "59 moments"),
        ({"shares": shares_of() * 0}, "nothing to draw"),
        ({"changes": [ChangeMark(moment=-1)]}, "outside"),
        ({"trend": np.zeros(3)}, "3 trends"),
    ],
)
def test_a_river_that_cannot_be_is_refused(change: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        river(**change)  # type: ignore[arg-type]
    assert caught.value.mend


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"language": "fr"}, "fr"),
        ({"path": Path("river.pdf")}, "pdf"),
        ({"path": Path("no such folder/river.svg")}, "folder"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, change: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        interest_river(river(), title="t", **{"path": tmp_path / "r.svg", **change})  # type: ignore[arg-type]


def test_drawing_leaves_no_trace_in_matplotlib(tmp_path: Path) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    interest_river(river(), tmp_path / "river.svg", title="t")
    assert dict(mpl.rcParams) == before
    code = "import sys, evorec.plots.portrait, evorec.plots.population; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_leads_now_is_drawn_though_the_past_was_long() -> None:
    shares = np.repeat([[0.6, 0.4, 0.0]], 50, axis=0)
    shares[-2:] = [0.1, 0.0, 0.9]
    assert leading_topics(shares, ["tea", "pens", "tents"], other="rest", most=2)[1] == ["tents", "tea", "rest"]


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
    assert all(len(line) == 10 for _, line, _ in river_text(shares_of(), NAMES, width=10))


def test_terminal_lines_of_nothing() -> None:
    assert river_text(np.zeros((3, 2)), ["a", "b"]) == []
    with pytest.raises(InputError, match="names"):
        river_text(np.zeros((0, 2)), ["a", "b"])
