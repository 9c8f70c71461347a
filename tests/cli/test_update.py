"""`evorec update`: from a saved model and a file of new events to a newer model, or to a clear sentence."""

import shutil

import pytest

from evorec.recipes.training import load


@pytest.fixture(scope="module")
def old(files, program, tmp_path_factory):
    """A model of the older part of the log, and files: that part, and the newer one with a stranger and a new item."""
    folder = tmp_path_factory.mktemp("update")
    header, *rows = (files / "events.csv").read_text(encoding="utf-8").splitlines()
    rows.sort(key=lambda row: int(row.rsplit(",", 1)[1]))
    cut = int(0.6 * len(rows))
    newest = int(rows[-1].rsplit(",", 1)[1])
    new = [*rows[cut - 10 :], f"stranger,item-00,{newest + 9}", f"stranger,brand-new,{newest + 20}"]
    for name, held in (("old", rows[:cut]), ("new", new)):
        (folder / f"{name}.csv").write_text("\n".join([header, *held]), encoding="utf-8")
    (folder / "items.csv").write_text("item_id,title\nbrand-new,a guitar\n", encoding="utf-8")
    done = program("train", folder / "old.csv", files / "items.csv", "--encoder", "lexical", "--out", folder / "m")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def copy(old, tmp_path):
    shutil.copytree(old / "m", tmp_path / "m")
    return tmp_path / "m"


def test_into_another_folder(run, old, tmp_path, monkeypatch):
    monkeypatch.setattr("evorec.recipes.updating.LEAST_QUERIES", 1)  # so few are new here that no gain would be told
    before = load(old / "m").model.card
    done = run("update", old / "m", old / "new.csv", old / "items.csv", "--output", tmp_path / "newer", "--json")
    assert done.code == 0, done.err
    (told,) = done.lines
    new = len((old / "new.csv").read_text().splitlines()) - 1
    assert told["model"] == str(tmp_path / "newer")
    assert told["update"]["events"] + told["update"]["duplicates"] == new
    assert told["update"]["duplicates"] == 10
    assert told["update"]["users"] >= 1
    gain = told["update"]["gain"]
    assert gain["queries"] >= gain["users"] >= 1
    for metric in ("ndcg", "recall"):
        told_of = gain[metric]
        assert told_of["difference"]["mean"] == pytest.approx(told_of["updated"] - told_of["stale"])
    assert "the newest tenth held out" in done.err
    assert "known already" in done.err
    engine = load(tmp_path / "newer")
    assert engine.model.card.trained_until > before.trained_until
    assert engine.model.card.notes[-1].startswith("updated on ")
    assert "brand-new" in engine.model.items.ids
    assert load(old / "m").model.card == before
    assert run("recommend", tmp_path / "newer", "--user", "stranger").code == 0


def test_in_place_and_again(run, old, copy):
    first = run("update", copy, old / "new.csv")
    assert first.code == 0
    assert "gain not measured: the newest tenth holds" in first.err
    card = load(copy).model.card
    again = run("update", copy, old / "new.csv")
    assert again.code == 0
    assert "stays as it is" in again.err
    assert load(copy).model.card == card
    assert run("update", copy, old / "new.csv", "--quiet").err == ""


def test_columns_are_mapped(run, old, copy, tmp_path):
    text = (old / "new.csv").read_text(encoding="utf-8")
    (tmp_path / "odd.csv").write_text("wer,was,wann" + text[text.index("\n") :], encoding="utf-8")
    words = [word for pair in ("user_id=wer", "item_id=was", "timestamp=wann") for word in ("--map", pair)]
    refused = run("update", copy, tmp_path / "odd.csv")
    assert (refused.code, refused.out) == (2, "")
    assert "mend:" in refused.err
    assert run("update", copy, tmp_path / "odd.csv", *words).code == 0


def test_mistakes_leave_the_model_alone(run, old, copy, tmp_path):
    card = load(copy).model.card
    (tmp_path / "file").write_text("mine")
    for words, code, said in (
        ((copy, tmp_path / "missing.csv"), 2, "missing.csv"),
        ((tmp_path / "nowhere", old / "new.csv"), 1, "not a saved evorec model"),
        ((copy, old / "new.csv", "--output", tmp_path / "file"), 2, "is not a folder"),
        ((copy,), 2, "Missing argument"),
    ):
        done = run("update", *words)
        assert (done.code, done.out) == (code, "")
        assert said in done.err
    assert load(copy).model.card == card
    shutil.rmtree(copy / "users")
    done = run("update", copy, old / "new.csv")
    assert done.code == 2
    assert "users/" in done.err
    assert "train on the whole log" in done.err


def test_an_interrupt_leaves_the_model_alone(run, old, copy, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    card = load(copy).model.card
    monkeypatch.setattr("evorec.store.memory.MemoryLog.columns", interrupt)
    done = run("update", copy, old / "new.csv")
    assert done.code == 130
    monkeypatch.undo()
    assert load(copy).model.card == card
