"""GetItem, Query, Scan and the batches of reads and writes."""

from __future__ import annotations

from typing import Any

import pytest

from testing.dynamodb import Client
from tests.testing.dynamodb.wireformat import at, code_of, message_of, plain, put, refusal, wire


@pytest.fixture
def filled(client: Client) -> Client:
    """Ten items in the partition `p`, at 0, 10 and so on, and one in another."""
    for n in range(10):
        client.put_item(**put("sorted", id="p", at=n * 10, parity="even" if n % 2 == 0 else "odd"))
    client.put_item(**put("sorted", id="other", at=5))
    return client


def ask(condition: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A query's parameters."""
    return {
        "TableName": "sorted",
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": wire(values),
        **more,
    }


def times(reply: dict[str, Any]) -> list[int]:
    return [int(item["at"]["N"]) for item in reply["Items"]]


@pytest.mark.parametrize(
    ("condition", "values", "found"),
    [
        ("id = :p", {}, list(range(0, 100, 10))),
        ("id = :p AND #at = :a", {":a": 20}, [20]),
        ("id = :p AND #at < :a", {":a": 20}, [0, 10]),
        ("id = :p AND #at <= :a", {":a": 20}, [0, 10, 20]),
        ("#at > :a AND id = :p", {":a": 80}, [90]),
        ("id = :p AND #at >= :a", {":a": 80}, [80, 90]),
        ("(id = :p) AND (#at BETWEEN :a AND :b)", {":a": 15, ":b": 30}, [20, 30]),
    ],
)
def test_a_query_finds_what_meets_the_key_condition(
    filled: Client, condition: str, values: dict[str, Any], found: list[int]
) -> None:
    """Items of one partition come by their sort key, as numbers and not as text."""
    request = ask(condition, {":p": "p", **values})
    if "#at" in condition:
        request["ExpressionAttributeNames"] = {"#at": "at"}
    assert times(filled.query(**request)) == found
    assert times(filled.query(**request, ScanIndexForward=False)) == found[::-1]


def test_a_query_matches_the_beginning_of_a_sort_key(client: Client) -> None:
    """begins_with works on strings, which come in the order of their code points."""
    client.create_table(
        TableName="strings",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "ps"],
    )
    for sort in ("b1", "B1", "b", "a", "é"):
        client.put_item(**put("strings", p="k", s=sort))
    request = {**ask("p = :p", {":p": "k"}), "TableName": "strings"}
    assert [item["s"]["S"] for item in client.query(**request)["Items"]] == ["B1", "a", "b", "b1", "é"]
    request = {**ask("p = :p AND begins_with(s, :b)", {":p": "k", ":b": "b"}), "TableName": "strings"}
    assert [item["s"]["S"] for item in client.query(**request)["Items"]] == ["b", "b1"]


@pytest.mark.parametrize("forward", [True, False])
def test_pages_add_up(filled: Client, forward: bool) -> None:
    """Limit counts what is looked at, before the filter, and each page says where the next begins."""
    request = ask(
        "id = :p", {":p": "p", ":e": "even"}, FilterExpression="parity = :e", Limit=3, ScanIndexForward=forward
    )
    pages: list[list[int]] = []
    while True:
        reply = filled.query(**request)
        pages.append(times(reply))
        assert reply["Count"] == len(reply["Items"])
        if "LastEvaluatedKey" not in reply:
            break
        assert reply["ScannedCount"] == 3
        request["ExclusiveStartKey"] = reply["LastEvaluatedKey"]
    assert pages == ([[0, 20], [40], [60, 80], []] if forward else [[80], [60, 40], [20], [0]])


def test_a_page_is_full_at_its_limit_even_where_nothing_is_left(filled: Client) -> None:
    """DynamoDB does not look ahead: a LastEvaluatedKey does not promise more."""
    reply = filled.query(**ask("id = :p", {":p": "other"}, Limit=1))
    assert reply["LastEvaluatedKey"] == wire({"id": "other", "at": 5})
    rest = filled.query(**ask("id = :p", {":p": "other"}, ExclusiveStartKey=reply["LastEvaluatedKey"]))
    assert (rest["Count"], "LastEvaluatedKey" in rest) == (0, False)


def test_a_page_is_at_most_a_megabyte(client: Client) -> None:
    """Larger partitions come in pages without a limit too."""
    for n in range(4):
        client.put_item(**put("sorted", id="p", at=n, data="x" * 350_000))
    reply = client.query(**ask("id = :p", {":p": "p"}))
    assert (reply["Count"], reply["LastEvaluatedKey"]) == (3, wire({"id": "p", "at": 2}))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("parity = :p", "Query condition missed key schema element: id"),
        ("at = :n", "Query condition missed key schema element: id"),
        ("id > :p", "Query key condition not supported"),
        ("id = :p OR id = :p", "Invalid operator used in KeyConditionExpression: OR"),
        ("id = :p AND at IN (:n)", "Invalid operator used in KeyConditionExpression: IN"),
        ("id = :n", "Condition parameter type does not match schema type"),
        ("id = :p AND id = :p", "must only contain one condition per key"),
    ],
)
def test_a_key_condition_must_name_a_partition(filled: Client, condition: str, message: str) -> None:
    """What is no equality on the partition key, with a range of the sort key at most, is refused."""
    condition = condition.replace("at ", "#at ")
    request = ask(condition, {name: value for name, value in ((":p", "p"), (":n", 1)) if name in condition})
    if "#at" in condition:
        request["ExpressionAttributeNames"] = {"#at": "at"}
    error = refusal(filled.query, **request)
    assert code_of(error) == "ValidationException"
    assert message in message_of(error)


def test_a_querys_filter_leaves_the_key_alone(filled: Client) -> None:
    """A filter on a key attribute is refused."""
    request = ask("id = :p", {":p": "p", ":n": 1}, FilterExpression="#at > :n")
    error = refusal(filled.query, **request, ExpressionAttributeNames={"#at": "at"})
    assert "Filter Expression can only contain non-primary key attributes" in message_of(error)


@pytest.mark.parametrize("deletes", [True, False])
def test_a_scan_meets_every_item_once(filled: Client, deletes: bool) -> None:
    """Page by page, in an order that has nothing to do with the partition keys, whether the last one is gone or not."""
    for n in range(20):
        filled.put_item(**put(id=f"k{n:02}"))
    found: list[str] = []
    request: dict[str, Any] = {"TableName": "plain", "Limit": 3}
    while True:
        reply = filled.scan(**request)
        found += [item["id"]["S"] for item in reply["Items"]]
        if "LastEvaluatedKey" not in reply:
            break
        request["ExclusiveStartKey"] = reply["LastEvaluatedKey"]
        if deletes:
            filled.delete_item(TableName="plain", Key=reply["LastEvaluatedKey"])
    assert sorted(found) == [f"k{n:02}" for n in range(20)] != found
    evens = filled.scan(TableName="sorted", FilterExpression="attribute_exists(parity)", Select="COUNT")
    assert (evens["Count"], evens["ScannedCount"], "Items" in evens) == (10, 11, False)


def test_a_projection_shows_the_paths_that_are_there(client: Client) -> None:
    """Nested parts keep their place in maps, and close up in lists."""
    client.put_item(**put(id="k", a=1, m={"x": {"y": 1, "z": 2}, "w": 3}, l=[0, 1, 2, 3]))
    request = {**at(id="k"), "ProjectionExpression": "a, m.x.y, l[3], l[1], gone"}
    assert plain(client.get_item(**request)["Item"]) == {"a": 1, "m": {"x": {"y": 1}}, "l": [1, 3]}
    error = refusal(client.get_item, **at(id="k"), ProjectionExpression="m, m.x")
    assert "Two document paths overlap" in message_of(error)


def test_batches_read_and_write_over_tables(client: Client) -> None:
    """Puts replace, deletes remove, and a read gives what is there by table."""
    client.put_item(**put(id="gone"))
    writes = {
        "plain": [{"PutRequest": {"Item": wire({"id": "a"})}}, {"DeleteRequest": {"Key": wire({"id": "gone"})}}],
        "sorted": [{"PutRequest": {"Item": wire({"id": "a", "at": 1})}}],
    }
    assert client.batch_write_item(RequestItems=writes)["UnprocessedItems"] == {}
    keys = {
        "plain": {"Keys": [wire({"id": "gone"}), wire({"id": "a"})], "ConsistentRead": True},
        "sorted": {"Keys": [wire({"id": "a", "at": 1})], "ProjectionExpression": "id"},
    }
    reply = client.batch_get_item(RequestItems=keys)
    assert reply["Responses"] == {"plain": [wire({"id": "a"})], "sorted": [wire({"id": "a"})]}
    assert reply["UnprocessedKeys"] == {}


def test_a_batch_of_reads_stops_at_16_megabytes(client: Client) -> None:
    """The keys of what is too much come back to be asked for again."""
    for n in range(42):
        client.put_item(**put(id=f"k{n}", data="x" * 400_000))
    keys = [wire({"id": f"k{n}"}) for n in range(42)]
    reply = client.batch_get_item(RequestItems={"plain": {"Keys": keys}})
    assert len(reply["Responses"]["plain"]) == 41
    assert reply["UnprocessedKeys"] == {"plain": {"Keys": keys[41:]}}
