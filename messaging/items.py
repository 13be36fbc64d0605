"""Items and writes in DynamoDB's wire format."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

from messaging.effects import Add, Change, Create, Item

Value = dict[str, Any]

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
MAX_STATEMENTS = 25

# What DynamoDB keeps of a number; one that does not fit raises instead of being rounded.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_NUMBER = Context(prec=38, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
_SURELY_FITS = 10**37


def attributes(item: Item) -> dict[str, Value]:
    """Plain values as DynamoDB's attribute values."""
    return {name: serialize(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's attribute values as plain ones; numbers are decimals."""
    return {name: _deserialize(value) for name, value in item.items()}


def serialize(value: Any) -> Value:
    """A plain value as an attribute value, as `boto3.dynamodb.types` does it: to import that brings in all of boto3,
    which functions need for nothing else, at a tenth of their cold start.

    Raises TypeError for what DynamoDB has no type for (a float, too), decimal's errors for a number past 38 digits.
    """
    if type(value) is str:  # most are
        return {"S": value}
    if type(value) is int and -_SURELY_FITS < value < _SURELY_FITS:
        return {"N": str(value)}
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _number(value)}
        case bytes() | bytearray():
            return {"B": bytes(value)}
        case Mapping():
            return {"M": attributes(value)}
        case list() | tuple():
            return {"L": [serialize(each) for each in value]}
        case set() | frozenset() if value:
            return _serialize_set(value)
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def _serialize_set(values: set[Any] | frozenset[Any]) -> Value:
    for name, kind in (("SS", str), ("NS", (int, Decimal)), ("BS", (bytes, bytearray))):
        if all(isinstance(each, kind) and not isinstance(each, bool) for each in values):
            return {name: [next(iter(serialize(each).values())) for each in values]}
    raise TypeError("DynamoDB has no set of mixed types")


def _number(value: int | Decimal) -> str:
    number = str(_NUMBER.create_decimal(value))
    if number in ("Infinity", "-Infinity", "NaN"):
        raise TypeError(f"DynamoDB has no {number}")
    return number


def _deserialize(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return _NUMBER.create_decimal(content)
        case "M":
            return plain(content)
        case "L":
            return [_deserialize(each) for each in content]
        case "NS":
            return {_NUMBER.create_decimal(each) for each in content}
        case "SS" | "BS":
            return set(content)
    return content


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


def insert(table: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of a PartiQL batch that creates an item, given in the wire format; it fails where there is one."""
    quoted = (name.replace("'", "''") for name in item)
    members = ", ".join(f"'{name}': ?" for name in quoted)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{members}}}', "Parameters": [*item.values()]}


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
