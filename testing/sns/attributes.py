"""Message attributes: what is valid, how large they are, and which of them filters see.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from testing.sns.errors import Refused, invalid_attribute
from testing.sns.queues import Attributes

_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
_FORBIDDEN_IN_NAMES = re.compile(r"[^A-Za-z0-9_.\-]")
_MAX_NAME_BYTES = 256
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def admit(attributes: Attributes) -> dict[str, dict[str, Any]]:
    """A copy of a message's attributes. Raises Refused where one is invalid."""
    return {name: _admit(name, value) for name, value in attributes.items()}


def size_bytes(attributes: Attributes) -> int:
    """What counts for a message's size: names, types and values."""
    return sum(
        len(name.encode()) + len(value["DataType"].encode()) + len(_content(value))
        for name, value in attributes.items()
    )


def strings(attributes: Attributes) -> dict[str, str]:
    """The attributes of type String, which string conditions look at."""
    return {name: value["StringValue"] for name, value in attributes.items() if value["DataType"] == "String"}


def _content(value: Mapping[str, Any]) -> bytes:
    binary: bytes | None = value.get("BinaryValue")
    return value["StringValue"].encode() if binary is None else binary


def _admit(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    _check_name(name)
    data_type = value.get("DataType")
    if data_type is None:
        raise Refused(
            "ValidationError",
            f"1 validation error detected: Value null at 'messageAttributes.{name}.member.dataType' failed to satisfy "
            "constraint: Member must not be null",
        )
    match = _TYPE.fullmatch(data_type)
    if match is None:
        raise invalid_attribute(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    kind = match.group(1)
    field, other = ("BinaryValue", "StringValue") if kind == "Binary" else ("StringValue", "BinaryValue")
    if value.get(other):
        must = field.removesuffix("Value")
        raise invalid_attribute(f"The message attribute '{name}' with type '{kind}' must use field '{must}'.")
    if not value.get(field):
        raise invalid_attribute(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
            f"type '{kind}'."
        )
    if kind == "Number" and not _NUMBER.fullmatch(value[field]):
        raise invalid_attribute(f"Could not cast message attribute '{name}' value to number.")
    return {"DataType": data_type, field: value[field]}


def _check_name(name: str) -> None:
    forbidden = _FORBIDDEN_IN_NAMES.search(name)
    if forbidden:
        raise invalid_attribute(
            f"Invalid non-alphanumeric character '#x{ord(forbidden.group()):X}' was found in the message attribute "
            "name. Can only include alphanumeric characters, hyphens, underscores, or dots."
        )
    if not name or len(name) >= _MAX_NAME_BYTES:
        raise invalid_attribute("Length of message attribute name must be less than 256 bytes.")
    for where, at in (("starting", name[0]), ("ending", name[-1])):
        if at == ".":
            raise invalid_attribute(f"Invalid message attribute name {where} with character '.' was found.")
    if ".." in name:
        raise invalid_attribute("Message attribute name can not have successive '.' character.")
