"""PublishBatch: each entry has an answer of its own, unless the request makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from messaging.publisher import Publisher
from messaging.topology import ORDERS
from testing.scheduler import Scheduler
from testing.sns import Client, Refused, Sns, Topic
from testing.sns.publication import Publication
from tests.factories import order
from tests.testing.sns.queue import FakeQueue

Queues = Callable[[str], FakeQueue]


def entry(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "Id": str(number),
        "Message": f"m{number}",
        "MessageGroupId": "g",
        "MessageDeduplicationId": f"d{number}",
        **changes,
    }


def test_entries_are_published_in_order(sns: Sns, scheduler: Scheduler, topic: Topic, queue: Queues) -> None:
    """Repeats within the batch are accepted and dropped, with the first one's ids."""
    taker = queue("q.fifo")
    topic.subscribe(taker, name="q")
    entries = [entry(1), entry(2), entry(3, MessageDeduplicationId="d1")]
    reply = Client(sns).publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries)
    first, second, repeat = reply["Successful"]
    assert [each["Id"] for each in reply["Successful"]] == ["1", "2", "3"]
    assert {**repeat, "Id": "1"} == first
    assert first["SequenceNumber"] < second["SequenceNumber"]
    assert reply["Failed"] == []
    scheduler.run()
    assert taker.bodies == ["m1", "m2"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([entry(n) for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([entry(1), entry(1)], "BatchEntryIdsNotDistinct"),
        ([entry(1, Id="no spaces")], "InvalidBatchEntryId"),
        ([entry(1, Id="x" * 81)], "InvalidBatchEntryId"),
        ([entry(n, Message="x" * 30_000) for n in range(9)], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(
    sns: Sns, topic: Topic, entries: list[dict[str, Any]], code: str
) -> None:
    """As a whole: nothing of it is published."""
    client = Client(sns)
    with pytest.raises(getattr(client.exceptions, f"{code}Exception")) as raised:
        client.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries)
    assert raised.value.response["Error"]["Code"] == code
    assert topic.totals.published == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"Message": ""},
        {"MessageGroupId": ""},
        {"MessageDeduplicationId": "two words"},
        {"MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}},
    ],
)
def test_one_entry_that_makes_no_sense_refuses_all_of_them(sns: Sns, topic: Topic, wrong: dict[str, str]) -> None:
    """So AWS does it (recorded), rather than to report the entry among `Failed`."""
    with pytest.raises(Refused):
        sns.execute(
            "PublishBatch", {"TopicArn": topic.arn, "PublishBatchRequestEntries": [entry(1), entry(2, **wrong)]}
        )
    assert topic.totals.published == 0


def test_what_the_world_refuses_is_among_failed(scheduler: Scheduler) -> None:
    """The others are published. InternalError is no fault of the sender's."""
    codes = {"m1": "InternalError", "m3": "KMSThrottling"}

    def refuse(_: Topic, publication: Publication) -> Refused | None:
        code = codes.get(publication.body)
        return None if code is None else Refused(code, "not now")

    sns = Sns(scheduler, refuse=refuse)
    topic = sns.create_topic("orders.fifo")
    client = Client(sns)
    reply = client.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=[entry(n) for n in range(4)])
    assert [each["Id"] for each in reply["Successful"]] == ["0", "2"]
    assert reply["Failed"] == [
        {"Id": "1", "Code": "InternalError", "Message": "not now", "SenderFault": False},
        {"Id": "3", "Code": "KMSThrottling", "Message": "not now", "SenderFault": True},
    ]
    with pytest.raises(client.exceptions.InternalErrorException):
        client.publish(TopicArn=topic.arn, Message="m1", MessageGroupId="g", MessageDeduplicationId="e")
    assert topic.totals.published == 2


def test_the_publisher_sends_a_failed_entry_again(scheduler: Scheduler, queue: Queues) -> None:
    """And in the end everything has arrived, once and in order."""
    refusals = [Refused("InternalError", "not now")] * 3
    sns = Sns(scheduler, refuse=lambda *_: refusals.pop() if refusals and scheduler.random.random() < 0.5 else None)
    topic = sns.create_topic(f"{ORDERS.name}.fifo", {"FifoThroughputScope": "MessageGroup"})
    taker = queue("q.fifo")
    topic.subscribe(taker, name="q", filter_policy=ORDERS.subscriptions[0].filter_policy)
    publisher = Publisher(
        Client(sns),
        topic=ORDERS,
        topic_arn=topic.arn,
        source="urn:test",
        side_by_side=lambda drain, lanes: [drain(lane) for lane in lanes],
        clock=scheduler.time,
        sleep=scheduler.sleep,
    )
    events = [order(str(number), customer_id="ALFKI") for number in range(12)]
    report = publisher.publish(events)
    scheduler.run()
    assert refusals == []
    assert report.failed == ()
    assert [each.deduplication_id for each in taker.got] == [event.event_id for event in events]
