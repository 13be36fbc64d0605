"""In which order a FIFO queue gives its messages: that of sending within a message group, the groups by turns.

A message in flight, or delayed, holds back those behind it in its group and none before it: where the first of three
received messages becomes visible again while the others are in flight, it is given again, alone.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
("subsequent messages in that group are not made available") and https://github.com/localstack/localstack/pull/13386
(recorded on AWS).
"""

from __future__ import annotations

from collections import deque

from testing.sqs.agenda import Agenda
from testing.sqs.message import IN_FLIGHT, READY, Message


class Group:
    """The messages of one group, linked in the order of sending."""

    __slots__ = ("first", "last", "name", "offered")

    def __init__(self, name: str) -> None:
        self.name = name
        self.first: Message | None = None
        self.last: Message | None = None
        self.offered = False


class Groups:
    """The groups that have messages. `_offered` are those whose first message is ready, in the order of their turns."""

    __slots__ = ("_groups", "_hidden_heads", "_offered")

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}
        self._offered: deque[Group] = deque()
        self._hidden_heads = Agenda(_is_hidden_head)

    def join(self, message: Message) -> None:
        """A message has come: it is the last of its group."""
        name = message.group
        assert name is not None
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group(name)
        message.line = group
        message.following = None
        message.preceding = last = group.last
        group.last = message
        if last is None:
            group.first = message
            self._lead(group, message)
        else:
            last.following = message

    def free(self, message: Message) -> None:
        """A message is ready."""
        if message.preceding is None:
            self._offer(message.line)

    def hold(self, message: Message) -> None:
        """The first message of a group is hidden until its `visible_at`."""
        self._hidden_heads.add(message.visible_at, message)

    def leave(self, message: Message) -> bool:
        """A message is gone; whether another can be given sooner for that."""
        group, before, behind = message.line, message.preceding, message.following
        message.preceding = message.following = None
        if behind is None:
            group.last = before
        else:
            behind.preceding = before
        if before is not None:
            before.following = behind
            return False
        group.first = behind
        if behind is None:
            del self._groups[group.name]
            return False
        self._lead(group, behind)
        return behind.state == READY or behind.visible_at < message.visible_at

    def take(self, most: int) -> list[Message]:
        """Take up to so many that are ready, as many of a group as there are: they are in flight now.

        Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
        """
        taken: list[Message] = []
        self._hidden_heads.prune(len(self._groups))
        while len(taken) < most and self.ready():
            group = self._offered.popleft()
            group.offered = False
            message = group.first
            while message is not None and message.state == READY and len(taken) < most:
                message.state = IN_FLIGHT
                taken.append(message)
                message = message.following
        return taken

    def ready(self) -> bool:
        """Whether there is something to take."""
        offered = self._offered
        while offered:
            first = offered[0].first
            if first is not None and first.state == READY:
                return True
            offered.popleft().offered = False
        return False

    def wakes_at(self) -> float | None:
        """When the first message of a group becomes visible, the earliest of them."""
        return self._hidden_heads.first()

    def _lead(self, group: Group, message: Message) -> None:
        if message.state == READY:
            self._offer(group)
        else:
            self._hidden_heads.add(message.visible_at, message)

    def _offer(self, group: Group) -> None:
        if not group.offered:
            group.offered = True
            self._offered.append(group)


def _is_hidden_head(when: float, message: Message) -> bool:
    """An entry still tells when the first message of a group becomes visible."""
    return message.line.first is message and message.state != READY and message.visible_at == when
