"""Adds an order's amount to the revenue of its day and country, exact; a cancellation subtracts it."""

from __future__ import annotations

from decimal import Decimal
from zlib import crc32

from lambdas.runtime import lambda_handler
from messaging.effects import Add, Effect, Key, Transactional, View
from messaging.events import OrderCancelled, OrderEvent, OrderPlaced
from messaging.message import Message

# A day's orders of one country all add to one number: shards keep concurrent batches off each other's items.
SHARDS = 8


def add(message: Message[OrderPlaced], _: View) -> Effect:
    """The order's amount, on top."""
    return book(message, message.event.amount())


def subtract(message: Message[OrderCancelled], _: View) -> Effect:
    """The order's amount, taken back from the same day and country."""
    return book(message, -message.event.amount())


def book(message: Message[OrderEvent], amount: Decimal) -> Effect:
    """An addition to one shard of the day and country. Additions commute, so order does not matter."""
    order = message.event
    shard = crc32(order.order_id.encode()) % SHARDS
    return Effect(
        (Add(Key("revenue", f"{order.placed_at[:10]}#{order.ship_to.country}", str(shard)), "amount", amount),)
    )


handler = lambda_handler(Transactional(functions={OrderPlaced: add, OrderCancelled: subtract}))
