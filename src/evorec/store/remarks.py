"""Remarks in memory: what users said, declared or took back, beside the log of what they touched."""

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.types import F32, I64, Remarks

NO_WORDS = -1


class RemarkLog:
    """Per user, in any order of arrival: weighted words with their vectors, and items taken back.

    A remark rests on words (their embedding and topics are kept here, once per text) or on an item's content.

    >>> log = RemarkLog()
    >>> log.say("ann", 5, "tents", (np.ones(2, np.float32), np.ones(1, np.float32)))
    True
    >>> log.say("ann", 5, "tents", (np.ones(2, np.float32), np.ones(1, np.float32)))  # known already
    False
    >>> len(log), log.knows("tents")
    (1, True)
    """

    def __init__(self) -> None:
        self._by_user: dict[str, list[tuple[int, int, int, float]]] = {}  # timestamp, words, item, weight
        self._words: dict[str, int] = {}
        self._vectors: list[tuple[F32, F32]] = []
        self._held: set[tuple[str, int, int, int]] = set()
        self._newest: int | None = None

    def __len__(self) -> int:
        return sum(len(held) for held in self._by_user.values())

    @property
    def newest(self) -> int | None:
        """The time of the newest remark, UTC microseconds."""
        return self._newest

    def user_ids(self) -> list[str]:
        """Everybody who made a remark or was introduced."""
        return list(self._by_user)

    def has_said(self, user_id: str) -> bool:
        """Whether any remark of this user is held."""
        return bool(self._by_user.get(user_id))

    def introduce(self, user_id: str) -> None:
        """Know of a user who has said nothing yet."""
        self._by_user.setdefault(user_id, [])

    def knows(self, text: str) -> bool:
        """Whether the vectors of these words are held."""
        return text in self._words

    def say(
        self, user_id: str, timestamp: int, text: str, vectors: tuple[F32, F32] | None = None, weight: float = 1.0
    ) -> bool:
        """Add words; `vectors` are their embedding and topics, needed where the text is new. False if held already."""
        if text not in self._words:
            if vectors is None:
                raise KeyError(text)
            self._words[text] = len(self._vectors)
            self._vectors.append(vectors)
        return self._add(user_id, (timestamp, self._words[text], -1, weight))

    def take_back(self, user_id: str, timestamp: int, item: int, weight: float) -> bool:
        """Add an event that speaks against an item; `weight` lies below 0. False where it is held already."""
        return self._add(user_id, (timestamp, NO_WORDS, item, weight))

    def _add(self, user_id: str, remark: tuple[int, int, int, float]) -> bool:
        key, said = (user_id, *remark[:3]), self._by_user.setdefault(user_id, [])
        if key in self._held:  # the same thing twice: the stronger of the two stands, whichever came first
            place = next(place for place, other in enumerate(said) if other[:3] == remark[:3])
            if (abs(remark[3]), remark[3]) > (abs(said[place][3]), said[place][3]):
                said[place] = remark
            return False
        self._held.add(key)
        insort(said, remark)
        self._newest = remark[0] if self._newest is None else max(self._newest, remark[0])
        return True

    def of(self, user_ids: Sequence[str], as_of: I64, embedding: F32, topics: F32) -> Remarks | None:
        """The remarks of `user_ids` before `as_of int64[q]`; None where nobody made any.

        `embedding float32[items, d]` and `topics float32[items, k]` are those of the item table.
        """
        found = [
            [remark for remark in self._by_user.get(user, ()) if remark[0] < moment]
            for user, moment in zip(user_ids, as_of.tolist(), strict=True)
        ]
        flat = [remark for held in found for remark in held]
        if not flat:
            return None
        vectors = [
            (embedding[item], topics[item]) if words == NO_WORDS else self._vectors[words] for _, words, item, _ in flat
        ]
        return Remarks(
            offsets=np.cumsum([0, *(len(held) for held in found)]).astype(np.int64),
            embedding=np.stack([e for e, _ in vectors]),
            topics=np.stack([t for _, t in vectors]),
            weight=np.asarray([weight for *_, weight in flat], dtype=np.float32),
            timestamp=np.asarray([timestamp for timestamp, *_ in flat], dtype=np.int64),
        )

    def texts(self, user_id: str, as_of: int) -> tuple[str, ...]:
        """The words of a user's remarks before `as_of`, in the order of `of`; "" for what was taken back."""
        held = list(self._words)
        before = [remark for remark in self._by_user.get(user_id, ()) if remark[0] < as_of]
        return tuple("" if words == NO_WORDS else held[words] for _, words, *_ in before)

    def saved(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Everything held, for saving: names, and columns."""
        owners = list(self._by_user)
        flat = [(u, *remark) for u, user in enumerate(owners) for remark in self._by_user[user]]
        columns: dict[str, NDArray[Any]] = {
            "remark": np.asarray([row[:4] for row in flat], dtype=np.int64).reshape(-1, 4),
            "weight": np.asarray([row[4] for row in flat], dtype=np.float32),
        }
        if self._vectors:
            columns["embedding"] = np.stack([e for e, _ in self._vectors])
            columns["topics"] = np.stack([t for _, t in self._vectors])
        return {"users": owners, "words": list(self._words)}, columns

    @classmethod
    def from_saved(cls, names: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> "RemarkLog":
        """Take over what `saved` gave."""
        log = cls()
        log._by_user = {user_id: [] for user_id in names["users"]}
        log._words = {text: row for row, text in enumerate(names["words"])}
        if log._words:
            log._vectors = list(zip(columns["embedding"], columns["topics"], strict=True))
        for (user, timestamp, words, item), weight in zip(
            columns["remark"].tolist(), columns["weight"].tolist(), strict=True
        ):
            log._add(names["users"][user], (timestamp, words, item, weight))
        return log
