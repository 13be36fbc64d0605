"""One table: its items by key, its stream, and who watches it.

Items in here are never changed, only replaced: whoever holds one holds what was committed then.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from testing.dynamodb.schema import Key, Schema
from testing.dynamodb.stream import Change, Stream
from testing.dynamodb.values import Item

Watcher = Callable[[Change], object]


class Table:
    """Items of one schema. `time_to_live` names the attribute that says when an item may go, in epoch seconds."""

    def __init__(self, schema: Schema, *, stream_view: str | None = None, time_to_live: str | None = None) -> None:
        self.schema = schema
        self.name = schema.table
        self.time_to_live = time_to_live
        self.stream = Stream(schema, stream_view) if stream_view else None
        self.watchers: list[Watcher] = []
        self._items: dict[Key, Item] = {}
        # Where there is a sort key: the keys of each partition, in order.
        self._partitions: dict[Any, list[Key]] = {}

    def get(self, key: Key) -> Item | None:
        """The item itself, not to be changed."""
        return self._items.get(key)

    def write(self, key: Key, new: Item | None, *, now: float, expired: bool = False) -> Change | None:
        """Replace an item; None removes it. The stream tells, unless nothing changed; the caller tells the watchers.

        Returns the change, None where there is none or where nobody wants to know.
        """
        old = self._items.get(key)
        if new is not None:
            self._items[key] = new
        elif old is not None:
            del self._items[key]
        if self.schema.sort_key is not None and (old is None) is not (new is None):
            self._index(key, is_new=old is None)
        if (self.stream is None and not self.watchers) or old == new:
            return None
        change = Change(old, new, now, expired)
        if self.stream is not None:
            self.stream.add(change)
        return change

    def tell(self, change: Change | None) -> None:
        """Tell the watchers of what `write` has returned."""
        if change is not None:
            for watch in self.watchers:
                watch(change)

    def partition(self, value: Any) -> list[tuple[Key, Item]]:
        """The items of one partition, by sort key."""
        keys: Sequence[Key] = self._partitions.get(value, ())
        if self.schema.sort_key is None and (value,) in self._items:
            keys = [(value,)]
        return [(key, self._items[key]) for key in keys]

    def everything(self) -> list[tuple[Key, Item]]:
        """All items in the order of scans: by a hash of the partition key, so not in the order of writing."""
        return [(key, self._items[key]) for key in sorted(self._items, key=position)]

    def expired(self, now: float) -> list[Key]:
        """The keys of items whose time to live has passed, in the order of scans.

        Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
        """
        if self.time_to_live is None:
            return []
        limit = Decimal(now)
        ends = ((key, item.get(self.time_to_live)) for key, item in self._items.items())
        gone = [key for key, end in ends if end is not None and end[0] == "N" and Decimal(end[1]) < limit]
        return sorted(gone, key=position)

    def __len__(self) -> int:
        return len(self._items)

    def _index(self, key: Key, *, is_new: bool) -> None:
        keys = self._partitions.setdefault(key[0], [])
        if is_new:
            insort(keys, key)
            return
        del keys[bisect_left(keys, key)]
        if not keys:
            del self._partitions[key[0]]


def position(key: Key) -> tuple[Any, ...]:
    """Where a scan meets an item: partitions by a hash, the items of one by their sort key."""
    partition, *sort = key
    shown = partition.hex() if isinstance(partition, bytes) else str(partition)
    return zlib.crc32(shown.encode("utf-8", "surrogatepass")), shown, *sort
