"""Events and deliveries for tests, every field given a sound default."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from messaging.batch import Delivery
from messaging.events import Event, OrderCancelled, OrderPlaced
from messaging.message import encode

NOW = 1_790_000_000.0  # the controlled clock of the tests, epoch seconds


def order(order_id: str = "1001", *, customer_id: str = "ALFKI", **changes: Any) -> OrderPlaced:
    """A valid order: two lines, 34.90 in all."""
    fields: dict[str, Any] = {
        "order_id": order_id,
        "customer_id": customer_id,
        "placed_at": "2026-11-20T10:00:00Z",
        "currency": "USD",
        "priority": "standard",
        "lines": [line("NW-1", 2, "10.00"), line("NW-2", 3, "5.00", "0.0066")],
        "ship_to": {"name": "Søren Ås", "city": "Århus", "region": None, "postal_code": "8000", "country": "Denmark"},
    }
    return msgspec.convert({**fields, **changes}, OrderPlaced)


def line(sku: str, quantity: int = 1, unit_price: str = "1.00", discount: str = "0") -> dict[str, Any]:
    """One line as the producer writes it."""
    return {"sku": sku, "quantity": quantity, "unit_price": unit_price, "discount": discount}


def cancellation(placed: OrderPlaced) -> OrderCancelled:
    """The cancellation of an order."""
    return msgspec.convert(msgspec.to_builtins(placed), OrderCancelled)


def body(event: Event, *, time: float = NOW, **envelope: Any) -> str:
    """The event's message."""
    return encode(event, source="urn:waybill:test", time=datetime.fromtimestamp(time, UTC), **envelope)


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
