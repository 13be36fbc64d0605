"""What a request's `#names` and `:values` stand for, and which of them its expressions use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions.nodes import NameRef, Path, ValueRef
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.values import Value, admit, item_size_bytes


class Scope:
    """Names and values of one request."""

    def __init__(self, names: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None) -> None:
        self._names = names or {}
        self._values: dict[str, Value] = {name: admit(value) for name, value in (values or {}).items()}
        self._used: set[str] = set()

    def steps(self, path: Path, kind: str) -> Steps:
        """The path with its names in place. Raises Refused for a name that the request does not define."""
        if len(path.parts) == 1 and isinstance(path.parts[0], str):
            return (path.parts[0],)
        return tuple(self._name(part.name, kind) if isinstance(part, NameRef) else part for part in path.parts)

    def value(self, reference: ValueRef, kind: str) -> Value:
        """What the reference stands for. Raises Refused for a value that the request does not define."""
        self._used.add(reference.name)
        if reference.name not in self._values:
            raise invalid(
                f"Invalid {kind}: An expression attribute value used in expression is not defined; "
                f"attribute value: {reference.name}"
            )
        return self._values[reference.name]

    def size_bytes(self) -> int:
        """The size of the values."""
        return item_size_bytes(self._values)

    def check_all_used(self) -> None:
        """Raises Refused where a name or value of the request is used nowhere, as DynamoDB does."""
        for parameter, given in (
            ("ExpressionAttributeNames", self._names),
            ("ExpressionAttributeValues", self._values),
        ):
            unused = [name for name in given if name not in self._used]
            if unused:
                raise invalid(f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(unused)}}}")

    def _name(self, name: str, kind: str) -> str:
        self._used.add(name)
        if name not in self._names:
            raise invalid(
                f"Invalid {kind}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {name}"
            )
        return self._names[name]
