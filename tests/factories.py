"""Events and deliveries for tests, every field given a sound default."""

from __future__ import annotations

from typing import Any

from messaging.batch import Delivery
from messaging.events import Event
from testing.events import body, line
from testing.events import order_cancelled as cancellation
from testing.events import order_placed as order
from testing.scheduler import STARTS_AT as NOW

__all__ = ["NOW", "body", "cancellation", "delivery", "line", "order", "sqs_event", "sqs_record"]


def delivery(content: Event | str, delivery_id: str = "m1", *, fifo: bool = True, **changes: Any) -> Delivery:
    """A delivery of an event, or of any text, first received now."""
    text = content if isinstance(content, str) else body(content)
    group = None
    if fifo:
        group = "by-hand" if isinstance(content, str) else content.partition_key
    fields: dict[str, Any] = {"attempt": 1, "first_received_at": NOW, "handle": f"handle-{delivery_id}", "group": group}
    return Delivery(id=delivery_id, body=text, **{**fields, **changes})


def sqs_event(*deliveries: Delivery, queue: str = "inventory.fifo") -> dict[str, Any]:
    """The Lambda event that carries these deliveries, in the shape that AWS sends."""
    return {"Records": [sqs_record(each, queue) for each in deliveries]}


def sqs_record(each: Delivery, queue: str) -> dict[str, Any]:
    """One record of a Lambda event from SQS."""
    attributes = {
        "ApproximateReceiveCount": str(each.attempt),
        "SentTimestamp": str(int(each.first_received_at * 1000)),
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": str(int(each.first_received_at * 1000)),
    }
    if each.group is not None:
        attributes |= {"MessageGroupId": each.group, "MessageDeduplicationId": each.id, "SequenceNumber": "1"}
    return {
        "messageId": each.id,
        "receiptHandle": each.handle,
        "body": each.body,
        "attributes": attributes,
        "messageAttributes": dict(each.attributes),
        "md5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "awsRegion": "us-east-1",
    }
