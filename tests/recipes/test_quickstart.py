"""The quickstart: from files or tables to an engine in one call."""

import csv
import shutil

import pytest

import evorec
from evorec.core.catalogue import Users
from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.recipes.quickstart import load_dataset, train

ROWS = [("ann", "tent", 1), ("ann", "map", 2), ("bo", "tent", 3), ("bo", "map", 4), ("李", "tent", 5)]
ITEMS = [("tent", "Light tent", "outdoors"), ("map", "登山地图", "outdoors|books"), ("lamp", "Head lamp", "outdoors")]


@pytest.fixture
def files(tmp_path):
    for name, header, rows in (
        ("events.csv", ("user_id", "item_id", "timestamp"), ROWS),
        ("items.csv", ("item_id", "title", "categories"), ITEMS),
    ):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([header, *rows])
    return tmp_path / "events.csv", tmp_path / "items.csv"


def test_files(files):
    engine = train(*files, recipe=evorec.fast("lexical"))
    assert engine.recommend(["李"]).list_of(0)[0] == "map"
    assert engine.model.catalogue.title[engine.model.items.ids.code("map")] == "登山地图"


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_tables(files, package):
    frames = pytest.importorskip(package)
    events, items = (frames.read_csv(path) for path in files)
    engine = train(events, items, recipe=evorec.fast("lexical"))
    from_files = train(*files, recipe=evorec.fast("lexical"))
    assert engine.recommend(["李"]).list_of(0) == from_files.recommend(["李"]).list_of(0)


class TestUsers:
    """A table of users: who declared interests is no stranger."""

    ROWS = "user_id,interests,city\ncold,outdoors,Oslo\n新人,books,上海\nquiet,,Bergen\nann,books|outdoors,Oslo\n"

    @pytest.fixture
    def people(self, tmp_path):
        (tmp_path / "users.csv").write_text(self.ROWS, encoding="utf-8")
        return tmp_path / "users.csv"

    def test_a_cold_user_who_declared_interests(self, files, people):
        engine = train(*files, people, recipe=evorec.fast("lexical"))
        asked = engine.recommend(["cold", "新人", "quiet", "stranger"])
        assert asked.fallback.tolist() == [False, False, True, True]
        assert all(asked.list_of(q) for q in range(4))
        for user, topic in (("cold", "outdoors"), ("新人", "books")):
            assert engine.interests(user).ranked()[0]["topic"] == topic

    def test_it_has_its_report(self, files, people):
        loaded = load_dataset(*files, people)
        assert len(loaded.reports) == 3
        users = loaded.dataset.users
        assert users.interests[users.users.code("ann")] == ("books", "outdoors")

    def test_our_own_type_passes_through(self, files):
        users = Users(users=Vocabulary(("cold",)), interests=(("outdoors",),))
        loaded = load_dataset(*files, users)
        assert loaded.dataset.users is users
        assert len(loaded.reports) == 2
        engine = train(*files, users, recipe=evorec.fast("lexical"))
        assert engine.recommend(["cold"]).fallback.tolist() == [False]

    def test_declared_before_the_first_event(self, files, people):
        engine = train(*files, people, recipe=evorec.fast("lexical"))
        asked = engine.queries(["ann"])
        assert asked.remarks.timestamp.max() < asked.timestamp.min()

    def test_saved_with_the_users_and_gone_without_them(self, files, people, tmp_path):
        engine = train(*files, people, recipe=evorec.fast("lexical"))
        engine.save(tmp_path / "m")
        loaded = evorec.load(tmp_path / "m")
        assert loaded.recommend(["cold"]).list_of(0) == engine.recommend(["cold"]).list_of(0)
        for path in (tmp_path / "m" / "model").rglob("*"):
            assert not path.is_file() or "新人".encode() not in path.read_bytes()
        shutil.rmtree(tmp_path / "m" / "users")
        assert evorec.load(tmp_path / "m").recommend(["cold"]).fallback.tolist() == [True]


def test_actions_in_the_file_weigh_events(tmp_path):
    (tmp_path / "log.csv").write_text(
        "user_id,item_id,timestamp,action\na,tea,1,浏览\na,cup,2,purchase\na,cup,3,不喜欢\nb,tea,4,purchase\n",
        encoding="utf-8",
    )
    asked = train(tmp_path / "log.csv", recipe=evorec.fast("lexical")).queries(["a", "b"])
    assert asked.weight.round(2).tolist() == pytest.approx([0.3, 1, 1])
    assert asked.remarks.weight.tolist() == [-1]
    assert asked.remarks.offsets.tolist() == [0, 1, 1]


def test_our_own_types_pass_through(files):
    events, _ = evorec.load_events(files[0])
    items, _ = evorec.load_catalogue(files[1])
    loaded = load_dataset(events, items)
    assert loaded.reports == ()
    assert len(loaded.dataset.items) == 3


def test_every_file_has_its_report(files):
    loaded = load_dataset(*files)
    assert len(loaded.reports) == 2
    assert len(loaded.dataset.events) == 5


def test_a_title_in_the_event_file_makes_the_catalogue(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("Customer,Code,When,Words\na,x,5,Red tea\nb,x,6,Red tea\nb,y,7,Blue cup\n", encoding="utf-8")
    columns = {"user_id": "Customer", "item_id": "Code", "timestamp": "When", "title": "Words"}
    data = load_dataset(path, columns=columns).dataset
    assert data.catalogue.title == ("Red tea", "Blue cup")


def test_faults_are_named(files, tmp_path):
    with pytest.raises(InputError, match=r"missing\.csv does not exist"):
        train(tmp_path / "missing.csv")
    with pytest.raises(InputError, match="no recipe 'slow'"):
        train(*files, recipe="slow")
    with pytest.raises(InputError, match="Nobody"):
        load_dataset(files[0], columns={"user_id": "Nobody"})


def test_times_without_a_zone_are_read_in_one_zone_in_both_files(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,time\nann,tea,2024-05-01 08:00\n", encoding="utf-8")
    (tmp_path / "items.csv").write_text("item,title,available_from\ntea,Tea,2024-05-01 08:00\n", encoding="utf-8")
    data = load_dataset(tmp_path / "log.csv", tmp_path / "items.csv", timezone="Asia/Shanghai").dataset
    assert data.catalogue.available_from.tolist() == data.events.timestamp.tolist() == [1_714_521_600_000_000]
