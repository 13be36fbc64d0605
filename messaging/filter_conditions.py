"""One condition of an SNS filter policy, held against one value of a message.

A value is a string, a Decimal for a number, a bool or None. Which values a message has under a name is not known here:
`filters` knows it for attributes that are strings, `filter_explanation` for the rest.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html and the pages below it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

Scope = Literal["MessageAttributes", "MessageBody"]
Value = str | Decimal | bool | None
Condition = str | int | float | bool | None | Mapping[str, Any]

OR = "$or"


def is_alternatives(name: str, operand: Any) -> bool:
    """Whether a member of a policy is SNS's `$or`, and not an attribute that happens to be called so.

    Source: https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html
    """
    return (
        name == OR
        and isinstance(operand, (list, tuple))
        and len(operand) >= 2
        and all(isinstance(each, Mapping) and not RESERVED & each.keys() for each in operand)
    )


def holds(condition: Condition, value: Value) -> bool:
    """Whether a value meets a condition that is not `exists`, which asks for no value."""
    if isinstance(condition, Mapping):
        ((operator, operand),) = condition.items()
        return operator in OPERATORS and OPERATORS[operator](value, operand)
    return same(condition, value)


def same(wanted: Any, value: Value) -> bool:
    """Whether a value is the one that a policy names. Numbers are compared as numbers, and never with texts."""
    if isinstance(wanted, (int, float, Decimal)) and not isinstance(wanted, bool):
        return isinstance(value, Decimal) and value == Decimal(str(wanted))
    return type(wanted) is type(value) and wanted == value


def _anything_but(value: Value, operand: Any) -> bool:
    if isinstance(operand, Mapping):
        return not holds(operand, value)
    return not any(same(each, value) for each in (operand if isinstance(operand, (list, tuple)) else [operand]))


def _numeric(value: Value, operand: Sequence[Any]) -> bool:
    """`["=", 5]`, or one or two bounds such as `[">", 0, "<=", 150]`."""
    if not isinstance(value, Decimal):
        return False
    bounds = zip(operand[::2], operand[1::2], strict=False)
    return all(COMPARISONS[sign](value, Decimal(str(bound))) for sign, bound in bounds)


def _cidr(value: Value, operand: str) -> bool:
    import ipaddress  # not at every cold start, for what no subscription here uses

    if not isinstance(value, str):
        return False
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False


@functools.lru_cache
def _wildcard_pattern(operand: str) -> re.Pattern[str]:
    """A `*` is any run of characters; `\\*` is the character itself."""
    parts = re.split(r"(\\[*\\]|\*)", operand)
    return re.compile(
        "".join(".*" if part == "*" else re.escape(re.sub(r"\\([*\\])", r"\1", part)) for part in parts), re.S
    )


def _text(test: Callable[[str, str], bool]) -> Callable[[Value, Any], bool]:
    """An operator that only strings can meet."""
    return lambda value, operand: isinstance(value, str) and test(value, operand)


COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}

OPERATORS: Mapping[str, Callable[[Value, Any], bool]] = {
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
    "equals-ignore-case": _text(lambda value, operand: value.lower() == operand.lower()),
    "wildcard": _text(lambda value, operand: _wildcard_pattern(operand).fullmatch(value) is not None),
    "cidr": _cidr,
    "numeric": _numeric,
    "anything-but": _anything_but,
}

# Names that can't be those of attributes within `$or`.
RESERVED = frozenset({*OPERATORS, "exists"})
