"""Batches that a service carries out in part: what is told as done is done, what is told as left is not, once each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from testing.functions.undone import has_parts
from testing.sqs import Queue
from tests.testing.functions.region import Region

SEEDS = range(40)
COUNT = 5
NAMES = [f"thing-{number}" for number in range(COUNT)]
KEYS = [{"id": {"S": name}} for name in NAMES]

Split = tuple[list[str], list[str]]
Operation = Callable[[Region], Split]


def call(region: Region, service: str, operation: str, **request: Any) -> Any:
    """Have a process call, with a part left undone."""
    region.faults.inject("unprocessed")
    return region.run(lambda: getattr(region.process().client(service), operation)(**request))


def names(keys: list[Any]) -> list[str]:
    return [key["id"]["S"] for key in keys]


def get(region: Region) -> Split:
    """Of two tables, with a projection that is to be asked for again."""
    region.store.create_table("others", "id")
    for table, key in zip(TABLES, KEYS, strict=True):
        region.backend("dynamodb").put_item(TableName=table, Item=key)
    wanted: dict[str, Any] = {
        table: {"Keys": [key for key, of in zip(KEYS, TABLES, strict=True) if of == table], "ConsistentRead": True}
        for table in dict.fromkeys(TABLES)
    }
    reply = call(region, "dynamodb", "batch_get_item", RequestItems=wanted)
    done = [item for items in reply["Responses"].values() for item in items]
    left = reply["UnprocessedKeys"]
    assert all(table["ConsistentRead"] and table["Keys"] for table in left.values())
    assert all(key in wanted[table]["Keys"] for table, some in left.items() for key in some["Keys"])
    return names(done), names([key for table in left.values() for key in table["Keys"]])


TABLES = ["things", "others", "things", "things", "others"]


def write(region: Region) -> Split:
    """Of two tables."""
    region.store.create_table("others", "id")
    wanted: dict[str, list[Any]] = {"things": [], "others": []}
    for table, key in zip(TABLES, KEYS, strict=True):
        wanted[table].append({"PutRequest": {"Item": key}})
    reply = call(region, "dynamodb", "batch_write_item", RequestItems=wanted)
    left = reply["UnprocessedItems"]
    assert all(left.values())
    assert all(write in wanted[table] for table, writes in left.items() for write in writes)
    done = [item for table in wanted for item in region.store.items(table)]
    return names(done), names([write["PutRequest"]["Item"] for writes in left.values() for write in writes])


def statements(region: Region) -> Split:
    """Each in its place: an error beside those that were done."""
    insert = "INSERT INTO \"things\" VALUE {'id': ?}"
    wanted = [{"Statement": insert, "Parameters": [{"S": name}]} for name in NAMES]
    replies = call(region, "dynamodb", "batch_execute_statement", Statements=wanted)["Responses"]
    assert len(replies) == COUNT
    errors = [reply["Error"]["Code"] for reply in replies if "Error" in reply]
    assert {*errors} == {"ThrottlingError"}
    left = [name for name, reply in zip(NAMES, replies, strict=True) if "Error" in reply]
    done = region.things()
    assert done == [name for name, reply in zip(NAMES, replies, strict=True) if "Error" not in reply]
    return done, left


def told(reply: Any) -> Split:
    """The entries by their ids, which are the numbers of the names."""
    for failed in reply["Failed"]:
        assert failed.keys() == {"Id", "Code", "Message", "SenderFault"}
        assert failed["SenderFault"] is False
    done, left = (sorted(NAMES[int(entry["Id"])] for entry in reply[part]) for part in ("Successful", "Failed"))
    return done, left


def publish(region: Region) -> Split:
    queue = region.sqs.create_queue("jobs")
    topic = region.topics.create_topic("t")
    topic.subscribe(queue, name="jobs")
    entries = [{"Id": str(number), "Message": name} for number, name in enumerate(NAMES)]
    reply = call(region, "sns", "publish_batch", TopicArn=topic.arn, PublishBatchRequestEntries=entries)
    done, left = told(reply)
    assert sorted(message.body for message in queue.messages()) == done
    return done, left


def send(region: Region) -> Split:
    queue = region.sqs.create_queue("jobs")
    entries = [{"Id": str(number), "MessageBody": name} for number, name in enumerate(NAMES)]
    done, left = told(call(region, "sqs", "send_message_batch", QueueUrl="jobs", Entries=entries))
    assert sorted(message.body for message in queue.messages()) == done
    return done, left


def received(region: Region) -> tuple[Queue, list[Any]]:
    """A queue that has given all it holds, and entries of handles."""
    queue = region.sqs.create_queue("jobs")
    queue.shuffles = False
    for name in NAMES:
        queue.send(name)
    return queue, [
        {"Id": str(number), "ReceiptHandle": got.receipt_handle} for number, got in enumerate(queue.receive())
    ]


def delete(region: Region) -> Split:
    queue, entries = received(region)
    done, left = told(call(region, "sqs", "delete_message_batch", QueueUrl="jobs", Entries=entries))
    assert [message.body for message in queue.messages()] == left
    return done, left


def change_visibility(region: Region) -> Split:
    queue, entries = received(region)
    entries = [{**entry, "VisibilityTimeout": 0} for entry in entries]
    done, left = told(call(region, "sqs", "change_message_visibility_batch", QueueUrl="jobs", Entries=entries))
    assert sorted(got.body for got in queue.receive()) == done
    return done, left


OPERATIONS: dict[str, Operation] = {
    "batch_get_item": get,
    "batch_write_item": write,
    "batch_execute_statement": statements,
    "publish_batch": publish,
    "send_message_batch": send,
    "delete_message_batch": delete,
    "change_message_visibility_batch": change_visibility,
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_part_is_done_and_the_rest_is_told(operation: str) -> None:
    """Any part by chance, sometimes nothing, never all: whoever takes the done ones for the first ones is wrong."""
    assert has_parts(operation)
    seen = []
    for seed in SEEDS:
        done, left = OPERATIONS[operation](Region(seed))
        assert sorted([*done, *left]) == NAMES
        assert left
        seen.append(sorted(done))
    assert [] in seen
    assert any(len(done) == COUNT - 1 for done in seen)
    assert any(done != NAMES[: len(done)] for done in seen)


@pytest.mark.parametrize("operation", ["put_item", "transact_write_items", "publish", "query"])
def test_others_are_carried_out_as_a_whole(operation: str) -> None:
    """Or not at all."""
    assert not has_parts(operation)


def test_what_the_service_refuses_itself_is_told_too(region: Region) -> None:
    """Beside what was left undone, and not twice."""
    region.sqs.create_queue("jobs")
    region.scheduler.random.seed(3)
    entries = [{"Id": str(number), "ReceiptHandle": "no handle"} for number in range(COUNT)]
    reply = call(region, "sqs", "delete_message_batch", QueueUrl="jobs", Entries=entries)
    assert sorted(entry["Id"] for entry in reply["Failed"]) == [str(number) for number in range(COUNT)]
    assert {entry["Code"] for entry in reply["Failed"]} == {"InternalError", "ReceiptHandleIsInvalid"}
    assert reply["Successful"] == []
