"""Turns the right-hand sides of updates into functions of the item as it was.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from testing.dynamodb.decimals import total
from testing.dynamodb.errors import Refused, invalid
from testing.dynamodb.expressions.nodes import Arithmetic, IfNotExists, ListAppend, SetMembers, Term, ValueRef
from testing.dynamodb.expressions.paths import Steps, follow
from testing.dynamodb.expressions.scope import Scope
from testing.dynamodb.expressions.updates import KIND
from testing.dynamodb.values import SETS, Value, admit, kind_of

WRONG_TYPE = "An operand in the update expression has an incorrect data type"
WRONG_PATH = "The document path provided in the update expression is invalid for update"
MISSING = "The provided expression refers to an attribute that does not exist in the item"
_NAMES = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP"}

# The value that an item gets, None where it loses it.
Getter = Callable[[Mapping[str, Value]], Value | None]


def bind_term(term: Term, scope: Scope) -> Getter:
    """The right-hand side of a SET. Raises Refused for operands that it can't take."""
    if isinstance(term, ValueRef):
        value = scope.value(term, KIND)
        return lambda _: value
    if isinstance(term, Arithmetic):
        return _bind_arithmetic(term, scope)
    if isinstance(term, IfNotExists):
        path, default = scope.steps(term.path, KIND), bind_term(term.default, scope)
        return lambda item: found if (found := follow(path, item)) is not None else default(item)
    if isinstance(term, ListAppend):
        return _bind_append(term, scope)
    if isinstance(term, SetMembers):
        bind = bind_add if term.operator == "ADD" else bind_delete
        return bind(scope.steps(term.path, KIND), term.members, scope)
    steps = scope.steps(term, KIND)
    return lambda item: _existing(follow(steps, item))


def _existing(value: Value | None) -> Value:
    if value is None:
        raise invalid(MISSING)
    return value


def _bind_arithmetic(term: Arithmetic, scope: Scope) -> Getter:
    for side in (term.left, term.right):
        _check_literal(side, ("N",), term.operator, scope)
    left, right = bind_term(term.left, scope), bind_term(term.right, scope)
    sign = 1 if term.operator == "+" else -1

    def compute(item: Mapping[str, Value]) -> Value:
        one, other = left(item), right(item)
        if one is None or other is None or "N" not in one or "N" not in other:
            raise invalid(WRONG_TYPE)
        return {"N": total(one["N"], other["N"], sign)}

    return compute


def _bind_append(term: ListAppend, scope: Scope) -> Getter:
    for side in (term.first, term.second):
        _check_literal(side, ("L",), "list_append", scope)
    first, second = bind_term(term.first, scope), bind_term(term.second, scope)

    def append(item: Mapping[str, Value]) -> Value:
        one, other = first(item), second(item)
        if one is None or other is None or "L" not in one or "L" not in other:
            raise invalid(WRONG_TYPE)
        return {"L": [*one["L"], *other["L"]]}

    return append


def bind_add(steps: Steps, reference: ValueRef, scope: Scope) -> Getter:
    """ADD: a number to a number (zero where there is none), or members to a set of their type."""
    added = scope.value(reference, KIND)
    kind = kind_of(added)
    if kind != "N" and kind not in SETS:
        raise _wrong_operand("ADD", kind, "ALLOWED_FOR_ADD_OPERAND")

    def add(item: Mapping[str, Value]) -> Value:
        old = follow(steps, item)
        if old is None:
            return added
        if kind not in old:
            raise invalid(WRONG_TYPE)
        if kind == "N":
            return {"N": total(old["N"], added["N"])}
        return admit({kind: _union(old[kind], added[kind])})

    return add


def bind_delete(steps: Steps, reference: ValueRef, scope: Scope) -> Getter:
    """DELETE: members from a set of their type; a set that would be empty goes."""
    deleted = scope.value(reference, KIND)
    kind = kind_of(deleted)
    if kind not in SETS:
        raise _wrong_operand("DELETE", kind, "ALLOWED_FOR_DELETE_OPERAND")

    def delete(item: Mapping[str, Value]) -> Value | None:
        old = follow(steps, item)
        if old is None:
            _require_parent(steps, item)
            return None
        if kind not in old:
            raise invalid(WRONG_TYPE)
        left = [member for member in old[kind] if member not in deleted[kind]]
        return {kind: left} if left else None

    return delete


def _require_parent(steps: Steps, item: Mapping[str, Value]) -> None:
    parent = {"M": item} if len(steps) == 1 else follow(steps[:-1], item)
    if parent is None or ("M" if isinstance(steps[-1], str) else "L") not in parent:
        raise invalid(WRONG_PATH)


def _union(old: list[Any], added: list[Any]) -> list[Any]:
    return [*old, *(member for member in added if member not in old)]


def _check_literal(term: Term, allowed: tuple[str, ...], name: str, scope: Scope) -> None:
    if isinstance(term, ValueRef) and kind_of(scope.value(term, KIND)) not in allowed:
        raise invalid(
            f"Invalid {KIND}: Incorrect operand type for operator or function; operator or function: {name}, "
            f"operand type: {kind_of(scope.value(term, KIND))}"
        )


def _wrong_operand(name: str, kind: str, allowed: str) -> Refused:
    return invalid(
        f"Invalid {KIND}: Incorrect operand type for operator or function; operator: {name}, "
        f"operand type: {_NAMES.get(kind, kind)}, typeset: {allowed}"
    )
