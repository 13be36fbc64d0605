"""Events for tests, every field given a sound default: valid ones, for what is invalid is refused here already."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from messaging.events import Event, OrderCancelled, OrderEvent, OrderPlaced, StockRefused, StockReserved
from messaging.message import Message, decode, encode
from messaging.outgoing import Draft
from testing.scheduler import STARTS_AT

E = TypeVar("E", OrderPlaced, OrderCancelled, StockReserved, StockRefused)
SOURCE = "urn:waybill:test"


def order_placed(order_id: str = "1001", *, customer_id: str = "ALFKI", **changes: Any) -> OrderPlaced:
    """An order of two lines, 34.901 USD in all, for Denmark, of priority `standard`. Its event id is `OrderPlaced-` and
    the order's id.

    `changes` are other values of its fields. Raises msgspec.ValidationError, which names the field, for one that the
    event's schema does not allow.
    """
    fields: dict[str, Any] = {
        "order_id": order_id,
        "customer_id": customer_id,
        "placed_at": "2026-11-20T10:00:00Z",
        "currency": "USD",
        "priority": "standard",
        "lines": [line("NW-1", 2, "10.00"), line("NW-2", 3, "5.00", "0.0066")],
        "ship_to": {"name": "Søren Ås", "city": "Århus", "region": None, "postal_code": "8000", "country": "Denmark"},
    }
    return msgspec.convert(msgspec.to_builtins({**fields, **changes}), OrderPlaced)


def line(sku: str, quantity: int = 1, unit_price: str = "1.00", discount: str = "0") -> dict[str, Any]:
    """One line as the producer writes it; `discount` is a share, 0 to 1."""
    return {"sku": sku, "quantity": quantity, "unit_price": unit_price, "discount": discount}


def order_cancelled(order: OrderEvent | str = "1001", **changes: Any) -> OrderCancelled:
    """The cancellation of an order, or of that which `order_placed` makes with this id. `changes` as there."""
    return msgspec.convert({**msgspec.to_builtins(_order(order)), **msgspec.to_builtins(changes)}, OrderCancelled)


def stock_reserved(order: OrderEvent | str = "1001", **changes: Any) -> StockReserved:
    """That all of an order is set aside, given as in `order_cancelled`."""
    units = [{"sku": sku, "quantity": quantity} for sku, quantity in _wanted(order).items()]
    return msgspec.convert({**_about(order), "units": units, **msgspec.to_builtins(changes)}, StockReserved)


def stock_refused(order: OrderEvent | str = "1001", **changes: Any) -> StockRefused:
    """That nothing of an order is set aside, for nothing of it is in stock; given as in `order_cancelled`."""
    short = [{"sku": sku, "wanted": wanted, "in_stock": 0} for sku, wanted in _wanted(order).items()]
    return msgspec.convert({**_about(order), "short": short, **msgspec.to_builtins(changes)}, StockRefused)


def unlike(event: E, **changes: Any) -> E:
    """The same event but for some fields. With its id left as it is, it is what must never be: one id, two contents.

    Raises msgspec.ValidationError for what the event's schema does not allow.
    """
    return msgspec.convert({**msgspec.to_builtins(event), **msgspec.to_builtins(changes)}, type(event))


def numbered(*events: Event, first: int = 1) -> list[Draft]:
    """Events with their producer's counter within each message group, from `first` on: what `ordering="monotonic"` and
    `"strict"` hold them against. Events that nobody numbers, such as those of stock, stay without."""
    last: Counter[str] = Counter()
    drafts = []
    for event in events:
        last[event.partition_key] += event.numbered
        sequence = first - 1 + last[event.partition_key] if event.numbered else None
        drafts.append(Draft(event=event, sequence=sequence))
    return drafts


def body(event: Event, *, time: float = STARTS_AT, **envelope: Any) -> str:
    """The event's message as it travels; `time` is its publication, epoch seconds, `envelope` as `messaging.message.
    encode` takes it."""
    return encode(event, source=SOURCE, time=datetime.fromtimestamp(time, UTC), **envelope)


def message(event: Event, *, time: float = STARTS_AT, **envelope: Any) -> Message[Any]:
    """What a consumer's function gets, for tests that call it by itself. The arguments are those of `body`."""
    return decode(body(event, time=time, **envelope))


def _order(order: OrderEvent | str) -> OrderEvent:
    return order_placed(order) if isinstance(order, str) else order


def _about(order: OrderEvent | str) -> dict[str, Any]:
    order = _order(order)
    return {"order_id": order.order_id, "customer_id": order.customer_id}


def _wanted(order: OrderEvent | str) -> dict[str, int]:
    """Units by SKU: an order may name a product on two lines."""
    units: Counter[str] = Counter()
    for each in _order(order).lines:
        units[each.sku] += each.quantity
    return dict(units)
