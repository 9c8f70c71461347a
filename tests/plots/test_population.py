"""The page of everybody and its parts: what is written, each kind of file, both languages, extremes, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.plots.population import Drifts, Trends, drift_chart, population_page, trend_chart
from evorec.plots.transitions import Transitions, transition_flow, transition_map

pytest.importorskip("matplotlib", reason="needs the extra evorec[plot]")
GENRES = ["tea", "tents", "pens"]


def everything(arrays):
    return {
        "river": replace(arrays.river, events=None, changes=(), trend=np.sign(arrays.trends.change)),
        "trends": arrays.trends,
        "transitions": arrays.transitions,
        "drift": arrays.drift,
    }


def test_a_page_names_its_parts_and_is_reproducible(arrays, tmp_path, words_of):
    path = tmp_path / "p.svg"
    population_page(path, title="Everybody", **everything(arrays))
    first, found = path.read_bytes(), set(words_of(path))
    assert {"Everybody", "Rising and falling topics", "How far users drifted", "From topic to topic"} <= found
    assert {"Moves of interest", "from", "to", "users", "chance to move (%)", "expected without drift"} <= found
    population_page(path, title="Everybody", **everything(arrays))
    assert path.read_bytes() == first


def test_a_chinese_page(make, tmp_path, words_of):
    arrays = make(["茶具", "电影", "旅行", "书籍"])
    population_page(tmp_path / "p.svg", title="所有人的兴趣", language="zh", **everything(arrays))
    found = words_of(tmp_path / "p.svg")
    assert {"茶具", "上升与下降的主题", "用户的兴趣漂移", "从主题到主题", "兴趣的流动", "从", "到"} <= set(found)
    own = [text for text in found if text.isascii() and any(c.isalpha() for c in text)]
    assert not own, "a word that was not translated"


@pytest.mark.parametrize("left_out", [["trends"], ["drift", "transitions"], ["trends", "drift"]])
def test_parts_that_are_not_given_are_left_out(arrays, tmp_path, left_out):
    parts = {k: v for k, v in everything(arrays).items() if k not in left_out}
    population_page(tmp_path / "p.html", title="t", **parts)
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    for part, word in (("trends", "Rising"), ("drift", "How far users"), ("transitions", "From topic")):
        assert (word in page) == (part not in left_out)
    assert "<script" not in page


def test_a_picture(arrays, tmp_path):
    population_page(tmp_path / "p.png", title="t", **everything(arrays))
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_map_reads_from_row_to_column(tmp_path, words_of):
    p = np.array([[0.81, 0.32], [0.19, 0.68]])  # [to, from]: 19% of tea goes to tents
    moves = Transitions(topics=["tea", "tents"], p=p, share=np.array([0.6, 0.4]))
    np.testing.assert_allclose(moves.flows(), [[0.486, 0.114], [0.128, 0.272]])
    transition_map(moves, tmp_path / "m.svg", title="t")
    cells = [text for text in words_of(tmp_path / "m.svg") if text in {"81", "19", "32", "68"}]
    assert cells == ["81", "19", "32", "68"]


def test_small_chances_are_written_with_digits(tmp_path, words_of):
    p = np.array([[0.996, 0.0], [0.004, 1.0]])
    transition_map(Transitions(topics=["a", "b"], p=p, share=np.ones(2) / 2), tmp_path / "m.svg", title="t")
    assert "0.40" in words_of(tmp_path / "m.svg")


def test_flows_tell_what_stays_and_what_share_is_drawn(make, tmp_path, words_of):
    p = np.array([[0.9, 0.2], [0.1, 0.8]])
    transition_flow(
        Transitions(topics=["tea", "tents"], p=p, share=np.array([0.5, 0.5])), tmp_path / "f.svg", title="t"
    )
    found = words_of(tmp_path / "f.svg")
    assert {"stays 90%", "stays 80%", "tea  33%", "tents  67%", "67%  tea", "33%  tents"} <= set(found)
    assert any("100% of all moves" in text for text in found)
    crowd = make([f"topic {k}" for k in range(40)])
    transition_flow(crowd.transitions, tmp_path / "f.svg", title="t")
    found = words_of(tmp_path / "f.svg")
    assert len([text for text in found if text.startswith("stays")]) == 10
    assert not any("100% of all moves" in text for text in found)


def test_where_nothing_moves_a_sentence_says_so(tmp_path, words_of):
    still = Transitions(topics=GENRES, p=np.eye(3), share=np.ones(3) / 3)
    for chart in (transition_flow, transition_map):
        chart(still, tmp_path / "t.svg", title="t")
        found = words_of(tmp_path / "t.svg")
        assert any(text.startswith("No topic leads to another") for text in found)
        assert not set(found) & {"100", "from", "stays 100%"}


def test_sure_trends_are_told_in_text(tmp_path, words_of):
    change = np.array([0.05, -0.02, 0.001])
    trends = Trends(topics=GENRES, change=change, low=change - 0.01, high=change + 0.01)
    assert trends.sure().tolist() == [True, True, False]
    trend_chart(trends, tmp_path / "t.html", title="t")
    caption = (tmp_path / "t.html").read_text(encoding="utf-8").partition("<figcaption>")[2]
    assert "▲ tea +5.0, ▼ tents -2.0" in caption and "pens" not in caption


def test_drift_counts_whom_it_knows(tmp_path, words_of):
    drift = Drifts(excess=np.array([0.1, 0.4, np.nan, 0.0]), significant=np.array([False, True, False, False]))
    drift_chart(drift, tmp_path / "d.svg", title="t")
    found = words_of(tmp_path / "d.svg")
    assert "users: 3, 33.3% of them significant; too few events to tell: 1" in found
    assert "expected without drift" not in found


@pytest.mark.parametrize("names", [["only"], ["a", "b"], [f"{'long ' * 12}{k}" for k in range(64)], ["$_{<&", "\\a"]])
def test_extremes_are_drawn_without_a_warning(make, names, tmp_path, words_of):
    arrays = make(names, moments=2)
    one = Drifts(excess=np.zeros(1), significant=np.array([False]))
    population_page(tmp_path / "p.svg", title="t", **{**everything(arrays), "drift": one})
    assert "Moves of interest" in words_of(tmp_path / "p.svg")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: replace(a.transitions, p=np.ones((3, 4))),
        lambda a: replace(a.transitions, share=np.ones(3)),
        lambda a: replace(a.transitions, p=-a.transitions.p),
        lambda a: replace(a.transitions, share=a.transitions.share * np.nan),
        lambda _: Transitions(topics=[], p=np.zeros((0, 0)), share=np.zeros(0)),
        lambda a: replace(a.trends, change=np.ones(3)),
        lambda a: replace(a.trends, low=a.trends.high, high=a.trends.low),
        lambda a: replace(a.drift, significant=np.ones(3, dtype=bool)),
        lambda _: Drifts(excess=np.full(2, np.nan), significant=np.zeros(2, dtype=bool)),
    ],
)
def test_parts_that_cannot_be_are_refused(arrays, wrong):
    with pytest.raises(InputError) as caught:
        wrong(arrays)
    assert caught.value.mend
