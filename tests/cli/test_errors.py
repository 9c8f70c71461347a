"""A user's mistake ends with a sentence and its mend, exit code 2, and nothing on standard output."""

import shutil

import pytest


@pytest.fixture
def mistake(run, files, model, tmp_path):
    """A function: the error message of a command that must fail as a user's mistake."""
    (tmp_path / "file").write_text("mine")
    places = {"FILES": files, "MODEL": model, "TMP": tmp_path}

    def go(command, code=2):
        words = command.split()
        for name, path in places.items():
            words = [word.replace(name, str(path)) for word in words]
        done = run(*words)
        assert done.code == code, done.err
        assert done.out == ""
        return " ".join(done.err.split())

    return go


TRAIN = "train FILES/events.csv FILES/items.csv --encoder lexical --out TMP/m"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train TMP/missing.csv --out TMP/m", "missing.csv"),
        ("train FILES/events.csv TMP/missing.csv --out TMP/m", "missing.csv"),
        (f"{TRAIN} --map user_id", "OURS=THEIRS"),
        (f"{TRAIN} --map user_id=Nobody", "Nobody"),
        (f"{TRAIN} --recipe slow", "no recipe 'slow'"),
        (f"{TRAIN} --timezone Mars/Base", "Mars/Base"),
        (f"{TRAIN}/ --seed x", "--seed"),
        ("train FILES/events.csv --encoder lexical --out TMP/file", "is not a folder"),
        ("recommend MODEL --user ann --as-of yesterday", "'yesterday' is no moment"),
        ("recommend MODEL --user ann --as-of inf", "'inf' is no moment"),
        ("recommend MODEL --user ann --as-of nan", "'nan' is no moment"),
        ("recommend MODEL --user ann --as-of 1e300", "'1e300' is no moment"),
        ("recommend MODEL", "say for whom"),
        ("recommend MODEL --all --user ann", "say for whom"),
        ("recommend MODEL --users TMP/missing.txt", "missing.txt"),
        ("recommend MODEL --users TMP", "TMP"),
        ("recommend MODEL --history TMP/missing.csv", "missing.csv"),
        ("recommend MODEL --user ann --k 0", "--k"),
        ("recommend MODEL --user ann --unknown guess", "unknown policy 'guess'"),
        ("recommend MODEL --user ann --domain Mars", "no item has the domain 'Mars'"),
        ("recommend MODEL --user ann --category Mars", "no item has the category 'Mars'"),
        ("recommend MODEL --all --out TMP/recs.xyz", "recs.xyz"),
        (f"{TRAIN} --value stars", "'stars'"),
        (f"{TRAIN} --action-weight view=much", "ACTION=WEIGHT"),
        (f"{TRAIN} --action-weight veiw=0.2", "--action-weight names veiw, but the log has no actions"),
        (f"{TRAIN} --rating-range 0 10", "--rating-range without ratings"),
        (f"{TRAIN} --value rating --rating-range 5 5", "ratings run from 5.0 to 5.0"),
        (f"{TRAIN} --users FILES/items.csv", "has no column for user_id"),
        ("evaluate FILES/events.csv --encoder lexical --users TMP/missing.csv", "missing.csv"),
        ("compare FILES/events.csv --encoder lexical --action-weight veiw=1", "--action-weight names veiw"),
        ("evaluate FILES/events.csv --encoder lexical --value stars", "'stars'"),
        ("interests user-07 --model MODEL --plot TMP/x.gif", "x.gif"),
        ("evaluate FILES/events.csv --protocol sometimes --encoder lexical", "sometimes"),
        ("evaluate FILES/events.csv --clock sundial --encoder lexical", "sundial"),
        ("data split FILES/events.csv --out TMP/s --fraction 2", "--fraction"),
        ("data clean FILES/events.csv --out TMP/clean.xyz", "clean.xyz"),
        (f"{TRAIN} --seed -1", "--seed"),
        ("data fetch everything --out TMP/x", "everything"),
        ("nonsense", "nonsense"),
    ],
)
def test_mistakes_are_named(mistake, tmp_path, command, said):
    assert said.replace("TMP", tmp_path.name) in mistake(command)


def test_a_folder_that_is_no_model(mistake):
    assert "not a saved evorec model" in mistake("recommend TMP --user ann", code=1)
    assert "not a saved evorec model" in mistake("recommend TMP/nowhere --user ann", code=1)


def test_a_damaged_model(run, model, tmp_path):
    shutil.copytree(model, tmp_path / "copy")
    path = tmp_path / "copy" / "model" / "items.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = run("recommend", tmp_path / "copy", "--user", "user-07", "--json")
    assert (done.code, done.out) == (1, "")
    assert "damaged" in done.err
    assert "mend:" in done.err


def test_a_folder_of_somebody_else_is_left_alone(run, files, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("mine")
    done = run("train", files / "events.csv", "--encoder", "lexical", "--out", tmp_path)
    assert done.code == 2
    assert (tmp_path / "model" / "thesis.txt").read_text() == "mine"


def test_a_process_of_its_own_shows_no_traceback(program, tmp_path):
    done = program("train", tmp_path / "missing.csv")
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["data clean FILE --out FILE/x.csv", "data split FILE --out FILE"])
def test_a_file_where_a_folder_should_be_is_named(program, files, command):
    file = str(files / "events.csv")
    done = program(*command.replace("FILE", file).split())
    assert done.code == 1
    assert "Traceback" not in done.err
    assert file in done.err


def test_a_place_that_cannot_hold_a_model_is_refused_before_training(mistake):
    message = mistake("train FILES/events.csv --encoder lexical --out TMP/file")
    assert "is not a folder" in message
    assert "rows in" not in message
