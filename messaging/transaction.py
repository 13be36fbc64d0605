"""A DynamoDB transaction in the making: the effects of several messages, with commuting writes merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from messaging import items
from messaging.batch import Work
from messaging.cursor import Advance
from messaging.effects import Add, Create, Effect, Key, Write
from messaging.errors import TooLarge
from messaging.outbox import Emission

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_ACTIONS = 100

Wire = dict[str, Any]
Action = Write | Advance | Emission


class Unit(msgspec.Struct, frozen=True):
    """One message's effect, on its way into a transaction."""

    work: Work
    effect: Effect

    @property
    def marks_itself(self) -> bool:
        """Whether the effect is one item keyed by the event and nothing else, so that this item can be the marker."""
        if self.effect.follow_ups or len(self.effect.writes) != 1 or not isinstance(self.effect.writes[0], Create):
            return False
        return self.work.message.id in (self.effect.writes[0].key.partition, self.effect.writes[0].key.sort)


class Transaction:
    """The units of one transaction, their commuting actions merged. `owners` says which units want each action.

    `actions_of` gives a unit's actions with its marker, `tables` the physical names. Both are used when a unit is
    offered, so that what is wrong with it shows then, and not when the transaction is committed for everybody.
    `items_mark`: whether an effect that is one item keyed by its event has no marker beside it.
    """

    def __init__(
        self, actions_of: Callable[[Unit], list[Action]], tables: Mapping[str, str], *, items_mark: bool
    ) -> None:
        self.units: list[Unit] = []
        self.actions: list[Action] = []
        self.items: list[Wire] = []
        self.owners: list[list[int]] = []
        self._positions: dict[Key, int] = {}
        self._actions_of = actions_of
        self._tables = tables
        self._items_mark = items_mark

    @property
    def divisible(self) -> bool:
        """Whether it may as well be committed item by item, at half the price: each unit is one item that is its own
        marker, and none has to wait for another of its group."""
        lanes = {unit.work.delivery.lane for unit in self.units}
        items_alone = self._items_mark and all(unit.marks_itself for unit in self.units)
        return items_alone and len(lanes) == len(self.units) <= items.MAX_STATEMENTS

    def offer(self, unit: Unit) -> bool:
        """Take the unit whole, unless it is too much for the rest of the transaction, or changes an item of an earlier
        unit without commuting.

        Raises TooLarge for a unit that no transaction takes, ValueError for one that contradicts itself, and TypeError,
        ValueError or KeyError for a write that is none.
        """
        actions = _merged(unit, self._actions_of(unit))
        if len(actions) > MAX_ACTIONS:
            raise TooLarge(
                f"event {unit.work.message.id!r} has {len(actions)} actions with its marker, a transaction takes "
                f"{MAX_ACTIONS}: split the event, or write fewer items for it"
            )
        together = self._together(actions)
        entries = [_to_wire(action, self._tables[action.key.table]) for action in together or actions]
        if together is None:
            return False
        for action, entry in zip(together, entries, strict=True):
            self._put(action, entry)
        self.units.append(unit)
        return True

    def _together(self, actions: Sequence[Action]) -> list[Action] | None:
        """The actions, those merged with the transaction's that are on items of its own. None where they don't fit."""
        together = []
        shared = 0
        for action in actions:
            position = self._positions.get(action.key)
            if position is not None:
                merged = _merge(self.actions[position], action)
                if merged is None:
                    return None
                action, shared = merged, shared + 1
            together.append(action)
        return together if len(self.actions) + len(actions) - shared <= MAX_ACTIONS else None

    def _put(self, action: Action, entry: Wire) -> None:
        position = self._positions.setdefault(action.key, len(self.actions))
        if position == len(self.actions):
            self.actions.append(action)
            self.items.append(entry)
            self.owners.append([])
        else:
            self.actions[position] = action
            self.items[position] = entry
        self.owners[position].append(len(self.units))


def _to_wire(action: Action, table: str) -> Wire:
    if isinstance(action, Create):
        return items.create(action, table)
    if isinstance(action, (Advance, Emission)):
        return action.to_wire(table)
    return items.update(action, table)


def _merged(unit: Unit, actions: Iterable[Action]) -> list[Action]:
    """One unit's actions with one an item, as DynamoDB demands."""
    merged: dict[Key, Action] = {}
    for action in actions:
        both = _merge(merged[action.key], action) if action.key in merged else action
        if both is None and isinstance(action, Emission):
            raise TooLarge(
                f"event {unit.work.message.id!r} has follow-up events of over 300 KiB in one message group: keep what "
                "is large elsewhere and send its address"
            )
        if both is None:
            raise ValueError(f"two writes to one item of table {action.key.table!r} that don't commute")
        merged[action.key] = both
    return list(merged.values())


def _merge(earlier: Action, later: Action) -> Action | None:
    """Two actions on one item as one, or None where they don't commute."""
    if isinstance(earlier, Add) and isinstance(later, Add) and earlier.attribute == later.attribute:
        return earlier.merged(later)
    if isinstance(earlier, Advance) and isinstance(later, Advance):
        return earlier.merged(later)
    if isinstance(earlier, Emission) and isinstance(later, Emission):
        return earlier.merged(later)
    return None
