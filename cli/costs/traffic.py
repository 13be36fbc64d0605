"""What a number of orders a day means for each subscription: events, their size, and how full batches are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from messaging.events import EventType, OrderCancelled, OrderPlaced, StockRefused, StockReserved
from messaging.message import encode
from messaging.samples.orders import generate_orders
from messaging.subscription import DAY_SECONDS, Subscription
from messaging.topic import Topic

DAYS_A_MONTH = 365 / 12
MONTH_SECONDS = DAYS_A_MONTH * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Sample:
    """What an order is like on average: the made-up ones are as large as real ones."""

    message_bytes: float
    lines: float
    high_share: float


@cache
def sample() -> Sample:
    """The averages of some made-up orders."""
    orders = list(generate_orders(200, seed=1))
    bodies = [encode(order, source="urn:waybill:cli", time=datetime(2026, 1, 1, tzinfo=UTC)) for order in orders]
    return Sample(
        message_bytes=sum(len(body.encode()) for body in bodies) / len(orders),
        lines=sum(len(order.lines) for order in orders) / len(orders),
        high_share=sum(order.priority == "high" for order in orders) / len(orders),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A month of orders. `batch_fill` None: as full as the rate makes them. Shares are of the orders."""

    orders_per_day: float
    cancelled_share: float = 0.05
    refused_share: float = 0.02
    batch_fill: float | None = None
    publish_fill: float = 1.0  # a service that takes orders tells of them one by one

    def published(self) -> dict[EventType, float]:
        """Events a month that producers publish, by type."""
        orders = self.orders_per_day * DAYS_A_MONTH
        return {OrderPlaced: orders, OrderCancelled: orders * self.cancelled_share}

    def followed_up(self, topic: Topic) -> dict[EventType, float]:
        """Follow-up events a month that the consumers emit, by type."""
        orders = self.orders_per_day * DAYS_A_MONTH
        shares: dict[EventType, float] = {StockReserved: 1 - self.refused_share, StockRefused: self.refused_share}
        emitted = {event for row in topic.subscriptions for event in row.emits}
        return {event: orders * share for event, share in shares.items() if event in emitted}

    def events(self, topic: Topic) -> dict[EventType, float]:
        """All events a month, by type."""
        return self.published() | self.followed_up(topic)

    def messages(self, row: Subscription, topic: Topic) -> float:
        """Messages a month that one subscription takes."""
        events = self.events(topic)
        return sum(events.get(event, 0.0) for event in row.events) * _share(row)

    def fill(self, row: Subscription, topic: Topic) -> float:
        """Records in a batch: the first, and what comes while Lambda gathers it. A FIFO mapping gathers nothing, so
        there it is what came while the batch before was worked on."""
        if self.batch_fill is not None:
            return min(self.batch_fill, row.batch_size)
        per_second = self.messages(row, topic) / MONTH_SECONDS
        return min(row.batch_size, 1 + per_second * (row.batching_window_seconds or FIFO_GATHERING_SECONDS))


FIFO_GATHERING_SECONDS = 0.05


def _share(row: Subscription) -> float:
    """How many of its events' messages a row's filter takes; only of priorities is it known."""
    conditions = row.where.get("priority")
    if conditions is None:
        return 1.0
    shares = {"high": sample().high_share, "standard": 1 - sample().high_share}
    return sum(shares[priority] for priority in _exact(conditions) if priority in shares)


def _exact(conditions: Iterable[Any]) -> Iterator[str]:
    yield from (each for each in conditions if isinstance(each, str))
