"""`evorec train` and `evorec recommend`: the black-box contract that outside checks call."""

import csv
import json
import shutil

import numpy as np
import pytest

from evorec.recipes.training import load


def had(files):
    """What each user had, from the file itself."""
    found = {}
    with (files / "events.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            found.setdefault(row["user_id"], set()).add(row["item_id"])
    return found


def test_one_json_object_a_line(program, files, model):
    done = program("recommend", model, "--users", files / "users.txt", "--k", 10, "--json")
    assert done.code == 0, done.err
    records = done.lines
    assert [record["user_id"] for record in records] == ["user-07", "user-30", "stranger"]
    for record in records:
        assert set(record) == {"user_id", "items", "scores", "fallback"}
        assert len(record["items"]) == len(record["scores"]) == len(set(record["items"])) == 10
        assert record["scores"] == sorted(record["scores"], reverse=True)
        assert not set(record["items"]) & had(files).get(record["user_id"], set())
    assert [record["fallback"] for record in records] == [False, False, True]


def test_csv_and_parquet_give_the_same_lists(run, files, model, tmp_path):
    trained = run("train", files / "events.parquet", files / "items.parquet", "--recipe", "fast", "--encoder",
                  "lexical", "--out", tmp_path / "m", "--json")  # fmt: skip
    assert trained.code == 0, trained.err
    (told,) = trained.lines
    assert told["card"]["recipe"] == "fast"
    asked = [run("recommend", m, "--all", "--json", "--k", 5) for m in (model, tmp_path / "m")]
    assert asked[0].out == asked[1].out
    assert len(asked[0].lines) == len(had(files))


def test_quiet_training_says_nothing(run, files, tmp_path):
    done = run("train", files / "events.csv", "--encoder", "lexical", "--out", tmp_path / "m", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_the_moment_of_asking(run, files, model):
    newest = load(model).model.trained_until // 1_000_000
    plain = run("recommend", model, "--user", "user-07", "--json")
    after = run("recommend", model, "--user", "user-07", "--json", "--as-of", newest + 1)
    assert [record["items"] for record in plain.lines] == [record["items"] for record in after.lines]
    np.testing.assert_allclose(plain.lines[0]["scores"], after.lines[0]["scores"], atol=1e-5)  # a second of silence
    early = run("recommend", model, "--user", "user-07", "--json", "--as-of", "2024-06-01")
    assert early.code == 0
    assert early.lines[0]["hindsight"] is True


class TestHistories:
    @pytest.fixture
    def history(self, files, tmp_path):
        path = tmp_path / "history.csv"
        rows = ["user_id,item_id,timestamp", "guest,item-03,1735000000", "guest,item-10,1735000001"]
        rows += ["user-07,item-03,1735000000", "odd,unheard-of,1735000000"]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    def test_people_the_model_never_saw(self, run, model, history):
        done = run("recommend", model, "--history", history, "--k", 5, "--json")
        assert done.code == 0, done.err
        found = {record["user_id"]: record for record in done.lines}
        assert set(found) == {"guest", "user-07", "odd"}
        assert not found["guest"]["fallback"]
        assert found["odd"]["fallback"]
        assert "does not know: 1" in done.err
        assert not {"item-03", "item-10"} & set(found["guest"]["items"])

    def test_reasons_rest_on_the_history_given(self, run, model, history):
        """Not on what the log knows of somebody with the same name, nor on nothing."""
        done = run("recommend", model, "--history", history, "--k", 3, "--json", "--why")
        assert done.code == 0, done.err
        for record in done.lines:
            given = {"guest": {"item-03", "item-10"}, "user-07": {"item-03"}, "odd": set()}[record["user_id"]]
            named = {e["item_id"] for reasons in record["reasons"] for r in reasons for e in r["events"]}
            assert named <= given
            if record["user_id"] == "guest":
                assert named

    def test_a_table_says_why(self, run, model, history):
        done = run("recommend", model, "--history", history, "--k", 2, "--why")
        assert done.code == 0, done.err
        assert "guest" in done.out


def test_reasons(run, files, model):
    done = run("recommend", model, "--user", "user-07", "--k", 3, "--json", "--why")
    (record,) = done.lines
    assert len(record["reasons"]) == 3
    for reasons in record["reasons"]:
        assert sum(reason["share"] for reason in reasons) == pytest.approx(1, abs=0.01)
        assert {e["item_id"] for r in reasons for e in r["events"]} <= had(files)["user-07"]


class TestSays:
    def test_words_are_named_as_the_reason(self, run, model):
        title = next(title for title in load(model).model.catalogue.title if title)
        for user in ("user-07", "stranger"):
            done = run("recommend", model, "--user", user, "--says", title, "--k", 3, "--json", "--why")
            assert done.code == 0, done.err
            (record,) = done.lines
            assert not record["fallback"]
            assert done.err == ""
            (spoken,) = (reason for reason in record["reasons"][0] if reason["scorer"] == "words")
            assert spoken["words"] == [title]
        table = run("recommend", model, "--user", "stranger", "--says", title, "--k", 3, "--why")
        assert "because you said" in " ".join(table.out.split())

    def test_nonsense_changes_nothing_and_is_named(self, run, model):
        for user in ("user-07", "stranger"):
            plain = run("recommend", model, "--user", user, "--json", "--why")
            said = run("recommend", model, "--user", user, "--json", "--why", "--says", "qwertz asdf")
            assert said.code == 0
            assert said.out == plain.out
            assert "“qwertz asdf” changes nothing" in said.err


class TestTables:
    @pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
    def test_everyone_into_a_file(self, run, files, model, tmp_path, suffix):
        out = tmp_path / f"recs.{suffix}"
        done = run("recommend", model, "--all", "--k", 4, "--out", out)
        assert done.code == 0, done.err
        assert done.out == ""
        assert f"{4 * len(had(files)):,} recommendations" in done.err
        if suffix == "jsonl":
            rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        elif suffix == "csv":
            with out.open(encoding="utf-8") as lines:
                rows = list(csv.DictReader(lines))
        else:
            rows = pytest.importorskip("pyarrow.parquet").read_table(out).to_pylist()
        assert len(rows) == 4 * len(had(files))
        assert set(rows[0]) == {"user_id", "rank", "item_id", "score", "fallback"}
        assert [int(row["rank"]) for row in rows[:5]] == [1, 2, 3, 4, 1]

    def test_nobody_to_recommend_to_still_makes_a_table(self, run, model, tmp_path):
        shutil.copytree(model / "model", tmp_path / "alone" / "model")
        out = tmp_path / "recs.csv"
        done = run("recommend", tmp_path / "alone", "--all", "--out", out)
        assert done.code == 0, done.err
        assert out.read_text(encoding="utf-8").split() == ["user_id,rank,item_id,score,fallback"]

    def test_a_table_for_people(self, run, model):
        done = run("recommend", model, "--user", "user-07", "--user", "stranger", "--k", 3)
        assert done.code == 0
        assert "no history: what is popular now" in done.out

    def test_titles_are_printed_as_they_are(self, run, tmp_path):
        """Square brackets are no markup, colons no emoji."""
        events, items = tmp_path / "e.csv", tmp_path / "i.csv"
        events.write_text("user_id,item_id,timestamp\na,x,1\na,y,2\n[b],x,3\n", encoding="utf-8")
        items.write_text("item_id,title\nx,Live [/live]\ny,[red] :smile:\n", encoding="utf-8")
        assert run("train", events, items, "--encoder", "lexical", "--out", tmp_path / "[m]").code == 0
        done = run("recommend", tmp_path / "[m]", "--user", "[b]", "--why")
        assert done.code == 0, done.err
        assert "[red] :smile:" in done.out
        assert "[b]" in done.out

    def test_without_titles_there_is_no_column_for_them(self, run, files, model, tmp_path):
        run("train", files / "events.csv", "--encoder", "lexical", "--out", tmp_path / "m", "--quiet")
        assert "title" not in run("recommend", tmp_path / "m", "--user", "user-07").out
        assert "title" in run("recommend", model, "--user", "user-07").out

    def test_a_title_that_two_items_share_is_a_reason_once(self, run, tmp_path):
        events, items = tmp_path / "e.csv", tmp_path / "i.csv"
        events.write_text("user_id,item_id,timestamp\na,x,1\na,y,2\na,z,3\nb,x,1\nb,y,2\n", encoding="utf-8")
        items.write_text("item_id,title\nx,Twin\ny,Twin\nz,Jam\n", encoding="utf-8")
        assert run("train", events, items, "--encoder", "lexical", "--out", tmp_path / "m").code == 0
        done = run("recommend", tmp_path / "m", "--user", "b", "--why")
        assert "Twin" in done.out
        assert "Twin and Twin" not in " ".join(done.out.replace("│", " ").split())


def test_chinese_is_written_whatever_the_locale(run, program, tmp_path):
    events, items = tmp_path / "e.csv", tmp_path / "i.csv"
    events.write_text("用户,商品,时间\n李,茶,1\n李,杯,2\n王,茶,3\n", encoding="utf-8")
    items.write_text("商品,标题\n茶,龙井绿茶\n杯,青花瓷杯\n", encoding="utf-8")
    assert run("train", events, items, "--encoder", "lexical", "--out", tmp_path / "模型").code == 0
    for words, said in (([], "青花瓷杯"), (["--json"], '"items": ["杯"]')):
        done = program("recommend", tmp_path / "模型", "--user", "王", *words, PYTHONIOENCODING="ascii")
        assert done.code == 0, done.err
        assert said in done.out


class TestFilters:
    def test_they_are_kept_to(self, run, files, model, tmp_path):
        wanted = tmp_path / "wanted.txt"
        wanted.write_text("\n".join(f"item-{k:02d}" for k in range(40)), encoding="utf-8")
        barred = tmp_path / "barred.txt"
        barred.write_text("\n".join(f"item-{k:02d}" for k in range(20)), encoding="utf-8")
        done = run("recommend", model, "--user", "user-07", "--candidates", wanted, "--exclude", barred, "--repeats",
                   "--diversity", 0.4, "--k", 50, "--json")  # fmt: skip
        assert sorted(done.lines[0]["items"]) == [f"item-{k:02d}" for k in range(20, 40)]

    def test_domain_and_category(self, run, model):
        catalogue = load(model).model.catalogue
        for option, value in (("--domain", catalogue.domain[3]), ("--category", catalogue.categories[3][0])):
            done = run("recommend", model, "--user", "user-07", option, value, "--json")
            rows = [catalogue.items.code(item) for item in done.lines[0]["items"]]
            assert rows
            for row in rows:
                assert value in (catalogue.domain[row], *catalogue.categories[row])

    def test_unknown_users_by_policy(self, run, files, model):
        assert run("recommend", model, "--user", "stranger", "--unknown", "skip", "--json").lines[0]["items"] == []
        done = run("recommend", model, "--user", "stranger", "--unknown", "error", "--json")
        assert done.code == 2
        assert done.out == ""
        assert "'stranger' has no history" in done.err


def test_an_empty_file_of_users_asks_for_nobody(run, model, tmp_path):
    (tmp_path / "none.txt").write_text("\n\n")
    done = run("recommend", model, "--users", tmp_path / "none.txt", "--json")
    assert (done.code, done.out) == (0, "")
