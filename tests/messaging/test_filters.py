"""Filter policies, evaluated as SNS does, over attributes that are strings."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.errors import TopologyError
from messaging.filter_explanation import attributes_of, explain
from messaging.filters import matches, validate

MATCHES: list[tuple[Any, str | None, bool]] = [
    ("high", "high", True),
    ("high", "higher", False),
    ("high", None, False),
    ({"prefix": "hi"}, "high", True),
    ({"prefix": "hi"}, "low", False),
    ({"suffix": "gh"}, "high", True),
    ({"suffix": "gh"}, "hig", False),
    ({"equals-ignore-case": "HIGH"}, "high", True),
    ({"equals-ignore-case": "HIGH"}, "low", False),
    ({"equals-ignore-case": "STRASSE"}, "straße", False),
    ({"anything-but": "low"}, "high", True),
    ({"anything-but": ["low", "high"]}, "high", False),
    ({"anything-but": "low"}, None, False),
    ({"anything-but": {"prefix": "lo"}}, "low", False),
    ({"anything-but": {"prefix": "lo"}}, "high", True),
    ({"anything-but": {"suffix": "w"}}, "low", False),
    ({"anything-but": {"wildcard": "test-*"}}, "test-staging", False),
    ({"anything-but": {"wildcard": "test-*"}}, "prod-us", True),
    ({"wildcard": "*/src/*.js"}, "app/src/index.js", True),
    ({"wildcard": "*/src/*.js"}, "app/src/index.ts", False),
    ({"wildcard": "a*a"}, "a", False),
    ({"wildcard": "*BALL"}, "baseball", False),
    ({"wildcard": "a.*"}, "abc", False),
    ({"wildcard": r"100\*"}, "100*", True),
    ({"wildcard": r"100\*"}, "1000", False),
    ({"cidr": "10.0.0.0/24"}, "10.0.0.255", True),
    ({"cidr": "10.0.0.0/24"}, "10.0.1.0", False),
    ({"cidr": "2001:db8::/32"}, "2001:db8::1", True),
    ({"cidr": "10.0.0.0/24"}, "somewhere", False),
    ({"exists": True}, "x", True),
    ({"exists": True}, None, False),
    ({"exists": False}, None, True),
    ({"exists": False}, "x", False),
]


@pytest.mark.parametrize(("condition", "value", "expected"), MATCHES)
def test_one_condition(condition: Any, value: str | None, expected: bool) -> None:
    """Each operator does what SNS documents; a missing attribute matches only `exists: false`."""
    policy = {"a": [condition]}
    attributes = {"other": "x"} if value is None else {"a": value}
    validate(policy)
    assert matches(policy, attributes) is expected
    assert explain(policy, attributes=attributes_of(attributes)).matches is expected


def test_names_are_anded_and_conditions_ored() -> None:
    """All names must match, by any of their conditions."""
    policy: dict[str, Any] = {"type": ["A", "B"], "priority": [{"prefix": "h"}]}
    assert matches(policy, {"type": "B", "priority": "high", "other": "x"})
    assert not matches(policy, {"type": "B", "priority": "low"})


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"type": "A", "priority": "high"}, True),
        ({"type": "A", "country": "AT", "city": "Graz"}, True),
        ({"type": "A", "country": "AT", "city": "Wien"}, False),
        ({"type": "A"}, False),
        ({"type": "B", "priority": "high"}, False),
    ],
)
def test_one_alternative_is_enough(attributes: dict[str, str], expected: bool) -> None:
    """All names of one object of `$or`, and all names beside it."""
    policy: dict[str, Any] = {"$or": [{"priority": ["high"]}, {"country": ["AT"], "city": ["Graz"]}], "type": ["A"]}
    validate(policy)
    assert matches(policy, attributes) is expected
    assert explain(policy, attributes=attributes_of(attributes)).matches is expected


def test_a_message_without_attributes_passes_no_policy() -> None:
    """Not even one that asks for an attribute's absence; where there is no policy, all passes."""
    assert not matches({"a": [{"exists": False}]}, {})
    assert matches({}, {})


@pytest.mark.parametrize(
    "policy",
    [
        {"a": []},
        {"a": "x"},
        {"a": [{"regex": "x*"}]},
        {"a": [{"prefix": "x", "suffix": "y"}]},
        {"a": [{"prefix": ""}]},
        {"a": [{"exists": "yes"}]},
        {"a": [{"anything-but": []}]},
        {"a": [{"anything-but": {"numeric": ["=", 1]}}]},
        {"a": [{"anything-but": {"prefix": "x", "suffix": "y"}}]},
        {str(n): ["x"] for n in range(6)},
        {"a": [str(n) for n in range(16)], "b": [str(n) for n in range(10)]},
    ],
)
def test_what_sns_refuses_is_refused(policy: Any) -> None:
    """Five names, 150 combinations, known operators with sound operands: anything else is an error at once."""
    with pytest.raises(TopologyError):
        validate(policy)


@pytest.mark.parametrize(
    "condition", [1, True, None, {"numeric": ["=", 1]}, {"anything-but": 1}, {"anything-but": ["1", 1]}]
)
def test_what_no_string_can_be_is_refused(condition: Any) -> None:
    """SNS takes it, and a subscription would never get a message, or get all: our attributes are strings."""
    with pytest.raises(TopologyError, match="strings"):
        validate({"a": [condition]})
    with pytest.raises(TopologyError, match="strings"):
        validate({"$or": [{"a": [condition]}, {"b": ["x"]}]})
