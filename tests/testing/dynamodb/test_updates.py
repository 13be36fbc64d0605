"""Update expressions: what they make of an item, and what DynamoDB refuses to do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from testing.dynamodb import Client
from tests.testing.dynamodb.wireformat import at, code_of, message_of, plain, put, refusal, update, wire

ITEM: dict[str, Any] = {
    "id": "k",
    "n": Decimal(5),
    "s": "abc",
    "ss": {"x", "y"},
    "l": [Decimal(0), Decimal(1), Decimal(2), Decimal(3)],
    "m": {"a": Decimal(1), "l": ["q"]},
}

CHANGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("SET n = n + :v", {":v": Decimal("0.5")}, {"n": Decimal("5.5")}),
    ("SET n = :v - n", {":v": Decimal(1)}, {"n": Decimal(-4)}),
    ("SET n = :v, s = n", {":v": Decimal(9)}, {"n": Decimal(9), "s": Decimal(5)}),
    ("SET n = if_not_exists(n, :v), x = if_not_exists(x, :v)", {":v": Decimal(9)}, {"x": Decimal(9)}),
    ("SET x = if_not_exists(x, :z) + :v", {":z": 0, ":v": Decimal(2)}, {"x": Decimal(2)}),
    ("SET m.b = :v", {":v": "new"}, {"m": {"a": Decimal(1), "l": ["q"], "b": "new"}}),
    ("SET m.l = list_append(m.l, :v)", {":v": ["r"]}, {"m": {"a": Decimal(1), "l": ["q", "r"]}}),
    ("SET l[9] = :v, l[7] = :w", {":v": "b", ":w": "a"}, {"l": [0, 1, 2, 3, "a", "b"]}),
    ("SET l[3] = :v REMOVE l[1]", {":v": "x"}, {"l": [0, 2, "x"]}),
    ("REMOVE l[0], l[2]", {}, {"l": [1, 3]}),
    ("REMOVE l[17], s", {}, {"s": None}),
    ("REMOVE m.a", {}, {"m": {"l": ["q"]}}),
    ("ADD n :v", {":v": Decimal(-7)}, {"n": Decimal(-2)}),
    ("ADD x :v", {":v": Decimal(3)}, {"x": Decimal(3)}),
    ("ADD ss :v", {":v": {"y", "z"}}, {"ss": {"x", "y", "z"}}),
    ("ADD y :v", {":v": {"z"}}, {"y": {"z"}}),
    ("ADD m.a :v", {":v": Decimal(1)}, {"m": {"a": Decimal(2), "l": ["q"]}}),
    ("DELETE ss :v", {":v": {"y", "z"}}, {"ss": {"x"}}),
    ("DELETE ss :v", {":v": {"x", "y"}}, {"ss": None}),
    ("DELETE nothing :v", {":v": {"x"}}, {}),
    ("set n = :v remove s", {":v": Decimal(1)}, {"n": Decimal(1), "s": None}),
]


@pytest.mark.parametrize(("expression", "values", "changed"), CHANGES)
def test_an_update_changes_what_it_says(
    client: Client, expression: str, values: dict[str, Any], changed: dict[str, Any]
) -> None:
    """Right-hand sides and list positions are those before the update."""
    client.put_item(**put(**ITEM))
    reply = client.update_item(**update(expression, values, id="k"), ReturnValues="ALL_NEW")
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert plain(reply["Attributes"]) == expected
    assert client.get_item(**at(id="k"))["Item"] == reply["Attributes"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("SET n = :v SET s = :v", {":v": 1}, 'The "SET" section can only be used once in an update expression;'),
    ("SET n = :v, n = :v", {":v": 1}, "Two document paths overlap with each other"),
    ("SET m = :v, m.a = :v", {":v": 1}, "path one: [m], path two: [m, a]"),
    ("SET m.a = :v, m[0] = :v", {":v": 1}, "Two document paths conflict with each other"),
    ("SET id = :v", {":v": "x"}, "Cannot update attribute id. This attribute is part of the key"),
    ("REMOVE id", {}, "Cannot update attribute id. This attribute is part of the key"),
    ("SET x = y", {}, "The provided expression refers to an attribute that does not exist in the item"),
    ("SET x = y + :v", {":v": 1}, "The provided expression refers to an attribute that does not exist in the item"),
    ("SET n = s + :v", {":v": 1}, "An operand in the update expression has an incorrect data type"),
    ("SET n = :s + :v", {":v": 1, ":s": "x"}, "operator or function: +, operand type: S"),
    ("SET x = list_append(s, :v)", {":v": [1]}, "An operand in the update expression has an incorrect data type"),
    ("SET x = list_append(l, :v)", {":v": "x"}, "operator or function: list_append, operand type: S"),
    ("SET s.a = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("SET nothing.a = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("REMOVE nothing.a", {}, "The document path provided in the update expression is invalid for update"),
    ("SET m[0] = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("ADD s :v", {":v": 1}, "An operand in the update expression has an incorrect data type"),
    ("ADD n :v", {":v": "x"}, "operator: ADD, operand type: STRING, typeset: ALLOWED_FOR_ADD_OPERAND"),
    ("DELETE ss :v", {":v": {1}}, "An operand in the update expression has an incorrect data type"),
    ("DELETE ss :v", {":v": "x"}, "operator: DELETE, operand type: STRING, typeset: ALLOWED_FOR_DELETE_OPERAND"),
    ("SET n = f(n)", {}, "Invalid function name; function: f"),
    ("SET n = :v + :v + :v", {":v": 1}, 'Syntax error; token: "+"'),
    ("HELLO n = :v", {":v": 1}, 'Syntax error; token: "HELLO"'),
    ("SET data = :v", {":v": 1}, "Attribute name is a reserved keyword; reserved keyword: data"),
]


@pytest.mark.parametrize(("expression", "values", "message"), REFUSED)
def test_an_update_that_makes_no_sense_is_refused(
    client: Client, expression: str, values: dict[str, Any], message: str
) -> None:
    """A mistake is a ValidationException in AWS's words, and the item stays as it is."""
    client.put_item(**put(**ITEM))
    error = refusal(client.update_item, **update(expression, values, id="k"))
    assert code_of(error) == "ValidationException"
    assert message in message_of(error)
    assert plain(client.get_item(**at(id="k"))["Item"]) == ITEM


def test_an_update_creates_a_missing_item_unless_it_only_removes(client: Client) -> None:
    """AWS creates an item for SET, ADD and no expression at all, but not for REMOVE and DELETE."""
    client.update_item(**update("SET n = :v", {":v": 1}, id="set"))
    client.update_item(**at(id="empty"))
    client.update_item(**update("REMOVE n, a.b", id="remove"))
    client.update_item(**update("DELETE n :v", {":v": {"x"}}, id="delete"))
    found = client.scan(TableName="plain")["Items"]
    assert sorted(item["id"]["S"] for item in found) == ["empty", "set"]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("NONE", None),
        ("ALL_OLD", ITEM),
        ("UPDATED_OLD", {"n": Decimal(5), "m": {"a": Decimal(1)}}),
        ("UPDATED_NEW", {"n": Decimal(6), "m": {"a": Decimal(2)}, "x": "new"}),
    ],
)
def test_an_update_returns_what_was_asked_for(client: Client, wanted: str, shown: dict[str, Any] | None) -> None:
    """UPDATED_OLD and UPDATED_NEW show the changed paths, as far as they are there."""
    client.put_item(**put(**ITEM))
    request = update("SET n = n + :one, m.a = m.a + :one, x = :x REMOVE nothing", {":one": 1, ":x": "new"}, id="k")
    reply = client.update_item(**request, ReturnValues=wanted)
    assert (plain(reply["Attributes"]) if "Attributes" in reply else None) == shown


@pytest.mark.parametrize(("number", "added"), [("9E125", "9E125"), ("1E50", "1"), ("-1E50", "1"), ("-9E125", "-9E125")])
def test_a_sum_that_needs_more_than_38_digits_overflows(client: Client, number: str, added: str) -> None:
    """AWS calls it an overflow whether it is too large or too precise."""
    client.put_item(**put(id="k", n=Decimal(number)))
    error = refusal(client.update_item, **update("ADD n :v", {":v": Decimal(added)}, id="k"))
    assert message_of(error).startswith("Number overflow.")


@pytest.mark.parametrize(
    ("left", "operator", "right", "result"),
    [
        ("12345678901234567890123456789012345678", "+", "1", "12345678901234567890123456789012345679"),
        ("1", "+", "12345678901234567890123456789012345678", "12345678901234567890123456789012345679"),
        ("0", "-", "1234567890123456789012345678901234567.8", "-1234567890123456789012345678901234567.8"),
        ("999999999999999999", "+", "999999999999999999", "1999999999999999998"),
        ("34.9", "-", "34.9", "0"),
        ("0.05", "+", "0.95", "1"),
        ("-10", "+", "110", "100"),
    ],
)
def test_sums_are_exact(client: Client, left: str, operator: str, right: str, result: str) -> None:
    """38 digits add up as decimals, and lose superfluous zeros."""
    client.put_item(**put(id="k", n=Decimal(left)))
    request = update(f"SET n = n {operator} :v", {":v": Decimal(right)}, id="k")
    assert client.update_item(**request, ReturnValues="ALL_NEW")["Attributes"]["n"] == {"N": result}


def test_nothing_that_goes_in_or_comes_out_is_shared_with_the_store(client: Client) -> None:
    """Whoever changes a request or reply afterwards changes no item."""
    request = put(**ITEM)
    client.put_item(**request)
    request["Item"]["m"]["M"]["a"] = {"N": "666"}
    reply = client.get_item(**at(id="k"))["Item"]
    reply["l"]["L"].clear()
    values = wire({":v": {"deep": [1]}})
    client.update_item(**at(id="k"), UpdateExpression="SET x = :v", ExpressionAttributeValues=values)
    values[":v"]["M"]["deep"]["L"].clear()
    assert plain(client.get_item(**at(id="k"))["Item"]) == {**ITEM, "x": {"deep": [1]}}
