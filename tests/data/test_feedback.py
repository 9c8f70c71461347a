"""Feedback: weights worked by hand, which rule wins, and one event judged like a whole log."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.feedback import ACTIONS, CANCELS, Feedback, taken_back, unheard_actions, weigh

NAMES = [*ACTIONS, "", "purchase", "View", " cart ", "借阅", "ask"]
MEANINGS = [
    Feedback(),
    Feedback(value="rating"),
    Feedback(value="rating", lowest=0, highest=10),
    Feedback(value="share", actions={"view": 2.0, "借阅": 0.5, "ask": 0.0}),
]


def log_of(actions, values):
    n = len(actions)
    return Events.create(
        user_ids=["a"] * n, item_ids=["x"] * n, timestamps=range(n), actions=actions,
        values=[np.nan if v is None else v for v in values],
    )  # fmt: skip


class TestOneEvent:
    @pytest.mark.parametrize(
        ("action", "weight"),
        [
            ("view", 0.3), ("浏览", 0.3), ("cart", 0.6), ("加购", 0.6), ("purchase", 1.0), ("购买", 1.0), ("", 1.0),
            ("like", 0.6), ("收藏", 0.6), ("skip", -0.3), ("跳过", -0.3), ("cancel", -1.0), ("退货", -1.0),
        ],
    )  # fmt: skip
    def test_actions(self, action, weight):
        assert Feedback().weight(action) == weight

    def test_stronger_deeds_count_more(self):
        said = [Feedback().weight(a) for a in ("cancel", "remove", "skip", "impression", "view", "cart", "purchase")]
        assert said == sorted(said)
        assert len(set(said)) == len(said)

    def test_how_an_action_is_spelled(self):
        assert Feedback().weight(" VIEW ") == Feedback().weight("view")
        assert Feedback(actions={"View": 0.9}).weight("View") == 0.9  # as given, before any other spelling
        assert Feedback(actions={"View": 0.9}).weight("view") == 0.3

    def test_own_actions_win_over_ours(self):
        own = Feedback(actions={"view": 2.0, "lend": 0.5, "借阅": -0.4})
        assert [own.weight(a) for a in ("view", "lend", "借阅", "cart", "unheard-of")] == [2.0, 0.5, -0.4, 0.6, 1.0]

    @pytest.mark.parametrize(("value", "weight"), [(1, -1), (2, -0.5), (2.5, -0.25), (3, 0.5), (4, 0.75), (5, 1)])
    def test_ratings(self, value, weight):
        assert Feedback(value="rating").weight(value=value) == weight

    def test_ratings_of_another_range(self):
        ten = Feedback(value="rating", lowest=0, highest=10)
        assert [ten.weight(value=v) for v in (0, 5, 7.5, 10)] == [-1, 0.5, 0.75, 1]
        tenths = Feedback(value="rating", lowest=0.1, highest=0.7)
        assert weigh(log_of(["", ""], [0.1, 0.7]), tenths).weight.tolist() == pytest.approx([-1, 1])  # as float32

    @pytest.mark.parametrize("value", [0, 5.5, -3, 9])
    def test_ratings_out_of_range_are_refused(self, value):
        rated = Feedback(value="rating")
        with pytest.raises(InputError, match="1 of 1 ratings lie outside 1 to 5") as error:
            rated.weight(value=value)
        assert "--rating-range" in error.value.mend
        with pytest.raises(InputError, match=r"1 of 2 ratings lie outside 1 to 5: they run from"):
            weigh(log_of(["", ""], [value, 3]), rated)
        assert rated.weight("skip", value) == -0.3  # the action has spoken, whatever the value

    @pytest.mark.parametrize(("value", "weight"), [(0, -0.3), (0.09, -0.3), (0.1, 0.1), (0.5, 0.5), (1, 1), (1.7, 1)])
    def test_shares(self, value, weight):
        assert Feedback(value="share").weight(value=value) == pytest.approx(weight)

    def test_a_value_scales_what_speaks_for_an_interest_alone(self):
        rated = Feedback(value="rating")
        assert rated.weight("view", 1) == pytest.approx(-0.3)
        assert rated.weight("view", 4) == pytest.approx(0.3 * 0.75)
        assert rated.weight("cancel", 5) == -1.0
        assert Feedback(value="rating", actions={"ask": 0.0}).weight("ask", 5) == 0

    @pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
    def test_a_value_that_is_none_changes_nothing(self, value):
        assert Feedback(value="share").weight("view", value) == 0.3
        assert Feedback().weight("view", 5.0) == 0.3


class TestLog:
    @given(st.data(), st.sampled_from(MEANINGS))
    def test_a_log_is_weighed_as_its_events_one_by_one(self, data, feedback):
        low, high = (feedback.lowest, feedback.highest) if feedback.value == "rating" else (-2, 12)
        values = st.none() | st.floats(low, high, width=32) | st.just(float("nan"))
        rows = data.draw(st.lists(st.tuples(st.sampled_from(NAMES), values), min_size=1, max_size=12))
        actions, values = zip(*rows, strict=True)
        log = weigh(log_of(actions, values), feedback)
        expected = [feedback.weight(a, v) for a, v in rows]
        found = np.ones(len(rows)) if log.weight is None else log.weight
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert (log.weight is None) == all(weight == 1 for weight in expected)

    def test_nothing_to_say_is_none(self):
        plain = Events.create(user_ids="ab", item_ids="xy", timestamps=[1, 2])
        assert weigh(plain, Feedback()).weight is None
        assert weigh(log_of(["purchase", "购买"], [1, 5]), Feedback()).weight is None
        assert weigh(log_of(["view"], [1]), Feedback(actions={"view": 1})).weight is None
        assert weigh(log_of([""], [np.nan]), Feedback(value="share")).weight is None

    def test_an_empty_log(self):
        assert weigh(Events.create(user_ids=[], item_ids=[], timestamps=[]), Feedback()).weight is None

    def test_nothing_else_changes(self):
        log = log_of(["view", "cart"], [1, 2])
        told = weigh(log, Feedback(value="rating"))
        for name in ("user", "item", "timestamp", "action", "value"):
            assert np.array_equal(getattr(told, name), getattr(log, name)), name
        assert told.weight.dtype == np.float32


class TestActionsOfALog:
    def test_everything_that_takes_back_counts_against(self):
        assert all(Feedback().weight(name.upper()) == -1 for name in CANCELS)
        log = log_of(["Refunded", "退货", "view", "dislike"], [1, 1, 1, 1])
        assert taken_back(log).tolist() == [True, True, False, False]
        assert not taken_back(Events.create(user_ids="a", item_ids="x", timestamps=[1])).any()

    def test_which_weights_no_event_has(self):
        log = log_of(["View", "buy"], [1, 1])
        told = {"view": 0.1, "View": 0.1, "Buy": 1, "trial": 0.5}
        assert unheard_actions(log, Feedback(actions=told)) == ("Buy", "trial")  # a capital is looked for as it stands


def test_faults_are_named():
    for settings, said in (
        ({"value": "stars"}, "'stars'"),
        ({"actions": {"view": float("nan")}}, "not a number"),
        ({"highest": float("inf")}, "not a number"),
        ({"lowest": 5.0}, "from 5.0 to 5.0"),
    ):
        with pytest.raises(InputError, match=said):
            Feedback(**settings)
