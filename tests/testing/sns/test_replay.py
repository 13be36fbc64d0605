"""The archive and replay of a FIFO topic, and the envelope, which tells a replayed message."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from testing.scheduler import Scheduler
from testing.sns import Refused, Sns, Topic
from tests.testing.sns.queue import FakeQueue

Queues = Callable[[str], FakeQueue]
DAY = 86_400


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


@pytest.fixture
def archived(sns: Sns) -> Topic:
    return sns.create_topic("archived.fifo", {"ArchivePolicy": '{"MessageRetentionPeriod":"30"}'})


def publish(topic: Topic, *bodies: str, **attributes: str) -> None:
    for body in bodies:
        topic.publish(
            body,
            attributes={name: text(value) for name, value in attributes.items()},
            group="g",
            deduplication_id=body,
        )


def test_a_replay_delivers_a_stretch_of_time_again(scheduler: Scheduler, archived: Topic, queue: Queues) -> None:
    """In order, to this subscription only, before what is published later; both ends belong to it."""
    first, second = queue("first.fifo"), queue("second.fifo")
    subscription = archived.subscribe(first, name="first")
    archived.subscribe(second, name="second")
    times = []
    for body in ("a", "b", "c", "d"):
        publish(archived, body)
        times.append(scheduler.now)
        scheduler.sleep(1000)
    assert subscription.replay(times[1], times[2]) == 2
    publish(archived, "e")
    scheduler.run()
    assert first.bodies == ["a", "b", "c", "d", "b", "c", "e"]
    assert second.bodies == ["a", "b", "c", "d", "e"]
    assert (subscription.totals.replayed, subscription.totals.delivered) == (2, 7)
    assert subscription.replay(times[3]) == 2


def test_a_new_subscription_can_have_what_came_before_it(scheduler: Scheduler, archived: Topic, queue: Queues) -> None:
    """Those that its filter lets pass."""
    began = scheduler.now
    publish(archived, "a", "b", type="placed")
    publish(archived, "c", type="cancelled")
    late = queue("late.fifo")
    subscription = archived.subscribe(late, name="late", filter_policy={"type": ["placed"]})
    assert subscription.replay(began) == 2
    scheduler.run()
    assert late.bodies == ["a", "b"]
    assert (subscription.totals.replayed, subscription.totals.filtered_out) == (3, 1)


def test_what_is_older_than_the_policy_is_gone(scheduler: Scheduler, archived: Topic, queue: Queues) -> None:
    """After thirty days here."""
    taker = queue("q.fifo")
    subscription = archived.subscribe(taker, name="q")
    began = scheduler.now
    publish(archived, "a")
    scheduler.sleep(DAY)
    publish(archived, "b")
    scheduler.sleep(29 * DAY)
    assert subscription.replay(began) == 2
    scheduler.sleep(1)
    assert subscription.replay(began) == 1


def test_a_fifo_queue_drops_what_it_got_within_five_minutes(
    scheduler: Scheduler, archived: Topic, queue: Queues
) -> None:
    """A replayed message has its old deduplication id. A standard queue takes it."""
    ordered, plain = queue("ordered.fifo"), queue("plain")
    subscriptions = [archived.subscribe(ordered, name="ordered"), archived.subscribe(plain, name="plain")]
    began = scheduler.now
    publish(archived, "a")
    scheduler.run()
    for each in subscriptions:
        each.replay(began)
    scheduler.run()
    assert (ordered.bodies, plain.bodies) == (["a"], ["a", "a"])
    scheduler.sleep(300)
    subscriptions[0].replay(began)
    scheduler.run()
    assert [(each.body, each.group, each.deduplication_id) for each in ordered.got] == [("a", "g", "a")] * 2


def test_only_the_envelope_tells_a_replayed_message(scheduler: Scheduler, archived: Topic, queue: Queues) -> None:
    """By `Replayed`; content, MessageId and Timestamp are the same. Raw delivery brings the same message twice."""
    wrapped, raw = queue("wrapped"), queue("raw")
    subscriptions = [archived.subscribe(wrapped, name="w", raw=False), archived.subscribe(raw, name="r")]
    began = scheduler.now
    publish(archived, "a", type="placed")
    scheduler.sleep(60)
    for each in subscriptions:
        each.replay(began)
    scheduler.run()
    first, second = (json.loads(body) for body in wrapped.bodies)
    assert second == {**first, "Replayed": "true"}
    assert [(each.body, each.attributes) for each in raw.got] == [("a", {"type": text("placed")})] * 2


def test_a_topic_without_an_archive_replays_nothing(sns: Sns, topic: Topic, queue: Queues) -> None:
    """It says so; and with an archive it can't be deleted, nor can its policy be just anything."""
    with pytest.raises(Refused, match="no ArchivePolicy"):
        topic.subscribe(queue("q.fifo"), name="q").replay(0)
    sns.delete_topic(topic)
    with pytest.raises(Refused, match="does not exist"):
        sns.topic(topic.arn)
    kept = sns.create_topic("kept.fifo", {"ArchivePolicy": '{"MessageRetentionPeriod":"1"}'})
    with pytest.raises(Refused, match="InvalidState"):
        sns.delete_topic(kept)
    for policy in ("{}", "no json", '{"MessageRetentionPeriod":"366"}', '{"MessageRetentionPeriod":"0"}'):
        with pytest.raises(Refused, match="ArchivePolicy"):
            sns.create_topic("other.fifo", {"ArchivePolicy": policy})


def test_the_envelope_is_that_of_aws(scheduler: Scheduler, topic: Topic, standard: Topic, queue: Queues) -> None:
    """That of a FIFO topic has a SequenceNumber and no signature."""
    documents: list[dict[str, Any]] = []
    for each in (topic, standard):
        taker = queue("q")
        subscription = each.subscribe(taker, name="q", raw=False)
        receipt = each.publish(
            "Test",
            attributes={
                "n": {"DataType": "Number", "StringValue": "1"},
                "b": {"DataType": "Binary", "BinaryValue": b"\2\3\4"},
            },
            subject="Subject",
            **({"group": "g", "deduplication_id": "d"} if each.fifo else {}),
        )
        scheduler.run()
        document = json.loads(taker.bodies[0])
        assert taker.got[0].attributes == {}
        assert document["MessageId"] == receipt.message_id
        assert document["UnsubscribeURL"].endswith(f"SubscriptionArn={subscription.arn}")
        documents.append(document)
    ordered, plain = documents
    assert ordered["SequenceNumber"] == "10000000000000000000"
    assert {**ordered, "MessageId": "", "UnsubscribeURL": "", "Timestamp": ""} == {
        "Type": "Notification",
        "MessageId": "",
        "SequenceNumber": "10000000000000000000",
        "TopicArn": topic.arn,
        "Subject": "Subject",
        "Message": "Test",
        "Timestamp": "",
        "UnsubscribeURL": "",
        "MessageAttributes": {"n": {"Type": "Number", "Value": "1"}, "b": {"Type": "Binary", "Value": "AgME"}},
    }
    assert ordered["Timestamp"] == "2026-09-21T14:13:20.000Z"
    assert plain.keys() - ordered.keys() == {"SignatureVersion", "Signature", "SigningCertURL"}
