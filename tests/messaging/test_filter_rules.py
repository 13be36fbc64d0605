"""What SNS takes as a filter policy: the examples of its documentation, and refusals that were recorded on it."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.errors import TopologyError
from messaging.filter_conditions import Scope
from messaging.filter_rules import check, combinations

FLAT = {"key_a": ["1", "2", "3"], "key_b": ["1"], "key_c": ["1", "2"]}
OF_METRICS: dict[str, Any] = {
    "source": ["aws.cloudwatch"],
    "$or": [
        {"metricName": ["CPUUtilization", "ReadLatency"]},
        {"metricType": ["MetricType"], "$or": [{"metricId": [1234, 4321]}, {"spaceId": [1000, 2000, 3000]}]},
    ],
}
NESTED: dict[str, Any] = {
    "$or": [{"metricName": ["CPUUtilization", "ReadLatency"]}, {"namespace": ["AWS/EC2", "AWS/ES"]}],
    "detail": {"scope": ["Service"], "$or": [{"source": ["aws.cloudwatch"]}, {"type": ["Alarm State Change"]}]},
}
THREE_LEVELS = {"key_a": {"key_b": {"key_c": ["1", "2", "3", "4"]}}, "key_d": {"key_e": ["1", "2", "3"]}}


@pytest.mark.parametrize(("policy", "number"), [(FLAT, 6), (OF_METRICS, 7), (NESTED, 32), (THREE_LEVELS, 72)])
def test_combinations_are_counted_as_documented(policy: dict[str, Any], number: int) -> None:
    """The products of the documentation's examples: depth counts, and alternatives are summed."""
    assert combinations(policy) == number
    check(policy, "MessageBody")


def counted(first: int, second: int, third: int, fourth: int, fifth: int) -> dict[str, Any]:
    return {
        "source": [f"s{n}" for n in range(first)],
        "$or": [
            {"metricName": [f"m{n}" for n in range(second)]},
            {
                "metricType": [f"t{n}" for n in range(third)],
                "$or": [{"metricId": [*range(fourth)]}, {"spaceId": [*range(fifth)]}],
            },
        ],
    }


def test_150_combinations_are_taken_and_152_are_not() -> None:
    """Both as recorded on AWS."""
    check(counted(3, 6, 4, 4, 7))
    with pytest.raises(TopologyError, match="152"):
        check(counted(4, 6, 4, 4, 4))


def test_nesting_multiplies() -> None:
    """As recorded on AWS: 3 x 4 x 2 x 3 x 1 x 3 is 216."""
    with pytest.raises(TopologyError, match="216"):
        check({**THREE_LEVELS, "key_f": ["1", "2", "3"]}, "MessageBody")


@pytest.mark.parametrize(
    ("policy", "scope"),
    [
        ({"k": ["v", 10, True, None]}, "MessageAttributes"),
        ({"k": [{"cidr": "10.0.0.0/24"}, {"wildcard": "*a*b*c"}, {"numeric": [">=", -1e9, "<", 1e9]}]}, "MessageBody"),
        ({"k": [{"anything-but": ["rugby", 100]}, {"anything-but": {"suffix": "x"}}]}, "MessageAttributes"),
        ({"k": [{"wildcard": f"*{n}"} for n in range(10)]}, "MessageAttributes"),
        ({"a": [1], "b": [1], "c": [1], "d": [1], "e": {"f": [1], "g": [1], "h": [1]}}, "MessageBody"),
        ({"k": [0.00001]}, "MessageAttributes"),
    ],
)
def test_what_is_documented_is_taken(policy: dict[str, Any], scope: Scope) -> None:
    """All kinds of values and operators, up to each limit."""
    check(policy, scope)


@pytest.mark.parametrize(
    "condition",
    [
        ["value"],
        {"wrong-operator": True},
        {"suffix": "value", "prefix": "value2"},
        {"suffix": 100},
        {"suffix": None},
        {"suffix": ["test", "test2"]},
        {"numeric": []},
        {"numeric": ["operator"]},
        {"numeric": [1, "<="]},
        {"numeric": ["=", "000"]},
        {"numeric": [">="]},
        {"numeric": ["<", 100, ">", 10]},
        {"numeric": [">=", 1, ">", 2]},
        {"numeric": [">", 3, "<", 1]},
        {"numeric": [">", 20, "<="]},
        {"numeric": [">", 20, 30]},
        {"numeric": [">", "20", "<", "30"]},
        {"numeric": [">", 20, "<", 30, "<", 50]},
        {"exists": None},
        {"exists": "no"},
        {"anything-but": {"wrong-operator": None}},
        {"anything-but": {"exists": False}},
        {"anything-but": {"prefix": False}},
        {"anything-but": True},
        {"cidr": 10},
        {"cidr": "10.0.0.7"},
        {"cidr": "10.0.0.0/x"},
        {"cidr": "not-a-subnet/24"},
        {"wildcard": "*a*b*c*"},
        {"wildcard": "a**"},
        2_000_000_000,
        {"numeric": ["=", 1.234567]},
        float("nan"),
        float("inf"),
    ],
)
def test_a_wrong_condition_is_refused(condition: Any) -> None:
    """The first 23 of these as recorded on AWS, the others as documented."""
    with pytest.raises(TopologyError, match="'key'"):
        check({"key": [condition]})


@pytest.mark.parametrize(
    ("policy", "scope", "reason"),
    [
        ({"key": "value"}, "MessageAttributes", "list"),
        ({"key": {"suffix": "value"}}, "MessageBody", "list"),
        ({"object": {"key": ["x"]}}, "MessageAttributes", "not nested"),
        ({"object": {}}, "MessageBody", "names nothing"),
        ({"$or": [{"a": ["x"]}, {}]}, "MessageAttributes", "asks for nothing"),
        ({"$or": [{"numeric": 123}, {"prefix": "abc"}]}, "MessageAttributes", "numeric"),
        ({"$or": [{"a": ["x"]}]}, "MessageAttributes", "'a'"),
        ({str(n): ["x"] for n in range(6)}, "MessageBody", "5 names"),
        ({"a": [1], "$or": [{"b": [1], "c": [1], "d": [1]}, {"e": [1], "f": [1]}]}, "MessageAttributes", "5 names"),
        ({"k": [str(n) for n in range(151)]}, "MessageAttributes", "151"),
        ({"k": [{"wildcard": f"*{n}"} for n in range(11)]}, "MessageAttributes", "121"),
        ({"a": [{"wildcard": "*x*"}] * 4, "b": [{"anything-but": {"wildcard": "*x*"}}]}, "MessageAttributes", "102"),
        ({"k": ["x" * 256 * 1024]}, "MessageAttributes", "bytes"),
    ],
)
def test_a_wrong_policy_is_refused(policy: dict[str, Any], scope: Scope, reason: str) -> None:
    """With what is wrong."""
    with pytest.raises(TopologyError, match=reason):
        check(policy, scope)
