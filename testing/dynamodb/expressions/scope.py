"""What a request's `#names` and `:values` stand for, and which of them its expressions use."""

from __future__ import annotations

from collections.abc import Mapping

from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions.nodes import NameRef, Path, ValueRef
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.values import Value

# The values of a request by their references, as they are admitted.
Values = Mapping[str, Value]


class Scope:
    """Names and values of one request, while its expressions are bound.

    What is bound looks its values up when it is called: it serves every request whose values have the same types.
    `is_particular` once a value's content was looked at before: what is bound then serves these values alone.
    """

    def __init__(self, names: Mapping[str, str] | None = None, values: Values | None = None) -> None:
        self._names = names or {}
        self._values = values or {}
        self._used: set[str] = set()
        self.is_particular = False

    def steps(self, path: Path, kind: str) -> Steps:
        """The path with its names in place. Raises Refused for a name that the request does not define."""
        if len(path.parts) == 1 and isinstance(path.parts[0], str):
            return (path.parts[0],)
        return tuple(self._name(part.name, kind) if isinstance(part, NameRef) else part for part in path.parts)

    def type_of(self, reference: ValueRef, kind: str) -> str:
        """The type of what the reference stands for. Raises Refused for a value that the request does not define."""
        self._used.add(reference.name)
        if reference.name not in self._values:
            raise invalid(
                f"Invalid {kind}: An expression attribute value used in expression is not defined; "
                f"attribute value: {reference.name}"
            )
        return self._values[reference.name][0]

    def value(self, reference: ValueRef, kind: str) -> Value:
        """What the reference stands for in this request. Raises Refused for a value that it does not define."""
        self.type_of(reference, kind)
        self.is_particular = True
        return self._values[reference.name]

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
