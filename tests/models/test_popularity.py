"""Popularity now: the decayed share of all events, worked by hand."""

import numpy as np
import pytest

from evorec.core.catalogue import Catalogue
from evorec.core.errors import InputError
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.models.base import RunOptions
from evorec.models.popularity import Popularity, PopularityConfig

RUN = RunOptions()


def test_golden(log):
    # At the newest day, 10: a counts 1 + 1/2, b counts 1/4; one further event is spread over the two.
    events = log(("u", "a", 10), ("v", "a", 0), ("u", "b", -10))
    scorer = Popularity(PopularityConfig(half_life_days=10)).fit(Dataset.create(events), RUN)
    expected = np.log(np.array([1.5 + 0.5, 0.25 + 0.5]) / (1.75 + 1))
    np.testing.assert_allclose(scorer.evidence, expected, rtol=1e-6)


def test_items_without_events_are_unknown(log, ask, table):
    data = Dataset.create(log(("u", "i0", 1)), Catalogue.create(item_ids=["i0", "i1"]))
    scorer = Popularity().fit(data, RUN)
    evidence, known = scorer.score(ask([], [(0, 1)]), table(embedding=np.zeros((3, 0))))
    assert known.tolist() == [[True, False, False]] * 2
    assert (evidence[:, 1:] == 0).all()


def test_words_without_an_item_do_not_count():
    with_words = Events.create(user_ids=["u", "u"], item_ids=["a", ""], timestamps=[DAY, DAY], texts=["", "茶"])
    alone = Events.create(user_ids=["u"], item_ids=["a"], timestamps=[DAY])
    one, other = (Popularity().fit(Dataset.create(e), RUN).evidence for e in (with_words, alone))
    assert one.tolist() == other.tolist()


def test_a_half_life_is_positive():
    with pytest.raises(InputError, match="half_life_days"):
        PopularityConfig(half_life_days=0)


def test_what_rests_on_one_person_is_kept_apart(log):
    """An item that one user touched, however often, is unknown to a model without its users."""
    events = log(("u", "a", 1), ("u", "a", 2), ("u", "b", 3), ("v", "b", 4))
    scorer = Popularity().fit(Dataset.create(events), RunOptions())
    assert np.isnan(scorer.arrays()["evidence"]).tolist() == [True, False]
    restored = Popularity().restore(scorer.arrays()).restore_personal(scorer.personal())
    assert restored.evidence.tolist() == scorer.evidence.tolist()


class TestOnReturn:
    def test_golden(self, log):
        # Only b is taken after an absence; of the visit after it, the first five tie groups count.
        visit = [("u", f"v{k}", 10 + k / 100) for k in range(6)]
        events = log(("u", "a", 0), *visit, ("w", "v0", 10), ("w", "v5", 10))
        scorer = Popularity(PopularityConfig(half_life_days=1e9, absence_days=2)).fit(Dataset.create(events), RUN)
        mass = {"a": 0, **{f"v{k}": 1 for k in range(5)}, "v5": 0}
        expected = np.log((np.array([mass[i] for i in events.items]) + 1 / 7) / (5 + 1))
        np.testing.assert_allclose(scorer.evidence, expected, rtol=1e-5)

    def test_what_one_person_touched_stays_out_of_the_model(self, log):
        events = log(("a", "x", 0), ("a", "y", 5), ("b", "x", 0), ("b", "y", 5), ("c", "secret", 1), ("c", "x", 1))
        scorer = Popularity(PopularityConfig(absence_days=1)).fit(Dataset.create(events), RUN)
        secret = int(events.items.encode(["secret"])[0])
        assert np.isnan(scorer.arrays()["evidence"][secret])
        assert secret in scorer.personal()["row"]

    def test_an_absence_is_positive(self):
        with pytest.raises(InputError, match="absence_days"):
            PopularityConfig(absence_days=0)
