"""A table's key: which attributes it has, and what their values may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from testing.dynamodb.errors import VALIDATION, Refused
from testing.dynamodb.values import Item, Value, admit_item, comparable, kind_of

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

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the key attributes."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    def type_of(self, name: str) -> str:
        """S, N or B."""
        return self.types.get(name, "S")

    def key_of_item(self, item: Item) -> Key:
        """The key of an item that is to be written. Raises Misfit where it has none."""
        for name in self.names:
            if name not in item:
                raise Misfit(f"One or more parameter values were invalid: Missing the key {name} in the item")
            if kind_of(item[name]) != self.type_of(name):
                raise Misfit(
                    f"One or more parameter values were invalid: Type mismatch for key {name} "
                    f"expected: {self.type_of(name)} actual: {kind_of(item[name])}"
                )
        return self._key(item)

    def key_of(self, attributes: object) -> tuple[Key, Item]:
        """The key that a request names, and its attributes. Raises Misfit where it is none of this table."""
        item = admit_item(attributes)
        fits = set(item) == set(self.names) and all(kind_of(item[name]) == self.type_of(name) for name in self.names)
        if not fits:
            raise Misfit("The provided key element does not match the schema")
        return self._key(item), item

    def attributes_of(self, item: Mapping[str, Value]) -> Item:
        """The key attributes of an item."""
        return {name: dict(item[name]) for name in self.names}

    def _key(self, item: Item) -> Key:
        for name in self.names:
            value = item[name]
            kind = kind_of(value)
            if kind != "N" and not value[kind]:
                raise Misfit(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                    f"an empty {'string' if kind == 'S' else 'binary'} value. Key: {name}"
                )
            if kind != "N":
                self._check_size(name, len(value[kind].encode() if kind == "S" else value[kind]))
        return tuple(comparable(item[name]) for name in self.names)

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
