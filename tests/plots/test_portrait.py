"""One user's page and its parts: what is written, each kind of file, both languages, extremes, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.plots.portrait import portrait
from evorec.plots.profile import Outlook, Profile, leading_rows, outlook_chart, outlook_text, profile_chart
from evorec.plots.threads import Thread, journey_chart, shown_threads

pytest.importorskip("matplotlib", reason="needs the extra evorec[plot]")


def everything(arrays):
    return {
        "river": arrays.river,
        "threads": arrays.threads,
        "profile": arrays.profile,
        "outlook": arrays.outlook,
    }


def test_a_portrait_names_its_parts_and_is_reproducible(arrays, tmp_path, words_of):
    parts = {**everything(arrays), "outlook": replace(arrays.outlook, ahead="the next 5 events")}
    path = tmp_path / "p.svg"
    portrait(path, title="Interests of ann", **parts)
    first, found = path.read_bytes(), set(words_of(path))
    assert {"Interests of ann", "Journeys", "Short-term against long-term interest"} <= found
    assert {"Expected next: the next 5 events", "80% band", "long-term", "alive", "ended", "events"} <= found
    portrait(path, title="Interests of ann", **parts)
    assert path.read_bytes() == first


def test_a_chinese_portrait(make, tmp_path, words_of):
    arrays = make(["茶具", "电影", "旅行", "书籍"])
    portrait(tmp_path / "p.svg", title="安的兴趣", language="zh", **everything(arrays))
    found = words_of(tmp_path / "p.svg")
    assert {"茶具", "电影", "短期兴趣与长期兴趣", "接下来的预期", "兴趣旅程", "80% 区间", "时间 (UTC)"} <= set(found)
    own = [text for text in found if text.isascii() and any(c.isalpha() for c in text)]
    assert not own, "a word that was not translated"


@pytest.mark.parametrize("left_out", [["threads"], ["profile"], ["outlook"], ["threads", "profile", "outlook"]])
def test_parts_that_are_not_given_are_left_out(arrays, tmp_path, left_out):
    portrait(tmp_path / "p.html", title="t", **{k: v for k, v in everything(arrays).items() if k not in left_out})
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    for part, word in (("threads", "Journeys"), ("profile", "Short-term"), ("outlook", "Expected next")):
        assert (word in page) == (part not in left_out)


def test_a_picture(arrays, tmp_path):
    portrait(tmp_path / "p.png", title="t", **everything(arrays))
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_tells_all_parts_in_text(arrays, tmp_path):
    portrait(tmp_path / "p.html", title="t", **everything(arrays))
    page = tmp_path.joinpath("p.html").read_text(encoding="utf-8")
    caption = page.partition("<figcaption>")[2]
    assert all(word in caption for word in ("share at the end", "ended", "alive", "Short-term", "forecast (80% band)"))
    assert "<script" not in page


@pytest.mark.parametrize(
    "extreme",
    [
        {"names": ["only"], "events": 1},
        {"names": ["a", "b"], "moments": 2, "events": 2, "span": 3_600_000_000},
        {"names": [f"topic {k}" for k in range(64)], "events": 3000},
        {"names": [f"{k} is a name of more than sixty characters that goes on and on and on" for k in range(9)]},
        {"names": ["$5_a$", "{x}", "<b>tea</b>", "R&D", "a\nb\x00c", "\\frac{1}{2}"]},
        {"names": ["x", "y"], "start": 17_000 * DAY, "span": 1 * DAY},
        {"names": ["x", "y"], "start": 10_000 * DAY, "span": 18 * 365 * DAY},
    ],
    ids=["one topic", "two events", "64 topics", "long names", "signs", "one day", "18 years"],
)
def test_extremes_are_drawn_without_a_warning(make, extreme, tmp_path, words_of):
    arrays = make(**extreme)
    portrait(tmp_path / "p.svg", title="t " * 80, **everything(arrays))
    assert "Journeys" in words_of(tmp_path / "p.svg")


def test_nobody_with_nothing(arrays, tmp_path, words_of):
    nothing = np.zeros(2)
    profile = Profile(topics=["a", "b"], short_term=nothing, long_term=nothing, error=nothing)
    outlook = Outlook(topics=["a", "b"], now=nothing, forecast=nothing, low=nothing, high=nothing)
    portrait(tmp_path / "p.svg", title="t", river=arrays.river, threads=[], profile=profile, outlook=outlook)
    found = words_of(tmp_path / "p.svg")
    assert "no journeys" in found and found.count("no topic has a share") == 2
    assert outlook_text(outlook) == []


def test_each_part_alone(arrays, tmp_path, words_of):
    path = tmp_path / "c.svg"
    profile_chart(arrays.profile, path, title="now")
    assert {"now", "topic 0", "long-term"} <= set(words_of(path))
    outlook_chart(arrays.outlook, path, title="next")
    assert {"next", "topic 0", "80% band"} <= set(words_of(path))
    journey_chart(arrays.threads, path, title="threads", as_of=301 * DAY)
    assert {"threads", "topic 0", "time (UTC)", "and 2 weaker journeys"} <= set(words_of(path))


def test_the_living_and_the_strong_come_first():
    def one(name, alive, strength):
        return Thread(name=name, moments=np.array([0]), alive=alive, strength=strength)

    threads = [one("old", False, 0.9), one("weak", True, 0.1), one("new", True, 0.5)]
    threads += [one(f"faint {k}", True, 0.01) for k in range(20)]
    assert [thread.name for thread in shown_threads(threads)][:3] == ["new", "weak", "faint 0"]
    assert shown_threads(threads)[-1].name == "old" and len(shown_threads(threads)) == 10


def test_rows_are_the_topics_that_matter_anywhere():
    short, long = np.array([0.0, 0.7, 0.3, 0.0]), np.array([0.6, 0.2, 0.2, 0.0])
    assert leading_rows(short, long).tolist() == [1, 2, 0]
    assert leading_rows(short, long, most=2).tolist() == [1, 0]


def test_terminal_rows_share_a_scale_and_a_width():
    rows = outlook_text(
        Outlook(
            topics=["茶", "tents"],
            now=np.array([0.25, 0.5]),
            forecast=np.array([0.25, 0.75]),
            low=np.array([0.0, 0.5]),
            high=np.array([0.5, 1.0]),
        ),
        width=9,
    )
    assert rows == [("tents", "    ○─●──", "75% (50–100%)"), ("茶", "──◉──    ", "25% (0–50%)")]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: replace(a.profile, short_term=np.ones(3)),
        lambda a: replace(a.profile, error=np.full(12, np.nan)),
        lambda a: replace(a.outlook, forecast=-a.outlook.forecast),
        lambda a: replace(a.outlook, low=a.outlook.high, high=a.outlook.low),
        lambda _: Thread(name="x", moments=np.zeros(0, dtype=np.int64), alive=True, strength=0.5),
        lambda _: Thread(name="x", moments=np.array([1]), alive=True, strength=2),
        lambda _: Thread(name="x", moments=np.array([1]), alive=True, strength=float("nan")),
    ],
)
def test_parts_that_cannot_be_are_refused(arrays, wrong):
    with pytest.raises(InputError) as caught:
        wrong(arrays)
    assert caught.value.mend


def test_profile_and_outlook_share_rows(arrays, make, tmp_path):
    other = make([f"other {k}" for k in range(12)])
    with pytest.raises(InputError, match="different topics"):
        portrait(tmp_path / "p.svg", title="t", river=arrays.river, profile=arrays.profile, outlook=other.outlook)
