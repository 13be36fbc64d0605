"""What a queue or a topic says of itself, with what CloudFormation takes where it says nothing."""

from __future__ import annotations

from stacks.rules.blueprint import Resource, is_true, number

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
_VISIBILITY_TIMEOUT_SECONDS = 30
_RETENTION_SECONDS = 4 * 24 * 60 * 60


def visibility_timeout_seconds(queue: Resource) -> int | None:
    """How long it hides what somebody received; None where only CloudFormation knows it."""
    return number(queue.properties.get("VisibilityTimeout"), _VISIBILITY_TIMEOUT_SECONDS)


def retention_seconds(queue: Resource) -> int | None:
    """How long it keeps messages; None where only CloudFormation knows it."""
    return number(queue.properties.get("MessageRetentionPeriod"), _RETENTION_SECONDS)


def is_fifo(queue_or_topic: Resource) -> bool:
    """Whether it keeps order per message group."""
    return any(is_true(queue_or_topic.properties.get(name)) for name in ("FifoQueue", "FifoTopic"))


def queue_type(queue: Resource) -> str:
    """What SQS calls its type."""
    return "FIFO" if is_fifo(queue) else "standard"
