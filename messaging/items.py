"""Items and writes in DynamoDB's wire format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from messaging.effects import Add, Change, Create, Item

serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def attributes(item: Item) -> dict[str, Any]:
    """Plain values as DynamoDB's attribute values."""
    return {name: serialize(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's attribute values as plain ones."""
    return {name: _deserialize(value) for name, value in item.items()}


def put(table: str, item: Item) -> dict[str, Any]:
    """An entry of TransactItems that puts an item, whatever was there."""
    return {"Put": {"TableName": table, "Item": attributes(item)}}


def create(write: Create, table: str) -> dict[str, Any]:
    """A creation as an entry of TransactItems. A failed one tells what was there."""
    key = write.key.attributes
    entry = put(table, {**write.attributes, **key})
    entry["Put"] |= {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": next(iter(key))},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return entry


def update(write: Change | Add, table: str) -> dict[str, Any]:
    """A change or an addition as an entry of TransactItems."""
    expression = _change_expression(write) if isinstance(write, Change) else _add_expression(write)
    return {"Update": {"TableName": table, "Key": attributes(write.key.attributes), **expression}}


def _change_expression(change: Change) -> dict[str, Any]:
    names = {f"#s{n}": name for n, name in enumerate(change.attributes)} | {
        f"#e{n}": name for n, name in enumerate(change.expected)
    }
    values = {f":s{n}": value for n, value in enumerate(change.attributes.values())}
    values |= {f":e{n}": value for n, value in enumerate(change.expected.values())}
    return {
        "UpdateExpression": "SET " + ", ".join(f"#s{n} = :s{n}" for n in range(len(change.attributes))),
        "ConditionExpression": " AND ".join(f"#e{n} = :e{n}" for n in range(len(change.expected))),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": attributes(values),
    }


def _add_expression(add: Add) -> dict[str, Any]:
    expression: dict[str, Any] = {
        "UpdateExpression": "ADD #n :amount",
        "ExpressionAttributeNames": {"#n": add.attribute},
        "ExpressionAttributeValues": attributes({":amount": add.amount}),
    }
    if add.needs is not None:
        # An item that is not there counts from zero, as ADD does.
        missing = "attribute_not_exists(#n) OR " if add.needs <= 0 else ""
        expression["ConditionExpression"] = f"{missing}#n >= :needs"
        expression["ExpressionAttributeValues"] |= attributes({":needs": add.needs})
    return expression
