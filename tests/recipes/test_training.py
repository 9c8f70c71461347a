"""Training and saving: the same seed gives the same lists, here and in a new process; damage is noticed."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue, Users
from evorec.core.errors import ArtifactError, InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.data.feedback import Feedback
from evorec.data.load import load_events
from evorec.data.simulate import SimulationConfig, simulate
from evorec.engine.engine import Engine
from evorec.engine.request import Request
from evorec.models.base import RunOptions
from evorec.recipes.config import fast
from evorec.recipes.training import fit, for_visitors, load
from evorec.store.memory import MemoryLog

USERS = [f"user-{number:02d}" for number in range(0, 100, 9)]
PARTS = ("model", "users")


def lists(engine):
    return [engine.recommend(USERS, Request(k=20)).list_of(q) for q in range(len(USERS))]


def test_the_same_seed_gives_the_same_lists():
    data = simulate(SimulationConfig(users=60, items=50, topics=3, events_per_user=12), seed=3).dataset
    one, other = (fit(data, fast("lexical"), RunOptions(seed=4)) for _ in range(2))
    asked = [engine.recommend(engine.log.user_ids()) for engine in (one, other)]
    assert np.array_equal(asked[0].item, asked[1].item)
    assert np.array_equal(asked[0].score, asked[1].score, equal_nan=True)
    assert one.model.card == other.model.card


def test_the_card_tells_where_a_model_comes_from(engine, simulation):
    card = engine.model.card
    events = simulation.events
    assert (card.recipe, card.encoder, card.events) == ("fast", "lexical", len(events))
    assert card.users == len(np.unique(events.user))
    assert card.items == len(np.unique(events.item))
    assert (card.trained_from, card.trained_until) == (events.timestamp.min(), events.timestamp.max())
    assert card.notes


def test_a_saved_model_gives_the_same_lists_in_a_new_process(engine, saved):
    code = f"""
import json, sys
import evorec
from evorec.engine.request import Request
engine = evorec.load({str(saved)!r})
asked = engine.recommend({USERS!r}, Request(k=20))
view = engine.interests({USERS[1]!r})
why = engine.explain({USERS[1]!r}, asked.list_of(1)[0])
print(json.dumps([list(asked.records()), view.ranked(), [e.scorer for e in why]]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked = engine.recommend(USERS, Request(k=20))
    told = [
        list(asked.records()),
        engine.interests(USERS[1]).ranked(),
        [e.scorer for e in engine.explain(USERS[1], asked.list_of(1)[0])],
    ]
    assert json.loads(done.stdout) == json.loads(json.dumps(told))


def test_saving_again_writes_the_same_bytes(engine, saved, tmp_path):
    again = load(saved)
    again.save(tmp_path / "again")
    for part in PARTS:
        files = sorted(path.relative_to(saved / part) for path in (saved / part).rglob("*") if path.is_file())
        assert files
        for name in files:
            assert (saved / part / name).read_bytes() == (tmp_path / "again" / part / name).read_bytes(), name


def test_what_was_observed_and_added_is_saved(fresh, tmp_path):
    engine = fresh()
    engine.add_items(Catalogue.create(item_ids=["new"], title=["acoustic guitar"], categories=[("music",)]))
    engine.observe("newcomer", "new", engine.now)
    engine.observe(USERS[0], "new", engine.now)
    engine.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.now == engine.now
    assert lists(loaded) == lists(engine)
    assert not loaded.recommend(["newcomer"]).fallback.any()
    assert "newcomer" in loaded.log.user_ids()
    assert loaded.similar_items("new") == engine.similar_items("new")
    # A loaded model reads further items with the encoder it was saved with.
    for one in (engine, loaded):
        one.add_items(Catalogue.create(item_ids=["newer"], title=["violin concert"]))
    np.testing.assert_allclose(loaded.model.items.embedding, engine.model.items.embedding, atol=1e-6)


def every_file(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_flipped_byte_in_any_file_is_noticed(saved, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    names = every_file(copy)
    assert {name.split("/")[0] for name in names} == set(PARTS)
    for name in names:
        whole = (copy / name).read_bytes()
        for place in {0, len(whole) // 3, len(whole) - 1}:
            (copy / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(ArtifactError):
                load(copy)
        (copy / name).write_bytes(whole)
    assert lists(load(copy)) == lists(load(saved))


class TestDamagedInterests:
    """A file of interests that does not hold what it should is a clear error, whatever is wrong with it."""

    @pytest.fixture
    def copy(self, saved, tmp_path):
        shutil.copytree(saved, tmp_path / "copy")
        return tmp_path / "copy"

    @pytest.mark.parametrize("how", ["cut short", "empty", "another file", "gone"])
    def test_on_disk(self, copy, how):
        path = copy / "model" / "interests.safetensors"
        whole = path.read_bytes()
        if how == "gone":
            path.unlink()
        else:
            other = (copy / "model" / "whitening.safetensors").read_bytes()
            path.write_bytes({"cut short": whole[: len(whole) // 2], "empty": b"", "another file": other}[how])
        with pytest.raises(ArtifactError, match=r"interests\.safetensors") as told:
            load(copy)
        assert told.value.mend

    def test_arrays_come_back_bit_for_bit(self, engine, saved):
        one, other = engine.model.interests, load(saved).model.interests
        assert one.settings() == other.settings()
        assert set(one.arrays()) == set(other.arrays())
        for name, held in one.arrays().items():
            assert other.arrays()[name].tobytes() == np.ascontiguousarray(held).tobytes(), name


class TestFeedback:
    """Actions and values weigh events: what speaks for an interest is counted, what speaks against it is remembered."""

    LOG = (
        ("a", "x", 1, "view"),
        ("a", "y", 2, ""),
        ("a", "y", 3, "cancel"),
        ("b", "x", 4, "跳过"),
        ("b", "y", 5, "buy"),
    )

    def engine(self, feedback=None, **columns):
        user_ids, item_ids, times, actions = zip(*self.LOG, strict=True)
        log = Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=times, actions=actions, **columns)
        catalogue = Catalogue.create(item_ids=["x", "y"], categories=[("tea",), ("books",)])
        return fit(Dataset.create(log, catalogue), replace(fast("lexical"), feedback=feedback or Feedback()))

    def test_weights_and_remarks(self, tmp_path):
        engine = self.engine()
        engine.save(tmp_path / "m")
        for one in (engine, load(tmp_path / "m")):
            asked = one.queries(["a", "b"])
            assert one.model.items.ids.decode(asked.item) == ["x", "y", "y"]
            np.testing.assert_allclose(asked.weight, [0.3, 1, 1])
            assert asked.remarks.offsets.tolist() == [0, 1, 2]
            np.testing.assert_allclose(asked.remarks.weight, [-1, -0.3])
            assert asked.remarks.timestamp.tolist() == [3, 4]

    def test_counts_are_of_what_speaks_for_an_interest(self):
        engine = self.engine()
        assert engine.model.card.events == 3
        assert engine.model.trained_until == 5
        assert engine.now == 6

    def test_the_recipe_says_what_counts(self):
        asked = self.engine(Feedback(actions={"view": 1.0, "cancel": 2.0, "跳过": 1.0})).queries(["a", "b"])
        assert asked.weight.tolist() == [1, 1, 2, 1, 1]
        assert asked.remarks is None

    def test_ratings(self):
        engine = self.engine(Feedback(value="rating", actions={"cancel": 1.0}), values=[5, 1, 4, 5, np.nan])
        asked = engine.queries(["a", "b"])
        np.testing.assert_allclose(asked.weight, [0.3, 0.75, 1])
        np.testing.assert_allclose(asked.remarks.weight, [-1, -0.3])

    def test_words_of_a_bad_review_speak_against_what_they_name(self):
        texts = ["", "", "books and more books", "", "tea"]
        log = self.engine(texts=texts, values=[np.nan] * 5)
        said = log.queries(["a", "b"]).remarks
        np.testing.assert_allclose(said.weight, [-1, -1, -0.3, 1])
        assert log.interests("a").short_term[log.model.topics.names.index("books")] == 0

    def test_only_what_speaks_against(self):
        log = Events.create(user_ids="ab", item_ids="xy", timestamps=[1, 2], actions=["cancel", "skip"])
        with pytest.raises(InputError, match="log is empty"):
            fit(Dataset.create(log), fast("lexical"))

    def test_what_comes_later_is_weighed_the_same_way(self, tmp_path):
        engine = self.engine(Feedback(actions={"buy": 3.0}))
        engine.save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        assert loaded.observe("c", "x", 9, action="buy")
        assert loaded.queries(["c"]).weight.tolist() == [3.0]


RETURNS = (  # user, item, day, pieces
    ("a", "x", "2024-01-01", 3), ("a", "y", "2024-01-02", 1), ("b", "x", "2024-01-03", 2), ("a", "y", "2024-01-04", -1),
    ("b", "y", "2024-01-05", 1), ("b", "x", "2024-01-05", -2), ("c", "z", "2024-01-06", -1),
)  # fmt: skip


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """One trained on the file, one on its purchases alone, and that one told the returns one by one, late first."""
    path = tmp_path_factory.mktemp("returns") / "log.csv"
    rows = [f"{user},{item},{day},{pieces}" for user, item, day, pieces in RETURNS]
    catalogue = Catalogue.create(item_ids=["x", "y", "z"], categories=[("tea",), ("books",), ("tea",)])
    built = []
    for kept in (rows, [row for row in rows if not row.split(",")[-1].startswith("-")]):
        path.write_text("\n".join(["用户编号,商品编号,时间,数量", *kept]), encoding="utf-8")
        dataset = Dataset.create(load_events(path)[0], catalogue)
        built.append(fit(dataset, fast("lexical")))
    read, plain = built
    streamed = Engine(plain.model, MemoryLog(dataset.events))
    for user, item, day, pieces in reversed(RETURNS):
        if pieces < 0:
            at = int(np.datetime64(day, "us").astype(np.int64))
            assert streamed.observe(user, item, at, action="return")
    return read, plain, streamed


class TestReturnsInAFile:
    """What a file says was returned counts as what an engine is told was returned, and nowhere else."""

    def test_streamed_is_read(self, engines):
        read, _, streamed = engines
        assert read.now == streamed.now
        one, other = (engine.queries(["a", "b", "c"]) for engine in (read, streamed))
        for name in ("offsets", "item", "timestamp"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        for name in ("offsets", "weight", "timestamp", "topics"):
            assert np.array_equal(getattr(one.remarks, name), getattr(other.remarks, name)), name
        assert one.remarks.weight.tolist() == [-1, -1, -1]
        asked = [engine.recommend(["a", "b"], Request(repeats=True)) for engine in (read, streamed)]
        assert np.array_equal(asked[0].item, asked[1].item)
        np.testing.assert_allclose(asked[0].score, asked[1].score, atol=1e-6)

    def test_they_are_counted_nowhere(self, engines):
        read, plain, _ = engines
        assert read.model.card == plain.model.card
        assert np.array_equal(read.model.items.first_seen, plain.model.items.first_seen)
        assert read.model.blend.weights.tolist() == plain.model.blend.weights.tolist()
        for one, other in zip(read.model.blend.scorers, plain.model.blend.scorers, strict=True):
            for name, held in one.arrays().items():
                np.testing.assert_array_equal(held, other.arrays()[name], err_msg=f"{one.name}: {name}")

    def test_they_move_the_interests_away(self, engines):
        read, plain, _ = engines
        books = read.model.topics.names.index("books")
        assert read.interests("a").short_term[books] < plain.interests("a").short_term[books]

    def test_visitors_are_read_alike(self, engines, tmp_path):
        _, plain, _ = engines
        (tmp_path / "log.csv").write_text(
            "user,item,time,qty\nv,x,2024-01-01,1\nv,y,2024-01-02,1\nv,y,2024-01-03,-1\n", encoding="utf-8"
        )
        visitors, unknown = for_visitors(plain, load_events(tmp_path / "log.csv")[0])
        asked = visitors.queries(["v"])
        assert (unknown, asked.item.tolist(), asked.remarks.weight.tolist()) == (0, [0, 1], [-1])


def test_everybody_of_the_users_table_is_known(tmp_path):
    log = Events.create(user_ids=["ann", "bo"], item_ids=["tent", "map"], timestamps=[1, 2])
    users = Users(users=Vocabulary(("ann", "cy", "di")), interests=((), ("tent",), ()))
    engine = fit(Dataset.create(log, users=users), fast("lexical"))
    engine.save(tmp_path)
    for held in (engine, load(tmp_path)):
        assert sorted(held.remarks.user_ids()) == ["ann", "cy", "di"]
        assert held.recommend(["di", "nobody"]).fallback.all()


def test_without_users_the_model_still_loads(saved, simulation, tmp_path):
    shutil.copytree(saved / "model", tmp_path / "model")
    alone = load(tmp_path)
    assert alone.log.user_ids() == []
    assert alone.recommend(USERS).fallback.all()
    history = [(simulation.events.items.ids[3], alone.now - 5)]
    asked = alone.recommend_for(alone.queries_from([history]), ("guest",))
    assert not asked.fallback.any()
    assert asked.list_of(0)


def test_no_user_id_is_in_the_model(saved):
    for path in (saved / "model").rglob("*"):
        assert not path.is_file() or b"user-" not in path.read_bytes(), path.name


def test_users_of_another_model_are_refused(saved, tmp_path):
    other = fit(simulate(SimulationConfig(users=20, items=20, topics=2), seed=5).dataset, fast("lexical"))
    other.save(tmp_path)
    shutil.rmtree(tmp_path / "users")
    shutil.copytree(saved / "users", tmp_path / "users")
    with pytest.raises(ArtifactError, match="belongs to another model"):
        load(tmp_path)


def test_what_is_no_model_is_named(tmp_path):
    with pytest.raises(ArtifactError, match="not a saved evorec model"):
        load(tmp_path)
    with pytest.raises(ArtifactError, match="not a saved evorec model"):
        load(tmp_path / "nowhere")


class TestSmallAndOddLogs:
    def test_an_empty_log_is_refused(self):
        with pytest.raises(InputError, match="empty"):
            fit(Dataset.create(Events.create(user_ids=[], item_ids=[], timestamps=[])), fast("lexical"))

    @pytest.mark.parametrize(
        "rows",
        [
            [("a", "x", 1)],
            [("a", "x", 1), ("a", "y", 1), ("b", "x", 1)],
            [("a", "x", t) for t in range(30)],
            [(f"u{k}", f"i{k}", k) for k in range(40)],
        ],
        ids=["one event", "one moment", "one item", "strangers"],
    )
    @pytest.mark.parametrize("titled", [False, True])
    def test_it_always_answers(self, rows, titled, tmp_path):
        user_ids, item_ids, times = zip(*rows, strict=True)
        log = Events.create(user_ids=user_ids, item_ids=item_ids, timestamps=times)
        catalogue = Catalogue.create(item_ids=log.items, title=[f"标题 {i}" for i in log.items]) if titled else None
        engine = fit(Dataset.create(log, catalogue), fast("lexical"))
        assert engine.recommend([user_ids[0], "stranger"], Request(repeats=True)).list_of(1)
        assert not titled or engine.interests(user_ids[0]).events.size
        engine.save(tmp_path / "m")
        one, other = (e.recommend(["stranger"]).list_of(0) for e in (engine, load(tmp_path / "m")))
        assert one == other

    def test_words_without_items_do_not_disturb(self):
        log = Events.create(
            user_ids=["a", "a", "b", "b", "c"], item_ids=["x", "", "x", "y", ""], timestamps=[1, 2, 3, 4, 5],
            texts=["", "茶", "", "", "tea"],
        )  # fmt: skip
        engine = fit(Dataset.create(log), fast("lexical"))
        assert engine.recommend(["a"]).list_of(0) == ["y"]
        assert engine.recommend(["c"]).fallback.tolist() == [True]  # in words that no item of this shop has
        assert engine.recommend(["d"]).fallback.tolist() == [True]


def test_a_log_too_short_for_a_part_says_so():
    log = Events.create(
        user_ids=list("aabbc"), item_ids=["tent", "map", "tent", "map", "tent"], timestamps=[1, 2, 1, 3, 4]
    )
    notes = fit(Dataset.create(log), fast("lexical")).model.card.notes
    (told,) = [note for note in notes if note.startswith("not fitted: ")]
    assert "forecast" in told and "alarms" in told
