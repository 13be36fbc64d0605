"""Messages that SQS moves itself: to a dead-letter queue, and from there by a move task.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from testing.sqs.message import DeadLetter, Message

if TYPE_CHECKING:
    from testing.sqs.queue import Queue


def take(queue: Queue, most: int) -> list[Message]:
    """Take up to so many messages that may be received; what was received too often goes to the dead-letter queue.

    Without a dead-letter queue, or when that was deleted, nothing is received too often.
    """
    policy = queue.settings.redrive
    dead_letters = queue.neighbour(policy.target_arn) if policy is not None else None
    if policy is None or dead_letters is None:
        return queue.holdings.take(most)
    kept: list[Message] = []
    while len(kept) < most:
        taken = queue.holdings.take(most - len(kept))
        if not taken:
            break
        for message in taken:
            if message.receive_count - message.received_before < policy.max_receive_count:
                kept.append(message)
            else:
                _bury(message, queue, dead_letters)
    return kept


def redrive(letter: Message, source: Queue, target: Queue) -> None:
    """Send a letter on as a new message, with the deduplication id that it has here."""
    source.holdings.remove(letter)
    source.totals.moved_out += 1
    now, number = target.settle(), target.holdings.next_number
    message = Message(
        target.mark.message_id(number),
        letter.body,
        letter.attributes,
        letter.group,
        letter.deduplication_id,
        now,
        number,
    )
    target.admit(message, target.settings.delay_seconds)


def _bury(message: Message, source: Queue, target: Queue) -> None:
    """Move a message to its dead-letter queue, which is of the same type; at once, whatever that queue's delay is."""
    source.holdings.remove(message)
    source.totals.moved_out += 1
    letter = DeadLetter(message, source_arn=source.arn, now=target.settle(), number=target.holdings.next_number)
    target.admit(letter, 0)
