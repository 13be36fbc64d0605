"""Attribute values: what is valid, how large it is, how it compares, and how it is shown.

Values are admitted once, at the edge, and never change: numbers without superfluous zeros, sets in order. So `==` is
DynamoDB's equality, and items may share them. In requests and replies a value is a dict, such as `{"S": "x"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from testing.dynamodb.decimals import canonical, no_number
from testing.dynamodb.errors import Refused, invalid, invalid_parameter

# A type and its content: `("S", "x")`. A list's and a set's is a tuple, a map's the values by name.
Value = tuple[str, Any]
Item = Mapping[str, Value]
# Values and items in requests and replies.
Shown = dict[str, Any]

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MAX_ITEM_BYTES = 400 * 1024
MAX_NESTING = 32
TOO_DEEP = "Nesting Levels have exceeded supported limits"
SETS = ("SS", "NS", "BS")
ORDERED = ("S", "N", "B")
SCALARS = (*ORDERED, "BOOL", "NULL")
TYPES = (*ORDERED, *SETS, "BOOL", "NULL", "L", "M")
_PLAIN = frozenset(SCALARS)
MAPS = (dict, Mapping)  # what is a dict is known at once, the rest takes ten times as long


def admit_item(item: object) -> Item:
    """An item as DynamoDB stores it. Raises Refused where a value is invalid."""
    if not isinstance(item, MAPS):
        raise invalid("Item must be a map of attribute values")
    return admit_members(item)


def admit_members(members: Mapping[str, object], depth: int = 0) -> dict[str, Value]:
    """Values by name. Raises Refused where one is invalid."""
    admitted: dict[str, Value] = {}
    for name, value in members.items():
        if type(value) is dict and len(value) == 1 and type(text := value.get("S")) is str and depth <= MAX_NESTING:
            admitted[name] = ("S", text)  # what most values are, without a call
        else:
            admitted[name] = admit(value, depth)
    return admitted


def admit_each(values: Iterable[object], depth: int = 0) -> tuple[Value, ...]:
    """Values in order. Raises Refused where one is invalid."""
    admitted: list[Value] = []
    for value in values:
        if type(value) is dict and len(value) == 1 and type(text := value.get("S")) is str and depth <= MAX_NESTING:
            admitted.append(("S", text))
        else:
            admitted.append(admit(value, depth))
    return tuple(admitted)


def admit(value: object, depth: int = 0) -> Value:
    """A value as DynamoDB stores it. Raises Refused where it is invalid."""
    if type(value) is dict and len(value) == 1 and type(text := value.get("N")) is str and depth <= MAX_NESTING:
        return "N", canonical(text)
    if not isinstance(value, MAPS) or len(value) != 1:
        raise _not_one_type(value)
    if depth > MAX_NESTING:
        raise invalid(TOO_DEEP)
    for kind, content in value.items():  # it has one
        scalar = _ADMIT_SCALAR.get(kind)
        if scalar is not None:
            return kind, scalar(content)
    return _admit_several(kind, content, depth)


def _not_one_type(value: object) -> Refused:
    several = isinstance(value, Mapping) and len(value) > 1
    what = "has more than one datatypes set" if several else "is empty"
    return invalid(f"Supplied AttributeValue {what}, must contain exactly one of the supported datatypes")


def _admit_several(kind: str, content: object, depth: int) -> Value:
    if kind == "M" and isinstance(content, Mapping):
        return "M", admit_members(content, depth + 1)
    if kind == "L" and isinstance(content, Iterable):
        return "L", admit_each(content, depth + 1)
    if kind in SETS:
        return kind, admit_set(kind, content)
    raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def admit_set(kind: str, content: object) -> tuple[Any, ...]:
    """A set's content. Raises Refused where it is empty, or a member is invalid or there twice."""
    members = [_ADMIT_SCALAR[kind[0]](member) for member in content] if isinstance(content, Iterable) else []
    if not members:
        raise invalid_parameter("An AttributeValue may not contain an empty set")
    ordered = sorted(members, key=Decimal if kind == "NS" else None)
    if any(left == right for left, right in pairwise(ordered)):
        raise invalid_parameter(f"Input collection [{', '.join(map(str, members))}] contains duplicates.")
    return tuple(ordered)


def readmit(value: Value, depth: int = 0) -> Value:
    """A value that was put together from others, as DynamoDB stores it. Raises Refused where it is invalid."""
    kind, content = value
    if depth > MAX_NESTING:
        raise invalid(TOO_DEEP)
    if kind == "M":
        return kind, {name: readmit(member, depth + 1) for name, member in content.items()}
    if kind == "L":
        return kind, tuple([readmit(member, depth + 1) for member in content])
    if kind in SETS:
        return kind, admit_set(kind, content)
    return kind, _ADMIT_SCALAR[kind](content)


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise invalid("STRING_VALUE expected")
    return content


def _number(content: object) -> str:
    if not isinstance(content, str):
        raise no_number(content)
    return canonical(content)


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


_ADMIT_SCALAR: dict[str, Callable[[object], Any]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
}


def show_item(item: Item) -> Shown:
    """An item for a reply; whoever gets it may change it."""
    return {
        name: {kind: content} if kind in _PLAIN else show((kind, content)) for name, (kind, content) in item.items()
    }


def show(value: Value) -> Shown:
    """A value for a reply; whoever gets it may change it."""
    kind, content = value
    if kind == "M":
        return {"M": show_item(content)}
    if kind == "L":
        return {"L": [show(member) for member in content]}
    return {kind: list(content)} if kind in SETS else {kind: content}


def comparable(value: Value) -> Any:
    """What orders values of one type: numbers by value, strings and binaries by their bytes."""
    kind, content = value
    return Decimal(content) if kind == "N" else content


def item_size_bytes(item: Item | None) -> int:
    """The size that counts for limits and capacity: names and values.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    if item is None:
        return 0
    size_bytes = 0
    for name, (kind, content) in item.items():
        if kind == "S" and name.isascii() and content.isascii():
            size_bytes += len(name) + len(content)
        else:
            size_bytes += text_size_bytes(name) + _size_bytes(kind, content)
    return size_bytes


def _size_bytes(kind: str, content: Any) -> int:
    if kind == "N":
        digits: str = content.strip("-0.").replace(".", "")
        return 1 + (len(digits) + 1) // 2 + int(content[0] == "-")
    if kind == "S":
        return text_size_bytes(content)
    if kind == "M":
        return 3 + len(content) + item_size_bytes(content)
    if kind == "L":
        return 3 + len(content) + sum([_size_bytes(*member) for member in content])
    if kind in SETS:
        return sum([_size_bytes(kind[0], member) for member in content])
    return len(content) if kind == "B" else 1


def text_size_bytes(text: str) -> int:
    """A text's size in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
