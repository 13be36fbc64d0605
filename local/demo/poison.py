"""Poison for the demo's queue, behind the topic's back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from messaging.samples.poison import poison_batches


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonReport:
    """The message ids that the queue gave, and how many messages it refused."""

    message_ids: tuple[str, ...]
    refused: int


def send_poison(sqs: Any, queue_url: str, *, count: int, run: str) -> PoisonReport:
    """Send `count` malformed messages to a FIFO queue, several kinds in turn, each in a message group of its own."""
    message_ids: list[str] = []
    refused = 0
    for batch in poison_batches(count, run=run, fifo=True):
        reply = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        message_ids += [sent["MessageId"] for sent in reply.get("Successful", [])]
        refused += len(reply.get("Failed", []))
    return PoisonReport(message_ids=tuple(message_ids), refused=refused)
