"""Messages by a time, the earliest first."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from testing.sqs.message import Message

# Below this it is not worth looking for entries that hold no more.
_FEW = 1_000


class Agenda:
    """Entries are never taken back: `holds(when, message)` tells whether one still does when it is met."""

    __slots__ = ("_entries", "_holds")

    def __init__(self, holds: Callable[[float, Message], bool]) -> None:
        self._holds = holds
        self._entries: list[tuple[float, int, Message]] = []

    def add(self, when: float, message: Message) -> None:
        """Note a message for a time, epoch seconds."""
        heappush(self._entries, (when, message.number, message))

    def due(self, now: float, after_seconds: float = 0.0) -> list[Message]:
        """Take what is due, so long after its time, in the order of the times."""
        entries, found = self._entries, []
        while entries and entries[0][0] + after_seconds <= now:
            when, _, message = heappop(entries)
            if self._holds(when, message):
                found.append(message)
        return found

    def first(self) -> float | None:
        """The earliest time that holds."""
        entries = self._entries
        while entries:
            when, _, message = entries[0]
            if self._holds(when, message):
                return when
            heappop(entries)
        return None

    def prune(self, at_most: int) -> None:
        """Forget what holds no more, once that is most of it; at most so many entries hold."""
        if len(self._entries) > 2 * at_most + _FEW:
            self._entries = [entry for entry in self._entries if self._holds(entry[0], entry[2])]
            heapify(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
