"""The archive of a FIFO topic: its messages of the last days, for replay.

Source: https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html
"""

from __future__ import annotations

import json
from collections import deque

from testing.sns.errors import invalid
from testing.sns.message import Message

DAY_SECONDS = 86_400
MAX_DAYS = 365


class Archive:
    """What was published and not dropped as a repeat, whoever took it."""

    def __init__(self, days: int) -> None:
        self._seconds = days * DAY_SECONDS
        self._messages: deque[Message] = deque()

    @classmethod
    def of(cls, policy: str) -> Archive:
        """That of an ArchivePolicy such as `{"MessageRetentionPeriod": "30"}`, in days. Raises Refused."""
        try:
            days = int(json.loads(policy)["MessageRetentionPeriod"])
        except (ValueError, TypeError, KeyError) as error:
            raise invalid("ArchivePolicy: it needs a MessageRetentionPeriod") from error
        if not 1 <= days <= MAX_DAYS:
            raise invalid(f"ArchivePolicy: a MessageRetentionPeriod is 1 to {MAX_DAYS} days, not {days}")
        return cls(days)

    def add(self, message: Message) -> None:
        """Keep a message, and forget those that are too old."""
        self._messages.append(message)
        self._forget(message.published_at)

    def between(self, starting_at: float, ending_at: float | None, *, now: float) -> list[Message]:
        """Those that were published in this time, epoch seconds, both ends included, and are still kept."""
        self._forget(now)
        end = now if ending_at is None else ending_at
        return [message for message in self._messages if starting_at <= message.published_at <= end]

    def _forget(self, now: float) -> None:
        while self._messages and self._messages[0].published_at < now - self._seconds:
            self._messages.popleft()
