"""Turns the right-hand sides of updates into functions of the item as it was and of a request's values.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from testing.dynamodb.decimals import total
from testing.dynamodb.errors import Refused, invalid
from testing.dynamodb.expressions.nodes import Arithmetic, IfNotExists, ListAppend, SetMembers, Term, ValueRef
from testing.dynamodb.expressions.paths import Steps, finder, follow
from testing.dynamodb.expressions.places import WRONG_PATH
from testing.dynamodb.expressions.scope import Scope, Values
from testing.dynamodb.expressions.updates import KIND
from testing.dynamodb.values import SETS, Item, Value, admit_set

WRONG_TYPE = "An operand in the update expression has an incorrect data type"
MISSING = "The provided expression refers to an attribute that does not exist in the item"
_NAMES = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP"}

# The value that an item gets, None where it loses it.
Getter = Callable[[Item, Values], Value | None]


def bind_term(term: Term, scope: Scope) -> Getter:
    """The right-hand side of a SET. Raises Refused for operands that it can't take."""
    if isinstance(term, ValueRef):
        scope.type_of(term, KIND)
        reference = term.name
        return lambda _, values: values[reference]
    if isinstance(term, Arithmetic):
        return _bind_arithmetic(term, scope)
    if isinstance(term, IfNotExists):
        path, default = scope.steps(term.path, KIND), bind_term(term.default, scope)
        return lambda item, values: found if (found := follow(path, item)) is not None else default(item, values)
    if isinstance(term, ListAppend):
        return _bind_append(term, scope)
    if isinstance(term, SetMembers):
        bind = bind_add if term.operator == "ADD" else bind_delete
        return bind(scope.steps(term.path, KIND), term.members, scope)
    steps = scope.steps(term, KIND)
    return lambda item, _: _existing(follow(steps, item))


def _existing(value: Value | None) -> Value:
    if value is None:
        raise invalid(MISSING)
    return value


def _bind_arithmetic(term: Arithmetic, scope: Scope) -> Getter:
    for side in (term.left, term.right):
        _check_literal(side, ("N",), term.operator, scope)
    left, right = bind_term(term.left, scope), bind_term(term.right, scope)
    sign = 1 if term.operator == "+" else -1

    def compute(item: Item, values: Values) -> Value:
        one, other = left(item, values), right(item, values)
        if one is None or other is None or one[0] != "N" or other[0] != "N":
            raise invalid(WRONG_TYPE)
        return "N", total(one[1], other[1], sign)

    return compute


def _bind_append(term: ListAppend, scope: Scope) -> Getter:
    for side in (term.first, term.second):
        _check_literal(side, ("L",), "list_append", scope)
    first, second = bind_term(term.first, scope), bind_term(term.second, scope)

    def append(item: Item, values: Values) -> Value:
        one, other = first(item, values), second(item, values)
        if one is None or other is None or one[0] != "L" or other[0] != "L":
            raise invalid(WRONG_TYPE)
        return "L", one[1] + other[1]

    return append


def bind_add(steps: Steps, reference: ValueRef, scope: Scope) -> Getter:
    """ADD: a number to a number (zero where there is none), or members to a set of their type."""
    kind = scope.type_of(reference, KIND)
    if kind != "N" and kind not in SETS:
        raise _wrong_operand("ADD", kind, "ALLOWED_FOR_ADD_OPERAND")
    find = finder(steps)

    def add(item: Item, values: Values) -> Value:
        added = values[reference.name]
        old = find(item)
        if old is None:
            return added
        if old[0] != kind:
            raise invalid(WRONG_TYPE)
        if kind == "N":
            return "N", total(old[1], added[1])
        return kind, admit_set(kind, _union(old[1], added[1]))

    return add


def bind_delete(steps: Steps, reference: ValueRef, scope: Scope) -> Getter:
    """DELETE: members from a set of their type; a set that would be empty goes."""
    kind = scope.type_of(reference, KIND)
    if kind not in SETS:
        raise _wrong_operand("DELETE", kind, "ALLOWED_FOR_DELETE_OPERAND")

    def delete(item: Item, values: Values) -> Value | None:
        old = follow(steps, item)
        if old is None:
            _require_parent(steps, item)
            return None
        if old[0] != kind:
            raise invalid(WRONG_TYPE)
        left = tuple(member for member in old[1] if member not in values[reference.name][1])
        return (kind, left) if left else None

    return delete


def _require_parent(steps: Steps, item: Item) -> None:
    if len(steps) == 1:
        return
    parent = follow(steps[:-1], item)
    if parent is None or parent[0] != ("M" if isinstance(steps[-1], str) else "L"):
        raise invalid(WRONG_PATH)


def _union(old: Sequence[Any], added: Sequence[Any]) -> list[Any]:
    return [*old, *(member for member in added if member not in old)]


def _check_literal(term: Term, allowed: tuple[str, ...], name: str, scope: Scope) -> None:
    if isinstance(term, ValueRef) and scope.type_of(term, KIND) not in allowed:
        raise invalid(
            f"Invalid {KIND}: Incorrect operand type for operator or function; operator or function: {name}, "
            f"operand type: {scope.type_of(term, KIND)}"
        )


def _wrong_operand(name: str, kind: str, allowed: str) -> Refused:
    return invalid(
        f"Invalid {KIND}: Incorrect operand type for operator or function; operator: {name}, "
        f"operand type: {_NAMES.get(kind, kind)}, typeset: {allowed}"
    )
