"""Filter policies, evaluated as SNS does."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.errors import TopologyError
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
    ({"anything-but": "low"}, "high", True),
    ({"anything-but": ["low", "high"]}, "high", False),
    ({"anything-but": "low"}, None, False),
    ({"anything-but": {"prefix": "lo"}}, "low", False),
    ({"anything-but": {"prefix": "lo"}}, "high", True),
    ({"exists": True}, "x", True),
    ({"exists": True}, None, False),
    ({"exists": False}, None, True),
    ({"exists": False}, "x", False),
]


@pytest.mark.parametrize(("condition", "value", "expected"), MATCHES)
def test_one_condition(condition: Any, value: str | None, expected: bool) -> None:
    """Each operator does what SNS documents; a missing attribute matches only `exists: false`."""
    policy = {"a": [condition]}
    validate(policy)
    assert matches(policy, {} if value is None else {"a": value}) is expected


def test_names_are_anded_and_conditions_ored() -> None:
    """All names must match, by any of their conditions."""
    policy: dict[str, Any] = {"type": ["A", "B"], "priority": [{"prefix": "h"}]}
    assert matches(policy, {"type": "B", "priority": "high", "other": "x"})
    assert not matches(policy, {"type": "B", "priority": "low"})


@pytest.mark.parametrize(
    "policy",
    [
        {"a": []},
        {"a": "x"},
        {"a": [{"cidr": "10.0.0.0/8"}]},
        {"a": [{"wildcard": "x*"}]},
        {"a": [{"prefix": "x", "suffix": "y"}]},
        {"a": [{"prefix": ""}]},
        {"a": [{"exists": "yes"}]},
        {"a": [{"anything-but": []}]},
        {"a": [{"anything-but": {"suffix": "x"}}]},
        {"a": [{"numeric": ["=", 1]}]},
        {str(n): ["x"] for n in range(6)},
        {"a": [str(n) for n in range(16)], "b": [str(n) for n in range(10)]},
    ],
)
def test_what_sns_refuses_or_we_cannot_evaluate_is_refused(policy: Any) -> None:
    """Five names, 150 combinations, known operators with sound operands: anything else is an error at once."""
    with pytest.raises(TopologyError):
        validate(policy)
