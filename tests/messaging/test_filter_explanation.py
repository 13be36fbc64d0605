"""Any policy on any message: the examples of SNS's documentation, what was recorded on it, and the words for people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from messaging.filter_explanation import attributes_of, explain

SPORTS, EVENT, PRICE, SOURCE = "customer_interests", "event", "price_usd", "source_ip"


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def array(*values: Any) -> dict[str, str]:
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


def number(value: str) -> dict[str, str]:
    return {"DataType": "Number", "StringValue": value}


# https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html and numeric-value-matching.html: the name, its
# conditions, an attribute, the same in a body, and whether they match.
EXAMPLES: list[tuple[str, list[Any], dict[str, str], Any, bool]] = [
    (SPORTS, ["rugby", "tennis"], text("rugby"), "rugby", True),
    (SPORTS, ["rugby", "tennis"], text("tennis"), "tennis", True),
    (SPORTS, ["rugby", "tennis"], array("rugby", "tennis"), ["rugby", "tennis"], True),
    (SPORTS, ["rugby", "tennis"], text("baseball"), "baseball", False),
    (SPORTS, ["rugby", "tennis"], array("baseball"), ["baseball"], False),
    (SPORTS, [{"anything-but": ["rugby", "tennis"]}], text("baseball"), "baseball", True),
    (SPORTS, [{"anything-but": ["rugby", "tennis"]}], text("football"), "football", True),
    (SPORTS, [{"anything-but": ["rugby", "tennis"]}], array("rugby", "baseball"), ["rugby", "baseball"], True),
    (SPORTS, [{"anything-but": ["rugby", "tennis"]}], text("rugby"), "rugby", False),
    (SPORTS, [{"anything-but": ["rugby", "tennis"]}], array("rugby"), ["rugby"], False),
    (EVENT, [{"anything-but": {"prefix": "order-"}}], text("data-entry"), "data-entry", True),
    (EVENT, [{"anything-but": {"prefix": "order-"}}], text("order_number"), "order_number", True),
    (EVENT, [{"anything-but": {"prefix": "order-"}}], text("order-cancelled"), "order-cancelled", False),
    (SPORTS, [{"anything-but": {"wildcard": "*ball"}}], array("hockey", "rugby"), ["hockey", "rugby"], True),
    (SPORTS, [{"anything-but": {"wildcard": "*ball"}}], array("baseball"), ["baseball", "basketball"], False),
    (SPORTS, [{"anything-but": {"suffix": "ball"}}], array("hockey", "rugby"), ["hockey", "rugby"], True),
    (SPORTS, [{"anything-but": {"suffix": "ball"}}], array("baseball"), ["baseball", "basketball"], False),
    (SPORTS, [{"equals-ignore-case": "tennis"}], text("TENNIS"), "TENNIS", True),
    (SPORTS, [{"equals-ignore-case": "tennis"}], text("Tennis"), "teNnis", True),
    (SOURCE, [{"cidr": "10.0.0.0/24"}], text("10.0.0.0"), "10.0.0.0", True),
    (SOURCE, [{"cidr": "10.0.0.0/24"}], text("10.0.0.255"), "10.0.0.255", True),
    (SOURCE, [{"cidr": "10.0.0.0/24"}], text("10.1.1.0"), "10.1.1.0", False),
    (SPORTS, [{"prefix": "bas"}], text("baseball"), "basketball", True),
    (SPORTS, [{"prefix": "bas"}], text("rugby"), "rugby", False),
    (SPORTS, [{"suffix": "ball"}], text("baseball"), "basketball", True),
    (SPORTS, [{"suffix": "ball"}], text("rugby"), "rugby", False),
    (SPORTS, [{"wildcard": "*ball"}], array("baseball", "basketball"), ["baseball", "basketball"], True),
    (PRICE, [{"numeric": ["=", 301.5]}], number("301.5"), 301.5, True),
    (PRICE, [{"numeric": ["=", 301.5]}], number("3.015e2"), 3.015e2, True),
    ("price", [{"anything-but": [100, 500]}], number("101"), 101, True),
    ("price", [{"anything-but": [100, 500]}], number("100.1"), 100.1, True),
    ("price", [{"anything-but": [100, 500]}], {**array(100, 50), "DataType": "Number.Array"}, [100, 50], True),
    ("price", [{"anything-but": [100, 500]}], number("100"), 100, False),
    (PRICE, [{"numeric": ["<", 0]}], number("-0.01"), -0.01, True),
    (PRICE, [{"numeric": ["<", 0]}], number("0"), 0, False),
    (PRICE, [{"numeric": [">", 0, "<=", 150]}], number("150"), 150, True),
    (PRICE, [{"numeric": [">", 0, "<=", 150]}], number("0"), 0, False),
    (PRICE, [{"numeric": [">", 0, "<=", 150]}], number("150.00001"), 150.00001, False),
    # What the pages say in words.
    (PRICE, [{"numeric": [">", 0]}], text("5"), "5", False),
    (PRICE, [5], number("5.0"), 5.0, True),
    (PRICE, ["5"], number("5"), 5, False),
    (PRICE, [5], text("5"), "5", False),
    ("paid", [True], array(True), True, True),
    ("paid", [True], array("true"), "true", False),
    ("paid", [None], array(None), None, True),
    ("paid", [{"prefix": "t"}], array(True), True, False),
    ("paid", [{"exists": True}], text("x"), "x", True),
]


@pytest.mark.parametrize(("name", "conditions", "attribute", "in_body", "expected"), EXAMPLES)
def test_an_example_of_the_documentation(
    name: str, conditions: list[Any], attribute: dict[str, str], in_body: Any, expected: bool
) -> None:
    """The same in both scopes."""
    policy = {name: conditions}
    assert explain(policy, attributes={name: attribute}).matches is expected
    assert explain(policy, body=json.dumps({name: in_body}), scope="MessageBody").matches is expected


INTERESTS = array("baseball", "basketball")


@pytest.mark.parametrize(
    ("wanted", "attributes", "expected"),
    [
        (True, {"store": text("fans"), SPORTS: INTERESTS}, True),
        (True, {SPORTS: INTERESTS}, False),
        (False, {"store": text("fans"), SPORTS: INTERESTS}, False),
        (False, {SPORTS: INTERESTS}, True),
        (False, {}, False),
        (True, {"store": {"DataType": "Binary", "BinaryValue": "eA=="}, SPORTS: INTERESTS}, False),
        (False, {"store": {"DataType": "Binary", "BinaryValue": "eA=="}}, False),
    ],
)
def test_existence_of_an_attribute(wanted: bool, attributes: dict[str, Any], expected: bool) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html: binary ones are not looked at, and where
    there is none at all, nothing matches."""
    assert explain({"store": [{"exists": wanted}]}, attributes=attributes).matches is expected


@pytest.mark.parametrize(
    ("wanted", "body", "expected"),
    [
        (True, {"store": "fans"}, True),
        (True, {"store": None, "x": 1}, False),
        (True, {"store": "", "x": 1}, False),
        (True, {"store": [], "x": 1}, False),
        (True, {"store": {"name": "fans"}}, False),
        (False, {"store": {"name": "fans"}}, True),
        (False, {"x": 1}, True),
        (False, {"store": "fans"}, False),
        (False, {}, False),
    ],
)
def test_existence_in_a_body(wanted: bool, body: dict[str, Any], expected: bool) -> None:
    """Of leaves only, with a value that is not null and not empty."""
    found = explain({"store": [{"exists": wanted}]}, body=json.dumps(body), scope="MessageBody")
    assert found.matches is expected


CLOUDWATCH: dict[str, Any] = {
    "source": ["aws.cloudwatch"],
    "$or": [{"metricName": ["CPUUtilization"]}, {"namespace": ["AWS/EC2"]}],
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"source": "aws.cloudwatch", "metricName": "CPUUtilization"}, True),
        ({"source": "aws.cloudwatch", "namespace": "AWS/EC2"}, True),
        ({"source": "aws.cloudwatch"}, False),
        ({"metricName": "CPUUtilization"}, False),
    ],
)
def test_alternatives(message: dict[str, str], expected: bool) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html"""
    assert explain(CLOUDWATCH, attributes=attributes_of(message)).matches is expected
    assert explain(CLOUDWATCH, body=json.dumps(message), scope="MessageBody").matches is expected


def test_or_is_a_name_like_any_other_beside_reserved_words() -> None:
    """And with less than two objects."""
    policy = {"$or": ["x"]}
    assert explain(policy, attributes={"$or": text("x")}).matches
    assert not explain({"$or": [{"numeric": ["=", 1]}, {"prefix": "abc"}]}, attributes={"numeric": text("1")}).matches
    assert explain({"$or": [{"numeric": ["=", 1]}, {"prefix": "abc"}]}, attributes={"$or": text("abcd")}).matches


NESTED: dict[str, Any] = {
    "$or": [{"metricName": ["CPUUtilization", "ReadLatency"]}, {"namespace": ["AWS/EC2", "AWS/ES"]}],
    "detail": {
        "scope": ["Service"],
        "$or": [{"source": ["aws.cloudwatch"]}, {"type": ["CloudWatch Alarm State Change"]}],
    },
}
S3: dict[str, Any] = {
    "Records": {"s3": {"object": {"key": [{"prefix": "auto-"}]}}, "eventName": [{"prefix": "ObjectCreated:"}]}
}
CREATED: dict[str, Any] = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "auto-2314.xml"}}}
DEEP: dict[str, Any] = {"object.nested.test": ["string.value"]}


@pytest.mark.parametrize(
    ("policy", "body", "expected"),
    [
        (NESTED, {"metricName": "ReadLatency", "detail": {"scope": "Service", "source": "aws.cloudwatch"}}, True),
        (
            NESTED,
            {"namespace": "AWS/ES", "detail": {"scope": "Service", "type": "CloudWatch Alarm State Change"}},
            True,
        ),
        (NESTED, {"metricName": "ReadLatency", "detail": {"scope": "Service", "type": "CPUUtilization"}}, False),
        (NESTED, {"metricName": "ReadLatency", "detail": {"source": "aws.cloudwatch"}}, False),
        (NESTED, {"metricName": "ReadLatency", "scope": "Service"}, False),
        (S3, {"Records": [CREATED]}, True),
        (S3, {"Records": [{**CREATED, "eventName": "ObjectRemoved:Delete"}]}, False),
        (S3, {"Records": [{**CREATED, "s3": {"object": {"key": "home-1.xml"}}}]}, False),
        (S3, {"Records": [{**CREATED, "s3": {"object": [[{"key": "auto-1.xml"}]]}}, {"eventName": "x"}]}, True),
        (DEEP, {"object": {"nested": {"test": "string.value"}}}, True),
        (DEEP, {"object.nested.test": "string.value"}, True),
        (DEEP, {"object.nested": {"test": "string.value"}}, True),
        (DEEP, {"object": {"nested.test": "string.value"}}, True),
        (DEEP, {"object": {"nested": {"test": "string.notvalue"}}}, False),
        ({"headers": {"route-to": ["queue1"]}}, {"headers": {"route-to": ["queue1", "queue2"]}}, True),
        ({"headers": {"route-to": ["queue1"]}}, {"headers": {"route-to": ["queue3"]}}, False),
        ({"a": {"b": [1], "c": [{"exists": False}]}}, {"a": [{"b": 1}, {"b": 2, "c": 3}]}, False),
        ({"a": {"b": [1], "c": [{"exists": False}]}}, {"a": [{"b": 1}, {"b": 2}]}, True),
    ],
)
def test_a_nested_policy(policy: dict[str, Any], body: dict[str, Any], expected: bool) -> None:
    """Objects, arrays of them, and names with dots: messages for which AWS's answer is known, and absence, which is
    asked of the whole message."""
    assert explain(policy, body=json.dumps(body), scope="MessageBody").matches is expected


def test_names_in_an_array_match_within_one_element() -> None:
    """Not one here and the other there, and it is said so."""
    other = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "home-1.xml"}}}
    removed = {**CREATED, "eventName": "ObjectRemoved:Delete"}
    found = explain(S3, body=json.dumps({"Records": [other, removed]}), scope="MessageBody")
    assert not found.matches
    assert found.lines == ["each name matches, but not within one element of an array"]


@pytest.mark.parametrize("body", ["no JSON", '"a text"', "[1]"])
def test_a_body_that_is_no_object_matches_nothing(body: str) -> None:
    """And it is said so."""
    found = explain({"a": [{"exists": False}]}, body=body, scope="MessageBody")
    assert not found.matches
    assert found.lines == ["the body is no JSON object, and the policy is on the body"]


def test_without_a_policy_all_is_delivered() -> None:
    """Whatever it is."""
    assert explain({}, body="no JSON").matches


def test_the_condition_that_failed_is_named_with_its_value() -> None:
    """Those that hold are not."""
    policy = {"type": ["OrderPlaced"], "priority": ["high", {"prefix": "urgent"}]}
    found = explain(policy, attributes=attributes_of({"type": "OrderPlaced", "priority": "standard"}))
    assert found.lines == ['priority: "standard", but the policy wants "high" or prefix "urgent"']
    assert [(each.name, each.holds) for each in found.alternatives[0].findings] == [("type", True), ("priority", False)]


def test_what_is_missing_is_nothing() -> None:
    """Numbers, absence and exclusions have words."""
    policy = {
        "price": [{"numeric": [">", 0, "<=", 150]}],
        "kind": [{"anything-but": {"prefix": "test-"}}],
        "store": [{"exists": False}],
    }
    attributes = {"store": text("fans"), "kind": text("test-1")}
    assert explain(policy, attributes=attributes).lines == [
        "price: nothing, but the policy wants a number > 0 and <= 150; "
        'kind: "test-1", but the policy wants anything but prefix "test-"; '
        'store: "fans", but the policy wants that it is not there'
    ]


def test_each_alternative_has_its_line() -> None:
    """Where none holds; where one does, it is that one."""
    assert explain(CLOUDWATCH, attributes=attributes_of({"source": "aws.cloudwatch", "namespace": "X"})).lines == [
        'metricName: nothing, but the policy wants "CPUUtilization"',
        'namespace: "X", but the policy wants "AWS/EC2"',
    ]
    message = attributes_of({"source": "aws.cloudwatch", "namespace": "AWS/EC2"})
    assert explain(CLOUDWATCH, attributes=message).lines == [
        'source: "aws.cloudwatch", as the policy wants "aws.cloudwatch"; namespace: "AWS/EC2", as the policy wants '
        '"AWS/EC2"'
    ]
