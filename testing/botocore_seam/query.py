"""AWS's query protocol, read and written by the API's model: form fields like `A.member.1.B`, and XML.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import base64
from html import escape
from typing import Any
from urllib.parse import parse_qsl

Tree = dict[str, Any]  # of fields by the parts of their names; a leaf is its text


def decode(operation: Any, body: bytes | str) -> dict[str, Any]:
    """The parameters of a request. Raises ValueError for one of another operation."""
    text = body.decode() if isinstance(body, bytes) else body
    tree: Tree = {}
    for field, value in parse_qsl(text, keep_blank_values=True, strict_parsing=True):
        *path, last = field.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    if tree.pop("Action") != operation.name or tree.pop("Version") != operation.metadata["apiVersion"]:
        raise ValueError(f"not how {operation.name} is called")
    return dict(_read(operation.input_shape, tree))


def _read(shape: Any, tree: Any) -> Any:
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {names[field]: _read(shape.members[names[field]], branch) for field, branch in tree.items()}
    if shape.type_name == "list":
        # An empty list is an empty field.
        members = tree[shape.member.serialization.get("name", "member")] if tree else {}
        return [_read(shape.member, branch) for branch in members.values()]
    if shape.type_name == "map":
        key, value = _names(shape)
        return {entry[key]: _read(shape.value, entry[value]) for entry in tree["entry"].values()}
    return _SCALARS.get(shape.type_name, str)(tree)


_SCALARS: dict[str, Any] = {
    "blob": lambda text: base64.b64decode(text, validate=True),
    "boolean": lambda text: text == "true",
    "integer": int,
}


def encode(operation: Any, reply: dict[str, Any], request_id: str) -> bytes:
    """The XML of a reply. Raises KeyError for a member that the API's model does not have."""
    shape = operation.output_shape
    result = ""
    if shape is not None:
        wrapper = shape.serialization["resultWrapper"]
        result = f"<{wrapper}>{_write(shape, reply)}</{wrapper}>"
    namespace = operation.metadata["xmlNamespace"]
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return f'<{operation.name}Response xmlns="{namespace}">{result}{metadata}</{operation.name}Response>'.encode()


def encode_error(operation: Any, code: str, message: str, fault: str, request_id: str) -> bytes:
    """The XML of an error; `fault` is Sender or Receiver."""
    error = f"<Error><Type>{fault}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    namespace = operation.metadata["xmlNamespace"]
    return f'<ErrorResponse xmlns="{namespace}">{error}<RequestId>{request_id}</RequestId></ErrorResponse>'.encode()


def _write(shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return "".join(
            _element(shape.members[name].serialization.get("name", name), shape.members[name], member)
            for name, member in value.items()
        )
    if shape.type_name == "list":
        return "".join(_element(shape.member.serialization.get("name", "member"), shape.member, each) for each in value)
    if shape.type_name == "map":
        names = _names(shape)
        return "".join(
            f"<entry>{_element(names[0], shape.key, key)}{_element(names[1], shape.value, each)}</entry>"
            for key, each in value.items()
        )
    if shape.type_name == "boolean":
        return str(value).lower()
    return escape(base64.b64encode(value).decode() if shape.type_name == "blob" else str(value))


def _element(name: str, shape: Any, value: Any) -> str:
    return f"<{name}>{_write(shape, value)}</{name}>"


def _names(shape: Any) -> tuple[str, str]:
    """What a map calls the keys and the values of its entries."""
    return shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
