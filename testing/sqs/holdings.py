"""The messages that a queue holds, and where each of them stands as time goes on."""

from __future__ import annotations

from collections.abc import Iterable

from testing.sqs.agenda import Agenda
from testing.sqs.ages import Ages
from testing.sqs.groups import Groups
from testing.sqs.message import DELAYED, GONE, IN_FLIGHT, READY, Message
from testing.sqs.settings import Settings
from testing.sqs.standard import InOrder, Shuffled


class Holdings:
    """Messages by id. Nothing happens by itself: `settle` does what time has brought.

    `numbered` is the number of the first message: a queue never gives one twice.
    """

    __slots__ = (
        "_ages",
        "_groups",
        "_line",
        "_standard",
        "_timers",
        "delayed",
        "in_flight",
        "messages",
        "next_number",
    )

    def __init__(self, line: Groups | Shuffled | InOrder, *, numbered: int) -> None:
        self.messages: dict[str, Message] = {}
        self.in_flight = 0
        self.delayed = 0
        self.next_number = numbered
        self._line = line
        self._groups = line if isinstance(line, Groups) else None
        self._standard = None if isinstance(line, Groups) else line
        self._timers = Agenda(_is_hidden)
        self._ages = Ages()

    @property
    def ready(self) -> int:
        """How many could be received, but for those before them in their group."""
        return len(self.messages) - self.in_flight - self.delayed

    def settle(self, now: float, retention_seconds: float) -> int:
        """Do what time has brought; how many messages were kept for so long that they are gone."""
        expired = 0
        for message in self._ages.due(now, retention_seconds):
            if message.state != GONE:  # what was restored is named twice
                self.remove(message)
                expired += 1
        for message in self._timers.due(now):
            self.show(message)
        return expired

    def ready_at(self, now: float) -> float | None:
        """When `take` would give something, if nothing else happens. It must be settled."""
        if self._groups is not None:
            return now if self._groups.ready() else self._groups.wakes_at()
        return now if self.ready else self._timers.first()

    def add(self, message: Message, delayed_until: float | None) -> None:
        """A message comes; its number is the next."""
        self.next_number = message.number + 1
        self.messages[message.message_id] = message
        self._ages.add(message)
        if delayed_until is not None:
            message.state = DELAYED
            message.visible_at = delayed_until
            self.delayed += 1
            self._timers.add(delayed_until, message)
        if self._groups is not None:
            self._groups.join(message)
        elif delayed_until is None:
            self._line.free(message)

    def restore(self, message: Message) -> None:
        """A message that was removed is there again, and ready; of a standard queue only."""
        self.messages[message.message_id] = message
        message.state = READY
        self._ages.add(message)
        self._line.free(message)

    def take(self, most: int) -> list[Message]:
        """Take up to so many that are ready: they are in flight now, and must be hidden, shown or removed."""
        taken = self._line.take(most)
        self.in_flight += len(taken)
        return taken

    def hold(self, message: Message) -> None:
        """A message that is ready is in flight again, and must be hidden."""
        message.state = IN_FLIGHT
        self.in_flight += 1

    def hide(self, messages: Iterable[Message], until: float, retention_seconds: float) -> None:
        """Messages in flight, or delayed, become visible at a time, unless they are too old by then."""
        timers, groups = self._timers, self._groups
        for message in messages:
            gone_at = message.sent_at + retention_seconds
            if until < gone_at:
                message.visible_at = until
                timers.add(until, message)
            else:
                message.visible_at = gone_at
            if groups is not None and message.preceding is None:
                groups.hold(message)
        timers.prune(self.in_flight + self.delayed)
        self._ages.prune(len(self.messages))

    def show(self, message: Message) -> None:
        """A message is ready."""
        self._uncount(message.state)
        message.state = READY
        self._line.free(message)

    def remove(self, message: Message) -> bool:
        """A message goes; whether another may be given sooner for that."""
        del self.messages[message.message_id]
        state, message.state = message.state, GONE
        self._uncount(state)
        if self._groups is not None:
            return self._groups.leave(message)
        if state == READY and self._standard is not None:
            self._standard.lose()
        return False

    def available(self, message_id: str) -> Message | None:
        """A message that `take` could give, now or after others of other groups."""
        message = self.messages.get(message_id)
        if message is None or message.state != READY:
            return None
        return message if self._groups is None or message.preceding is None else None

    def retime(self, now: float, settings: Settings) -> None:
        """Let new settings hold for what is there: retention, and on a FIFO queue the delay.

        Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
        """
        for message in list(self.messages.values()):
            if message.state == IN_FLIGHT:
                self.hide((message,), message.visible_at, settings.retention_seconds)
            elif message.state == DELAYED and self._groups is not None:
                until = message.sent_at + settings.delay_seconds
                if until <= now:
                    self.show(message)
                else:
                    self.hide((message,), until, settings.retention_seconds)

    def give_by(self, line: Shuffled | InOrder) -> None:
        """Give what is ready in another order from now on; of a standard queue only."""
        self._line = self._standard = line
        for message in self.messages.values():
            if message.state == READY:
                line.free(message)

    def _uncount(self, state: int) -> None:
        if state == IN_FLIGHT:
            self.in_flight -= 1
        elif state == DELAYED:
            self.delayed -= 1


def _is_hidden(when: float, message: Message) -> bool:
    return message.visible_at == when and message.state in (IN_FLIGHT, DELAYED)
