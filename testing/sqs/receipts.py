"""Message ids and receipt handles, and what a handle is worth."""

from __future__ import annotations

from enum import Enum, auto
from typing import ClassVar, Final

# Added to a number, it has twelve: that is faster than to format it.
_TWELVE_DIGITS: Final = 10**11


class Worth(Enum):
    """What a receipt handle can do, as far as the queue is concerned.

    Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html ("if you use
    an old ReceiptHandle, the request will succeed, but the message might not be deleted") and, for FIFO queues,
    https://repost.aws/knowledge-center/sqs-receipt-handle-error ("a receipt handle expires after a visibility timeout
    period").
    """

    CURRENT = auto()  # of the last receive; on a FIFO queue before its visibility timeout has passed
    OLD = auto()  # of an earlier receive from a standard queue: it might do something or not
    EXPIRED = auto()  # on a FIFO queue: it can do nothing any more
    GONE = auto()  # its message was deleted, moved or kept for too long
    UNKNOWN = auto()  # this queue never gave it


class Mark:
    """What a queue's message ids begin with and its receipt handles contain; from a seed of 32 hexadecimal digits."""

    ID_LENGTH: ClassVar = 36

    __slots__ = ("_mark", "_prefix")

    def __init__(self, seed: str) -> None:
        self._prefix = f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-"
        self._mark = f":{seed[20:]}:"

    def message_id(self, number: int) -> str:
        """The id of the message with this number, in the form of a UUID."""
        return f"{self._prefix}{_TWELVE_DIGITS + number}"

    def number(self, message_id: str) -> int:
        """The number of the message with this id."""
        return int(message_id[len(self._prefix) :]) - _TWELVE_DIGITS

    def handle(self, message_id: str, receive_count: int) -> str:
        """The receipt handle of a receive."""
        return f"{message_id}{self._mark}{receive_count}"

    def gave(self, handle: str) -> bool:
        """Whether a handle has this queue's form."""
        end = self.ID_LENGTH + len(self._mark)
        return handle[self.ID_LENGTH : end] == self._mark and handle[end:].isdecimal()
