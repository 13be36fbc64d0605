"""A DynamoDB transaction in the making: the effects of several messages, with commuting writes merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.batch import Work
from messaging.effects import Add, Create, Effect, Key, Write
from messaging.errors import TooLarge

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_ACTIONS = 100

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """One message's effect, on its way into a transaction."""

    work: Work
    effect: Effect

    @property
    def marks_itself(self) -> bool:
        """Whether the effect's one item is keyed by the event, and so can be the marker."""
        if len(self.effect.writes) != 1 or not isinstance(self.effect.writes[0], Create):
            return False
        return self.work.message.id in (self.effect.writes[0].key.partition, self.effect.writes[0].key.sort)


class Transaction:
    """The units of one transaction, their commuting writes merged. `owners` says which units want each write.

    `writes_of` gives a unit's writes with its marker, `to_wire` one write as DynamoDB takes it: both run when a unit is
    offered, so that what is wrong with it shows then, and not when the transaction is committed for everybody.
    """

    def __init__(self, writes_of: Callable[[Unit], list[Write]], to_wire: Callable[[Write], Wire]) -> None:
        self.units: list[Unit] = []
        self.writes: list[Write] = []
        self.items: list[Wire] = []
        self.owners: list[list[int]] = []
        self._positions: dict[Key, int] = {}
        self._writes_of = writes_of
        self._to_wire = to_wire

    def offer(self, unit: Unit) -> bool:
        """Take the unit whole, unless it is too much for the rest of the transaction, or writes an item of an earlier
        unit without commuting.

        Raises TooLarge for a unit that no transaction takes, ValueError for one that contradicts itself, and TypeError,
        ValueError or KeyError for a write that is none.
        """
        writes = _merged(self._writes_of(unit))
        if len(writes) > MAX_ACTIONS:
            raise TooLarge(
                f"event {unit.work.message.id!r} has {len(writes)} writes, a transaction takes {MAX_ACTIONS}: split it"
            )
        items = [self._to_wire(write) for write in writes]
        if not self._fits(writes):
            return False
        for write, item in zip(writes, items, strict=True):
            self._put(write, item)
        self.units.append(unit)
        return True

    def _fits(self, writes: Sequence[Write]) -> bool:
        shared = [write for write in writes if write.key in self._positions]
        if len(self.writes) + len(writes) - len(shared) > MAX_ACTIONS:
            return False
        return all(_commute(self.writes[self._positions[write.key]], write) for write in shared)

    def _put(self, write: Write, item: Wire) -> None:
        position = self._positions.setdefault(write.key, len(self.writes))
        if position == len(self.writes):
            self.writes.append(write)
            self.items.append(item)
            self.owners.append([])
        else:
            self.writes[position] = _merge(self.writes[position], write)
            self.items[position] = self._to_wire(self.writes[position])
        self.owners[position].append(len(self.units))


def _merged(writes: Iterable[Write]) -> list[Write]:
    """One unit's writes with one write an item, as DynamoDB demands."""
    merged: dict[Key, Write] = {}
    for write in writes:
        merged[write.key] = _merge(merged[write.key], write) if write.key in merged else write
    return list(merged.values())


def _commute(earlier: Write, later: Write) -> bool:
    return isinstance(earlier, Add) and isinstance(later, Add) and earlier.attribute == later.attribute


def _merge(earlier: Write, later: Write) -> Write:
    if isinstance(earlier, Add) and isinstance(later, Add) and earlier.attribute == later.attribute:
        return earlier.merged(later)
    raise ValueError(f"two writes to one item of table {later.key.table!r} that don't commute")
