"""AWS's limits, with its codes and messages."""

from __future__ import annotations

from typing import Any

import pytest

from testing.dynamodb import Client
from tests.testing.dynamodb.wireformat import at, code_of, message_of, put, reasons_of, refusal, update, wire

KILOBYTE = "x" * 1024
# The name of the attribute, the key with its name, and the rest of 400 KB.
LARGEST = "x" * (400 * 1024 - len("data" + "id" + "k"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"N": "abc"}, "The parameter cannot be converted to a numeric value: abc"),
        ({"N": " 1"}, "The parameter cannot be converted to a numeric value"),
        ({"N": "1_000"}, "The parameter cannot be converted to a numeric value"),
        ({"N": "NaN"}, "The parameter cannot be converted to a numeric value"),
        ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
        ({"N": "1E126"}, "Number overflow"),
        ({"N": "1E100000000"}, "Number overflow"),
        ({"N": "1." + "0" * 400 + "1"}, "more than 38 significant digits"),
        ({"N": "1E-131"}, "Number underflow"),
        ({"SS": []}, "An AttributeValue may not contain an empty set"),
        ({"SS": ["a", "a"]}, "Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "contains duplicates."),
        ({"NULL": False}, "Null attribute value types must have the value of true"),
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set"),
        ({"X": "a"}, "must contain exactly one of the supported datatypes"),
    ],
)
def test_an_invalid_value_is_refused(client: Client, value: dict[str, Any], message: str) -> None:
    """A value that DynamoDB can not store is a ValidationException."""
    error = refusal(client.put_item, TableName="plain", Item={"id": {"S": "k"}, "v": value})
    assert code_of(error) == "ValidationException"
    assert message in message_of(error)


def test_values_are_as_deep_as_32_levels(client: Client) -> None:
    """One level more is refused."""

    def nested(levels: int) -> dict[str, Any]:
        return {"L": [nested(levels - 1)]} if levels else {"S": "end"}

    client.put_item(TableName="plain", Item={"id": {"S": "k"}, "v": nested(32)})
    error = refusal(client.put_item, TableName="plain", Item={"id": {"S": "k"}, "v": nested(33)})
    assert message_of(error) == "Nesting Levels have exceeded supported limits"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("1.50", "1.5"),
        ("0100", "100"),
        ("-0", "0"),
        ("1E3", "1000"),
        ("+7", "7"),
        ("0.00012", "0.00012"),
        ("0E100000000", "0"),
        ("-.5", "-0.5"),
        ("1E125", "1" + "0" * 125),
    ],
)
def test_numbers_lose_superfluous_zeros(client: Client, given: str, stored: str) -> None:
    """A number comes back as its value, not as it was spelled."""
    client.put_item(TableName="plain", Item={"id": {"S": "k"}, "v": {"N": given}})
    assert client.get_item(**at(id="k"))["Item"]["v"] == {"N": stored}


KEY_REFUSALS = [
    ({"other": "k"}, "Missing the key id in the item"),
    ({"id": 7}, "Type mismatch for key id expected: S actual: N"),
    ({"id": ""}, "The AttributeValue for a key attribute cannot contain an empty string value. Key: id"),
    ({"id": "k" * 2049}, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
]


@pytest.mark.parametrize(("item", "message"), KEY_REFUSALS)
def test_an_item_must_have_its_tables_key(client: Client, item: dict[str, Any], message: str) -> None:
    """A put of an item without a proper key is refused, in a transaction as that action's ValidationError."""
    error = refusal(client.put_item, **put(**item))
    assert code_of(error) == "ValidationException"
    assert message in message_of(error)
    error = refusal(client.transact_write_items, TransactItems=[{"Put": put(id="a")}, {"Put": put(**item)}])
    assert reasons_of(error) == ["None", "ValidationError"]
    assert message in error.response["CancellationReasons"][1]["Message"]


@pytest.mark.parametrize("key", [{"id": 7}, {"id": "k", "at": 1}, {"wrong": "k"}, {}])
def test_a_key_must_fit_the_schema(client: Client, key: dict[str, Any]) -> None:
    """A key with other attributes or types is refused."""
    for call in (client.get_item, client.delete_item, client.update_item):
        error = refusal(call, **at(**key))
        assert message_of(error) == "The provided key element does not match the schema"


def test_a_sort_key_is_as_long_as_1024_bytes(client: Client) -> None:
    """One byte more is refused."""
    client.create_table(
        TableName="strings",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "ps"],
    )
    client.put_item(**put("strings", p="k", s=KILOBYTE))
    error = refusal(client.put_item, **put("strings", p="k", s=KILOBYTE + "x"))
    assert "Aggregated size of all range keys" in message_of(error)


def test_a_missing_table_is_named_as_such(client: Client) -> None:
    """Every operation on a table that is not there raises ResourceNotFoundException."""
    error = refusal(client.put_item, **put("nowhere", id="k"))
    assert isinstance(error, client.exceptions.ResourceNotFoundException)


def test_an_item_is_as_large_as_400_kilobytes(client: Client) -> None:
    """One byte more is refused, in AWS's words for puts and for updates, and cancels a transaction."""
    client.put_item(**put(id="k", data=LARGEST))
    error = refusal(client.put_item, **put(id="k", data=LARGEST + "x"))
    assert message_of(error) == "Item size has exceeded the maximum allowed size"
    grow = {**update("SET e = :v", {":v": ""}, id="k")}
    error = refusal(client.update_item, **grow)
    assert message_of(error) == "Item size to update has exceeded the maximum allowed size"
    error = refusal(client.transact_write_items, TransactItems=[{"Update": grow}])
    assert error.response["CancellationReasons"] == [
        {"Code": "ValidationError", "Message": "Item size to update has exceeded the maximum allowed size"}
    ]


def test_a_transaction_has_at_most_100_actions(client: Client) -> None:
    """The hundred and first refuses them all."""
    puts = [{"Put": put(id=f"k{n}")} for n in range(101)]
    client.transact_write_items(TransactItems=puts[:100])
    error = refusal(client.transact_write_items, TransactItems=puts)
    assert code_of(error) == "ValidationException"
    assert "'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100" in (
        message_of(error)
    )
    assert "Member must have length greater than or equal to 1" in (
        message_of(refusal(client.transact_write_items, TransactItems=[]))
    )


def test_a_transactions_payload_is_at_most_4_megabytes(client: Client) -> None:
    """What counts is what is sent: deleting as much in one transaction is allowed."""
    puts = [{"Put": put(id=f"k{n}", data=LARGEST[:-9])} for n in range(10)]
    client.transact_write_items(TransactItems=puts)
    error = refusal(client.transact_write_items, TransactItems=[*puts, {"Put": put(id="k10", data=LARGEST[:-9])}])
    assert code_of(error) == "ValidationException"
    assert "size cannot exceed" in message_of(error)
    updates = [{"Update": update("SET e = :v", {":v": LARGEST[:-9]}, id=f"u{n}")} for n in range(11)]
    assert "size cannot exceed" in message_of(refusal(client.transact_write_items, TransactItems=updates))
    client.put_item(**put(id="k10", data=LARGEST[:-9]))
    client.transact_write_items(TransactItems=[{"Delete": at(id=f"k{n}")} for n in range(11)])
    assert client.scan(TableName="plain")["Count"] == 0


def test_a_batch_get_takes_100_keys_and_a_batch_write_25_items(client: Client) -> None:
    """One more refuses the whole call, and so does an item that is named twice."""
    keys = [wire({"id": f"k{n}"}) for n in range(101)]
    assert client.batch_get_item(RequestItems={"plain": {"Keys": keys[:100]}})["Responses"] == {"plain": []}
    error = refusal(client.batch_get_item, RequestItems={"plain": {"Keys": keys}})
    assert message_of(error) == "Too many items requested for the BatchGetItem call"
    error = refusal(client.batch_get_item, RequestItems={"plain": {"Keys": [keys[0], keys[0]]}})
    assert message_of(error) == "Provided list of item keys contains duplicates"
    puts = [{"PutRequest": {"Item": key}} for key in keys[:26]]
    client.batch_write_item(RequestItems={"plain": puts[:25]})
    error = refusal(client.batch_write_item, RequestItems={"plain": puts})
    assert message_of(error) == "Too many items requested for the BatchWriteItem call"
    twice = [puts[0], {"DeleteRequest": {"Key": keys[0]}}]
    error = refusal(client.batch_write_item, RequestItems={"plain": twice})
    assert message_of(error) == "Provided list of item keys contains duplicates"


def test_what_is_not_built_says_so(client: Client) -> None:
    """A parameter that would be ignored is refused."""
    with pytest.raises(NotImplementedError, match="IndexName"):
        client.query(TableName="plain", IndexName="by_date", KeyConditionExpression="a = :a")
    with pytest.raises(NotImplementedError, match="ReturnConsumedCapacity"):
        client.get_item(**at(id="k"), ReturnConsumedCapacity="TOTAL")
    with pytest.raises(TypeError, match="Key"):
        client.get_item(TableName="plain")
