"""Views as pictures: each kind of file, both languages, the labels people need, and views that know little."""

from xml.etree import ElementTree

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.engine.pictures import draw_interests, draw_population, outlook_of, river_of
from evorec.plots.theme import cjk_fonts
from evorec.recipes.config import fast
from evorec.recipes.training import fit

pytest.importorskip("matplotlib", reason="needs the extra evorec[plot]")

STARTS = {"svg": b"<?xml", "html": b"<!doctype", "png": b"\x89PNG"}
LABELS = {
    "en": {"Interests of user user-000", "time (UTC)", "Short-term against long-term interest", "Journeys", "80% band"},
    "zh": {"用户 user-000 的兴趣", "时间 (UTC)", "短期兴趣与长期兴趣", "兴趣旅程", "80% 区间"},
}
ALL_LABELS = {"en": "Interests of everybody", "zh": "所有人的兴趣"}


def words_of(path):
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    return [e.text for e in root.iter() if e.tag.endswith("}text") and e.text]


@pytest.fixture(scope="module")
def view(shop_engine):
    return shop_engine.interests("user-000")


@pytest.fixture(scope="module")
def everybody(shop_engine):
    return shop_engine.population()


@pytest.fixture(scope="module")
def little():
    """An engine of two users and three events."""
    log = Events.create(user_ids="abb", item_ids="xxy", timestamps=[DAY, 3 * DAY, 4 * DAY])
    catalogue = Catalogue.create(item_ids=["x", "y"], categories=[("茶",), ("books & <more>",)], title=["绿茶", "$1$"])
    return fit(Dataset.create(log, catalogue), fast("lexical"))


@pytest.mark.parametrize(("suffix", "language"), [("svg", "en"), ("html", "zh"), ("png", "en"), ("png", "zh")])
class TestFiles:
    @pytest.fixture(autouse=True)
    def font(self, suffix, language):
        if (suffix, language) == ("png", "zh") and not cjk_fonts():
            pytest.skip("needs a Chinese font on the machine")

    def test_a_user(self, view, tmp_path, suffix, language):
        path = tmp_path / f"河 {language}.{suffix}"
        draw_interests(view, "user-000", path, language=language)
        assert path.read_bytes().startswith(STARTS[suffix])

    def test_everybody(self, everybody, tmp_path, suffix, language):
        path = tmp_path / f"all.{suffix}"
        draw_population(everybody, path, language=language)
        assert path.read_bytes().startswith(STARTS[suffix])


@pytest.mark.parametrize("language", ["en", "zh"])
class TestLabels:
    def test_a_user(self, view, tmp_path, language):
        draw_interests(view, "user-000", tmp_path / "p.svg", language=language)
        words = words_of(tmp_path / "p.svg")
        assert {*LABELS[language], *view.topics} <= set(words)
        assert any(str(view.step) in word for word in words if "next" in word or "接下来" in word)

    def test_everybody(self, everybody, tmp_path, language):
        draw_population(everybody, tmp_path / "p.svg", language=language)
        words = words_of(tmp_path / "p.svg")
        assert {ALL_LABELS[language], *everybody.population.names} <= set(words)


def test_the_same_view_gives_the_same_bytes(view, everybody, tmp_path):
    for name in ("a", "b"):
        draw_interests(view, "user-000", tmp_path / f"{name}.svg")
        draw_population(everybody, tmp_path / f"{name}.html")
    for suffix in ("svg", "html"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_a_river_has_the_turns_of_its_view(shop_engine):
    turned = [v for v in (shop_engine.interests(f"user-{k:03d}") for k in range(12)) if v.changes]
    assert turned
    for view in turned:
        river = river_of(view)
        assert [mark.moment for mark in river.changes] == [change.moment for change in view.changes]
        for mark, change in zip(river.changes, view.changes, strict=True):
            assert mark.between == (change.earliest, change.latest)
            assert mark.risen[0] == view.topics[int((change.after - change.before).argmax())]
            assert mark.fallen[0] == view.topics[int((change.after - change.before).argmin())]


def test_a_river_shows_what_was_called_from_the_stream(shop_engine, tmp_path):
    called = [v for v in (shop_engine.interests(f"user-{k:03d}") for k in range(120)) if v.alarms]
    assert called
    assert list(river_of(called[0]).alarms) == [alarm.timestamp for alarm in called[0].alarms]
    for language, said in (("en", "◆ called from the stream"), ("zh", "◆ 实时检测到的变化")):
        draw_interests(called[0], "somebody", tmp_path / "p.svg", language=language)
        assert said in " ".join(words_of(tmp_path / "p.svg"))


def test_an_outlook_holds_its_forecast(view, little):
    found = outlook_of(view)
    assert (found.low <= found.forecast).all()
    assert (found.forecast <= found.high).all()
    assert str(view.step) in found.ahead
    with pytest.raises(InputError, match="no forecast band"):
        outlook_of(little.interests("b"))


class TestViewsThatKnowLittle:
    @pytest.mark.parametrize("suffix", ["svg", "html"])
    @pytest.mark.parametrize("user", ["a", "b"])
    def test_a_user_of_one_or_two_events(self, little, tmp_path, user, suffix):
        path = tmp_path / f"p.{suffix}"
        draw_interests(little.interests(user), user, path)
        assert "茶" in path.read_text(encoding="utf-8")

    def test_three_events_are_everybody(self, little, tmp_path):
        draw_population(little.population(), tmp_path / "p.svg")
        words = words_of(tmp_path / "p.svg")
        assert "茶" in words

    def test_only_words(self, fresh_shop, tmp_path):
        engine = fresh_shop()
        engine.observe_words("ann", engine.model.topics.names[0], engine.now)
        draw_interests(engine.interests("ann"), "ann", tmp_path / "p.svg")
        assert engine.model.topics.names[0] in words_of(tmp_path / "p.svg")

    def test_nothing_left_after_it_was_taken_back(self, fresh_shop, tmp_path):
        engine = fresh_shop()
        item, at = engine.model.items.ids.ids[0], engine.now
        engine.observe("ann", item, at)
        engine.observe("ann", item, at, action="cancel")
        with pytest.raises(InputError, match="any interest of user 'ann'") as told:
            draw_interests(engine.interests("ann"), "ann", tmp_path / "p.svg")
        assert "taken back" in told.value.mend

    def test_the_first_few_people_are_drawn(self, shop_engine, shop, tmp_path):
        as_of = int(np.sort(shop.events.timestamp)[6])
        draw_population(shop_engine.population(as_of=as_of), tmp_path / "p.html")
        assert (tmp_path / "p.html").stat().st_size > 1000


class TestFaults:
    def test_other_languages(self, view, everybody, tmp_path):
        for draw, who in ((draw_interests, (view, "user-000")), (draw_population, (everybody,))):
            with pytest.raises(InputError, match="'fr'") as told:
                draw(*who, tmp_path / "p.svg", language="fr")
            assert "en, zh" in told.value.mend

    def test_other_files(self, view, everybody, tmp_path):
        for path, said in ((tmp_path / "p.gif", "cannot draw into"), (tmp_path / "nowhere" / "p.svg", "no folder")):
            with pytest.raises(InputError, match=said):
                draw_interests(view, "u", path)
            with pytest.raises(InputError, match=said):
                draw_population(everybody, path)
