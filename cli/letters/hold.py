"""Letters taken out of sight while they are looked at: held, and let go again whatever happens.

Only dead-letter queues are ever received from. To look at a source queue would count as a delivery, and bury messages.

A FIFO queue gives no more messages of a group while some of it are held:
https://repost.aws/knowledge-center/sqs-fifo-messages-not-returned. But one call may give ten of one group, and does so
where all other groups are held. So the first ten of each group can be seen without harm, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.letters.letter import Letter, received
from cli.letters.queue import DeadLetterQueue

MAX_BATCH = 10  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
# Long enough for a batch to be sent and deleted; after a kill -9 the letters are out of sight for so long.
SHORT_SECONDS = 20
# SQS hides a message for twelve hours at most; here less, as it counts from when it was received.
LONGEST_SECONDS = 11 * 60 * 60
# A long poll asks all of SQS's servers: what gives nothing then is empty.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
POLL_SECONDS = 1


class Hold:
    """Use as a context: at its end, what is held and not deleted is let go. `seconds` is how long a kill would leave
    it out of sight, by default SHORT_SECONDS. Raises what boto3 raises."""

    def __init__(self, sqs: Any, queue: DeadLetterQueue, *, seconds: float | None = None) -> None:
        self._sqs = sqs
        self._queue = queue
        self._seconds = _seconds(SHORT_SECONDS if seconds is None else seconds)
        self._handles: dict[str, str] = {}
        self._groups: dict[str, list[str]] = {}  # of a FIFO queue: the ids of held letters, in order

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release([*self._handles])

    def __len__(self) -> int:
        return len(self._handles)

    def take(self, most: int = MAX_BATCH) -> list[Letter]:
        """Hold up to so many more letters; none where none is to be had, after a long poll."""
        reply = self._sqs.receive_message(
            QueueUrl=self._queue.url,
            MaxNumberOfMessages=min(most, MAX_BATCH),
            VisibilityTimeout=self._seconds,
            WaitTimeSeconds=POLL_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        letters = [received(message, self._queue.unsigned) for message in reply.get("Messages", [])]
        self._handles |= {letter.id: letter.handle for letter in letters}
        for letter in letters:
            if self._queue.fifo and letter.group is not None:
                self._groups.setdefault(letter.group, []).append(letter.id)
        return letters

    @property
    def groups(self) -> list[str]:
        """The groups of which letters are held; there are none on a standard queue."""
        return [group for group, ids in self._groups.items() if any(each in self._handles for each in ids)]

    def take_group(self, group: str) -> list[Letter]:
        """Let go of what is held of a group and take it again, up to ten together: while nothing else is to be had,
        also those behind the ones that came alone."""
        ids = self._groups.pop(group, [])
        self.release([each for each in ids if each in self._handles])
        return self.take()

    def keep(self, letters: Iterable[Letter], seconds: float) -> None:
        """Hold these for so long from now, if that is longer."""
        if _seconds(seconds) > self._seconds:
            self._hide([letter.id for letter in letters], _seconds(seconds))

    def delete(self, letters: Sequence[Letter]) -> set[str]:
        """Delete letters that are held. The ids of those that SQS did not: their hold may have run out."""
        left: set[str] = set()
        for chunk in _chunks([letter.id for letter in letters]):
            entries = [{"Id": str(n), "ReceiptHandle": self._handles.pop(each)} for n, each in enumerate(chunk)]
            reply = self._sqs.delete_message_batch(QueueUrl=self._queue.url, Entries=entries)
            left |= {chunk[int(failed["Id"])] for failed in reply.get("Failed", [])}
        return left

    def release(self, ids: Sequence[str]) -> None:
        """Let these be seen again: the last one first, or a group's first letter would be given out alone. Goes on
        through Ctrl-C; where SQS does not answer, they come back by themselves."""
        interrupted: KeyboardInterrupt | None = None
        for chunk in _chunks([*reversed(ids)]):
            try:
                with suppress(ClientError, BotoCoreError):
                    self._hide(chunk, 0)
            except KeyboardInterrupt as error:
                interrupted = error
            for each in chunk:
                self._handles.pop(each, None)
        if interrupted is not None:
            raise interrupted

    def _hide(self, ids: Sequence[str], seconds: int) -> None:
        for chunk in _chunks(ids):
            entries = [
                {"Id": str(n), "ReceiptHandle": self._handles[each], "VisibilityTimeout": seconds}
                for n, each in enumerate(chunk)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._queue.url, Entries=entries)


def hold_seconds(letters: int, per_second: float = 25.0) -> float:
    """How long so many letters have to be held where so many are dealt with a second."""
    return max(SHORT_SECONDS, letters / per_second)


def _chunks(ids: Sequence[str]) -> Iterable[list[str]]:
    return ([*ids[start : start + MAX_BATCH]] for start in range(0, len(ids), MAX_BATCH))


def _seconds(seconds: float) -> int:
    return min(round(seconds), LONGEST_SECONDS)
