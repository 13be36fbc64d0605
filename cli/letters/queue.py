"""Which queue an operator means: a consumer's dead-letter queue, or that of what the topic could not deliver to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cli.errors import NotFound
from cli.letters.letter import RECEIVE_COUNT, UNDELIVERED
from cli.target import Target
from messaging.subscription import Subscription

TOPIC = "/topic"


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueue:
    """A dead-letter queue, and the queue of the consumer that its letters go back to."""

    name: str
    url: str
    source_url: str
    row: Subscription

    @property
    def fifo(self) -> bool:
        """Whether it keeps the order of each group; the topic's always does, whatever the consumer's queue."""
        return is_fifo(self.url)

    @property
    def of_topic(self) -> bool:
        """Whether it holds what the topic could not deliver."""
        return self.name.endswith(TOPIC)

    @property
    def unsigned(self) -> str:
        """The reason of letters that no consumer has signed."""
        return UNDELIVERED if self.of_topic else RECEIVE_COUNT


@dataclass(frozen=True)
class Depth:
    """How many letters are to be had, and how many somebody holds. SQS calls both approximate.

    On a FIFO queue those behind a held one of their group count as to be had.
    """

    visible: int
    held: int

    @property
    def total(self) -> int:
        """All that are there."""
        return self.visible + self.held


def find(target: Target, name: str) -> DeadLetterQueue:
    """The queue of that name: `CONSUMER`, or `CONSUMER/topic`. Raises NotFound."""
    consumer, of_topic = name.removesuffix(TOPIC), name.endswith(TOPIC)
    if "/" in consumer:
        raise NotFound(f"no queue {name!r}: say CONSUMER, or CONSUMER{TOPIC} for what the topic could not deliver")
    row = target.subscription(consumer)
    return DeadLetterQueue(
        name=name,
        url=target.physical(row, "TopicDeadLetterQueueUrl" if of_topic else "DeadLetterQueueUrl"),
        source_url=target.physical(row, "QueueUrl"),
        row=row,
    )


def depth(sqs: Any, url: str) -> Depth:
    """How many letters a queue holds now. `sqs` is boto3's client."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return Depth(*(int(counts[name]) for name in names))


def is_fifo(url: str) -> bool:
    """Whether a queue is FIFO: its name says so.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/fifo-queue-message-identifiers.html
    """
    return url.endswith(".fifo")
