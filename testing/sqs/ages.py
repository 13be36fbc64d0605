"""Messages by age, the oldest first: what is kept for too long goes."""

from __future__ import annotations

from collections import deque

from testing.sqs.agenda import Agenda
from testing.sqs.message import GONE, Message

# Below this it is not worth looking for messages that are gone.
_FEW = 1_000


class Ages:
    """Messages come in the order of sending, but for those that are older than others when they come."""

    __slots__ = ("_in_order", "_others")

    def __init__(self) -> None:
        self._in_order: deque[Message] = deque()
        self._others = Agenda(_is_kept)

    def add(self, message: Message) -> None:
        """A message is there."""
        in_order = self._in_order
        if in_order and in_order[-1].sent_at > message.sent_at:
            self._others.add(message.sent_at, message)
        else:
            in_order.append(message)

    def due(self, now: float, retention_seconds: float) -> list[Message]:
        """Take what was sent so long ago and is still there."""
        in_order = self._in_order
        found = self._others.due(now, retention_seconds)
        while in_order and (in_order[0].state == GONE or in_order[0].sent_at + retention_seconds <= now):
            message = in_order.popleft()
            if message.state != GONE:
                found.append(message)
        return found

    def prune(self, at_most: int) -> None:
        """Forget what is gone, once that is most of it; at most so many are still there."""
        if len(self._in_order) > 2 * at_most + _FEW:
            self._in_order = deque(message for message in self._in_order if message.state != GONE)
        self._others.prune(at_most)


def _is_kept(when: float, message: Message) -> bool:
    return message.state != GONE and message.sent_at == when
