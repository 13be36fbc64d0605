"""A table's stream, and what expires."""

from __future__ import annotations

import json

import pytest

from testing.dynamodb import Client, Refused, Store
from tests.testing.dynamodb.conftest import Clock
from tests.testing.dynamodb.wireformat import at, put, refusal, update, wire


def test_each_change_is_a_record_in_order(client: Client, store: Store, clock: Clock) -> None:
    """INSERT, MODIFY and REMOVE have the key and both images."""
    client.put_item(**put(id="a", n=1))
    client.update_item(**update("SET n = :v", {":v": 2}, id="a"))
    client.transact_write_items(TransactItems=[{"Delete": at(id="a")}, {"Put": put(id="b")}])
    records = store.stream("plain")
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE", "INSERT"]
    old, new = wire({"id": "a", "n": 1}), wire({"id": "a", "n": 2})
    images = [(record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")) for record in records]
    assert images == [(None, old), (old, new), (new, None), (None, wire({"id": "b"}))]
    assert records[1]["dynamodb"]["Keys"] == wire({"id": "a"})
    assert records[1]["dynamodb"]["ApproximateCreationDateTime"] == clock.now
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(set(numbers))
    assert "userIdentity" not in json.dumps(records)


def test_a_write_that_changes_nothing_is_no_record(client: Client, store: Store) -> None:
    """Neither a repeated put, an update to the same values, a delete of nothing, nor what was refused."""
    client.put_item(**put(id="a", n=1, s={"x", "y"}))
    client.put_item(TableName="plain", Item={"id": {"S": "a"}, "n": {"N": "1.0"}, "s": {"SS": ["y", "x"]}})
    client.update_item(**update("SET n = :v", {":v": 1}, id="a"))
    client.delete_item(**at(id="gone"))
    refusal(client.put_item, **put(id="a"), ConditionExpression="attribute_not_exists(id)")
    check = {"ConditionCheck": {**at(id="a"), "ConditionExpression": "attribute_exists(id)"}}
    client.transact_write_items(TransactItems=[check])
    store.abort(store.prepare({"TransactItems": [{"Put": put(id="b")}]}))
    assert len(store.stream("plain")) == 1


def test_a_reader_goes_on_after_a_sequence_number(client: Client, store: Store) -> None:
    """It gets only what is later, and may change what it gets."""
    client.put_item(**put(id="a"))
    first = store.stream("plain")[-1]["dynamodb"]["SequenceNumber"]
    client.put_item(**put(id="b"))
    (record,) = store.stream("plain", first)
    record["dynamodb"]["NewImage"].clear()
    assert store.stream("plain", first)[0]["dynamodb"]["NewImage"] == wire({"id": "b"})
    assert store.stream("plain", store.stream("plain")[-1]["dynamodb"]["SequenceNumber"]) == []


def test_records_that_were_read_can_be_forgotten(client: Client, store: Store) -> None:
    """Later ones keep their numbers, and a reader goes on where he was; once more, or beforehand, changes nothing."""
    for key in "abc":
        client.put_item(**put(id=key))
    numbers = [record["dynamodb"]["SequenceNumber"] for record in store.stream("plain")]
    for _ in range(2):
        store.forget_stream("plain", numbers[1])
    store.forget_stream("plain", numbers[0])
    client.put_item(**put(id="d"))
    later = store.stream("plain", numbers[1])
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in later] == ["c", "d"]
    assert later[0]["dynamodb"]["SequenceNumber"] == numbers[2]
    assert store.stream("plain") == later, "without a number, what there is"


def test_what_is_forgotten_is_not_skipped_in_silence(client: Client, store: Store) -> None:
    """A reader who has not read it gets the error of records that AWS has trimmed."""
    for key in "ab":
        client.put_item(**put(id=key))
    first, second = [record["dynamodb"]["SequenceNumber"] for record in store.stream("plain")]
    store.forget_stream("plain", second)
    with pytest.raises(Refused, match="TrimmedDataAccessException"):
        store.stream("plain", first)
    assert store.stream("plain", second) == []


def test_forgetting_goes_no_further_than_what_was_written(client: Client, store: Store) -> None:
    """A number that is still to come keeps what comes."""
    client.put_item(**put(id="a"))
    store.forget_stream("plain", "7")
    client.put_item(**put(id="b"))
    assert [record["dynamodb"]["Keys"] for record in store.stream("plain", "1")] == [wire({"id": "b"})]


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_the_view_says_which_images_there_are(view: str, images: set[str]) -> None:
    """StreamViewType decides."""
    store = Store()
    store.create_table("viewed", "id", stream_view=view)
    for n in (1, 2):
        Client(store).put_item(**put("viewed", id="a", n=n))
    details = store.stream("viewed")[-1]["dynamodb"]
    assert details.keys() & {"NewImage", "OldImage"} == images
    assert details["StreamViewType"] == view


def test_a_table_without_a_stream_has_none(store: Store) -> None:
    """Reading it is refused, and so is an unknown view."""
    with pytest.raises(Refused, match="has no stream"):
        store.stream("sorted")
    with pytest.raises(Refused, match="has no stream"):
        store.forget_stream("sorted", "1")
    with pytest.raises(Refused, match="StreamViewType"):
        store.create_table("wrong", "id", stream_view="EVERYTHING")


def test_items_expire_when_told_to(client: Client, store: Store) -> None:
    """Only past their time, which must be a number; the record names the TTL service."""
    client.put_item(**put(id="past", expires_at=99))
    client.put_item(**put(id="now", expires_at=100))
    client.put_item(**put(id="text", expires_at="1"))
    client.put_item(**put(id="never"))
    assert store.expire(100) == 1
    assert sorted(item["id"]["S"] for item in store.items("plain")) == ["never", "now", "text"]
    record = store.stream("plain")[-1]
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
