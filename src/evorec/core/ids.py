"""Vocabulary: strings outside, dense integer codes inside."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evorec.core.errors import InputError

UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """An ordered set of distinct ids; the code of an id is its position.

    >>> v = Vocabulary.of(["b", "a", "b"])
    >>> list(v), v.encode(["b", "zebra"]).tolist(), v.decode([0])
    (['a', 'b'], [1, -1], ['a'])
    """

    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self._index) != len(self.ids):
            raise InputError("a vocabulary holds an id twice", mend="pass distinct ids, or use Vocabulary.of")

    @classmethod
    def of(cls, ids: Iterable[str]) -> "Vocabulary":
        """The sorted distinct `ids`: the same set gives the same codes whatever the order it came in."""
        return cls(tuple(sorted(set(ids))))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.ids == other.ids

    def __hash__(self) -> int:
        return hash(self.ids)

    def code(self, name: str) -> int:
        """The code of one id, `UNKNOWN` (-1) where it is not held."""
        return self._index.get(name, UNKNOWN)

    def encode(self, ids: Iterable[str]) -> NDArray[np.int32]:
        """Codes `int32[n]` of `ids`; `UNKNOWN` (-1) for those not held."""
        get = self._index.get
        return np.fromiter((get(name, UNKNOWN) for name in ids), dtype=np.int32)

    def decode(self, codes: Iterable[int]) -> list[str]:
        """The ids of `codes`."""
        return [self.ids[code] for code in codes]
