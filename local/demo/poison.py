"""Messages that can never succeed, put straight into a queue behind the topic's back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

_MAX_ENTRIES = 10  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html

_ENVELOPE = {
    "specversion": "1.0",
    "id": "OrderPlaced-poison",
    "source": "urn:waybill:demo",
    "type": "OrderPlaced",
    "subject": "poison",
    "time": "2024-01-01T00:00:00Z",
    "dataschema": "urn:waybill:OrderPlaced:1",
    "partitionkey": "poison",
    "correlationid": "OrderPlaced-poison",
}

KINDS: tuple[str, ...] = (
    "this is not JSON",
    json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:000000000000:other", "Message": "{}"}),
    json.dumps({"specversion": "1.0", "id": "OrderPlaced-poison"}),  # fields are missing
    json.dumps(_ENVELOPE | {"data": {"order_id": 17, "lines": "none"}}),  # types are wrong
    json.dumps(_ENVELOPE | {"data": {}}),
    "[1, 2, 3]",
    '{"specversion": "1.0", "specversion": "1.0"}',
    '{"specversion": NaN}',
    "[" * 200 + "]" * 200,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonReport:
    """The message ids that the queue gave, and how many messages it refused."""

    message_ids: tuple[str, ...]
    refused: int


def send_poison(sqs: Any, queue_url: str, *, count: int, run: str) -> PoisonReport:
    """Send `count` malformed messages to a FIFO queue, several kinds in turn, each in a message group of its own."""
    entries = _entries(count, run)
    message_ids: list[str] = []
    refused = 0
    while batch := list(islice(entries, _MAX_ENTRIES)):
        reply = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        message_ids += [sent["MessageId"] for sent in reply.get("Successful", [])]
        refused += len(reply.get("Failed", []))
    return PoisonReport(message_ids=tuple(message_ids), refused=refused)


def _entries(count: int, run: str) -> Iterator[dict[str, str]]:
    for number in range(count):
        name = f"poison-{run}-{number}"
        yield {
            "Id": str(number % _MAX_ENTRIES),
            "MessageBody": KINDS[number % len(KINDS)],
            "MessageGroupId": name,
            "MessageDeduplicationId": name,
        }
