"""What one request may ask for, beside who asks and when."""

from dataclasses import dataclass
from typing import Final

from evorec.core.errors import InputError

UNKNOWN_POLICIES: Final = ("fallback", "error", "skip")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Options of one `recommend` call.

    `k`: length of each list. `candidates`: only these item ids (None: all available). `exclude`: never these item ids.
    `domain`: only items of this domain. `category`: only items of this category. `repeats`: also items the user had.
    `diversity` from 0 to 1 trades relevance for unlikeness inside a list. `unknown`: what to do about a user without
    history: `fallback` (recommend what is popular now, flagged), `error`, or `skip` (an empty list, flagged).
    """

    k: int = 10
    candidates: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    domain: str | None = None
    category: str | None = None
    repeats: bool = False
    diversity: float = 0.0
    unknown: str = "fallback"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"k is {self.k}", mend="ask for at least one item")
        if not 0 <= self.diversity <= 1:
            raise InputError(f"diversity is {self.diversity}", mend="give a number from 0 to 1")
        if self.unknown not in UNKNOWN_POLICIES:
            raise InputError(f"unknown policy {self.unknown!r}", mend=f"use one of {', '.join(UNKNOWN_POLICIES)}")
