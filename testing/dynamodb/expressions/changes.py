"""Turns a parsed update and a request's names and values into a function from the old item to the new one.

Every right-hand side sees the item as it was, and list positions are those before the update.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from testing.dynamodb.errors import invalid, invalid_parameter
from testing.dynamodb.expressions.nodes import Update
from testing.dynamodb.expressions.paths import Steps, follow, show
from testing.dynamodb.expressions.scope import Scope
from testing.dynamodb.expressions.terms import WRONG_PATH, Getter, bind_add, bind_delete, bind_term
from testing.dynamodb.expressions.updates import KIND
from testing.dynamodb.values import Item, Value, copy_value


@dataclass(frozen=True, slots=True)
class Change:
    """An update that knows its values: what it sets (None: removes, where there is something) and which paths."""

    settings: tuple[tuple[Steps, Getter], ...]
    removals: tuple[Steps, ...]
    only_removes: bool

    @property
    def paths(self) -> tuple[Steps, ...]:
        """Every path that it changes."""
        return (*(steps for steps, _ in self.settings), *self.removals)

    def apply(self, old: Item | None, key: Item) -> Item | None:
        """The new item. An update creates an item that is missing, unless all it does is removing attributes.

        Raises Refused where the item is not such that the update makes sense.
        Source: https://github.com/scylladb/scylladb/issues/5862 (measured on AWS)
        """
        if old is None and self.only_removes:
            return None
        before = old if old is not None else key
        assigned = [(steps, value(before)) for steps, value in self.settings]
        item = dict(before)
        for name in {str(steps[0]) for steps in self.paths if len(steps) > 1}:
            if name in item:
                item[name] = copy_value(item[name])
        kept = [(steps, value) for steps, value in assigned if value is not None]
        for steps, value in sorted(kept, key=lambda pair: _order(pair[0])):
            _put(item, steps, value)
        emptied = [steps for steps, value in assigned if value is None]
        for steps in sorted([*self.removals, *emptied], key=_order, reverse=True):
            _remove(item, steps)
        return item


def bind_update(update: Update, scope: Scope, key_names: Iterable[str]) -> Change:
    """The update with its values. Raises Refused for paths that overlap or are part of the key, and wrong operands."""
    settings = [
        *((scope.steps(path, KIND), bind_term(term, scope)) for path, term in update.sets),
        *((scope.steps(path, KIND), bind_add(scope.steps(path, KIND), value, scope)) for path, value in update.adds),
        *((scope.steps(path, KIND), bind_delete(scope.steps(path, KIND), v, scope)) for path, v in update.deletes),
    ]
    removals = tuple(scope.steps(path, KIND) for path in update.removes)
    only_removes = not update.sets and not update.adds and bool(update.removes or update.deletes)
    change = Change(tuple(settings), removals, only_removes)
    check_overlap(change.paths, KIND)
    for steps in change.paths:
        if steps[0] in set(key_names):
            raise invalid_parameter(f"Cannot update attribute {steps[0]}. This attribute is part of the key")
    return change


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


def _put(item: Item, steps: Steps, value: Value) -> None:
    if len(steps) == 1:
        item[str(steps[0])] = value
        return
    parent = follow(steps[:-1], item)
    last = steps[-1]
    if parent is not None and isinstance(last, str) and "M" in parent:
        parent["M"][last] = value
    elif parent is not None and isinstance(last, int) and "L" in parent:
        parent["L"][last : last + 1] = [value]
    else:
        raise invalid(WRONG_PATH)


def _remove(item: Item, steps: Steps) -> None:
    if len(steps) == 1:
        item.pop(str(steps[0]), None)
        return
    parent = follow(steps[:-1], item)
    last = steps[-1]
    if parent is not None and isinstance(last, str) and "M" in parent:
        parent["M"].pop(last, None)
    elif parent is not None and isinstance(last, int) and "L" in parent:
        del parent["L"][last : last + 1]
    else:
        raise invalid(WRONG_PATH)
