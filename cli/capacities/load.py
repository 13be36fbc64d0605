"""A load: orders a second, a burst on top, and how unevenly they fall on customers and items."""

from __future__ import annotations

from dataclasses import dataclass

from cli.costs.traffic import DAYS_A_MONTH, MONTH_SECONDS, Traffic
from messaging.subscription import DAY_SECONDS, Subscription
from messaging.topic import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`rate` orders a second for good, and `burst` orders at the beginning, faster than anybody takes them.

    `groups` customers order; the busiest has `hot_group_share` of all orders. `hot_item_share` of the orders write the
    busiest item of a table that orders share, such as the best-selling product's stock.
    """

    rate: float
    burst: float = 0
    groups: int = 1_000
    hot_group_share: float = 0.01
    hot_item_share: float = 0.1
    mails_per_second: float = 14

    def messages_per_order(self, row: Subscription, topic: Topic) -> float:
        """Messages that one order comes to for a subscription."""
        one_a_day = Traffic(orders_per_day=1)
        return one_a_day.messages(row, topic) / DAYS_A_MONTH

    def messages_per_second(self, row: Subscription, topic: Topic) -> float:
        """Of the steady rate."""
        return self.rate * self.messages_per_order(row, topic)

    def events_per_second(self, topic: Topic) -> float:
        """What the steady rate publishes, follow-up events among it."""
        events = Traffic(orders_per_day=self.rate * DAY_SECONDS).events(topic)
        return sum(events.values()) / MONTH_SECONDS
