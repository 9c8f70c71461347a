"""`evorec tune`: a recipe as a file, which the other commands take."""

import json

import pytest

pytest.importorskip("optuna")


@pytest.fixture
def tuned(run, files, tmp_path):
    """A function: tune for an instant, with these words added."""

    def go(*words):
        return run("tune", files / "events.csv", files / "items.csv", "--encoder", "lexical", "--minutes", "0.01",
                   "--output", tmp_path / "tuned.json", *words)  # fmt: skip

    return go


def test_a_recipe_is_found_and_taken(run, files, tmp_path, tuned):
    done = tuned("--json")
    assert done.code == 0, done.err
    (told,) = done.lines
    assert told["gain"] == pytest.approx(told["after"] - told["before"])
    assert "optimistic" in told["note"]
    assert "trial 0 (nothing): NDCG@10" in done.err
    assert json.loads((tmp_path / "tuned.json").read_text(encoding="utf-8"))["tuning"]["trials"] == told["trials"]

    again = tuned("--json")
    assert again.lines[0]["trials"] > told["trials"]  # it went on
    assert f"trial {told['trials']} (" in again.err

    trained = run("train", files / "events.csv", files / "items.csv", "--recipe", tmp_path / "tuned.json", "--out",
                  tmp_path / "m", "--json")  # fmt: skip
    assert trained.code == 0, trained.err
    assert trained.lines[0]["card"]["recipe"] == "fast (tuned)"
    assert trained.lines[0]["card"]["encoder"].startswith("lexical")
    judged = run("evaluate", files / "events.csv", "--recipe", tmp_path / "tuned.json", "--protocol", "next", "--json")
    assert judged.code == 0, judged.err
    assert "fast (tuned)" in judged.out


def test_mistakes_are_named(run, files, tmp_path, tuned):
    (tmp_path / "tuned.json").write_text('{"kind": "other"}', encoding="utf-8")
    done = tuned()
    assert (done.code, "exists" in done.err, done.out) == (2, True, "")
    train = ("train", files / "events.csv", "--out", tmp_path / "m", "--recipe")
    for name, said in ((tmp_path / "tuned.json", "is no saved recipe"), (tmp_path / "none.json", "no such file")):
        done = run(*train, name)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    for words, said in ((("--minutes", "0"), "--minutes"), (("--output", tmp_path / "x.toml"), "does not end in")):
        done = run("tune", files / "events.csv", *words)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
