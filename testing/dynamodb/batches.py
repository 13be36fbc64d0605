"""BatchGetItem and BatchWriteItem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from testing.dynamodb import actions, items
from testing.dynamodb.actions import Action, ItemId
from testing.dynamodb.capacity import Meter
from testing.dynamodb.errors import invalid, too_few
from testing.dynamodb.expressions import bind_projection
from testing.dynamodb.expressions.projection import project
from testing.dynamodb.table import Table
from testing.dynamodb.transactions import Transactions
from testing.dynamodb.values import Shown, item_size_bytes, show_item

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_KEYS = 100
MAX_GET_BYTES = 16 * 1024 * 1024
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
MAX_WRITES = 25

TableOf = Callable[[str], Table]


def get(table_of: TableOf, request: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """The items that are there, by table. Past 16 MB, the rest of the keys comes back as unprocessed."""
    wanted = request["RequestItems"]
    if not wanted:
        raise too_few("requestItems")
    if sum(len(entry["Keys"]) for entry in wanted.values()) > MAX_KEYS:
        raise invalid("Too many items requested for the BatchGetItem call")
    responses: dict[str, list[Shown]] = {}
    unprocessed: dict[str, Any] = {}
    room_bytes = MAX_GET_BYTES
    for name, entry in wanted.items():
        table = table_of(name)
        (projection,), _ = bind_projection(entry)
        keys = [table.schema.key_of(attributes)[0] for attributes in entry["Keys"]]
        if len(set(keys)) < len(keys):
            raise invalid("Provided list of item keys contains duplicates")
        responses[name] = []
        for key, attributes in zip(keys, entry["Keys"], strict=True):
            item = table.get(key)
            size_bytes = item_size_bytes(item)
            room_bytes -= size_bytes
            if room_bytes < 0:
                unprocessed.setdefault(name, {**entry, "Keys": []})["Keys"].append(attributes)
                continue
            meter.read(size_bytes, consistent=bool(entry.get("ConsistentRead")))
            if item is not None:
                responses[name].append(show_item(item) if projection is None else project(item, projection))
    return {"Responses": responses, "UnprocessedKeys": unprocessed}


def write(
    table_of: TableOf, request: Mapping[str, Any], transactions: Transactions, meter: Meter, *, now: float
) -> dict[str, Any]:
    """Put and delete without conditions.

    BatchWriteItem has no TransactionConflictException: what a transaction has in flight comes back as unprocessed.
    """
    wanted = request["RequestItems"]
    if not wanted:
        raise too_few("requestItems")
    if sum(map(len, wanted.values())) > MAX_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    writes: list[tuple[Action, Mapping[str, Any]]] = []
    for name, entries in wanted.items():
        table = table_of(name)
        writes += [(_action(table, entry), entry) for entry in entries]
    touched: list[ItemId] = [action.item_id for action, _ in writes]
    if len(set(touched)) < len(touched):
        raise invalid("Provided list of item keys contains duplicates")
    unprocessed: dict[str, list[Any]] = {}
    for action, entry in writes:
        if transactions.is_in_flight(action.item_id):
            unprocessed.setdefault(action.table.name, []).append(entry)
        else:
            items.write(action, transactions, meter, now=now)
    return {"UnprocessedItems": unprocessed}


def _action(table: Table, entry: Mapping[str, Any]) -> Action:
    if set(entry) == {"PutRequest"}:
        return actions.put(table, {"Item": entry["PutRequest"]["Item"]})
    if set(entry) == {"DeleteRequest"}:
        return actions.delete(table, {"Key": entry["DeleteRequest"]["Key"]})
    raise invalid("Supplied AttributeValue has more than one datatypes set")
