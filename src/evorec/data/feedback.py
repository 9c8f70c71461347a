"""Feedback: how strongly an event speaks for an interest, from what was done (action) and how much (value)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

import numpy as np

from evorec.core.errors import InputError
from evorec.core.types import F32, Bool, Events

Meaning = Literal["nothing", "rating", "share"]

# What takes a purchase back; a quantity below 0 says the same, and is read as RETURN.
RETURN: Final = "return"
CANCELS: Final = (RETURN, "returned", "cancel", "cancelled", "canceled", "cancellation", "refund", "refunded",
                  "取消", "退货", "退款")  # fmt: skip

# One plain event, such as a purchase, counts 1. A habit of the field (a view says less than a cart, a cart less than a
# purchase), not a finding: give `actions` of your own where you know better.
ACTIONS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("impression", "曝光"), 0.05),
    **dict.fromkeys(("view", "click", "open", "pv", "浏览", "点击"), 0.3),
    **dict.fromkeys(("like", "favourite", "favorite", "fav", "bookmark", "点赞", "收藏"), 0.6),
    **dict.fromkeys(("cart", "add_to_cart", "加购", "购物车"), 0.6),
    **dict.fromkeys(("share", "comment", "review", "分享", "转发", "评论"), 0.8),
    **dict.fromkeys(("skip", "跳过"), -0.3),
    **dict.fromkeys(("remove", "remove_from_cart", "unlike", "移除", "取消收藏"), -0.6),
    **dict.fromkeys((*CANCELS, "dislike", "不喜欢"), -1.0),
}
_SKIPPED: Final = 0.1  # who watched a smaller share has skipped it
_ROUNDING: Final = 1e-6  # of a rating's range: values come as float32


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What counts as interest, and how much.

    `actions` set weights by action, over those of `ACTIONS`; an action found in neither counts 1. `value` says what the
    value column means: `nothing` (every event counts the same, whatever its value), a `rating` between `lowest` and
    `highest` (the upper half counts 0.5 to 1, the lower half against: -1 to 0; what lies outside is refused), or the
    `share` that was watched, read or dwelt on, in [0, 1] (below a tenth it was skipped, and counts against).
    """

    actions: Mapping[str, float] = field(default_factory=dict)
    value: Meaning = "nothing"
    lowest: float = 1.0
    highest: float = 5.0

    def __post_init__(self) -> None:
        if self.value not in get_args(Meaning):
            raise InputError(f"a value cannot mean {self.value!r}", mend=f"use one of {', '.join(get_args(Meaning))}")
        if not np.isfinite([*self.actions.values(), self.lowest, self.highest]).all():
            raise InputError("a weight of feedback is not a number", mend="give finite numbers")
        if not self.lowest < self.highest:
            raise InputError(f"ratings run from {self.lowest} to {self.highest}", mend="give the lowest one first")

    @property
    def too_low(self) -> str:
        """Which values count against an item, in words."""
        low = f"{(self.lowest + self.highest) / 2:g}" if self.value == "rating" else f"{_SKIPPED:g}"
        return f"{self.value} below {low}"

    def weight(self, action: str = "", value: float | None = None) -> float:
        """The weight of one event; below 0 it speaks against its item's topics.

        >>> Feedback().weight("view"), Feedback().weight("cancel"), Feedback(value="rating").weight(value=2)
        (0.3, -1.0, -0.5)
        """
        known = {**ACTIONS, **self.actions}
        base = known.get(action, known.get(action.strip().lower(), 1.0))
        if base <= 0 or value is None or not np.isfinite(value) or self.value == "nothing":
            return base
        return float(self._worth(np.array([value]))[0]) * base

    def _worth(self, value: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> "F32":
        if self.value == "share":
            return np.where(value < _SKIPPED, ACTIONS["skip"], np.clip(value, 0, 1)).astype(np.float32)
        beyond = _ROUNDING * (self.highest - self.lowest)
        outside = value[(value < self.lowest - beyond) | (value > self.highest + beyond)]
        if len(outside):
            raise InputError(
                f"{len(outside):,} of {len(value):,} ratings lie outside {self.lowest:g} to {self.highest:g}: they run "
                f"from {value.min():g} to {value.max():g}",
                mend="say how ratings run, as in --rating-range 0 10, in Python Feedback(lowest=0, highest=10); leave "
                "the value empty where there is no rating",
            )
        middle = (self.lowest + self.highest) / 2
        away = np.clip((value - middle) / (self.highest - middle), -1, 1)
        return np.where(away >= 0, 0.5 + away / 2, away).astype(np.float32)


def weigh(events: Events, feedback: Feedback) -> Events:
    """The same events with their weights; None where each would be 1.

    >>> log = Events.create(user_ids="aa", item_ids="xy", timestamps=[1, 2], actions=["view", "purchase"])
    >>> weigh(log, Feedback()).weight.round(1).tolist()
    [0.30000001192092896, 1.0]
    """
    by_action = np.asarray([feedback.weight(name) for name in events.actions], dtype=np.float32)
    weight = np.ones(len(events), dtype=np.float32) if events.action is None else by_action[events.action].copy()
    if events.value is not None and feedback.value != "nothing":
        told = np.isfinite(events.value) & (weight > 0)
        weight[told] *= feedback._worth(events.value[told].astype(np.float64))
    return replace(events, weight=None if (weight == 1).all() else weight)


def taken_back(events: Events) -> Bool:
    """`bool[n]`: the events that cancel or return what was had before, whatever they weigh.

    >>> log = Events.create(user_ids="aa", item_ids="xx", timestamps=[1, 2], actions=["purchase", "Return"])
    >>> taken_back(log).tolist()
    [False, True]
    """
    if events.action is None:
        return np.zeros(len(events), dtype=np.bool_)
    return np.asarray([name.strip().lower() in CANCELS for name in events.actions], dtype=np.bool_)[events.action]


def unheard_actions(events: Events, feedback: Feedback) -> tuple[str, ...]:
    """The actions that `feedback` weighs and no event has, however spelled.

    >>> log = Events.create(user_ids="a", item_ids="x", timestamps=[1], actions=["View"])
    >>> unheard_actions(log, Feedback(actions={"view": 0.2, "veiw": 0.2}))
    ('veiw',)
    """
    known = {*events.actions, *(name.strip().lower() for name in events.actions)}
    return tuple(name for name in feedback.actions if name not in known)
