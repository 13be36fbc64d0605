"""In which order a standard queue gives its messages: none, for AWS promises none, or that of sending.

Both keep entries of messages that are not to be given any more: what counts is a message's state when it is met.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from random import Random

from testing.sqs.message import IN_FLIGHT, READY, Message

# Below this it is not worth looking for messages that are gone.
_FEW = 1_000


class Shuffled:
    """Gives any of the messages, each as likely as another."""

    __slots__ = ("_gone", "_messages", "_random")

    def __init__(self, random: Random) -> None:
        self._random = random
        self._messages: list[Message] = []
        self._gone = 0

    def free(self, message: Message) -> None:
        """A message is ready."""
        self._messages.append(message)

    def lose(self) -> None:
        """A message that was ready is gone."""
        self._gone += 1
        if self._gone > len(self._messages) // 2 + _FEW:
            self._messages = [message for message in self._messages if message.state == READY]
            self._gone = 0

    def take(self, most: int) -> list[Message]:
        """Take up to so many that are ready: they are in flight now."""
        messages, chance = self._messages, self._random.random
        taken: list[Message] = []
        while messages and len(taken) < most:
            place = int(chance() * len(messages))
            message = messages.pop()
            if place < len(messages):
                message, messages[place] = messages[place], message
            if message.state == READY:
                message.state = IN_FLIGHT
                taken.append(message)
        return taken


class InOrder:
    """Gives the messages in the order of sending."""

    __slots__ = ("_gone", "_messages")

    def __init__(self) -> None:
        self._messages: list[tuple[int, Message]] = []
        self._gone = 0

    def free(self, message: Message) -> None:
        """A message is ready."""
        heappush(self._messages, (message.number, message))

    def lose(self) -> None:
        """A message that was ready is gone."""
        self._gone += 1
        if self._gone > len(self._messages) // 2 + _FEW:
            self._messages = [entry for entry in self._messages if entry[1].state == READY]
            heapify(self._messages)
            self._gone = 0

    def take(self, most: int) -> list[Message]:
        """Take up to so many that are ready: they are in flight now."""
        messages = self._messages
        taken: list[Message] = []
        while messages and len(taken) < most:
            message = heappop(messages)[1]
            if message.state == READY:
                message.state = IN_FLIGHT
                taken.append(message)
        return taken
