"""`evaluate`, `compare`, `interests`, `doctor` and `data`: JSON that adds up, and pictures."""

import pytest


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
    for name in ("content (short-term) alone", "interests alone", "next, query_time clock", "next, frozen clock"):
        assert name in done.out


def test_evaluate_as_tables(run, files, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = run("evaluate", files / "events.csv", "--encoder", "lexical", "--protocol", "next")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    for word in ("NDCG@10", "personalisation", "(short-term)", "popularity,", "repeats no", " MB"):
        assert word in done.out


class TestInterests:
    def test_json_adds_up(self, run, model):
        done = run("interests", "user-07", "--model", model, "--json")
        (told,) = done.lines
        assert told["user_id"] == "user-07"
        assert 0 <= told["drift"] <= 1
        assert sum(topic["share"] for topic in told["topics"]) == pytest.approx(1)
        assert set(told["topics"][0]) == {"topic", "share", "error", "long_term", "strength", "forecast"}

    def test_tables(self, run, model):
        done = run("interests", "user-07", "--model", model, "--as-of", "2024-11-01")
        assert done.code == 0, done.err
        assert "at 2024-11-01 00:00:00" in done.out

    @pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("html", b"<!doctype"), ("png", b"\x89PNG")])
    def test_a_picture(self, run, model, tmp_path, suffix, start):
        pytest.importorskip("matplotlib")
        path = tmp_path / f"river.{suffix}"
        done = run("interests", "user-07", "--model", model, "--json", "--plot", path)
        assert done.code == 0, done.err
        assert len(done.lines) == 1
        assert path.read_bytes().startswith(start)

    def test_a_chinese_picture(self, run, model, tmp_path):
        pytest.importorskip("matplotlib")
        done = run("interests", "user-07", "--model", model, "--plot", tmp_path / "河.svg", "--language", "zh")
        assert done.code == 0, done.err
        assert "关注份额" in (tmp_path / "河.svg").read_text(encoding="utf-8")

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
