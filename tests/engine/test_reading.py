"""Reading words: which categories they name, and when they have nothing to do with a catalogue."""

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.encoders.base import unit_rows
from evorec.engine.reading import beyond_chance, found_in, meaningless, named_in, nearness

SHOP = Catalogue.create(
    item_ids=["a", "b", "c"],
    title=["Riders of the Range (1950)", "The Ladies' Heater 3000", "不粘锅 28cm"],
    categories=[["Western"], ["Home & Kitchen"], ["厨具"]],
)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("I want westerns with horses", ("Western",)),
        ("Western", ("Western",)),
        ("comedies, and children's films", ("Comedy", "Children's")),
        ("sci-fi", ("Sci-Fi",)),
        ("SCI FI!", ("Sci-Fi",)),
        ("kitchen", ()),
        ("for my home and kitchen", ("Home & Kitchen",)),
        ("想买一个厨具", ("厨具",)),
        ("!", ("!",)),
        ("", ()),
        ("western-like mess", ("Western",)),
        ("west", ()),
    ],
)
def test_categories_are_named_in_singular_or_plural(text, named):
    names = ("Western", "Comedy", "Children's", "Sci-Fi", "Home & Kitchen", "厨具", "!")
    assert named_in([text], names) == [named]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a rider", True),
        ("qwertz asdf", False),
        ("of the", False),
        ("lady", True),
        ("3000", False),
        ("heat", False),
        ("kitchens", True),
        ("不粘锅", True),
        ("", False),
    ],
)
def test_a_word_of_a_title_or_category_is_found(text, found):
    assert found_in([text], SHOP).tolist() == [found]


def test_full_width_titles_are_found():
    wide = Catalogue.create(item_ids=["a", "b"], title=["\uff28\uff45\uff41\uff54\uff45\uff52", "O\u2019Brien"])
    assert found_in(["heater", "o'brien", "kettle"], wide).tolist() == [True, True, False]


def test_texts_are_found_each_on_its_own():
    assert found_in(["rider", "nothing", "heater rider"], SHOP).tolist() == [True, False, True]
    assert found_in([], SHOP).tolist() == []


def test_texts_without_meaning_are_always_the_same():
    assert meaningless() == meaningless()
    assert len(set(meaningless())) > 190
    assert any(text.isascii() for text in meaningless())
    assert any(not text.isascii() for text in meaningless())


def test_beyond_chance_means_nearer_than_almost_all_without_meaning():
    """Planted: items around one direction, texts without meaning anywhere."""
    rng = np.random.default_rng(0)
    items = unit_rows((rng.normal(size=(300, 16)) * 0.1 + np.eye(16)[0]).astype(np.float32))
    chance = unit_rows(rng.normal(size=(200, 16)).astype(np.float32))
    told = beyond_chance(unit_rows(np.eye(16, dtype=np.float32)[[0, 1]]), chance, items)
    assert told.tolist() == [True, False]
    others = unit_rows(rng.normal(size=(1000, 16)).astype(np.float32))
    assert beyond_chance(others, chance, items).mean() < 0.04
    assert not beyond_chance(others[:2], chance, items[:0]).any()


def test_nearness_of_fewer_items_than_asked():
    np.testing.assert_allclose(nearness(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)[:1]), [1, 0])
