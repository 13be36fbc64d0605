"""The MD5 digests by which a client checks what SQS understood.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
"""

from __future__ import annotations

import hashlib

from testing.sqs.message import Attributes

_STRING = b"\x01"
_BINARY = b"\x02"


def of_attributes(attributes: Attributes) -> str:
    """Of message attributes, in hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    for name, value in sorted(attributes.items()):
        digest.update(_with_length(name.encode()))
        digest.update(_with_length(value["DataType"].encode()))
        if value["DataType"].startswith("Binary"):
            digest.update(_BINARY + _with_length(value["BinaryValue"]))
        else:
            digest.update(_STRING + _with_length(value["StringValue"].encode()))
    return digest.hexdigest()


def _with_length(content: bytes) -> bytes:
    return len(content).to_bytes(4) + content
