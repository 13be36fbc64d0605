"""A table's key: which attributes it has, and what their values may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from testing.dynamodb.errors import VALIDATION, Refused
from testing.dynamodb.values import Item, admit_item

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MAX_PARTITION_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024

# The values of the key attributes, as they compare: the partition key's, and the sort key's where there is one.
Key = tuple[Any, ...]


class Misfit(Refused):
    """An item or key that does not fit its table: in a transaction that cancels, instead of refusing the request."""

    def __init__(self, message: str) -> None:
        super().__init__(VALIDATION, message)


@dataclass(frozen=True)
class Schema:
    """The key attributes of a table. `types` gives those that are no strings (`S`) as `N` or `B`."""

    table: str
    partition_key: str
    sort_key: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the key attributes."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    def type_of(self, name: str) -> str:
        """S, N or B."""
        return self.types.get(name, "S")

    def key_of_item(self, item: Item) -> Key:
        """The key of an item that is to be written. Raises Misfit where it has none."""
        for name, kind in self._kinds:
            if name not in item:
                raise Misfit(f"One or more parameter values were invalid: Missing the key {name} in the item")
            if item[name][0] != kind:
                raise Misfit(
                    f"One or more parameter values were invalid: Type mismatch for key {name} "
                    f"expected: {kind} actual: {item[name][0]}"
                )
        return self._key(item)

    def key_of(self, attributes: object) -> tuple[Key, Item]:
        """The key that a request names, and its attributes. Raises Misfit where it is none of this table."""
        item = admit_item(attributes)
        return self.key_of_admitted(item), item

    def key_of_admitted(self, item: Item) -> Key:
        """The key that consists of these attributes. Raises Misfit where it is none of this table."""
        fits = len(item) == len(self._kinds)
        for name, kind in self._kinds:
            fits = fits and name in item and item[name][0] == kind
        if not fits:
            raise Misfit("The provided key element does not match the schema")
        return self._key(item)

    def attributes_of(self, item: Item) -> Item:
        """The key attributes of an item."""
        return {name: item[name] for name in self.names}

    @cached_property
    def _kinds(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, self.type_of(name)) for name in self.names)

    def _key(self, item: Item) -> Key:
        parts = []
        for name in self.names:
            kind, content = item[name]
            if kind == "N":
                parts.append(Decimal(content))
                continue
            if not content:
                raise Misfit(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                    f"an empty {'string' if kind == 'S' else 'binary'} value. Key: {name}"
                )
            if len(content) > MAX_SORT_KEY_BYTES or not content.isascii():
                self._check_size(name, len(content.encode() if kind == "S" else content))
            parts.append(content)
        return tuple(parts)

    def _check_size(self, name: str, size_bytes: int) -> None:
        if name == self.partition_key and size_bytes > MAX_PARTITION_KEY_BYTES:
            raise Misfit(
                "One or more parameter values were invalid: "
                f"Size of hashkey has exceeded the maximum size limit of{MAX_PARTITION_KEY_BYTES} bytes"
            )
        if name == self.sort_key and size_bytes > MAX_SORT_KEY_BYTES:
            raise Misfit(
                "One or more parameter values were invalid: "
                f"Aggregated size of all range keys has exceeded the size limit of {MAX_SORT_KEY_BYTES} bytes"
            )
