"""What a message may hold.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from testing.sqs.errors import Refused, invalid, invalid_value, missing
from testing.sqs.message import Attributes, Message

MAX_SIZE = 1_048_576
# In UTF-8.
MAX_CHARACTER_SIZE = 4
MAX_ATTRIBUTES = 10
MAX_DELAY_SECONDS = 900
MAX_VISIBILITY_SECONDS = 43_200

_UNWANTED = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ID = re.compile("[0-9a-zA-Z!\"#$%&'()*+,./:;<=>?@\\[\\\\\\]^_`{|}~-]{1,128}")
_NAME = re.compile("[0-9a-zA-Z_.-]+")
_RESERVED = ("aws.", "amazon.")
_TYPES = ("String", "Number", "Binary")
_MAX_NAME_LENGTH = 256


def size(body: str, attributes: Attributes) -> int:
    """Of a message in bytes: the body, and the names, types and values of its attributes."""
    total = _length(body)
    for name, value in attributes.items():
        total += _length(name) + sum(map(_length, value.values()))
    return total


def check_delay(delay_seconds: float) -> None:
    """Raises Refused for a delay of more than 15 minutes."""
    if not 0 <= delay_seconds <= MAX_DELAY_SECONDS:
        raise invalid_value("DelaySeconds", delay_seconds, f"DelaySeconds must be >= 0 and <= {MAX_DELAY_SECONDS}.")


def visibility_seconds_left(message: Message, now: float) -> float:
    """How long a message may stay hidden from now on: 12 hours from its last receive in all.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
    """
    return message.received_at + MAX_VISIBILITY_SECONDS - now


def check(body: str, attributes: Attributes, max_size: int) -> None:
    """Raises Refused for a message without a body, or with too many attributes or bytes."""
    if not body:
        raise missing("MessageBody")
    if len(attributes) > MAX_ATTRIBUTES:
        raise invalid(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{MAX_ATTRIBUTES}]."
        )
    if not _is_small(body, attributes, max_size) and size(body, attributes) > max_size:
        raise too_long(max_size)


def too_long(max_size: int) -> Refused:
    """A message with too many bytes."""
    return invalid(f"One or more parameters are invalid. Reason: Message must be shorter than {max_size} bytes.")


def check_body(body: str) -> None:
    """Raises Refused for characters that XML does not have."""
    if _UNWANTED.search(body):
        raise Refused(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are "
            "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        )


def check_id(parameter: str, value: str | None) -> None:
    """Raises Refused for a message group or deduplication id of a wrong form. None is none."""
    if value is not None and not _ID.fullmatch(value):
        reason = f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise invalid_value(parameter, value, reason)


def check_attributes(attributes: Mapping[str, Any]) -> None:
    """Raises Refused for message attributes with a wrong name, type or value.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
    """
    for name, value in attributes.items():
        _check_name(name)
        kind = value.get("DataType", "")
        if not kind.startswith(_TYPES):
            raise invalid(
                f"The type of message (user) attribute '{name}' is invalid. You must use only the following supported "
                "type prefixes: Binary, Number, String."
            )
        member = "BinaryValue" if kind.startswith("Binary") else "StringValue"
        if not value.get(member):
            shown = kind.partition(".")[0]
            raise invalid(f"Message (user) attribute '{name}' must contain a non-empty value of type '{shown}'.")
        if kind.startswith("Number") and not _is_number(value["StringValue"]):
            raise invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")


def _check_name(name: str) -> None:
    if len(name) > _MAX_NAME_LENGTH:
        raise invalid(f"Message (user) attribute name must be shorter than {_MAX_NAME_LENGTH} bytes.")
    if name.lower().startswith(_RESERVED):
        raise invalid(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. "
            "These strings are reserved for internal use."
        )
    if not _NAME.fullmatch(name) or name.startswith(".") or name.endswith(".") or ".." in name:
        raise invalid(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, "
            "underscore (_), hyphen (-), and period (.) characters."
        )


def _is_small(body: str, attributes: Attributes, max_size: int) -> bool:
    """Whether a message is far from too long, as most are: faster to tell than its size."""
    room = max_size // MAX_CHARACTER_SIZE - len(body)
    for name, value in attributes.items():
        room -= len(name)
        for member in value.values():
            room -= len(member)
    return room >= 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _length(value: str | bytes) -> int:
    return len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) and not value.isascii() else len(value)
