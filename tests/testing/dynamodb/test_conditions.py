"""Condition expressions: what holds, and what DynamoDB refuses to look at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from testing.dynamodb import Client
from tests.testing.dynamodb.wireformat import at, code_of, message_of, put, refusal, wire

ITEM = {
    "id": "k",
    "n": Decimal("2.5"),
    "two": Decimal(2),
    "s": "abc",
    "b": b"\x01\x02",
    "t": True,
    "z": None,
    "ss": {"x", "y"},
    "ns": {Decimal(1), Decimal(2)},
    "l": [Decimal(1), "two", {"deep": "yes"}],
    "m": {"a": {"b": [Decimal(7)]}, "size": "L"},
    "smile": "\U0001f642",
}

HOLDS = [
    ("n = :v", {":v": Decimal("2.50")}),
    ("n > :v", {":v": Decimal("-10")}),
    ("n <= :v", {":v": Decimal("2.5")}),
    ("s < :v", {":v": "b"}),
    ("s >= :v", {":v": "abc"}),
    ("n <> :v", {":v": "2.5"}),
    ("gone <> :v", {":v": "anything"}),
    ("n BETWEEN :a AND :b", {":a": Decimal(2), ":b": Decimal(3)}),
    ("s IN (:a, :b)", {":a": "x", ":b": "abc"}),
    ("attribute_exists(m.a.b[0])", {}),
    ("attribute_not_exists(m.a.b[1])", {}),
    ("attribute_not_exists(s.a)", {}),
    ("attribute_type(ss, :v)", {":v": "SS"}),
    ("begins_with(s, :v)", {":v": "ab"}),
    ("begins_with(b, :v)", {":v": b"\x01"}),
    ("contains(s, :v)", {":v": "bc"}),
    ("contains(ss, :v)", {":v": "y"}),
    ("contains(ns, :v)", {":v": Decimal("1.0")}),
    ("contains(l, :v)", {":v": {"deep": "yes"}}),
    ("size(s) = :v", {":v": 3}),
    ("size(b) = :v", {":v": 2}),
    ("size(l) > size(m)", {}),
    ("size(smile) = :v", {":v": 2}),
    ("size(:v) = :w", {":v": "abcd", ":w": 4}),
    ("ss = :v", {":v": {"y", "x"}}),
    ("m.a = :v", {":v": {"b": [Decimal(7)]}}),
    ("l[2].deep = :v", {":v": "yes"}),
    ("NOT n = :v", {":v": Decimal(1)}),
    ("NOT n = :v AND n = :w", {":v": Decimal(1), ":w": Decimal("2.5")}),
    ("t = :v OR t = :w AND s = :x", {":v": True, ":w": False, ":x": "no"}),
    ("(t = :v OR s = :x) AND NOT (s = :x)", {":v": True, ":x": "no"}),
    ("z = :v", {":v": None}),
    ("n = :v and s = :w", {":v": Decimal("2.5"), ":w": "abc"}),
]
FAILS = [
    ("n = :v", {":v": "2.5"}),
    ("n < :v", {":v": "9"}),
    ("gone = :v", {":v": "x"}),
    ("gone < :v", {":v": "x"}),
    ("gone = lost", {}),
    ("NOT gone <> :v", {":v": 1}),
    ("size(gone) < :v", {":v": 5}),
    ("size(n) < :v", {":v": 5}),
    ("l < :v", {":v": 5}),
    ("gone BETWEEN :a AND :b", {":a": 1, ":b": 2}),
    ("gone IN (:a)", {":a": "x"}),
    ("begins_with(n, :v)", {":v": "2"}),
    ("begins_with(n, two)", {}),
    ("contains(n, :v)", {":v": "2"}),
    ("contains(ns, :v)", {":v": "1"}),
    ("NOT n = :v AND n = :v", {":v": Decimal(1)}),
    ("contains(ss, :v)", {":v": Decimal(1)}),
    ("attribute_exists(l[3])", {}),
    ("attribute_type(n, :v)", {":v": "S"}),
    ("t = :v AND (t = :v AND s = :x)", {":v": True, ":x": "no"}),
]


@pytest.mark.parametrize(("condition", "values"), HOLDS)
def test_a_condition_holds(client: Client, condition: str, values: dict[str, Any]) -> None:
    """What AWS documents to be true is true."""
    client.put_item(**put(**ITEM))
    given = {"ExpressionAttributeValues": wire(values)} if values else {}
    client.delete_item(**at(id="k"), ConditionExpression=condition, **given)
    assert "Item" not in client.get_item(**at(id="k"))


@pytest.mark.parametrize(("condition", "values"), FAILS)
def test_a_condition_fails(client: Client, condition: str, values: dict[str, Any]) -> None:
    """Different types and missing attributes compare false, and what failed changes nothing."""
    client.put_item(**put(**ITEM))
    given = {"ExpressionAttributeValues": wire(values)} if values else {}
    error = refusal(client.delete_item, **at(id="k"), ConditionExpression=condition, **given)
    assert isinstance(error, client.exceptions.ConditionalCheckFailedException)
    assert "Item" in client.get_item(**at(id="k"))


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("", {}, "The expression can not be empty;"),
    ("n = ", {":v": 1}, 'Syntax error; token: "<EOF>", near: "= "'),
    ("n == :v", {":v": 1}, 'Syntax error; token: "=", near: "== :v"'),
    ("n = :v)", {":v": 1}, 'Syntax error; token: ")"'),
    ("n ! :v", {":v": 1}, 'Syntax error; token: "!"'),
    ("((n = :v))", {":v": 1}, "The expression has redundant parentheses;"),
    ("status = :v", {":v": 1}, "Attribute name is a reserved keyword; reserved keyword: status"),
    ("m.size = :v", {":v": 1}, "Attribute name is a reserved keyword; reserved keyword: size"),
    ("n = :w", {":v": 1}, "An expression attribute value used in expression is not defined; attribute value: :w"),
    ("#n = :v", {":v": 1}, "An expression attribute name used in the document path is not defined; attribute name: #n"),
    ("n = n", {}, "operator: =, first operand: [n]"),
    ("size(n)", {}, "The function is not allowed to be used this way in an expression; function: size"),
    ("begins_with(n, :v)", {":v": 1}, "operator or function: begins_with, operand type: N"),
    ("n < :v", {":v": True}, "operator or function: <, operand type: BOOL"),
    ("attribute_type(n, :v)", {":v": "X"}, "Invalid attribute type name found; type: X"),
    ("attribute_exists(:v)", {":v": "X"}, "Operator or function requires a document path"),
    ("attribute_exists(a, b)", {}, "number of operands: 2"),
    ("exists(a)", {}, "Invalid function name; function: exists"),
    ("n BETWEEN :b AND :a", {":a": 1, ":b": 2}, "upper bound to be greater than or equal to lower bound"),
]


@pytest.mark.parametrize(("condition", "values", "message"), REFUSED)
def test_a_condition_that_makes_no_sense_is_refused(
    client: Client, condition: str, values: dict[str, Any], message: str
) -> None:
    """A mistake in an expression is a ValidationException that says where, in AWS's words."""
    given = {"ExpressionAttributeValues": wire(values)} if values else {}
    error = refusal(client.delete_item, **at(id="k"), ConditionExpression=condition, **given)
    assert code_of(error) == "ValidationException"
    assert message_of(error).startswith("Invalid ConditionExpression: ")
    assert message in message_of(error)


def test_names_and_values_that_no_expression_uses_are_refused(client: Client) -> None:
    """Whatever the request defines must be used."""
    request = {**at(id="k"), "ConditionExpression": "n = :v"}
    error = refusal(client.delete_item, **request, ExpressionAttributeValues=wire({":v": 1, ":w": 2}))
    assert message_of(error) == "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
    error = refusal(
        client.delete_item,
        **request,
        ExpressionAttributeValues=wire({":v": 1}),
        ExpressionAttributeNames={"#a": "a"},
    )
    assert message_of(error) == "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"
    error = refusal(client.delete_item, **at(id="k"), ExpressionAttributeNames={"#a": "a"})
    assert message_of(error) == "ExpressionAttributeNames can only be specified when using expressions"


def test_names_stand_for_any_attribute(client: Client) -> None:
    """A name may hold what no expression could spell, dots included."""
    client.put_item(**put(id="k", **{"a.b": {"size": 1}}))
    client.delete_item(
        **at(id="k"),
        ConditionExpression="#a.#s = :v",
        ExpressionAttributeNames={"#a": "a.b", "#s": "size"},
        ExpressionAttributeValues=wire({":v": 1}),
    )
    assert "Item" not in client.get_item(**at(id="k"))
