"""What an event log must offer to the engine."""

from collections.abc import Sequence
from typing import Protocol

from evorec.core.types import I64, Queries


class EventLog(Protocol):
    """Histories by user id; items are rows of the item table. Every read takes `as_of`."""

    @property
    def newest(self) -> int:
        """Timestamp of the newest event, UTC microseconds."""
        ...

    def user_ids(self) -> list[str]:
        """All users with events, in a stable order."""
        ...

    def append(self, user_id: str, item: int, timestamp: int, weight: float = 1.0) -> bool:
        """Add one event; False where exactly this event is already held."""
        ...

    def queries(self, user_ids: Sequence[str], as_of: I64) -> Queries:
        """Histories of `user_ids` before their `as_of int64[q]`; an unknown user has an empty one."""
        ...

    def columns(self) -> tuple[list[str], Queries]:
        """Everything held: user ids, and the whole history of each."""
        ...
