"""GetItem, PutItem, UpdateItem and DeleteItem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testing.dynamodb.actions import Action
from testing.dynamodb.capacity import Meter
from testing.dynamodb.errors import Refused, conflict, invalid
from testing.dynamodb.expressions import bind_projection
from testing.dynamodb.expressions.projection import project
from testing.dynamodb.table import Table
from testing.dynamodb.transactions import Transactions
from testing.dynamodb.values import Item, item_size_bytes, show_item

UPDATE_RETURNS = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
OTHER_RETURNS = ("NONE", "ALL_OLD")


def get(table: Table, request: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """The item, or nothing."""
    (projection,), _ = bind_projection(request)
    item = table.get(table.schema.key_of(request["Key"])[0])
    meter.read(item_size_bytes(item), consistent=bool(request.get("ConsistentRead")))
    if item is None:
        return {}
    return {"Item": show_item(item) if projection is None else project(item, projection)}


def write(action: Action, transactions: Transactions, meter: Meter, *, now: float) -> tuple[Item | None, Item | None]:
    """Apply one action: the item before and after. Raises Refused, then nothing was written.

    A write whose condition fails costs units too.
    """
    old = action.table.get(action.key)
    if transactions.is_in_flight(action.item_id):
        raise conflict()
    try:
        new, size_bytes = action.result()
    except Refused:
        meter.wrote(item_size_bytes(old))
        raise
    meter.wrote(size_bytes)
    action.table.tell(action.table.write(action.key, new, now=now))
    return old, new


def check_returns(request: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
    """What a write shall return. Raises Refused for what the operation does not know."""
    wanted = str(request.get("ReturnValues", "NONE"))
    if wanted not in UPDATE_RETURNS:
        raise invalid(
            f"1 validation error detected: Value '{wanted}' at 'returnValues' failed to satisfy constraint: "
            "Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
        )
    if wanted not in allowed:
        raise invalid("Return values set to invalid value")
    return wanted


def returned(wanted: str, action: Action, old: Item | None, new: Item | None) -> dict[str, Any]:
    """The reply of a write. There is none where nothing is to be shown."""
    item = old if wanted.endswith("OLD") else new
    if wanted == "NONE" or item is None:
        return {}
    if wanted.startswith("ALL"):
        return {"Attributes": show_item(item)}
    shown = project(item, action.paths or ())
    return {"Attributes": shown} if shown else {}
