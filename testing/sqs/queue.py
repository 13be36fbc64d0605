"""One queue: what is sent to it, who receives what, and when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Final

from testing.scheduler import Scheduler
from testing.sqs import moves
from testing.sqs.counts import Counts, Totals
from testing.sqs.deduplication import BETWEEN, Window, fifo_id
from testing.sqs.errors import invalid_value
from testing.sqs.groups import Groups
from testing.sqs.holdings import Holdings
from testing.sqs.limits import check, check_delay, visibility_seconds_left
from testing.sqs.message import IN_FLIGHT, NO_ATTRIBUTES, READY, Attributes, Message, Received
from testing.sqs.receipts import Mark, Worth
from testing.sqs.settings import FIFO_SUFFIX, Settings
from testing.sqs.standard import InOrder, Shuffled

# So many deleted messages are remembered, for `redeliver`.
_LATELY: Final = 1_000

Neighbour = Callable[[str], "Queue | None"]


class Queue:
    """A standard queue or, by its name, a FIFO queue. `neighbour` gives the queue of an ARN, None if there is none.

    `watch` is called after whatever may make `ready_at()` earlier. `old_handles_act` is how likely, 0 to 1, the handle
    of an earlier receive does something on a standard queue, where AWS says that it might not.
    """

    def __init__(self, scheduler: Scheduler, arn: str, url: str, settings: Settings, neighbour: Neighbour) -> None:
        self.arn = arn
        self.url = url
        self.name = arn.rpartition(":")[2]
        self.fifo = self.name.endswith(FIFO_SUFFIX)
        self.settings = settings
        self.neighbour = neighbour
        self.watch: Callable[[], None] | None = None
        self.old_handles_act = 0.5
        self.totals = Totals()
        self.created_at = self.modified_at = scheduler.now
        self.mark = Mark(scheduler.new_id())
        self._scheduler = scheduler
        self._shuffles = not self.fifo
        self.start(numbered=0)

    def start(self, *, numbered: int) -> None:
        """Hold nothing and remember nothing: the next message has this number."""
        self.holdings = Holdings(Groups() if self.fifo else self._order(), numbered=numbered)
        self._window = Window()
        self._lately: deque[Message] = deque(maxlen=_LATELY)

    def send(
        self,
        body: str,
        *,
        attributes: Attributes = NO_ATTRIBUTES,
        group: str | None = None,
        deduplication_id: str | None = None,
        delay_seconds: int | None = None,
    ) -> str:
        """Send a message and return its id; for a repeated deduplication id that of the first.

        `attributes` are not copied. Raises Refused. Only the API checks characters and the form of names.
        """
        settings, now = self.settings, self._scheduler.now
        if attributes or not 0 < len(body) <= settings.small_body:
            check(body, attributes, settings.max_size)
        key = ""
        if self.fifo:
            if not group or not deduplication_id or delay_seconds:
                deduplication_id = fifo_id(body, group, deduplication_id, delay_seconds, settings)
            key = f"{group}{BETWEEN}{deduplication_id}" if settings.per_group else deduplication_id
            first = self._window.seen(key, now)
            if first is not None:
                self.totals.deduplicated += 1
                return first
            delay_seconds = settings.delay_seconds
        elif deduplication_id is not None:
            reason = "The request includes a parameter that is not valid for this queue type."
            raise invalid_value("MessageDeduplicationId", deduplication_id, reason)
        elif delay_seconds is None:
            delay_seconds = settings.delay_seconds
        else:
            check_delay(delay_seconds)
        number = self.holdings.next_number
        message_id = self.mark.message_id(number)
        message = Message(message_id, body, attributes, group, deduplication_id, now, number)
        self.holdings.add(message, now + delay_seconds if delay_seconds else None)
        self.totals.sent += 1
        if key:
            self._window.remember(key, message_id, now)
        if self.watch is not None:
            self.watch()
        return message_id

    def admit(self, message: Message, delay_seconds: float) -> None:
        """A message comes from another queue."""
        self.holdings.add(message, self._scheduler.now + delay_seconds if delay_seconds else None)
        self.totals.moved_in += 1
        self.tell()

    def receive(self, most: int = 10, visibility_timeout_seconds: int | None = None) -> list[Received]:
        """Receive up to so many messages: they are in flight until they are deleted or the timeout has passed.

        A message that was received too often goes to the dead-letter queue instead.
        """
        now, handle, timeout = self.settle(), self.mark.handle, visibility_timeout_seconds
        if timeout is None:
            timeout = self.settings.visibility_timeout_seconds
        messages = moves.take(self, most)
        received = []
        for message in messages:
            message.receive_count = count = message.receive_count + 1
            message.received_at = now
            if message.first_received_at is None:
                message.first_received_at = now
            message.receipt_handle = given = handle(message.message_id, count)
            received.append(Received(message, given, count))
        self.totals.received += len(messages)
        if timeout:
            self.holdings.hide(messages, now + timeout, self.settings.retention_seconds)
        else:
            for message in messages:
                self.holdings.show(message)
        return received

    def delete(self, handle: str) -> bool:
        """Delete the message of a receipt handle. False if there is none or the handle can't (see `Worth`)."""
        message = self._named_by(handle)
        if message is None:
            return False
        self.totals.deleted += 1
        if not self.fifo:
            self._lately.append(message)
        if self.holdings.remove(message):
            self.tell()
        return True

    def change_visibility(self, handle: str, seconds: float) -> bool:
        """Let a message become visible in so many seconds from now; 0 is at once.

        False if there is none, the handle can't (see `Worth`) or that is more than 12 hours after the last receive.
        On a standard queue, a message that has become visible but was not received again is hidden again: AWS was
        recorded to accept that, see `test_visibility.py`.

        Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
        """
        now = self.settle()
        message = self._named_by(handle)
        if message is None or not 0 <= seconds <= visibility_seconds_left(message, now):
            return False
        if message.state == READY:
            self.holdings.hold(message)
        is_sooner = now + seconds < message.visible_at
        if seconds:
            self.holdings.hide((message,), now + seconds, self.settings.retention_seconds)
        else:
            self.holdings.show(message)
        if is_sooner:
            self.tell()
        return True

    def ready_at(self) -> float | None:
        """When `receive` gives something, or has it buried, if nothing else happens: now if at once, None if never."""
        return self.holdings.ready_at(self.settle())

    def redeliver(self, message_id: str) -> bool:
        """Let a message in flight, or just deleted, become visible once more, as a standard queue may do.

        Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
        """
        now = self.settle()
        message = self.holdings.messages.get(message_id)
        if message is not None and message.state == IN_FLIGHT and not self.fifo:
            self.holdings.show(message)
        else:
            message = next((gone for gone in reversed(self._lately) if gone.message_id == message_id), None)
            if message is None or message.sent_at + self.settings.retention_seconds <= now:
                return False
            self._lately.remove(message)
            self.holdings.restore(message)
        self.tell()
        return True

    def messages(self) -> list[Message]:
        """All messages in the order of sending, without touching them."""
        self.settle()
        return sorted(self.holdings.messages.values(), key=attrgetter("number"))

    @property
    def counts(self) -> Counts:
        """How many messages there are, and have been."""
        self.settle()
        return self.totals.with_present(self.holdings)

    @property
    def shuffles(self) -> bool:
        """Whether a standard queue gives its messages in a random order, or in that of sending."""
        return self._shuffles

    @shuffles.setter
    def shuffles(self, wanted: bool) -> None:
        if not self.fifo and wanted != self._shuffles:
            self._shuffles = wanted
            self.holdings.give_by(self._order())

    def worth(self, handle: str) -> tuple[Worth, Message | None]:
        """What a receipt handle can do, and its message if that is here."""
        self.settle()
        if not self.mark.gave(handle):
            return Worth.UNKNOWN, None
        message = self.holdings.messages.get(handle[: Mark.ID_LENGTH])
        if message is None:
            return Worth.GONE, None
        if self.fifo and (message.receipt_handle != handle or message.state != IN_FLIGHT):
            return Worth.EXPIRED, message
        return (Worth.CURRENT if message.receipt_handle == handle else Worth.OLD), message

    def settle(self) -> float:
        """Do what time has brought, and say what time it is."""
        now = self._scheduler.now
        self.totals.expired += self.holdings.settle(now, self.settings.retention_seconds)
        return now

    def tell(self) -> None:
        """`ready_at()` may be earlier than it was."""
        if self.watch is not None:
            self.watch()

    def _named_by(self, handle: str) -> Message | None:
        """The message on which a receipt handle acts."""
        message = self.holdings.messages.get(handle[: Mark.ID_LENGTH])
        if message is not None and message.receipt_handle == handle:
            now = self._scheduler.now
            if self.fifo:
                return message if message.state == IN_FLIGHT and message.visible_at > now else None
            return message if message.sent_at + self.settings.retention_seconds > now else None
        worth, message = self.worth(handle)
        acts = worth is Worth.OLD and self._scheduler.random.random() < self.old_handles_act
        return message if acts else None

    def _order(self) -> Shuffled | InOrder:
        return Shuffled(self._scheduler.random) if self._shuffles else InOrder()
