"""Turns a parsed update and a request's names into a function from the old item and the request's values to a new item.

Every right-hand side sees the item as it was, and list positions are those before the update.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from testing.dynamodb.errors import invalid, invalid_parameter
from testing.dynamodb.expressions.nodes import Update
from testing.dynamodb.expressions.paths import Steps, show
from testing.dynamodb.expressions.places import put, remove
from testing.dynamodb.expressions.scope import Scope, Values
from testing.dynamodb.expressions.terms import Getter, bind_add, bind_delete, bind_term
from testing.dynamodb.expressions.updates import KIND
from testing.dynamodb.values import Item


@dataclass(frozen=True, slots=True)
class Change:
    """An update: what it sets (to None: removes, where there is something), what it removes, and all these paths."""

    settings: tuple[tuple[Steps, Getter], ...]
    removals: tuple[Steps, ...]
    only_removes: bool
    paths: tuple[Steps, ...]
    is_flat: bool

    def apply(self, old: Item | None, key: Item, values: Values) -> Item | None:
        """The new item. An update creates an item that is missing, unless all it does is removing attributes.

        Raises Refused where the item is not such that the update makes sense.
        Source: https://github.com/scylladb/scylladb/issues/5862 (measured on AWS)
        """
        if old is None and self.only_removes:
            return None
        before = old if old is not None else key
        item = dict(before)
        if self.is_flat:
            for steps, getter in self.settings:
                value = getter(before, values)
                if value is None:
                    item.pop(str(steps[0]), None)
                else:
                    item[str(steps[0])] = value
            for steps in self.removals:
                item.pop(str(steps[0]), None)
            return item
        assigned = [(steps, getter(before, values)) for steps, getter in self.settings]
        kept = [(steps, value) for steps, value in assigned if value is not None]
        for steps, value in sorted(kept, key=lambda pair: _order(pair[0])):
            put(item, steps, value)
        emptied = [steps for steps, value in assigned if value is None]
        for steps in sorted([*self.removals, *emptied], key=_order, reverse=True):
            remove(item, steps)
        return item


def bind_update(update: Update, scope: Scope, key_names: Iterable[str]) -> Change:
    """The update for values of the types that it is bound for.

    Raises Refused for paths that overlap or are part of the key, and wrong operands.
    """
    settings = [
        *((scope.steps(path, KIND), bind_term(term, scope)) for path, term in update.sets),
        *((scope.steps(path, KIND), bind_add(scope.steps(path, KIND), value, scope)) for path, value in update.adds),
        *((scope.steps(path, KIND), bind_delete(scope.steps(path, KIND), v, scope)) for path, v in update.deletes),
    ]
    removals = tuple(scope.steps(path, KIND) for path in update.removes)
    only_removes = not update.sets and not update.adds and bool(update.removes or update.deletes)
    paths = (*(steps for steps, _ in settings), *removals)
    check_overlap(paths, KIND)
    for steps in paths:
        if steps[0] in set(key_names):
            raise invalid_parameter(f"Cannot update attribute {steps[0]}. This attribute is part of the key")
    return Change(tuple(settings), removals, only_removes, paths, is_flat=all(len(steps) == 1 for steps in paths))


def check_overlap(paths: Iterable[Steps], kind: str) -> None:
    """Raises Refused where two paths are the same, one is inside of the other, or they contradict each other."""
    for one, other in combinations(paths, 2):
        shared = min(len(one), len(other))
        same = next((n for n in range(shared) if one[n] != other[n]), shared)
        if same == shared:
            what = "overlap"
        elif type(one[same]) is not type(other[same]):
            what = "conflict"
        else:
            continue
        raise invalid(
            f"Invalid {kind}: Two document paths {what} with each other; must remove or rewrite one of these paths; "
            f"path one: {show(one)}, path two: {show(other)}"
        )


def _order(steps: Steps) -> tuple[tuple[int, int | str], ...]:
    """Of positions in one list the smaller first: what is set past the end is appended in that order."""
    return tuple((0, step) if isinstance(step, int) else (1, step) for step in steps)
