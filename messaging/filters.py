"""SNS filter policies over message attributes, evaluated in process: SNS itself drops in silence what matches none.

Names are ANDed, the conditions of one name are ORed. All attributes of ours are strings, which makes it quick enough
for a publisher to ask for every event; `filter_explanation` evaluates any policy on any message, and says why.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from messaging.errors import TopologyError
from messaging.filter_conditions import OR, Condition, holds, is_alternatives
from messaging.filter_rules import MAX_COMBINATIONS, MAX_KEYS, check

__all__ = ["MAX_COMBINATIONS", "MAX_KEYS", "Condition", "FilterPolicy", "matches", "validate"]

FilterPolicy = Mapping[str, Sequence[Any]]


def matches(policy: FilterPolicy, attributes: Mapping[str, str]) -> bool:
    """Whether SNS delivers a message with these string attributes to a subscription with this policy."""
    if not attributes:
        # Not even `exists: false` matches: https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html
        return not policy
    for name, conditions in policy.items():
        if name == OR and is_alternatives(name, conditions):
            if not any(matches(each, attributes) for each in conditions):
                return False
            continue
        value = attributes.get(name)
        for condition in conditions:
            if condition == value if condition.__class__ is str else _holds(condition, value):
                break
        else:
            return False
    return True


def validate(policy: FilterPolicy) -> None:
    """Raise TopologyError for a policy that SNS refuses, or that asks of a string attribute what no string can be."""
    check(policy)
    for name, conditions in policy.items():
        if is_alternatives(name, conditions):
            for each in conditions:
                validate(each)
        else:
            for condition in conditions:
                _require_text(name, condition)


def _holds(condition: Condition, value: str | None) -> bool:
    if isinstance(condition, Mapping) and "exists" in condition:
        return (value is not None) is condition["exists"]
    return value is not None and holds(condition, value)


def _require_text(name: str, condition: Condition) -> None:
    """SNS compares numbers only with attributes of type Number, and ours are strings."""
    if isinstance(condition, Mapping):
        ((operator, operand),) = condition.items()
        if operator == "exists":
            return
        operands = operand if isinstance(operand, (list, tuple)) else [operand]
        texts = operator != "numeric" and all(isinstance(each, (str, Mapping)) for each in operands)
    else:
        texts = isinstance(condition, str)
    if not texts:
        raise TopologyError(f"filter on {name!r}: attributes are strings, which no other value equals: quote it")
