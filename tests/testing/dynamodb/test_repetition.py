"""Requests of one shape: what is remembered of their expressions holds for each of them."""

from __future__ import annotations

from typing import Any

import pytest

from testing.dynamodb import Client, Store
from testing.dynamodb.expressions.remembered import MAX_REMEMBERED, Remembered
from testing.dynamodb.expressions.scope import Scope
from tests.testing.dynamodb.wireformat import at, code_of, message_of, put, refusal, update, wire


def check(condition: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A put of the item `a` on this condition."""
    return {**put(id="a"), "ConditionExpression": condition, "ExpressionAttributeValues": wire(values), **more}


def test_each_request_has_its_own_values(client: Client) -> None:
    """The same texts with other values are another condition, and another change."""
    for amount in (1, 20):
        client.update_item(**update("SET n = :v ADD running :v", {":v": amount}, id="a"))
    assert client.get_item(**at(id="a"))["Item"] == wire({"id": "a", "n": 20, "running": 21})
    client.put_item(**check("n = :v", {":v": 20}))
    assert code_of(refusal(client.put_item, **check("n = :v", {":v": 20}))) == "ConditionalCheckFailedException"


def test_each_request_has_its_own_names(client: Client) -> None:
    """The same texts with other names are about other attributes."""
    for name in ("one", "two"):
        request = update("SET #n = :v", {":v": 1}, id="a")
        client.update_item(**request, ExpressionAttributeNames={"#n": name})
    assert client.get_item(**at(id="a"))["Item"] == wire({"id": "a", "one": 1, "two": 1})
    request = {**update("SET #n = :v", {":v": 1}, id="a"), "ExpressionAttributeNames": {"#n": "id"}}
    assert "part of the key" in message_of(refusal(client.update_item, **request))


def test_the_key_is_that_of_the_table(client: Client) -> None:
    """What is an attribute of one table is part of another one's key."""
    names = {"ExpressionAttributeNames": {"#at": "at"}}
    client.update_item(**update("SET #at = :v", {":v": 1}, id="a"), **names)
    request = {**update("SET #at = :v", {":v": 1}), **at("sorted", id="a", at=1), **names}
    assert "part of the key" in message_of(refusal(client.update_item, **request))


def test_types_are_checked_each_time(client: Client) -> None:
    """A value of another type may be one that the operator does not take."""
    client.update_item(**update("ADD n :v", {":v": 1}, id="a"))
    assert "operand type: STRING" in message_of(refusal(client.update_item, **update("ADD n :v", {":v": "x"}, id="a")))


@pytest.mark.parametrize(
    ("condition", "right", "wrong", "message"),
    [
        ("n BETWEEN :a AND :b OR id = :id", {":a": 1, ":b": 2}, {":a": 2, ":b": 1}, "upper bound to be greater"),
        ("attribute_type(n, :a) OR id = :id", {":a": "N"}, {":a": "Q"}, "Invalid attribute type name found"),
    ],
)
def test_contents_are_checked_each_time(
    client: Client, condition: str, right: dict[str, Any], wrong: dict[str, Any], message: str
) -> None:
    """Where an expression's validity depends on what a value is, beside its type."""
    client.put_item(**put(id="a"))
    for _ in range(2):
        client.put_item(**check(condition, {**right, ":id": "a"}))
        assert message in message_of(refusal(client.put_item, **check(condition, {**wrong, ":id": "a"})))


def test_statements_have_their_own_parameters(client: Client) -> None:
    """The same text with parameters of other types, or of other contents."""
    client.put_item(**put(id="a", n=1, s="x"))
    text = 'SELECT "n" FROM "plain" WHERE "id" = ? AND "n" BETWEEN ? AND ?'

    def select(low: Any, high: Any) -> dict[str, Any]:
        return {"Statement": text, "Parameters": [*wire({"id": "a", "low": low, "high": high}).values()]}

    for _ in range(2):
        assert client.execute_statement(**select(0, 2))["Items"] == [wire({"n": 1})]
        assert client.execute_statement(**select(2, 3))["Items"] == []
        assert "upper bound to be greater" in message_of(refusal(client.execute_statement, **select(3, 2)))
        assert "same data type" in message_of(refusal(client.execute_statement, **select("0", 2)))


def test_types_of_parameters_are_checked_each_time(client: Client) -> None:
    """A parameter of another type may be one that the statement does not take."""
    client.put_item(**put(id="a", n=1))
    text = 'UPDATE "plain" SET "n" = "n" + ? WHERE "id" = ?'
    client.execute_statement(Statement=text, Parameters=[{"N": "1"}, {"S": "a"}])
    error = refusal(client.execute_statement, Statement=text, Parameters=[{"S": "1"}, {"S": "a"}])
    assert "Incorrect operand type" in message_of(error)


def test_a_statement_is_about_the_key_of_its_own_table(client: Client) -> None:
    """Another store may have a table of that name with another key."""
    other = Store()
    other.create_table("plain", "other")
    text = "DELETE FROM plain WHERE id = 'a'"
    client.execute_statement(Statement=text)
    assert "mandatory equality on all key attributes" in message_of(
        refusal(Client(other).execute_statement, Statement=text)
    )


def test_a_refusal_is_repeated(client: Client) -> None:
    """What makes no sense once makes none the next time."""
    for _ in range(2):
        assert "unused in expressions" in message_of(refusal(client.put_item, **check("n = :a", {":a": 1, ":b": 2})))
        assert "Syntax error" in message_of(refusal(client.put_item, **check("n = = :a", {":a": 1})))


def test_only_so_many_shapes_are_remembered() -> None:
    """Those that come when it is full take the place of all others."""
    remembered: Remembered[int] = Remembered()
    for n in range(MAX_REMEMBERED + 1):
        remembered.keep(n, n, Scope())
    assert remembered.get(MAX_REMEMBERED) == MAX_REMEMBERED
    assert remembered.get(0) is None


def test_an_update_changes_one_place_alone(client: Client) -> None:
    """Neither what another attribute has got from there before, nor what a reply has shown."""
    nested = {"many": [{"deep": ["x"]}]}
    client.put_item(**put(id="a", **nested))
    client.update_item(**update("SET copied = many", id="a"))
    shown = client.get_item(**at(id="a"))["Item"]
    client.update_item(**update("SET many[0].deep[1] = :v REMOVE copied[0].deep[0]", {":v": "y"}, id="a"))
    assert shown == wire({"id": "a", **nested, "copied": nested["many"]})
    assert client.get_item(**at(id="a"))["Item"] == wire(
        {"id": "a", "many": [{"deep": ["x", "y"]}], "copied": [{"deep": []}]}
    )
