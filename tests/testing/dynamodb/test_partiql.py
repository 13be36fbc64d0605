"""PartiQL statements, alone and in batches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from testing.dynamodb import Client
from tests.testing.dynamodb.wireformat import at, code_of, message_of, plain, put, refusal

serialize = TypeSerializer().serialize


def delete(where: str) -> dict[str, Any]:
    """A deletion of the item `k`."""
    return statement(f"DELETE FROM plain WHERE id = 'k' AND {where}")  # noqa: S608 - what is tested


def statement(text: str, *parameters: Any) -> dict[str, Any]:
    """A statement with its parameters, left out where there are none."""
    values = [serialize(parameter) for parameter in parameters]
    return {"Statement": text, "Parameters": values} if values else {"Statement": text}


def batch(client: Client, *statements: dict[str, Any]) -> list[Any]:
    """The error codes of a batch, None for success."""
    reply = client.batch_execute_statement(Statements=list(statements))
    return [response.get("Error", {}).get("Code") for response in reply["Responses"]]


INSERT = "INSERT INTO \"plain\" VALUE {'id': ?, 'n': ?}"
UPDATE = 'UPDATE "plain" SET "n" = ? WHERE "id" = ? AND "n" = ?'
DELETE = 'DELETE FROM "plain" WHERE "id" = ? AND "n" = ?'


def stored(client: Client, key: str = "k") -> dict[str, Any] | None:
    item = client.get_item(**at(id=key)).get("Item")
    return None if item is None else plain(item)


def test_an_insert_never_overwrites(client: Client) -> None:
    """An item that is there is a DuplicateItem, in the place of its statement."""
    assert batch(client, statement(INSERT, "k", 1)) == [None]
    assert batch(client, statement(INSERT, "j", 1), statement(INSERT, "k", 2)) == [None, "DuplicateItem"]
    assert stored(client) == {"id": "k", "n": 1}
    error = refusal(client.execute_statement, **statement(INSERT, "k", 2))
    assert isinstance(error, client.exceptions.DuplicateItemException)
    assert message_of(error) == "Duplicate primary key exists in table"


def test_an_update_never_creates(client: Client) -> None:
    """A missing item fails as a wrong value does, and the rest of the batch goes on."""
    client.put_item(**put(id="k", n=1))
    codes = batch(client, statement(UPDATE, 2, "gone", 1), statement(UPDATE, 2, "k", 1))
    assert codes == ["ConditionalCheckFailed", None]
    assert stored(client) == {"id": "k", "n": 2}
    assert batch(client, statement(UPDATE, 3, "k", 1)) == ["ConditionalCheckFailed"]
    assert (stored(client), stored(client, "gone")) == ({"id": "k", "n": 2}, None)


def test_a_delete_fails_only_for_an_item_that_is_there(client: Client) -> None:
    """Where there is nothing, success is returned with nothing deleted."""
    client.put_item(**put(id="k", n=1))
    codes = batch(client, statement(DELETE, "gone", 1), statement(DELETE, "k", 2))
    assert codes == [None, "ConditionalCheckFailed"]
    assert batch(client, statement(DELETE, "k", 1)) == [None]
    assert stored(client) is None


def test_a_failed_condition_shows_the_item_if_asked(client: Client) -> None:
    """ReturnValuesOnConditionCheckFailure belongs to each statement."""
    client.put_item(**put(id="k", n=1))
    failing = statement(UPDATE, 2, "k", 9)
    reply = client.batch_execute_statement(Statements=[{**failing, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}])
    assert plain(reply["Responses"][0]["Error"]["Item"]) == {"id": "k", "n": 1}
    assert "Item" not in client.batch_execute_statement(Statements=[failing])["Responses"][0]["Error"]


@pytest.mark.parametrize(
    ("sets", "parameters", "changed"),
    [
        ('SET "n" = ? SET "s" = ?', [2, "x"], {"n": 2, "s": "x"}),
        ("SET n = ?, s = ?", [2, "x"], {"n": 2, "s": "x"}),
        ('SET "n" = n + ? REMOVE "s"', [2], {"n": 3, "s": None}),
        ("SET n = 7 - n", [], {"n": 6}),
        ("SET s = 'it''s'", [], {"s": "it's"}),
        ('SET m."a" = ?', [5], {"m": {"a": 5}}),
        ("SET l = list_append(l, ?)", [[2]], {"l": [1, 2]}),
        ("SET ss = set_add(ss, <<'b'>>)", [], {"ss": {"a", "b"}}),
        ("SET ss = set_delete(ss, <<'a'>>)", [], {"ss": None}),
        ("SET x = if_not_exists(x, -1.5)", [], {"x": Decimal("-1.5")}),
        ("SET t = true SET z = null SET l = [1, {'a': false}]", [], {"t": True, "z": None, "l": [1, {"a": False}]}),
        ("REMOVE s REMOVE l[0]", [], {"s": None, "l": []}),
    ],
)
def test_an_update_computes(client: Client, sets: str, parameters: list[Any], changed: dict[str, Any]) -> None:
    """SET takes parameters, literals, paths and functions; REMOVE removes."""
    item: dict[str, Any] = {"id": "k", "n": 1, "s": "text", "m": {"a": 1}, "l": [1], "ss": {"a"}}
    client.put_item(**put(**item))
    client.execute_statement(**statement(f'UPDATE "plain" {sets} WHERE id = ?', *parameters, "k"))
    removed = {name for name, value in changed.items() if value is None and name != "z"}
    expected = {name: value for name, value in {**item, **changed}.items() if name not in removed}
    assert stored(client) == expected


@pytest.mark.parametrize(
    "where",
    [
        "n = 1 AND s <> 'x'",
        "n BETWEEN 0 AND 2",
        "n IN [1, 2]",
        "n IN (1)",
        "begins_with(s, 'te')",
        "contains(s, 'ex')",
        "size(s) = 4",
        "gone IS MISSING",
        "n IS NOT MISSING",
        "NOT (n = 2 AND s = 'text')",
        "1 < 2 AND n != 3",
    ],
)
def test_where_is_a_condition(client: Client, where: str) -> None:
    """A write's WHERE has comparisons, functions and MISSING beside the key."""
    client.put_item(**put(id="k", n=1, s="text"))
    assert batch(client, delete(f"NOT ({where})")) == ["ConditionalCheckFailed"]
    assert batch(client, delete(where)) == [None]
    assert stored(client) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('UPDATE "plain" SET n = 1 WHERE n = 1', "mandatory equality on all key attributes"),
        ("UPDATE \"plain\" SET n = 1 WHERE id = 'k' OR n = 1", "OR is not supported in the WHERE clause of a write"),
        ("UPDATE \"plain\" SET id = 'j' WHERE id = 'k'", "This attribute is part of the key"),
        ("DELETE FROM \"sorted\" WHERE id = 'k'", "mandatory equality on all key attributes"),
        ("UPSERT INTO \"plain\" VALUE {'id': 'k'}", "Unsupported operation"),
        ("INSERT INTO \"plain\" VALUE {'id': ?}", "Number of parameters in request and statement don't match."),
        ("INSERT INTO \"plain\" VALUE {'id': 'k'", "Statement wasn't well formed"),
        ("INSERT INTO \"plain\" VALUE {'id': 'k}", "is not closed"),
        ("INSERT INTO \"plain\" VALUE {'n': 1}", "Missing the key id in the item"),
        ('SELECT * FROM "plain" WHERE n = 1', "must specify the primary key"),
    ],
)
def test_a_statement_that_makes_no_sense_is_a_validation_error(client: Client, text: str, message: str) -> None:
    """In a batch it fails alone, in its place."""
    reply = client.batch_execute_statement(Statements=[statement(text)])
    error = reply["Responses"][0]["Error"]
    assert error["Code"] == "ValidationError"
    assert message in error["Message"]


def test_a_missing_table_fails_its_statement_only(client: Client) -> None:
    """The code is ResourceNotFound."""
    codes = batch(client, statement("DELETE FROM nowhere WHERE id = 'k'"), statement(INSERT, "k", 1))
    assert codes == ["ResourceNotFound", None]


def test_a_batch_is_refused_whole(client: Client) -> None:
    """An item twice, reads among writes, more than 25 statements or none: nothing is done."""
    twice = [statement(INSERT, "k", 1), statement(DELETE, "k", 1)]
    mixed = [statement(INSERT, "k", 1), statement("SELECT * FROM plain WHERE id = 'j'")]
    many = [statement(INSERT, f"k{n}", 1) for n in range(26)]
    for statements in (twice, mixed, many, []):
        error = refusal(client.batch_execute_statement, Statements=statements)
        assert code_of(error) == "ValidationException"
    assert client.scan(TableName="plain")["Count"] == 0
    assert batch(client, *many[:25]) == [None] * 25


def test_a_select_reads(client: Client) -> None:
    """One item by its key in a batch, and anything alone."""
    for n in range(3):
        client.put_item(**put(id=f"k{n}", n=n, m={"a": n}))
    found = client.execute_statement(**statement('SELECT id, m.a FROM "plain" WHERE n >= ?', 1))["Items"]
    assert sorted((plain(item) for item in found), key=str) == [{"id": f"k{n}", "m": {"a": n}} for n in (1, 2)]
    reads = [statement("SELECT * FROM plain WHERE id = ?", key) for key in ("k1", "gone")]
    reply = client.batch_execute_statement(Statements=reads)["Responses"]
    assert plain(reply[0]["Item"]) == {"id": "k1", "n": 1, "m": {"a": 1}}
    assert reply[1] == {"TableName": "plain"}


@pytest.mark.parametrize(
    ("returning", "shown"),
    [
        ("ALL OLD *", {"id": "k", "n": 1, "s": "x"}),
        ("ALL NEW *", {"id": "k", "n": 2, "s": "x"}),
        ("MODIFIED OLD *", {"n": 1}),
        ("MODIFIED NEW *", {"n": 2}),
    ],
)
def test_a_write_returns_what_it_is_asked_for(client: Client, returning: str, shown: dict[str, Any]) -> None:
    """RETURNING is UpdateItem's ReturnValues."""
    client.put_item(**put(id="k", n=1, s="x"))
    text = f"UPDATE plain SET n = 2 WHERE id = 'k' RETURNING {returning}"  # noqa: S608 - what is tested
    reply = client.execute_statement(**statement(text))
    assert [plain(item) for item in reply["Items"]] == [shown]
