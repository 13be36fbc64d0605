"""What a consumer may ask for: reads as keys, writes as data, external calls as functions.

A transactional consumer's function does no I/O of its own: it gets the message and a view of the items that it
declared, and returns the writes that it wants. They commit with the inbox's marker, so they happen exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from messaging.errors import UndeclaredRead
from messaging.events import Event, EventType
from messaging.message import Message
from messaging.tables import TABLES_BY_NAME

Number = int | Decimal
Item = Mapping[str, Any]


class Key(NamedTuple):
    """The key of one item: the topology's name of its table, and the values of its key attributes."""

    table: str
    partition: str
    sort: str | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """The key attributes by their names in the table."""
        table = TABLES_BY_NAME[self.table]
        if (table.sort_key is None) != (self.sort is None):
            raise ValueError(f"table {self.table!r}: its key has {'no' if table.sort_key is None else 'a'} sort key")
        key = {table.partition_key: self.partition}
        return key if table.sort_key is None else {**key, table.sort_key: str(self.sort)}


class Create(msgspec.Struct, frozen=True):
    """Put an item that must not exist yet."""

    key: Key
    attributes: Item


class Change(msgspec.Struct, frozen=True):
    """Set attributes of an item that must still have the `expected` ones."""

    key: Key
    attributes: Item
    expected: Item


class Add(msgspec.Struct, frozen=True):
    """Add `amount` (may be negative) to a number; additions commute, so those of one batch to one item are merged.

    `needs`: the number must be at least this before the addition, else the condition fails. None adds to any item,
    also to one that does not exist yet.
    """

    key: Key
    attribute: str
    amount: Number
    needs: Number | None = None

    def merged(self, later: Add) -> Add:
        """This addition and then `later` as one: needs what each of them needs at its turn."""
        needs = [
            need
            for need in (self.needs, None if later.needs is None else later.needs - self.amount)
            if need is not None
        ]
        return Add(self.key, self.attribute, self.amount + later.amount, max(needs) if needs else None)


Write = Create | Change | Add


class Effect(msgspec.Struct, frozen=True):
    """The writes that one message wants, and the follow-up events that tell of them, in order.

    `note` tells in logs what was decided, such as `refused`.
    """

    writes: tuple[Write, ...] = ()
    follow_ups: tuple[Event, ...] = ()
    note: str | None = None


class View:
    """The declared items as they'll be when the batch's earlier effects have committed."""

    def __init__(self, items: Mapping[Key, Item | None]) -> None:
        self._items = dict(items)

    def get(self, key: Key) -> Item | None:
        """The item, or None where there is none. Raises UndeclaredRead for a key outside the consumer's `reads`."""
        if key not in self._items:
            raise UndeclaredRead(f"an item of table {key.table!r} was read that `reads` does not declare")
        return self._items[key]

    def after(self, writes: Iterable[Write]) -> dict[Key, Item]:
        """The declared items that writes change, as they will be."""
        changed: dict[Key, Item] = {}
        for write in writes:
            if write.key not in self._items:
                continue
            item = dict(changed.get(write.key) or self._items[write.key] or {})
            if isinstance(write, Add):
                item[write.attribute] = item.get(write.attribute, 0) + write.amount
            else:
                item |= write.attributes
            changed[write.key] = item
        return changed

    def update(self, changed: Mapping[Key, Item]) -> None:
        """Make changes visible to the functions that run next in the batch."""
        self._items |= changed


# `Any`: a consumer's functions take the messages of the events that they are listed for.
Reads = Callable[[Message[Any]], Iterable[Key]]
EffectFunction = Callable[[Message[Any], View], Effect]
# Gets the message and the idempotency key, to hand over to a provider that takes one.
ExternalCall = Callable[[Message[Any], str], None]


def no_reads(_: Message[Any]) -> Iterable[Key]:
    """For functions that need to see nothing."""
    return ()


class Transactional(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer whose effects are DynamoDB writes: exactly once."""

    functions: Mapping[EventType, EffectFunction]
    reads: Reads = no_reads


class External(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer whose effect is a call to somebody else: at least once, or at most once where it says so.

    At least once: a crash between a call and the record of its completion leads to a second call; nobody can do better
    without the provider's help. A provider that takes an idempotency key gets one that never changes for the event.
    `calls_per_completion`: how many calls are recorded together. One round trip records them, and as many are made
    again after a crash; None records a batch's calls all at once.

    `at_most_once`: the events whose call is never made twice. Where nobody knows whether it was made, the message is
    dead-lettered as `in_doubt`. Such a call raises RetryLater or a DeadLetter only where it surely did not happen;
    after any other exception it is in doubt. Each is claimed and completed by itself: two round trips a call.
    """

    calls: Mapping[EventType, ExternalCall]
    at_most_once: frozenset[EventType] = frozenset()
    calls_per_completion: int | None = None
