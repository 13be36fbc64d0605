"""Reserves stock for an order whole or refuses it whole; a cancellation returns what its reservation holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from lambdas.runtime import lambda_handler
from messaging.effects import Add, Change, Create, Effect, Key, Transactional, View
from messaging.events import OrderCancelled, OrderPlaced
from messaging.message import Message


def reads(message: Message) -> Iterable[Key]:
    """The order's reservation, and the stock of everything that it wants."""
    yield reservation_key(message)
    for sku in wanted_units(message):
        yield Key("stock", sku)


def reserve(message: Message, view: View) -> Effect:
    """Take every line from stock, or nothing and write down what was short."""
    key = reservation_key(message)
    reservation = view.get(key)
    if reservation is not None:  # it was cancelled before it arrived
        return Effect(note=f"already_{reservation['status']}")
    wanted = wanted_units(message)
    short = sorted(sku for sku, units in wanted.items() if units_in_stock(view, sku) < units)
    if short:
        return Effect((Create(key, {"status": "refused", "short": short}),), note="refused")
    taken = (Add(Key("stock", sku), "units", -units, needs=units) for sku, units in wanted.items())
    return Effect((Create(key, {"status": "reserved", "lines": wanted}), *taken), note="reserved")


def release(message: Message, view: View) -> Effect:
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


def reservation_key(message: Message) -> Key:
    """One reservation an order."""
    return Key("reservations", message.event.order_id)


def wanted_units(message: Message) -> dict[str, int]:
    """Units by SKU: an order may name a product on two lines."""
    units: Counter[str] = Counter()
    for line in message.event.lines:
        units[line.sku] += line.quantity
    return dict(units)


def units_in_stock(view: View, sku: str) -> int:
    """Zero where nobody ever stocked it."""
    return int((view.get(Key("stock", sku)) or {}).get("units", 0))


handler = lambda_handler(Transactional(functions={OrderPlaced: reserve, OrderCancelled: release}, reads=reads))
