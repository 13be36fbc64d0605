"""Turns a parsed condition and a request's names into a function that says whether an item meets it.

Comparisons of different types, or with an attribute that is missing, are false; except `<>`, which is true: measured
on AWS, see https://github.com/scylladb/scylladb/blob/master/test/alternator/test_condition_expression.py.
"""

from __future__ import annotations

from collections.abc import Callable

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
from testing.dynamodb.expressions.paths import finder, show
from testing.dynamodb.expressions.scope import Scope, Values
from testing.dynamodb.values import ORDERED, SETS, TYPES, Item, Value, comparable

# Whether an item meets a condition, with a request's values; and what an operand is.
Predicate = Callable[[Item | None, Values], bool]
Getter = Callable[[Item | None, Values], Value | None]


def bind_condition(condition: Condition, scope: Scope, kind: str) -> Predicate:
    """The condition as a function of an item, None where there is none, and of values of these types.

    Raises Refused for operands that it can't take.
    """
    if isinstance(condition, And | Or):
        return _bind_pair(condition, scope, kind)
    if isinstance(condition, Not):
        inner = bind_condition(condition.condition, scope, kind)
        return lambda item, values: not inner(item, values)
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
        return lambda item, values: left(item, values) and right(item, values)
    return lambda item, values: left(item, values) or right(item, values)


def _bind_comparison(comparison: Comparison, scope: Scope, kind: str) -> Predicate:
    operator = comparison.operator
    _check_distinct(comparison.left, (comparison.right,), operator, scope, kind)
    left, right = (_bind_operand(operand, scope, kind) for operand in (comparison.left, comparison.right))
    if operator == "=":
        return lambda item, values: (found := left(item, values)) is not None and found == right(item, values)
    if operator == "<>":
        return lambda item, values: (found := left(item, values)) is None or found != right(item, values)
    for operand in (comparison.left, comparison.right):
        _check_literal(operand, ORDERED, operator, scope, kind)
    holds = _ORDERS[operator]
    return lambda item, values: _compare(left(item, values), right(item, values), holds)


_ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _compare(left: Value | None, right: Value | None, holds: Callable[[int], bool]) -> bool:
    if left is None or right is None or left[0] != right[0] or left[0] not in ORDERED:
        return False
    one, other = comparable(left), comparable(right)
    return holds((one > other) - (one < other))


def _bind_between(between: Between, scope: Scope, kind: str) -> Predicate:
    for operand in (between.low, between.high):
        _check_literal(operand, ORDERED, "BETWEEN", scope, kind)
    value, low, high = (_bind_operand(part, scope, kind) for part in (between.operand, between.low, between.high))
    if isinstance(between.low, ValueRef) and isinstance(between.high, ValueRef):
        _check_bounds(scope.value(between.low, kind), scope.value(between.high, kind), kind)

    def is_between(item: Item | None, values: Values) -> bool:
        found = value(item, values)
        return _compare(found, low(item, values), _ORDERS[">="]) and _compare(found, high(item, values), _ORDERS["<="])

    return is_between


def _check_bounds(low: Value, high: Value, kind: str) -> None:
    if _compare(low, high, _ORDERS["<="]):
        return
    shown = [f"AttributeValue: {{{type_}:{content}}}" for type_, content in (low, high)]
    if low[0] != high[0]:
        why = "The BETWEEN operator requires same data type for lower and upper bounds"
    else:
        why = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
    raise invalid(f"Invalid {kind}: {why}; lower bound operand: {shown[0]}, upper bound operand: {shown[1]}")


def _bind_in(membership: In, scope: Scope, kind: str) -> Predicate:
    _check_distinct(membership.operand, membership.options, "IN", scope, kind)
    value = _bind_operand(membership.operand, scope, kind)
    options = [_bind_operand(option, scope, kind) for option in membership.options]

    def is_in(item: Item | None, values: Values) -> bool:
        found = value(item, values)
        return found is not None and any(found == option(item, values) for option in options)

    return is_in


def _bind_function(function: Function, scope: Scope, kind: str) -> Predicate:
    name, arguments = function.name, function.arguments
    getters = [_bind_operand(argument, scope, kind) for argument in arguments]
    first = getters[0]
    if name in ("attribute_exists", "attribute_not_exists", "attribute_type") and not isinstance(arguments[0], Path):
        raise invalid(f"Invalid {kind}: Operator or function requires a document path; operator or function: {name}")
    if name == "attribute_exists":
        return lambda item, values: item is not None and first(item, values) is not None
    if name == "attribute_not_exists":
        return lambda item, values: item is None or first(item, values) is None
    _check_distinct(arguments[0], arguments[1:], name, scope, kind)
    second = getters[1]
    if name == "attribute_type":
        wanted = _type_name(arguments[1], scope, kind)
        return lambda item, values: (found := first(item, values)) is not None and found[0] == wanted
    if name == "begins_with":
        for argument in arguments:
            _check_literal(argument, ("S", "B"), name, scope, kind)
        return lambda item, values: _begins(first(item, values), second(item, values))
    return lambda item, values: _contains(first(item, values), second(item, values))


def _begins(value: Value | None, prefix: Value | None) -> bool:
    if value is None or prefix is None or value[0] != prefix[0] or value[0] not in ("S", "B"):
        return False
    found: str | bytes = value[1]
    return found.startswith(prefix[1])


def _contains(value: Value | None, wanted: Value | None) -> bool:
    if value is None or wanted is None:
        return False
    (kind, content), (inside, part) = value, wanted
    if kind == "L":
        return wanted in content
    if kind in SETS:
        return inside == kind[0] and part in content
    return kind in ("S", "B") and inside == kind and part in content


def _type_name(operand: Operand, scope: Scope, kind: str) -> str | None:
    _check_literal(operand, ("S",), "attribute_type", scope, kind)
    wanted: str | None = scope.value(operand, kind)[1] if isinstance(operand, ValueRef) else None
    if wanted not in TYPES:
        raise invalid(
            f"Invalid {kind}: Invalid attribute type name found; type: {wanted}, "
            "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        )
    return wanted


def _bind_operand(operand: Operand, scope: Scope, kind: str) -> Getter:
    if isinstance(operand, ValueRef):
        scope.type_of(operand, kind)
        reference = operand.name
        return lambda _, values: values[reference]
    if isinstance(operand, Size):
        _check_literal(operand.operand, ("S", "B", *SETS, "L", "M"), "size", scope, kind)
        inner = _bind_operand(operand.operand, scope, kind)
        return lambda item, values: _size(inner(item, values))
    find = finder(scope.steps(operand, kind))
    return lambda item, _: find(item)


def _size(value: Value | None) -> Value | None:
    """A string's length counts characters, a binary's bytes; a number has none.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """
    if value is None or value[0] in ("N", "BOOL", "NULL"):
        return None
    content = value[1]
    # Supplementary characters count as two, as in UTF-16.
    length = len(content.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(content, str) else len(content)
    return "N", str(length)


def _check_literal(operand: Operand, allowed: tuple[str, ...], name: str, scope: Scope, kind: str) -> None:
    """A value of the request must have a type that the operator takes; an attribute's only makes the result false."""
    if not isinstance(operand, ValueRef):
        return
    found = scope.type_of(operand, kind)
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
