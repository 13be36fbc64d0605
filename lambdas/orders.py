"""Writes an order's events with status and promised date: what `priority_orders` and `standard_orders` share.

One item an event, never overwritten: the order's status is that of its latest item. Its key holds the event id, so
the item is its own marker: one write unit a message.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from messaging.effects import Create, Effect, Key, Transactional, View
from messaging.events import OrderCancelled, OrderEvent, OrderPlaced
from messaging.message import Message


def order_writer(*, promise_days: int) -> Transactional:
    """The effects of a consumer that promises delivery `promise_days` after the order was placed."""

    def place(message: Message[OrderPlaced], _: View) -> Effect:
        promised_at = datetime.fromisoformat(message.event.placed_at) + timedelta(days=promise_days)
        return write(message, status="placed", promised_at=promised_at.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def cancel(message: Message[OrderCancelled], _: View) -> Effect:
        return write(message, status="cancelled")

    return Transactional(functions={OrderPlaced: place, OrderCancelled: cancel})


def write(message: Message[OrderEvent], **facts: str) -> Effect:
    """The item of one event of an order."""
    order = message.event
    item = {
        **facts,
        "customer_id": order.customer_id,
        "priority": order.priority,
        "placed_at": order.placed_at,
        "currency": order.currency,
        "amount": order.amount(),
    }
    return Effect((Create(Key("orders", order.order_id, message.id), item),))
