"""SNS filter policies over message attributes, evaluated in process: SNS itself drops in silence what matches none.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html. Attribute names are
ANDed, the conditions of one name are ORed. `numeric` is refused, for SNS compares numbers only with attributes of type
Number and ours are strings; `cidr`, `wildcard` and `$or` too: no subscription here needs them, and a wrong guess would
count routed events as unrouted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from messaging.errors import TopologyError

Condition = str | Mapping[str, Any]
FilterPolicy = Mapping[str, Sequence[Condition]]

MAX_KEYS = 5
MAX_COMBINATIONS = 150


def matches(policy: FilterPolicy, attributes: Mapping[str, str]) -> bool:
    """Whether SNS delivers a message with these string attributes to a subscription with this policy."""
    return all(
        any(_condition_holds(condition, attributes.get(name)) for condition in conditions)
        for name, conditions in policy.items()
    )


def validate(policy: FilterPolicy) -> None:
    """Raise TopologyError for a policy that SNS refuses or that `matches` can't evaluate."""
    if len(policy) > MAX_KEYS:
        raise TopologyError(f"a filter policy has at most {MAX_KEYS} attribute names, this one has {len(policy)}")
    combinations = 1
    for name, conditions in policy.items():
        if isinstance(conditions, (str, Mapping)) or not conditions:
            raise TopologyError(f"filter on {name!r}: give a list with at least one condition")
        combinations *= len(conditions)
        for condition in conditions:
            _validate_condition(name, condition)
    if combinations > MAX_COMBINATIONS:
        raise TopologyError(f"a filter policy has at most {MAX_COMBINATIONS} combinations, this one has {combinations}")


def _condition_holds(condition: Condition, value: str | None) -> bool:
    if isinstance(condition, str):
        return value == condition
    ((name, operand),) = condition.items()
    if name == "exists":
        return (value is not None) is operand
    return value is not None and _OPERATORS[name](value, operand)


def _anything_but(value: str, operand: Any) -> bool:
    if isinstance(operand, Mapping):
        return not value.startswith(operand["prefix"])
    return value not in ([operand] if isinstance(operand, str) else operand)


_OPERATORS: dict[str, Callable[[str, Any], bool]] = {
    "prefix": lambda value, operand: value.startswith(operand),
    "suffix": lambda value, operand: value.endswith(operand),
    "equals-ignore-case": lambda value, operand: value.casefold() == operand.casefold(),
    "anything-but": _anything_but,
}


def _validate_condition(name: str, condition: Condition) -> None:
    if isinstance(condition, str):
        return
    if not isinstance(condition, Mapping) or len(condition) != 1:
        raise TopologyError(f"filter on {name!r}: a condition is a string or one operator with its operand")
    ((operation, operand),) = condition.items()
    valid = {
        "exists": lambda: isinstance(operand, bool),
        "prefix": lambda: isinstance(operand, str) and operand != "",
        "suffix": lambda: isinstance(operand, str) and operand != "",
        "equals-ignore-case": lambda: isinstance(operand, str),
        "anything-but": lambda: _valid_anything_but(operand),
    }.get(operation)
    if valid is None:
        raise TopologyError(f"filter on {name!r}: operator {operation!r} is not supported")
    if not valid():
        raise TopologyError(f"filter on {name!r}: {operation!r} has a wrong operand")


def _valid_anything_but(operand: Any) -> bool:
    if isinstance(operand, Mapping):
        return list(operand) == ["prefix"] and isinstance(operand["prefix"], str)
    values = [operand] if isinstance(operand, str) else operand
    return isinstance(values, (list, tuple)) and bool(values) and all(isinstance(value, str) for value in values)
