"""The MD5 digests by which a client checks what SQS understood.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from testing.sqs.message import Attributes

_STRING = b"\x01"
_BINARY = b"\x02"


def of_attributes(attributes: Attributes) -> str:
    """Of message attributes, in hexadecimal."""
    return _of(tuple([_parts(name, value) for name, value in sorted(attributes.items())]))


def _parts(name: str, value: Mapping[str, Any]) -> tuple[str, str, bytes, bytes]:
    kind = value["DataType"]
    if kind.startswith("Binary"):
        return name, kind, _BINARY, bytes(value["BinaryValue"])
    return name, kind, _STRING, value["StringValue"].encode()


@lru_cache(maxsize=4096)
def _of(attributes: tuple[tuple[str, str, bytes, bytes], ...]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for name, kind, form, content in attributes:
        digest.update(_with_length(name.encode()) + _with_length(kind.encode()) + form + _with_length(content))
    return digest.hexdigest()


def _with_length(content: bytes) -> bytes:
    return len(content).to_bytes(4) + content
