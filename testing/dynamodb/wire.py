"""DynamoDB's JSON over HTTP: binaries are base64, errors have a type.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from testing.dynamodb.errors import CAPITALIZED, VALIDATION, Refused

CONTENT_TYPE = "application/x-amz-json-1.0"
TARGET_PREFIX = "DynamoDB_20120810."


def decode(body: bytes) -> dict[str, Any]:
    """A request's parameters. Raises Refused where the body is none."""
    try:
        request = json.loads(body or b"{}", object_hook=_with_binaries)
    except (ValueError, binascii.Error) as error:
        raise Refused("SerializationException", "The request is no JSON of DynamoDB's") from error
    if not isinstance(request, dict):
        raise Refused("SerializationException", "Start of structure or map found where not expected")
    return request


def encode(reply: dict[str, Any]) -> bytes:
    """A reply's body."""
    return json.dumps(reply, default=_as_base64, separators=(",", ":")).encode()


def encode_error(error: Refused) -> bytes:
    """An error's body."""
    namespace = "com.amazon.coral.validate" if error.code == VALIDATION else "com.amazonaws.dynamodb.v20120810"
    message = "Message" if error.code in CAPITALIZED else "message"
    return encode({"__type": f"{namespace}#{error.code}", message: error.message, **error.fields})


def _with_binaries(value: dict[str, Any]) -> dict[str, Any]:
    # An attribute of the name B has a map for its value, so what is text can only be a binary.
    if len(value) == 1:
        if isinstance(value.get("B"), str):
            return {"B": base64.b64decode(value["B"], validate=True)}
        if isinstance(value.get("BS"), list):
            return {"BS": [base64.b64decode(member, validate=True) for member in value["BS"]]}
    return value


def _as_base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is nothing that DynamoDB replies")
