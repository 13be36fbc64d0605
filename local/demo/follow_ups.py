"""The follow-up events of a run: what inventory logs as refused must be told to whoever subscribed to that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from local.demo.journal import Record
from messaging.events import OrderPlaced, Shortage, StockRefused

INVENTORY = "inventory"
# The second one: it was killed after it had committed, and the redelivery found its own reservation.
_REFUSED = {"refused", "already_refused"}


class FollowUps:
    """Which refusals are due. Each order is told of once, however often its records are read."""

    def __init__(self, orders: Iterable[OrderPlaced]) -> None:
        self._orders = {order.event_id: order for order in orders}
        self._told: set[str] = set()

    def due(self, records: Iterable[Record]) -> Iterator[StockRefused]:
        """The refusals that these records bring about."""
        for record in records:
            order = self._orders.get(record.event_id or "")
            refused = record.consumer == INVENTORY and record.outcome == "applied" and record.reason in _REFUSED
            if order is not None and refused and order.event_id not in self._told:
                self._told.add(order.event_id)
                # What was short is for the customer to read; here only its way matters.
                short = tuple(Shortage(line.sku, wanted=line.quantity, in_stock=0) for line in order.lines)
                yield StockRefused(order.order_id, order.customer_id, short)
