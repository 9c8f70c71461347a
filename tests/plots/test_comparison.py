"""The page of a comparison: its order, its numbers, both languages, escaped names, a strict policy of its own."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.plots.comparison.charts import Point, Row, bars, decades, plane, ticks
from evorec.plots.comparison.page import check_page, comparison_page, sentences
from evorec.plots.comparison.words import CHINESE, WORDS

NAMES = {"fast": "recipe", "content alone": "part", "popularity, 7 days": "baseline", "transitions": "baseline"}


def interval(mean, width=0.01):
    return {"mean": mean, "low": mean - width, "high": mean + width}


def system(place, name, kind):
    mean = 0.12 - 0.02 * place
    known = {"recipe": 30.0, "baseline": 0.25 * place}
    return {
        "name": name, "kind": kind, "ndcg": interval(mean), "recall": interval(mean), "mrr": interval(mean),
        "hit_rate": interval(mean), "debiased_ndcg": interval(mean), "coverage": 0.5, "novelty": 8.0,
        "personalisation": 0.7, "intra_list_diversity": None, "seconds": 1.0, "seconds_per_1000": 0.5 + place,
        "difference": interval(-0.02 * place) if place else None, "verdict": "worse" if place else None,
        "fit_seconds": known.get(kind),
    }  # fmt: skip


def protocol(kind):
    names = list(NAMES)

    def level(**named):
        return {**named, "queries": 40, "users": 30, "ndcg": {name: interval(0.1) for name in names}}

    claim = {"system": "fast", "difference": interval(0.02), "reference": 0.1, "verdict": "better"}
    return {
        "circumstances": {
            "kind": kind, "clock": "frozen", "repeats": False, "candidates": "warm", "k": 10, "queries": 1234,
            "users": 567, "tie_share": 0.25, "baseline": "fast", "cpu": "a cpu", "cores": 2, "python": "3.11",
            "platform": "a system",
        },
        "systems": [system(place, *item) for place, item in enumerate(NAMES.items())],
        "strata": [level(stratum=stratum, level="low") for stratum in ("history length", "drift")],
        "by_model_age": [level(from_days=0.0, to_days=2.5)],
        "claims": {"lead": {**claim, "against": names[1]}, "baseline": {**claim, "against": names[2]}},
    }  # fmt: skip


@pytest.fixture
def told():
    weights = [{"scorer": "content", "weight": 1.5, "low": 1.2, "high": 1.8},
               {"scorer": "nothing", "weight": 0.0, "low": 0.0, "high": 0.0}]  # fmt: skip
    return {
        "recipe": "fast", "seed": 0, "measured": "2026-01-02T03:04:05+00:00", "versions": {"evorec": "0.1.0"},
        "data": {"sources": ["log.csv"], "events": 9000, "users": 800, "items": 70, "items_with_events": 60,
                 "first": "2024-01-01T00:00:00+00:00", "last": "2025-01-01T00:00:00+00:00",
                 "cut": "2024-11-01T00:00:00+00:00", "events_before_cut": 8100},
        "model": {"encoder": "lexical", "notes": ["a note"], "weights": weights},
        "cost": {"fit_seconds": 30.0, "peak_memory_mb": 812.4},
        "protocols": {"next, frozen clock": protocol("next"), "successive, frozen clock": protocol("successive")},
    }  # fmt: skip


class Reader(HTMLParser):
    """Tags in the order they open, the texts of headings, and whether every element was closed where it should be."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag):
        return [text for where, text in self.texts if where == tag]


def test_sections_come_in_the_order_a_person_looks(told):
    read = Reader(comparison_page(told))
    assert read.of("h1") == ["Comparison of fast on log.csv"]
    assert read.of("h2") == [
        "Verdict", "Quality", "All figures", "For whom", "Freshness", "Weights in the blend", "Cost against quality",
        "Data and circumstances", "Notes of the model",
    ]  # fmt: skip
    # Bars of two protocols, two strata, freshness, weights, seconds to answer and to fit.
    assert read.tags.count("svg") == 2 + 2 + 1 + 1 + 2


def test_the_verdict_is_one_sentence_with_interval_and_n(told):
    page = comparison_page(told)
    lead = "fast is best: its NDCG@10 of 0.1200 lies +0.0200 [+0.0100, +0.0300] above the runner-up, content alone."
    assert page.count(lead) == 2
    assert "1,234 targets of 567 users" in page
    assert "fast is better than the best baseline, popularity, 7 days: +0.0200" in page


def test_inside_the_interval_nothing_is_claimed(told):
    for one in told["protocols"].values():
        one["claims"]["lead"] |= {"verdict": "inside the interval", "difference": interval(0.001)}
        one["claims"]["baseline"] |= {"verdict": "inside the interval"}
    page = comparison_page(told)
    assert len(sentences(told["protocols"]["next, frozen clock"])) == 2
    assert "is best" not in page
    assert "No claim: fast has the highest NDCG@10, 0.1200, but its lead" in page
    assert "Nothing can be said of fast against the best baseline" in page


def test_every_number_of_the_table_is_that_of_the_json(told):
    cells = Reader(comparison_page(told)).of("td")
    for entry in told["protocols"]["next, frozen clock"]["systems"]:
        ndcg = entry["ndcg"]
        assert f"{ndcg['mean']:.4f} [{ndcg['low']:.4f}, {ndcg['high']:.4f}]" in cells
        assert f"{entry['seconds_per_1000']:.3g}" in cells


def test_it_obeys_the_strictest_policy(told):
    page = comparison_page(told)
    read = Reader(page)
    assert "script" not in read.tags and "link" not in read.tags and "img" not in read.tags
    assert not [name for name, _ in read.attributes if name in ("style", "src", "href") or name.startswith("on")]
    assert "http:" not in page and "https:" not in page and "url(" not in page and "@import" not in page
    style = re.search("<style>(.*)</style>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [value for name, value in read.attributes if name == "content" and "default-src" in value]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme:dark" in style and "@media print" in style


@pytest.mark.parametrize(
    "nasty", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{recipe}{0}", "a\u202eb"]
)
def test_strangers_words_stay_words(told, nasty):
    told["recipe"] = nasty
    told["data"]["sources"] = [nasty]
    told["model"]["notes"] = [nasty]
    told["model"]["weights"][0]["scorer"] = nasty
    for one in told["protocols"].values():
        one["systems"][0]["name"] = nasty
        for claim in one["claims"].values():
            claim["system"] = nasty
        for level in (*one["strata"], *one["by_model_age"]):
            level["ndcg"][nasty] = level["ndcg"].pop("fast")
    page = comparison_page(told)
    read = Reader(page)
    assert "script" not in read.tags and "img" not in read.tags
    assert "\u202e" not in page
    assert nasty.replace("\u202e", " ") in "".join(read.of("h1"))


@given(st.text(max_size=60))
def test_any_name_is_one_text(name):
    read = Reader(str(bars([Row(name=name, mean=0.1, low=0.0, high=0.2)], name)))
    assert set(read.tags) <= {"svg", "g", "line", "text", "rect"}


def test_chinese(told):
    read = Reader(comparison_page(told, language="zh"))
    assert read.of("h1") == ["fast 在 log.csv 上的比较"]
    assert read.of("h2")[:3] == ["结论", "质量", "全部数字"]
    assert ("lang", "zh-CN") in read.attributes
    assert "更差" in read.of("td") and "低" in read.of("text")


def test_both_languages_say_the_same_things():
    english, chinese = WORDS["en"], WORDS["zh"]
    assert set(english) == set(chinese)
    fields = {language: {key: set(re.findall(r"{(\w+)", said)) for key, said in words.items()}
              for language, words in WORDS.items()}  # fmt: skip
    assert fields["en"] == fields["zh"]
    assert all(CHINESE.values())


def test_what_is_not_there_is_left_out(told):
    for one in told["protocols"].values():
        one["systems"], one["claims"], one["strata"] = one["systems"][:1], {}, []
        del one["by_model_age"]
    told["model"] |= {"notes": [], "weights": [{"scorer": "content", "weight": 0.5, "low": None, "high": None}]}
    told["cost"]["peak_memory_mb"] = None
    page = comparison_page(told)
    read = Reader(page)
    assert "Freshness" not in read.of("h2") and "Notes of the model" not in read.of("h2")
    assert "Only one system was measured" in page
    assert "Only fast has a time to fit: 30.00 seconds." in page
    assert "they are the prior" in page
    assert "Peak memory" not in page


def test_points_with_one_cost_lie_in_the_plane():
    row = Row(name="a", mean=0.0, low=0.0, high=0.0)
    drawn = str(plane([Point(number=n, cost=0.5, row=row) for n in (1, 2)], "x", cost="s", quality="q"))
    assert "nan" not in drawn and "inf" not in drawn


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_ticks_are_few_and_inside(top):
    places = ticks(top)
    assert places[0] == 0 and 2 <= len(places) <= 5
    assert places[-1] <= top * (1 + 1e-6)
    assert all(top / 10.1 <= place <= top * 10.1 for place in decades(top / 10, top * 10))


def test_a_page_that_could_not_be_written_is_refused(tmp_path):
    check_page(tmp_path / "page.html", "zh")
    for path, language, said in (
        (tmp_path / "page.pdf", "en", "cannot be written"),
        (tmp_path / "no" / "page.html", "en", "no folder"),
        (tmp_path / "page.html", "fr", "fr"),
    ):
        with pytest.raises(InputError, match=said):
            check_page(path, language)
