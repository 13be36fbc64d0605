"""Which deduplication ids a FIFO queue remembers, and for how long.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
"""

from __future__ import annotations

import hashlib
from collections import deque

from testing.sqs.errors import NO_DEDUPLICATION_ID, invalid, invalid_value, missing
from testing.sqs.settings import Settings

WINDOW_SECONDS = 300
# Stands between a group and a deduplication id, as the key where each group has its own ids; neither may contain it.
BETWEEN = "\0"


class Window:
    """What was sent in the last five minutes, whether it is still in the queue or not: keys and message ids.

    There may be very many, so they are kept without an object for each.
    """

    __slots__ = ("_ids", "_keys", "_times")

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._keys: deque[str] = deque()
        self._times: deque[float] = deque()

    def seen(self, key: str, now: float) -> str | None:
        """The id of the message that was sent first with this key, unless that is too long ago."""
        times = self._times
        while times and times[0] <= now - WINDOW_SECONDS:
            times.popleft()
            del self._ids[self._keys.popleft()]
        return self._ids.get(key)

    def remember(self, key: str, message_id: str, now: float) -> None:
        """A message was sent with a key that is not in the window."""
        self._ids[key] = message_id
        self._keys.append(key)
        self._times.append(now)


def fifo_id(
    body: str, group: str | None, deduplication_id: str | None, delay_seconds: int | None, settings: Settings
) -> str:
    """The deduplication id of a message to a FIFO queue: the one given, or a hash of the body. Raises Refused."""
    if not group:
        raise missing("MessageGroupId")
    if delay_seconds:
        reason = "The request include parameter that is not valid for this queue type."
        raise invalid_value("DelaySeconds", delay_seconds, reason)
    if deduplication_id:
        return deduplication_id
    if not settings.content_based:
        raise invalid(NO_DEDUPLICATION_ID)
    return hashlib.sha256(body.encode()).hexdigest()
