"""Messages that can never succeed, for a queue behind the topic's back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

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


def poison_batches(count: int, *, run: str, fifo: bool) -> Iterator[list[dict[str, str]]]:
    """The entries of SendMessageBatch for `count` malformed messages, several kinds in turn; for a FIFO queue each is
    in a message group of its own, which `run` makes unlike those of other runs."""
    entries = _entries(count, run, fifo=fifo)
    while batch := list(islice(entries, _MAX_ENTRIES)):
        yield batch


def _entries(count: int, run: str, *, fifo: bool) -> Iterator[dict[str, str]]:
    for number in range(count):
        name = f"poison-{run}-{number}"
        entry = {"Id": str(number % _MAX_ENTRIES), "MessageBody": KINDS[number % len(KINDS)]}
        yield {**entry, "MessageGroupId": name, "MessageDeduplicationId": name} if fifo else entry
