"""Attribute values: what is valid, how large it is, how it compares, and copies that share nothing.

Values are admitted once, at the edge: numbers without superfluous zeros, sets in order. So `==` is DynamoDB's equality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from testing.dynamodb.decimals import canonical
from testing.dynamodb.errors import invalid, invalid_parameter

Value = dict[str, Any]
Item = dict[str, Value]

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MAX_ITEM_BYTES = 400 * 1024
MAX_NESTING = 32
SETS = ("SS", "NS", "BS")
ORDERED = ("S", "N", "B")
TYPES = (*ORDERED, *SETS, "BOOL", "NULL", "L", "M")


def admit_item(item: object) -> Item:
    """A copy of an item as DynamoDB stores it. Raises Refused where a value is invalid."""
    if not isinstance(item, Mapping):
        raise invalid("Item must be a map of attribute values")
    return {str(name): admit(value) for name, value in item.items()}


def admit(value: object, depth: int = 0) -> Value:
    """A copy of a value as DynamoDB stores it. Raises Refused where it is invalid."""
    if not isinstance(value, Mapping) or len(value) != 1:
        several = isinstance(value, Mapping) and len(value) > 1
        what = "has more than one datatypes set" if several else "is empty"
        raise invalid(f"Supplied AttributeValue {what}, must contain exactly one of the supported datatypes")
    if depth > MAX_NESTING:
        raise invalid("Nesting Levels have exceeded supported limits")
    ((kind, content),) = value.items()
    if kind == "M" and isinstance(content, Mapping):
        return {"M": {str(name): admit(member, depth + 1) for name, member in content.items()}}
    if kind == "L" and isinstance(content, Iterable):
        return {"L": [admit(member, depth + 1) for member in content]}
    if kind in SETS:
        return {kind: _admit_set(kind, content)}
    scalar = _SCALARS.get(str(kind))
    if scalar is None:
        raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    return {str(kind): scalar(content)}


def _admit_set(kind: str, content: object) -> list[Any]:
    members = [_SCALARS[kind[0]](member) for member in content] if isinstance(content, Iterable) else []
    if not members:
        raise invalid_parameter("An AttributeValue may not contain an empty set")
    ordered = sorted(members, key=Decimal if kind == "NS" else None)
    if any(left == right for left, right in pairwise(ordered)):
        raise invalid_parameter(f"Input collection [{', '.join(map(str, members))}] contains duplicates.")
    return ordered


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise invalid("STRING_VALUE expected")
    return content


def _binary(content: object) -> bytes:
    if not isinstance(content, bytes | bytearray | memoryview):
        raise invalid("Blob expected")
    return bytes(content)


def _boolean(content: object) -> bool:
    if not isinstance(content, bool):
        raise invalid("Boolean expected")
    return content


def _null(content: object) -> bool:
    if content is not True:
        raise invalid_parameter("Null attribute value types must have the value of true")
    return True


_SCALARS: dict[str, Callable[[object], Any]] = {
    "S": _text,
    "N": canonical,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
}


def copy_item(item: Mapping[str, Value]) -> Item:
    """A copy that shares nothing that can change."""
    return {name: copy_value(value) for name, value in item.items()}


def copy_value(value: Value) -> Value:
    """A copy that shares nothing that can change."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": copy_item(content)}
    if kind == "L":
        return {"L": [copy_value(member) for member in content]}
    return {kind: list(content)} if kind in SETS else {kind: content}


def kind_of(value: Value) -> str:
    """S, N, B, SS, NS, BS, BOOL, NULL, L or M."""
    return next(iter(value))


def comparable(value: Value) -> Any:
    """What orders values of one type: numbers by value, strings and binaries by their bytes."""
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content


def item_size_bytes(item: Mapping[str, Value]) -> int:
    """The size that counts for limits and capacity: names and values.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(_text_size(name) + _size(value) for name, value in item.items())


def _size(value: Value) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + len(content) + item_size_bytes(content)
    if kind == "L":
        return 3 + len(content) + sum(_size(member) for member in content)
    if kind in SETS:
        return sum(_scalar_size(kind[0], member) for member in content)
    return _scalar_size(kind, content)


def _scalar_size(kind: str, content: Any) -> int:
    if kind == "S":
        return _text_size(content)
    if kind == "N":
        digits: str = content.strip("-0.").replace(".", "")
        return 1 + (len(digits) + 1) // 2 + int(content[0] == "-")
    return len(content) if kind == "B" else 1


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
