"""`evaluate`, `compare`, `interests`, `doctor` and `data`: JSON that adds up, and pictures."""

import json

import pytest

NUMBERS = {"share", "error", "long_term", "strength", "forecast"}


def refuse(name):
    raise ValueError(f"{name} is no JSON")


def strict(done):
    """The one line of JSON a command printed, without NaN or Infinity."""
    assert done.code == 0, done.err
    (line,) = done.out.splitlines()
    return json.loads(line, parse_constant=refuse)


@pytest.fixture(scope="module")
def small(program, tmp_path_factory):
    """A model of two users and three events."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "log.csv").write_text("user_id,item_id,timestamp\na,x,1000\nb,x,5000\nb,y,9000\n", encoding="utf-8")
    (folder / "items.csv").write_text("item_id,title,categories\nx,绿茶,茶\ny,A [novel],books\n", encoding="utf-8")
    done = program("train", folder / "log.csv", folder / "items.csv", "--encoder", "lexical", "--out", folder / "m")
    assert done.code == 0, done.err
    return folder / "m"


def test_evaluate(run, files):
    done = run("evaluate", files / "events.csv", files / "items.csv", "--encoder", "lexical", "--protocol", "next",
               "--json")  # fmt: skip
    assert done.code == 0, done.err
    (told,) = done.lines
    assert "next, frozen clock" in str(told)
    assert "popularity, 7 days" in str(told)


def test_compare_names_every_member(run, files):
    done = run("compare", files / "events.csv", files / "items.csv", "--encoder", "lexical", "--protocol", "next",
               "--clock", "both", "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert len(done.lines) == 1
    for name in ("content (short-term) alone", "popularity (2 days) alone", "next, query_time clock",
                 "next, frozen clock"):  # fmt: skip
        assert name in done.out


def test_compare_as_a_page(run, files, tmp_path):
    page = tmp_path / "page.html"
    done = run("compare", files / "events.csv", files / "items.csv", "--encoder", "lexical", "--html", page,
               "--language", "zh", "--json")  # fmt: skip
    told = strict(done)
    assert f"wrote {page}" in done.err
    drawn = page.read_text(encoding="utf-8")
    assert drawn.startswith("<!doctype html>") and "结论" in drawn and "events.csv" in drawn
    assert str(files) not in drawn
    for one in told["protocols"].values():
        for entry in one["systems"]:
            assert entry["name"] in drawn
            assert f"{entry['ndcg']['mean']:.4f} [{entry['ndcg']['low']:.4f}, {entry['ndcg']['high']:.4f}]" in drawn
    assert told["data"]["sources"] == ["events.csv", "items.csv"]
    assert told["cost"]["peak_memory_mb"] > 1


@pytest.mark.parametrize(
    ("words", "said"),
    [(["x.pdf"], "name a file that ends in .html"), (["no/x.html"], "no folder"),
     (["x.html", "--language", "fr"], "en, zh")],
)  # fmt: skip
def test_a_page_is_refused_before_anything_is_measured(run, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = run("compare", "no such log.csv", "--html", *words)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())


def test_evaluate_as_tables(run, files, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = run("evaluate", files / "events.csv", "--encoder", "lexical", "--protocol", "next")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    for word in (
        "next, frozen clock: ",
        "runner-up",
        "NDCG@10",
        "personalisation",
        "(short-term)",
        "popularity,",
        "repeats no",
        " MB",
    ):
        assert word in done.out


class TestWhatCounts:
    """`train`, `evaluate` and `compare` take the same options, and say which events count against an item."""

    @pytest.fixture
    def log(self, tmp_path):
        """40 users with 12 events: every third rated below the middle, one skipped, one returned, one person cold."""
        rows = ["用户编号,物品编号,时间,动作,评分"]
        for event in range(480):
            user, item = event % 40, (event % 40 * 3 + event // 40 * 7) % 30
            action, rating = {7: "skip", 11: "退货"}.get(event, "view"), (0, 6, 10)[event % 3]
            rows.append(f"u{user:02d},i{item:02d},{10_000 * event},{action},{rating}")
        path = tmp_path / "log.csv"
        path.write_text("\n".join(rows), encoding="utf-8")
        (tmp_path / "people.csv").write_text("用户编号,兴趣\nu00,tea\ncold,books\n", encoding="utf-8")
        items = [f"i{number:02d},{'tea' if number % 2 else 'books'}" for number in range(30)]
        (tmp_path / "items.csv").write_text("\n".join(["商品编号,类别", *items]), encoding="utf-8")
        return path

    OPTIONS = ("--encoder", "lexical", "--value", "rating", "--rating-range", 0, 10, "--action-weight", "view=1")
    # Of 480 events 160 have the rating 0, the skipped one (7) has 6, the returned one (11) has 10.
    TOLD = (
        "480 rows in, 318 out",
        "cancel or return, counts against: 1",
        "action 'skip', counts against: 1",
        "rating below 5, counts against: 160",
    )

    @pytest.mark.parametrize("command", ["train", "evaluate", "compare"])
    def test_the_same_options_and_report(self, run, log, tmp_path, command):
        more = ("--out", tmp_path / "m") if command == "train" else ("--protocol", "next")
        files = (log, tmp_path / "items.csv", "--users", tmp_path / "people.csv")
        done = run(command, *files, *self.OPTIONS, *more)
        assert done.code == 0, done.err
        for said in (*self.TOLD, "1 rows cancel or return something", "people.csv: 2 rows in, 2 out"):
            assert said in done.err, said
        if command != "train":
            assert "beyond accuracy, next" in done.out
            return
        told = strict(run("train", *files, *self.OPTIONS, *more, "--json", "-q"))
        counted = told["cleaning"][-1]
        assert counted["source"] == "what counts"
        assert sum(counted["dropped"].values()) == 162
        assert told["card"]["events"] == counted["rows_out"] == 318

    def test_ratings_of_another_range_are_refused(self, run, log):
        done = run("evaluate", log, "--encoder", "lexical", "--value", "rating")
        assert done.code == 2
        assert "ratings lie outside 1 to 5: they run from 0 to 10" in done.err
        assert "--rating-range 0 10" in done.err

    def test_an_unknown_action_is_refused_and_the_others_named(self, run, log):
        done = run("evaluate", log, "--encoder", "lexical", "--action-weight", "veiw=0.2", "--action-weight", "skip=0")
        assert done.code == 2
        assert "--action-weight names veiw, but the log has the actions skip, view, 退货" in done.err

    def test_a_known_action_that_no_event_has_is_noted(self, run, log, tmp_path):
        done = run("train", log, "--encoder", "lexical", "--out", tmp_path / "m", "--action-weight", "cart=0.7")
        assert done.code == 0, done.err
        assert "no event has the action cart" in done.err


class TestInterests:
    def test_json_adds_up(self, run, model):
        told = strict(run("interests", "user-07", "--model", model, "--json"))
        assert told["user_id"] == "user-07"
        assert 0 <= told["drift"] <= 1
        assert sum(topic["share"] for topic in told["topics"]) == pytest.approx(1)
        for topic in told["topics"]:
            assert set(topic) == {"topic", "low", "high", *NUMBERS}
            assert all(0 <= topic[name] <= 1 for name in NUMBERS)
            assert (topic["low"] is None) == (topic["high"] is None)
        assert set(told) == {
            "user_id", "as_of", "drift", "drift_beyond_noise", "drift_p_value", "forecast_events", "topics", "changes",
            "alarms", "journeys", "needs", "not_fitted",
        }  # fmt: skip
        assert set(told["not_fitted"]) <= {"forecast", "drift by content", "alarms"}
        assert told["journeys"]
        assert sum(journey["strength"] for journey in told["journeys"]) == pytest.approx(1)
        for journey in told["journeys"]:
            assert journey["start"] <= journey["last"] < told["as_of"]
            assert [event["time"] for event in journey["events"]] == sorted(e["time"] for e in journey["events"])
            assert journey["alive"] == (journey["silence_chance"] >= 0.05)

    def test_everybody_as_json(self, run, model):
        told = strict(run("interests", "--population", "--model", model, "--json"))
        assert set(told) == {"periods", "shares", "trends", "flows", "drift"}
        periods = len(told["periods"]) - 1
        assert all(len(series) == periods for series in told["shares"].values())
        for column in zip(*told["shares"].values(), strict=True):
            assert sum(column) == pytest.approx(1) or sum(column) == 0
        assert {trend["topic"] for trend in told["trends"]} == set(told["shares"])
        assert all(trend["low"] <= trend["change_per_year"] <= trend["high"] for trend in told["trends"])
        for flow in told["flows"]:
            assert {flow["from"], flow["to"]} <= set(told["shares"])
            assert flow["users"] >= 5
        assert told["drift"]["drifted"] <= told["drift"]["tested"] <= told["drift"]["users"] == 100

    def test_everybody_at_a_moment(self, run, model):
        told = strict(run("interests", "--population", "--model", model, "--as-of", "2024-09-01", "--json"))
        assert told["periods"][-1] <= "2024-09-01 00:00:00"
        done = run("interests", "--population", "--model", model)
        assert done.code == 0, done.err
        shown = " ".join(done.out.split())
        for words in ("Interests of everybody", "drift:", "have too few sittings to tell"):
            assert words in shown

    @pytest.mark.parametrize("user", ["a", "b"])
    def test_one_or_two_events(self, run, small, user):
        told = strict(run("interests", user, "--model", small, "--json"))
        assert told["drift_p_value"] is None
        assert told["drift_beyond_noise"] is None
        assert told["changes"] == told["alarms"] == []
        assert sum(topic["share"] for topic in told["topics"]) == pytest.approx(1)
        shown = run("interests", user, "--model", small)
        assert shown.code == 0, shown.err
        assert "too few sittings to tell drift from chance" in " ".join(shown.out.split())

    def test_three_events_of_everybody(self, run, small):
        told = strict(run("interests", "--population", "--model", small, "--json"))
        assert told["drift"] == {"users": 2, "tested": 0, "drifted": 0}
        assert run("interests", "--population", "--model", small).code == 0

    def test_two_periods_tell_no_trend(self, run, tmp_path):
        (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\na,x,1000\na,y,9000\n", encoding="utf-8")
        (tmp_path / "items.csv").write_text("item_id,categories\nx,tea\ny,books\n", encoding="utf-8")
        run(
            "train", tmp_path / "log.csv", tmp_path / "items.csv", "--encoder", "lexical", "--out", tmp_path / "m", "-q"
        )
        told = strict(run("interests", "--population", "--model", tmp_path / "m", "--json"))
        assert {trend["change_per_year"] for trend in told["trends"]} == {None}
        for words in ((), ("--plot", tmp_path / "p.svg")):
            done = run("interests", "--population", "--model", tmp_path / "m", *words)
            assert done.code == 0, done.err
            assert "nan" not in done.out

    def test_tables(self, run, model):
        done = run("interests", "user-07", "--model", model, "--as-of", "2024-11-01")
        assert done.code == 0, done.err
        assert "at 2024-11-01 00:00:00" in done.out

    @pytest.mark.parametrize("whom", ["user-07", "--population"])
    @pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("html", b"<!doctype"), ("png", b"\x89PNG")])
    def test_a_picture(self, run, model, tmp_path, whom, suffix, start):
        pytest.importorskip("matplotlib")
        path = tmp_path / f"river.{suffix}"
        strict(run("interests", whom, "--model", model, "--json", "--plot", path))
        assert path.read_bytes().startswith(start)

    @pytest.mark.parametrize(("whom", "title"), [("user-07", "用户 user-07 的兴趣"), ("--population", "所有人的兴趣")])
    def test_a_chinese_picture(self, run, model, tmp_path, whom, title):
        pytest.importorskip("matplotlib")
        done = run("interests", whom, "--model", model, "--plot", tmp_path / "河.svg", "--language", "zh")
        assert done.code == 0, done.err
        drawn = (tmp_path / "河.svg").read_text(encoding="utf-8")
        assert "关注份额" in drawn
        assert title in drawn

    @pytest.mark.parametrize(
        ("words", "said", "mend"),
        [
            ([], "say whose interests", "--population"),
            (["user-07", "--population"], "both the user 'user-07' and --population", "ask for one"),
            (["stranger"], "there is no user 'stranger'", "check the id"),
            (["user-07", "--as-of", "2001-01-01"], "'user-07' has no events", "check the id and --as-of"),
            (["--population", "--as-of", "2001-01-01"], "nobody has events", "ask for a later one with --as-of"),
            (["user-07", "--plot", "x.gif"], "cannot draw into x.gif", ".svg"),
            (["--population", "--plot", "x.gif"], "cannot draw into x.gif", ".svg"),
            (["user-07", "--plot", "no/such/x.svg"], "there is no folder", "create it"),
            (["user-07", "--plot", "x.svg", "--language", "fr"], "'fr'", "en, zh"),
            (["--population", "--plot", "x.svg", "--language", "fr"], "'fr'", "en, zh"),
        ],
    )
    def test_mistakes_are_named_with_a_mend(self, run, model, tmp_path, monkeypatch, words, said, mend):
        if "--plot" in words:
            pytest.importorskip("matplotlib")
        model = model.resolve()
        monkeypatch.chdir(tmp_path)
        done = run("interests", *words, "--model", model)
        assert done.code == 2
        assert done.out == ""
        told = " ".join(done.err.split())
        assert said in told
        assert mend in told
        assert not list(tmp_path.iterdir())

    def test_somebody_without_interests_is_told_from_nobody(self, run, files, tmp_path):
        (tmp_path / "people.csv").write_text("user_id,interests\nnewcomer,\n", encoding="utf-8")
        done = run("train", files / "events.csv", files / "items.csv", "--users", tmp_path / "people.csv", "--encoder",
                   "lexical", "--out", tmp_path / "m", "--quiet")  # fmt: skip
        assert done.code == 0, done.err
        for user, said in (("newcomer", "'newcomer' is known, but"), ("stranger", "there is no user 'stranger'")):
            done = run("interests", user, "--model", tmp_path / "m")
            assert (done.code, done.out) == (2, "")
            assert said in " ".join(done.err.split())

    def test_items_without_words_have_no_topics(self, run, files, tmp_path):
        run("train", files / "events.csv", "--encoder", "lexical", "--out", tmp_path / "m", "--quiet")
        done = run("interests", "user-07", "--model", tmp_path / "m", "--json")
        assert done.code == 2
        assert "no topics" in done.err


def test_doctor(run):
    done = run("doctor", "--json")
    assert done.code == 0
    (told,) = done.lines
    assert all(part["ok"] for part in told if part["part"].startswith("core"))
    assert "Python" in run("doctor").out


class TestData:
    def test_describe(self, run, files):
        done = run("data", "describe", files / "events.csv", files / "items.csv", "--json")
        assert done.code == 0, done.err
        (told,) = done.lines
        assert set(told) == {"cleaning", "description"}
        assert len(told["cleaning"]) == 2
        shown = run("data", "describe", files / "events.csv")
        assert shown.code == 0
        assert "actions" not in shown.out  # none are named

    def test_returns_and_placeholders(self, run, tmp_path):
        raw = tmp_path / "raw.csv"
        raw.write_text(
            "user,item,date,quantity\na,x,2024-01-01,2\na,x,2024-01-02,-2\nb,y,9999-12-31,1\nb,x,2024-01-03,1\n",
            encoding="utf-8",
        )
        (told,) = run("data", "describe", raw, "--json").lines
        assert told["cleaning"][0]["dropped"] == {"placeholder instead of a date": 1}
        assert told["description"]["actions"] == {"": 2, "return": 1}
        assert told["description"]["events"] == 2
        assert told["description"]["repeat_share"] == 0
        assert told["description"]["last"].startswith("2024-01-03")
        assert "none 2, return 1" in run("data", "describe", raw).out
        done = run("data", "clean", raw, "--out", tmp_path / "clean.csv")
        assert "1 rows cancel or return something" in done.out
        assert "'9999-12-31'" in done.out

    def test_clean_accounts_for_every_row(self, run, tmp_path):
        raw = tmp_path / "raw.csv"
        raw.write_text("user_id,item_id,timestamp\na,x,1\na,x,1\n,x,2\nb,y,3\nb,z,bad\n王,茶,4\n", encoding="utf-8")
        done = run("data", "clean", raw, "--out", tmp_path / "clean.csv", "--json")
        assert done.code == 0, done.err
        told = done.lines[0]["cleaning"]
        assert told["rows_in"] == 6
        assert told["rows_out"] == 3
        assert told["rows_in"] - sum(told["dropped"].values()) == told["rows_out"]
        assert len((tmp_path / "clean.csv").read_text(encoding="utf-8").splitlines()) == 4

    @pytest.mark.parametrize("how", [(), ("--random", "--seed", 3)])
    def test_split(self, run, files, tmp_path, how):
        done = run("data", "split", files / "events.csv", "--out", tmp_path / "parts", "--json", *how)
        assert done.code == 0, done.err
        (told,) = done.lines
        total = len((files / "events.csv").read_text(encoding="utf-8").splitlines()) - 1
        assert told["train"] + told["test"] == total
        assert told["train"] == pytest.approx(0.9 * total, abs=0.02 * total)
        assert (told["cut"] is None) == bool(how)
        again = run("data", "describe", tmp_path / "parts" / "test.parquet", "--json")
        assert again.lines[0]["cleaning"][0]["rows_in"] == told["test"]

    def test_what_was_split_trains(self, run, files, tmp_path):
        run("data", "split", files / "events.csv", "--out", tmp_path / "parts")
        done = run("train", tmp_path / "parts" / "train.parquet", "--encoder", "lexical", "--out", tmp_path / "m", "-q")
        assert done.code == 0, done.err
