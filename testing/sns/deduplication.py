"""Deduplication: within five minutes a topic accepts a repeated message, and drops it.

Source: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html. That the reply is the first one's, with its
MessageId and SequenceNumber, is recorded (see `errors`).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

WINDOW_SECONDS = 300


class Receipt(NamedTuple):
    """What a publisher gets for a message."""

    message_id: str
    sequence_number: str | None


class Window:
    """The messages of the last five minutes, by what makes them the same."""

    def __init__(self) -> None:
        self._accepted: dict[Hashable, tuple[float, Receipt]] = {}  # in the order of time

    def find(self, key: Hashable, *, now: float) -> Receipt | None:
        """The receipt of the same message, if one was accepted less than five minutes ago."""
        while self._accepted:
            oldest = next(iter(self._accepted))
            if now < self._accepted[oldest][0] + WINDOW_SECONDS:
                break
            del self._accepted[oldest]
        found = self._accepted.get(key)
        return None if found is None else found[1]

    def add(self, key: Hashable, receipt: Receipt, *, now: float) -> None:
        """A message was accepted."""
        self._accepted[key] = (now, receipt)
