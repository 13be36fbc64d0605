"""One table: its items by key, and its stream.

Items in here are never changed, only replaced: whoever holds one holds what was committed then.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from testing.dynamodb.schema import Key, Schema
from testing.dynamodb.stream import Change, Stream
from testing.dynamodb.values import Item


class Table:
    """Items of one schema. `time_to_live` names the attribute that says when an item may go, in epoch seconds."""

    def __init__(self, schema: Schema, *, stream_view: str | None = None, time_to_live: str | None = None) -> None:
        self.schema = schema
        self.name = schema.table
        self.time_to_live = time_to_live
        self.stream = Stream(schema, stream_view) if stream_view else None
        self._partitions: dict[Any, dict[Key, Item]] = {}

    def get(self, key: Key) -> Item | None:
        """The item itself, not to be changed."""
        return self._partitions.get(key[0], {}).get(key)

    def write(self, key: Key, new: Item | None, *, now: float, expired: bool = False) -> None:
        """Replace an item; None removes it. The stream tells, unless nothing changed."""
        old = self.get(key)
        if new is None:
            self._remove(key)
        else:
            self._partitions.setdefault(key[0], {})[key] = new
        if self.stream is not None and old != new:
            self.stream.add(Change(old, new, now, expired))

    def partition(self, value: Any) -> list[tuple[Key, Item]]:
        """The items of one partition, by sort key."""
        return sorted(self._partitions.get(value, {}).items(), key=lambda pair: pair[0])

    def everything(self) -> list[tuple[Key, Item]]:
        """All items in the order of scans: by a hash of the partition key, so not in the order of writing."""
        partitions = sorted(self._partitions, key=place)
        return [pair for value in partitions for pair in self.partition(value)]

    def expired(self, now: float) -> Iterator[Key]:
        """The keys of items whose time to live has passed.

        Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
        """
        if self.time_to_live is None:
            return
        for key, item in self.everything():
            ends = item.get(self.time_to_live, {}).get("N")
            if ends is not None and Decimal(ends) < Decimal(now):
                yield key

    def __len__(self) -> int:
        return sum(map(len, self._partitions.values()))

    def _remove(self, key: Key) -> None:
        partition = self._partitions.get(key[0], {})
        partition.pop(key, None)
        if not partition:
            self._partitions.pop(key[0], None)


def place(partition: Any) -> tuple[int, str]:
    """Where a scan meets a partition."""
    shown = partition.hex() if isinstance(partition, bytes) else str(partition)
    return zlib.crc32(shown.encode("utf-8", "surrogatepass")), shown
