"""A message in a queue, and what one receive of it showed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from testing.sqs.groups import Group

Attributes = Mapping[str, Any]
NO_ATTRIBUTES: Final[Attributes] = MappingProxyType({})

# Where a message stands: to be given, not yet, no longer, or no more.
READY: Final = 0
DELAYED: Final = 1
IN_FLIGHT: Final = 2
GONE: Final = 3

# Sequence numbers have 20 digits, and rise.
_FIRST_SEQUENCE_NUMBER = 10**19


class Message:
    """A message and where it stands. Times are epoch seconds; `number` is its place in the order of sending.

    `attributes` are message attributes in the API's form, not to be changed. `line`, `preceding` and `following` are
    its place in a FIFO queue; `visible_at` is of use while it is delayed or in flight.
    """

    __slots__ = (
        "attributes",
        "body",
        "deduplication_id",
        "first_received_at",
        "following",
        "group",
        "line",
        "message_id",
        "number",
        "preceding",
        "receipt_handle",
        "receive_count",
        "received_at",
        "sent_at",
        "state",
        "visible_at",
    )

    # How often it was received in other queues before it came here, and from which it came: see DeadLetter.
    received_before: int = 0
    dead_letter_source_arn: str | None = None

    line: Group
    preceding: Message | None
    following: Message | None
    received_at: float

    def __init__(
        self,
        message_id: str,
        body: str,
        attributes: Attributes,
        group: str | None,
        deduplication_id: str | None,
        sent_at: float,
        number: int,
    ) -> None:
        self.message_id = message_id
        self.body = body
        self.attributes = attributes
        self.group = group
        self.deduplication_id = deduplication_id
        self.sent_at = sent_at
        self.number = number
        self.state: int = READY
        self.visible_at = 0.0
        self.receive_count = 0
        self.first_received_at: float | None = None
        self.receipt_handle: str | None = None

    @property
    def sequence_number(self) -> str | None:
        """20 digits on a FIFO queue, None on a standard one."""
        return None if self.deduplication_id is None else sequence_number(self.number)

    @property
    def md5(self) -> str:
        """Of the body, in hexadecimal."""
        return md5(self.body)


class DeadLetter(Message):
    """A message that a redrive policy has moved: the same id and attributes, and its receives count on.

    A standard queue's letter keeps its time of sending; a FIFO queue's gets a new one, and the message's id as its
    deduplication id.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    """

    __slots__ = ("dead_letter_source_arn", "received_before")

    def __init__(self, message: Message, *, source_arn: str, now: float, number: int) -> None:
        fifo = message.deduplication_id is not None
        super().__init__(
            message.message_id,
            message.body,
            message.attributes,
            message.group,
            message.message_id if fifo else None,
            now if fifo else message.sent_at,
            number,
        )
        self.receive_count = self.received_before = message.receive_count
        self.first_received_at = message.first_received_at
        self.dead_letter_source_arn = source_arn


class Received:
    """One receive of a message: its receipt handle and receive count are this receive's."""

    __slots__ = ("_message", "receipt_handle", "receive_count")

    def __init__(self, message: Message, receipt_handle: str, receive_count: int) -> None:
        self._message = message
        self.receipt_handle = receipt_handle
        self.receive_count = receive_count

    @property
    def message_id(self) -> str:
        """The same for every receive, but not after a redrive."""
        return self._message.message_id

    @property
    def body(self) -> str:
        """As it was sent."""
        return self._message.body

    @property
    def attributes(self) -> Attributes:
        """Message attributes in the API's form, not to be changed."""
        return self._message.attributes

    @property
    def group(self) -> str | None:
        """The message group."""
        return self._message.group

    @property
    def deduplication_id(self) -> str | None:
        """On a FIFO queue; a dead letter's is the id of the original message."""
        return self._message.deduplication_id

    @property
    def sequence_number(self) -> str | None:
        """20 digits on a FIFO queue, None on a standard one."""
        return self._message.sequence_number

    @property
    def sent_at(self) -> float:
        """Epoch seconds."""
        return self._message.sent_at

    @property
    def first_received_at(self) -> float:
        """Epoch seconds."""
        first = self._message.first_received_at
        assert first is not None
        return first

    @property
    def dead_letter_source_arn(self) -> str | None:
        """The queue whose redrive policy brought it here."""
        return self._message.dead_letter_source_arn

    @property
    def md5(self) -> str:
        """Of the body, in hexadecimal."""
        return md5(self._message.body)


def sequence_number(number: int) -> str:
    """The 20 digits that the API shows."""
    return str(_FIRST_SEQUENCE_NUMBER + number)


def md5(body: str) -> str:
    """Of a body, in hexadecimal."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
