"""Which filter policies SNS takes: shape, operands, and the limits of both scopes.

Sources: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html and
https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from messaging.errors import TopologyError
from messaging.filter_conditions import COMPARISONS, Scope, is_alternatives

MAX_KEYS = 5
MAX_COMBINATIONS = 150
MAX_BYTES = 256 * 1024
MAX_NUMBER = 10**9
MAX_DECIMAL_PLACES = 5
MAX_WILDCARDS = 3  # in one pattern
MAX_WILDCARD_POINTS = 100


def check(policy: Mapping[str, Any], scope: Scope = "MessageAttributes") -> None:
    """Raise TopologyError for a policy that SNS refuses for a subscription with this scope."""
    leaves = [*_leaves(policy, scope)]
    for name, conditions in leaves:
        for condition in conditions:
            _check_condition(name, condition)
    if (keys := _count_keys(policy, scope)) > MAX_KEYS:
        raise TopologyError(f"a filter policy has at most {MAX_KEYS} names, this one has {keys}")
    if (count := combinations(policy)) > MAX_COMBINATIONS:
        raise TopologyError(f"a filter policy has at most {MAX_COMBINATIONS} combinations, this one has {count}")
    if (points := sum(_wildcard_points(conditions) for _, conditions in leaves)) > MAX_WILDCARD_POINTS:
        raise TopologyError(f"a filter policy's wildcards have at most {MAX_WILDCARD_POINTS} points, these {points}")
    if (size := len(json.dumps(policy, ensure_ascii=False, default=list).encode())) > MAX_BYTES:
        raise TopologyError(f"a filter policy has at most {MAX_BYTES} bytes, this one has {size}")


def combinations(policy: Mapping[str, Any], depth: int = 1) -> int:
    """The product of the names' numbers of conditions, each times how deep its name is nested; `$or` sums up."""
    total = 1
    for name, operand in policy.items():
        if is_alternatives(name, operand):
            total *= sum(combinations(each, depth) for each in operand)
        elif isinstance(operand, Mapping):
            total *= combinations(operand, depth + 1)
        else:
            total *= len(operand) * depth
    return total


def _leaves(policy: Mapping[str, Any], scope: Scope) -> Iterator[tuple[str, Sequence[Any]]]:
    """Every name with its list of conditions. Raises TopologyError for what is no such list."""
    for name, operand in policy.items():
        if is_alternatives(name, operand):
            for each in operand:
                if not each:
                    raise TopologyError("filter: an alternative of $or asks for nothing, so $or does not either")
                yield from _leaves(each, scope)
        elif isinstance(operand, Mapping):
            if scope == "MessageAttributes":
                raise TopologyError(f"filter on {name!r}: attributes are not nested; give a list of conditions")
            if not operand:
                raise TopologyError(f"filter on {name!r}: the object names nothing")
            yield from _leaves(operand, scope)
        elif isinstance(operand, (list, tuple)) and operand:
            yield name, operand
        else:
            raise TopologyError(f"filter on {name!r}: give a list with at least one condition")


def _count_keys(policy: Mapping[str, Any], scope: Scope) -> int:
    """Attributes by their names, of a body only what is outermost: nested keys don't count."""
    if scope == "MessageAttributes":
        return len({name for name, _ in _leaves(policy, scope)})
    return len(set(_outermost(policy)))


def _outermost(policy: Mapping[str, Any]) -> Iterator[str]:
    for name, operand in policy.items():
        if is_alternatives(name, operand):
            for each in operand:
                yield from _outermost(each)
        else:
            yield name


def _check_condition(name: str, condition: Any) -> None:
    if isinstance(condition, (str, bool)) or condition is None or _is_number(condition):
        return
    if not isinstance(condition, Mapping) or len(condition) != 1:
        raise TopologyError(f"filter on {name!r}: a condition is a value or one operator with its operand")
    ((operator, operand),) = condition.items()
    valid = _VALID.get(operator)
    if valid is None:
        raise TopologyError(f"filter on {name!r}: operator {operator!r} is not supported")
    if not valid(operand):
        raise TopologyError(f"filter on {name!r}: {operator!r} has a wrong operand")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return False
    number = Decimal(str(value)).normalize()
    exponent = number.as_tuple().exponent  # a letter, of what is no number or infinite
    return isinstance(exponent, int) and exponent >= -MAX_DECIMAL_PLACES and abs(number) <= MAX_NUMBER


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_numeric(operand: Any) -> bool:
    """One comparison, or a lower bound and then an upper one that is above it."""
    if not isinstance(operand, (list, tuple)) or len(operand) not in (2, 4):
        return False
    signs, bounds = operand[::2], operand[1::2]
    if not all(isinstance(sign, str) and sign in COMPARISONS for sign in signs) or not all(map(_is_number, bounds)):
        return False
    return len(signs) == 1 or (signs[0] in (">", ">=") and signs[1] in ("<", "<=") and bounds[0] < bounds[1])


def _is_cidr(operand: Any) -> bool:
    import ipaddress  # not at every cold start, for what no subscription here uses

    if not isinstance(operand, str) or operand.count("/") != 1 or not operand.rpartition("/")[2].isdigit():
        return False
    try:
        ipaddress.ip_network(operand)
    except ValueError:
        return False
    return True


def _is_wildcard(operand: Any) -> bool:
    return _is_text(operand) and "**" not in operand and _stars(operand) <= MAX_WILDCARDS


def _is_anything_but(operand: Any) -> bool:
    if isinstance(operand, Mapping):
        nested = {"prefix": _is_text, "suffix": _is_text, "wildcard": _is_wildcard}
        return len(operand) == 1 and all(name in nested and nested[name](value) for name, value in operand.items())
    values = operand if isinstance(operand, (list, tuple)) else [operand]
    return bool(values) and all(isinstance(value, str) or _is_number(value) for value in values)


_VALID: Mapping[str, Callable[[Any], bool]] = {
    "exists": lambda operand: isinstance(operand, bool),
    "prefix": _is_text,
    "suffix": _is_text,
    "equals-ignore-case": lambda operand: isinstance(operand, str),
    "wildcard": _is_wildcard,
    "cidr": _is_cidr,
    "numeric": _is_numeric,
    "anything-but": _is_anything_but,
}


def _wildcard_points(conditions: Sequence[Any]) -> int:
    """A pattern with one `*` has one point, with more three for each; their sum counts once for each pattern."""
    patterns = [stars for condition in conditions if (stars := _stars(_pattern(condition)))]
    return len(patterns) * sum(1 if stars == 1 else 3 * stars for stars in patterns)


def _pattern(condition: Any) -> str:
    nested = condition.get("anything-but") if isinstance(condition, Mapping) else None
    where = nested if isinstance(nested, Mapping) else condition
    return str(where.get("wildcard", "")) if isinstance(where, Mapping) else ""


def _stars(pattern: str) -> int:
    return pattern.replace("\\*", "").count("*")
