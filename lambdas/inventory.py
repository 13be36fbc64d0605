"""Reserves stock for an order whole or refuses it whole; a cancellation returns what its reservation holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from lambdas.runtime import lambda_handler
from messaging.effects import Add, Change, Create, Effect, Key, Transactional, View
from messaging.events import OrderCancelled, OrderEvent, OrderPlaced, Shortage, StockRefused, StockReserved, Units
from messaging.message import Message


def reads(message: Message[OrderEvent]) -> Iterable[Key]:
    """The order's reservation, and the stock of everything that it wants."""
    yield reservation_key(message)
    for sku in wanted_units(message):
        yield Key("stock", sku)


def reserve(message: Message[OrderPlaced], view: View) -> Effect:
    """Take every line from stock, or nothing and write down what was short. Either is told as a follow-up event."""
    key = reservation_key(message)
    reservation = view.get(key)
    if reservation is not None:  # it was cancelled before it arrived
        return Effect(note=f"already_{reservation['status']}")
    wanted = wanted_units(message)
    short = tuple(
        Shortage(sku, wanted=units, in_stock=in_stock)
        for sku, units in sorted(wanted.items())
        if (in_stock := units_in_stock(view, sku)) < units
    )
    order = message.event
    if short:
        refused = Create(key, {"status": "refused", "short": [each.sku for each in short]})
        return Effect((refused,), (StockRefused(order.order_id, order.customer_id, short),), note="refused")
    reserved = Create(key, {"status": "reserved", "lines": wanted})
    taken = (Add(Key("stock", sku), "units", -units, needs=units) for sku, units in wanted.items())
    units = tuple(Units(sku, quantity) for sku, quantity in wanted.items())
    return Effect((reserved, *taken), (StockReserved(order.order_id, order.customer_id, units),), note="reserved")


def release(message: Message[OrderCancelled], view: View) -> Effect:
    """Return the units that the order's reservation holds. One that comes first keeps its order from reserving."""
    key = reservation_key(message)
    reservation = view.get(key)
    if reservation is None:
        return Effect((Create(key, {"status": "cancelled"}),), note="cancelled_before_placed")
    if reservation["status"] != "reserved":
        return Effect(note=f"already_{reservation['status']}")
    returned = (Add(Key("stock", sku), "units", units) for sku, units in reservation["lines"].items())
    cancelled = Change(key, {"status": "cancelled", "lines": {}}, expected={"status": "reserved"})
    return Effect((cancelled, *returned), note="cancelled")


def reservation_key(message: Message[OrderEvent]) -> Key:
    """One reservation an order."""
    return Key("reservations", message.event.order_id)


def wanted_units(message: Message[OrderEvent]) -> dict[str, int]:
    """Units by SKU: an order may name a product on two lines."""
    units: Counter[str] = Counter()
    for line in message.event.lines:
        units[line.sku] += line.quantity
    return dict(units)


def units_in_stock(view: View, sku: str) -> int:
    """Zero where nobody ever stocked it."""
    return int((view.get(Key("stock", sku)) or {}).get("units", 0))


handler = lambda_handler(Transactional(functions={OrderPlaced: reserve, OrderCancelled: release}, reads=reads))
