"""Records as Lambda gives them to a consumer, each with a new order."""

from __future__ import annotations

import itertools
import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec

from messaging.events import OrderPlaced
from messaging.message import encode
from messaging.topology import ORDERS

Document = dict[str, Any]

_numbers = itertools.count(1)


def record(consumer: str, customer: str | None = None) -> Document:
    """A record of Lambda's with a new order: three lines, a customer of its own unless one is given."""
    number = next(_numbers)
    fields = {
        "order_id": f"{os.getpid()}-{number}",
        "customer_id": customer or f"C{number}",
        "placed_at": "2026-11-20T10:00:00Z",
        "currency": "USD",
        "priority": "standard",
        "lines": [{"sku": f"NW-{n}", "quantity": n, "unit_price": "14.00", "discount": "0.05"} for n in range(1, 4)],
        "ship_to": {"name": "Søren Ås", "city": "Århus", "region": None, "postal_code": "8000", "country": "Denmark"},
    }
    order, now = msgspec.convert(fields, OrderPlaced), time.time()
    fifo = ORDERS.subscription(consumer).fifo
    milliseconds = str(int(now * 1000))
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": f"handle-{number}",
        "body": encode(order, source="urn:waybill:bench", time=datetime.fromtimestamp(now, UTC)),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": milliseconds,
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": milliseconds,
            **({"MessageGroupId": order.partition_key, "SequenceNumber": str(number)} if fifo else {}),
        },
        "messageAttributes": {},
        "md5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{consumer}{'.fifo' if fifo else ''}",
        "awsRegion": "us-east-1",
    }
