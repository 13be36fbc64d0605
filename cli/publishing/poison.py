"""Malformed messages into a consumer's queue, to see what becomes of them, and to practise on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from messaging.message import encode
from messaging.samples.orders import generate_orders
from messaging.samples.poison import poison_batches

# Every third can be mended: an order of today that lacks nothing but the right currency.
MENDABLE_EVERY = 3
RIGHT, WRONG = '"currency":"USD"', '"currency":"EUR"'


def send_poison(sqs: Any, queue_url: str, *, count: int, run: str, fifo: bool, now: datetime) -> tuple[int, int]:
    """How many messages a queue took, and how many it refused. Raises what boto3 raises."""
    taken = refused = 0
    mendable, numbers = _mendable(count, run, now), itertools.count()
    for batch in poison_batches(count, run=run, fifo=fifo):
        for entry in batch:
            if next(numbers) % MENDABLE_EVERY == 0:
                entry["MessageBody"] = next(mendable)
        reply = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        taken += len(reply.get("Successful", []))
        refused += len(reply.get("Failed", []))
    return taken, refused


def _mendable(count: int, run: str, now: datetime) -> Iterator[str]:
    for number, order in enumerate(generate_orders(count, seed=0)):
        named = msgspec.structs.replace(order, order_id=f"poison-{run}-{number}")
        yield encode(named, source="urn:waybill:cli", time=now).replace(RIGHT, WRONG)
