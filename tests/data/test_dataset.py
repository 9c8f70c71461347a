"""Dataset: one vocabulary for events and catalogue, and first sight of items."""

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import NEVER, Events
from evorec.data.dataset import Dataset

LOG = Events.create(user_ids=["ann", "bo", "bo"], item_ids=["苹果", "jam", "苹果"], timestamps=[30, 20, 10])


def test_events_and_catalogue_share_the_sorted_union_of_their_items():
    data = Dataset.create(LOG, Catalogue.create(item_ids=["苹果", "ale"], title=["红苹果", "Ale"]))
    assert list(data.items) == ["ale", "jam", "苹果"]
    assert data.catalogue.items == data.events.items
    assert data.catalogue.title == ("Ale", "", "红苹果")
    assert data.events.items.decode(data.events.item) == ["苹果", "苹果", "jam"]
    assert data.item_counts.tolist() == [0, 1, 2]


def test_without_a_catalogue_every_item_has_an_empty_row():
    data = Dataset.create(LOG)
    assert data.catalogue.title == ("", "")
    assert data.events is LOG


def test_first_seen_is_the_earlier_of_first_event_and_available_from():
    catalogue = Catalogue.create(item_ids=["苹果", "jam", "new", "dark"], available_from=[5, 25, 40, 50])
    data = Dataset.create(LOG, catalogue)
    seen = dict(zip(data.items, data.first_seen.tolist(), strict=True))
    assert seen == {"苹果": 5, "jam": 20, "new": 40, "dark": 50}


def test_an_item_with_neither_event_nor_date_is_never_seen():
    data = Dataset.create(LOG, Catalogue.create(item_ids=["ghost"]))
    assert data.first_seen[data.items.code("ghost")] == NEVER


def test_before_hides_later_events_and_keeps_the_vocabulary():
    early = Dataset.create(LOG).before(20)
    assert early.events.timestamp.tolist() == [10]
    assert list(early.items) == ["jam", "苹果"]
    assert early.item_counts.tolist() == [0, 1]
    assert early.first_seen.tolist() == [NEVER, 10]


def test_words_without_an_item_count_for_no_item():
    log = Events.create(user_ids=["a", "a"], item_ids=["", "x"], timestamps=[1, 2], texts=["红茶", ""])
    data = Dataset.create(log)
    assert data.item_counts.tolist() == [1]
    assert data.first_seen.tolist() == [2]


def test_vocabularies_that_differ_are_refused():
    with pytest.raises(InputError, match="different item vocabularies"):
        Dataset(events=LOG, catalogue=Catalogue.create(item_ids=["jam"]))


def test_first_seen_leaves_the_catalogue_untouched():
    catalogue = Catalogue.create(item_ids=["jam", "苹果"], available_from=[99, 99])
    Dataset.create(LOG, catalogue).first_seen.sum()
    assert np.array_equal(catalogue.available_from, [99, 99])
