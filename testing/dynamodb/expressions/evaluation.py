"""Turns a parsed condition and a request's names and values into a function that says whether an item meets it.

Comparisons of different types, or with an attribute that is missing, are false; except `<>`, which is true: measured
on AWS, see https://github.com/scylladb/scylladb/blob/master/test/alternator/test_condition_expression.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions.nodes import (
    And,
    Between,
    Comparison,
    Condition,
    Function,
    In,
    Not,
    Operand,
    Or,
    Path,
    Size,
    ValueRef,
)
from testing.dynamodb.expressions.paths import Steps, follow, show
from testing.dynamodb.expressions.scope import Scope
from testing.dynamodb.values import ORDERED, SETS, TYPES, Value, comparable, kind_of

Predicate = Callable[[Mapping[str, Value] | None], bool]
Getter = Callable[[Mapping[str, Value] | None], Value | None]


def bind_condition(condition: Condition, scope: Scope, kind: str) -> Predicate:
    """The condition as a function of an item, None where there is none. Raises Refused for operands it can't take."""
    if isinstance(condition, And | Or):
        return _bind_pair(condition, scope, kind)
    if isinstance(condition, Not):
        inner = bind_condition(condition.condition, scope, kind)
        return lambda item: not inner(item)
    if isinstance(condition, Comparison):
        return _bind_comparison(condition, scope, kind)
    if isinstance(condition, Between):
        return _bind_between(condition, scope, kind)
    if isinstance(condition, In):
        return _bind_in(condition, scope, kind)
    return _bind_function(condition, scope, kind)


def _bind_pair(pair: And | Or, scope: Scope, kind: str) -> Predicate:
    left, right = bind_condition(pair.left, scope, kind), bind_condition(pair.right, scope, kind)
    if isinstance(pair, And):
        return lambda item: left(item) and right(item)
    return lambda item: left(item) or right(item)


def _bind_comparison(comparison: Comparison, scope: Scope, kind: str) -> Predicate:
    operator = comparison.operator
    _check_distinct(comparison.left, (comparison.right,), operator, scope, kind)
    left, right = (_bind_operand(operand, scope, kind) for operand in (comparison.left, comparison.right))
    if operator == "=":
        return lambda item: (found := left(item)) is not None and found == right(item)
    if operator == "<>":
        return lambda item: (found := left(item)) is None or found != right(item)
    for operand in (comparison.left, comparison.right):
        _check_literal(operand, ORDERED, operator, scope, kind)
    holds = _ORDERS[operator]
    return lambda item: _compare(left(item), right(item), holds)


_ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _compare(left: Value | None, right: Value | None, holds: Callable[[int], bool]) -> bool:
    if left is None or right is None or kind_of(left) != kind_of(right) or kind_of(left) not in ORDERED:
        return False
    one, other = comparable(left), comparable(right)
    return holds((one > other) - (one < other))


def _bind_between(between: Between, scope: Scope, kind: str) -> Predicate:
    for operand in (between.low, between.high):
        _check_literal(operand, ORDERED, "BETWEEN", scope, kind)
    value, low, high = (_bind_operand(part, scope, kind) for part in (between.operand, between.low, between.high))
    if isinstance(between.low, ValueRef) and isinstance(between.high, ValueRef):
        _check_bounds(low(None), high(None), kind)
    return lambda item: (
        _compare(value(item), low(item), _ORDERS[">="]) and _compare(value(item), high(item), _ORDERS["<="])
    )


def _check_bounds(low: Value | None, high: Value | None, kind: str) -> None:
    if low is None or high is None or _compare(low, high, _ORDERS["<="]):
        return
    shown = [f"AttributeValue: {{{kind_of(bound)}:{bound[kind_of(bound)]}}}" for bound in (low, high)]
    if kind_of(low) != kind_of(high):
        why = "The BETWEEN operator requires same data type for lower and upper bounds"
    else:
        why = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
    raise invalid(f"Invalid {kind}: {why}; lower bound operand: {shown[0]}, upper bound operand: {shown[1]}")


def _bind_in(membership: In, scope: Scope, kind: str) -> Predicate:
    _check_distinct(membership.operand, membership.options, "IN", scope, kind)
    value = _bind_operand(membership.operand, scope, kind)
    options = [_bind_operand(option, scope, kind) for option in membership.options]
    return lambda item: (found := value(item)) is not None and any(found == option(item) for option in options)


def _bind_function(function: Function, scope: Scope, kind: str) -> Predicate:
    name, arguments = function.name, function.arguments
    getters = [_bind_operand(argument, scope, kind) for argument in arguments]
    first = getters[0]
    if name in ("attribute_exists", "attribute_not_exists", "attribute_type") and not isinstance(arguments[0], Path):
        raise invalid(f"Invalid {kind}: Operator or function requires a document path; operator or function: {name}")
    if name == "attribute_exists":
        return lambda item: first(item) is not None
    if name == "attribute_not_exists":
        return lambda item: first(item) is None
    _check_distinct(arguments[0], arguments[1:], name, scope, kind)
    second = getters[1]
    if name == "attribute_type":
        wanted = _type_name(arguments[1], scope, kind)
        return lambda item: (found := first(item)) is not None and kind_of(found) == wanted
    if name == "begins_with":
        for argument in arguments:
            _check_literal(argument, ("S", "B"), name, scope, kind)
        return lambda item: _begins(first(item), second(item))
    return lambda item: _contains(first(item), second(item))


def _begins(value: Value | None, prefix: Value | None) -> bool:
    if value is None or prefix is None or kind_of(value) != kind_of(prefix) or kind_of(value) not in ("S", "B"):
        return False
    found: str | bytes = value[kind_of(value)]
    return found.startswith(prefix[kind_of(prefix)])


def _contains(value: Value | None, wanted: Value | None) -> bool:
    if value is None or wanted is None:
        return False
    kind, inside = kind_of(value), kind_of(wanted)
    if kind == "L":
        return wanted in value["L"]
    if kind in SETS:
        return inside == kind[0] and wanted[inside] in value[kind]
    return kind in ("S", "B") and inside == kind and wanted[inside] in value[kind]


def _type_name(operand: Operand, scope: Scope, kind: str) -> str | None:
    _check_literal(operand, ("S",), "attribute_type", scope, kind)
    wanted: str | None = scope.value(operand, kind).get("S") if isinstance(operand, ValueRef) else None
    if wanted not in TYPES:
        raise invalid(
            f"Invalid {kind}: Invalid attribute type name found; type: {wanted}, "
            "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        )
    return wanted


def _bind_operand(operand: Operand, scope: Scope, kind: str) -> Getter:
    if isinstance(operand, ValueRef):
        value = scope.value(operand, kind)
        return lambda _: value
    if isinstance(operand, Size):
        _check_literal(operand.operand, ("S", "B", *SETS, "L", "M"), "size", scope, kind)
        inner = _bind_operand(operand.operand, scope, kind)
        return lambda item: _size(inner(item))
    return _bind_path(scope.steps(operand, kind))


def _bind_path(steps: Steps) -> Getter:
    if len(steps) == 1:
        name = str(steps[0])
        return lambda item: None if item is None else item.get(name)
    return lambda item: follow(steps, item)


def _size(value: Value | None) -> Value | None:
    """A string's length counts characters, a binary's bytes; a number has none.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    if value is None or kind_of(value) in ("N", "BOOL", "NULL"):
        return None
    content = value[kind_of(value)]
    # Supplementary characters count as two, as in UTF-16.
    length = len(content.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(content, str) else len(content)
    return {"N": str(length)}


def _check_literal(operand: Operand, allowed: tuple[str, ...], name: str, scope: Scope, kind: str) -> None:
    """A value of the request must have a type that the operator takes; an attribute's only makes the result false."""
    if not isinstance(operand, ValueRef):
        return
    found = kind_of(scope.value(operand, kind))
    if found not in allowed:
        raise invalid(
            f"Invalid {kind}: Incorrect operand type for operator or function; "
            f"operator or function: {name}, operand type: {found}"
        )


def _check_distinct(first: Operand, others: tuple[Operand, ...], name: str, scope: Scope, kind: str) -> None:
    if not isinstance(first, Path):
        return
    steps = scope.steps(first, kind)
    if any(isinstance(other, Path) and scope.steps(other, kind) == steps for other in others):
        raise invalid(
            f"Invalid {kind}: The first operand must be distinct from the remaining operands for this operator or "
            f"function; operator: {name}, first operand: {show(steps)}"
        )
