"""Deployed, end to end: exact effects while functions are killed, and bad messages where they belong."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from local.demo.places import Places
from local.demo.publishing import cancellations
from local.demo.tables import scan
from local.deployment import Deployment
from messaging.events import OrderPlaced
from messaging.tables import ORDER_LOG
from tests.factories import body, line, order
from tests.flow.observing import dead_letters, drained, publish, wait_for

EVENTS = Path(__file__).parent.parent / "events"


@pytest.mark.fault(16, 46)
def test_bad_messages_end_with_their_reason_and_stop_nobody(deployment: Deployment, places: Places) -> None:
    """Sent to a queue by hand, each among good neighbours of its own group."""
    sqs, run = deployment.client("sqs"), uuid.uuid4().hex[:8]
    good = [order(f"good-{run}-{n}", customer_id=f"C{n}", lines=[line("FLOW-1")]) for n in range(6)]
    newer = body(order(f"newer-{run}"), time=time.time()).replace("OrderPlaced:1", "OrderPlaced:2")
    unknown = body(order(f"other-{run}"), time=time.time()).replace("OrderPlaced", "OrderShipped")
    bad = {
        "not JSON": ("}{" + run, "poison"),
        "SNS envelope": (json.dumps({"Type": "Notification", "TopicArn": "arn", "Message": run}), "poison"),
        "missing field": (json.dumps({"specversion": "1.0", "id": run}), "poison"),
        "newer version": (newer, "newer_version"),
        "unknown type": (unknown, "newer_version"),
    }

    def parked_of(run: str) -> dict[str, str]:
        letters = dead_letters(deployment, places, "standard_orders")
        return {letter["body"]: letter["reason"] for letter in letters if run in letter["body"]}

    for number, (text, _) in enumerate(bad.values()):
        for position, content in enumerate((text, body(good[number], time=time.time()))):
            sqs.send_message(
                QueueUrl=places.queue_url("standard_orders"),
                MessageBody=content,
                MessageGroupId=f"C{number}",
                MessageDeduplicationId=f"{run}-{number}-{position}",
            )
    wait_for(lambda: len(parked_of(run)) == len(bad), "all bad messages parked")
    drained(deployment, places)
    assert parked_of(run) == dict(bad.values())
    written = {item["order_id"]["S"] for item in scan(deployment.client("dynamodb"), places.table(ORDER_LOG))}
    assert {each.order_id for each in good[: len(bad)]} <= written


@pytest.mark.fault(6)
def test_a_poison_message_that_is_redriven_is_dead_again(deployment: Deployment, places: Places) -> None:
    """Within the five minutes in which SQS drops a repeated deduplication id: ours is new with each redrive."""
    sqs, text = deployment.client("sqs"), f"}}{{ {uuid.uuid4().hex}"
    source, dead = places.queue_url("standard_orders"), places.dead_letter_queue_url("standard_orders")

    def redrive() -> None:
        """Receive, send, delete, as an operator's tool does."""
        found: list[Any] = []
        while not found:  # other tests' letters lie there too
            reply = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=5)
            found = [each for each in reply["Messages"] if each["Body"] == text]
        (letter,) = found
        send(f"redriven-{letter['MessageId']}")
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])

    def send(deduplication_id: str) -> None:
        sqs.send_message(
            QueueUrl=source, MessageBody=text, MessageGroupId="redriven", MessageDeduplicationId=deduplication_id
        )

    def letters() -> list[dict[str, Any]]:
        return [each for each in dead_letters(deployment, places, "standard_orders") if each["body"] == text]

    send(f"first-{text[3:]}")
    for _ in range(2):
        wait_for(lambda: len(letters()) == 1, "the poison message parked")
        redrive()
    wait_for(lambda: len(letters()) == 1, "the poison message parked for the third time")
    assert letters()[0]["reason"] == "poison"


def test_an_event_by_hand_in_the_wrong_queue_is_parked(deployment: Deployment, places: Places) -> None:
    """A cancellation in the notifications queue, whose consumer knows no such event."""
    sqs = deployment.client("sqs")
    (cancelled,) = cancellations([order(f"wrong-{uuid.uuid4().hex[:8]}")], 1, 1)
    sqs.send_message(QueueUrl=places.queue_url("notifications"), MessageBody=body(cancelled, time=time.time()))

    def letters() -> list[dict[str, Any]]:
        found = dead_letters(deployment, places, "notifications")
        return [each for each in found if cancelled.event_id in each["body"]]

    wait_for(lambda: bool(letters()), "the cancellation parked")
    (letter,) = letters()
    assert (letter["reason"], letter["consumer"]) == ("poison", "notifications")
    assert len(letter["code_version"]) == 12


@pytest.mark.parametrize("consumer", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_each_function_can_be_invoked_by_hand(deployment: Deployment, places: Places, consumer: str) -> None:
    """The deployed function takes its sample event as Lambda would hand it over."""
    reply = deployment.client("lambda").invoke(
        FunctionName=places.function(consumer), Payload=(EVENTS / f"{consumer}.json").read_bytes()
    )
    assert "FunctionError" not in reply
    assert json.load(reply["Payload"]) == {"batchItemFailures": []}


def logged(deployment: Deployment, places: Places, consumer: str, event_id: str) -> list[str]:
    """The outcomes that a consumer logged for an event, one a delivery."""
    events = deployment.client("logs").filter_log_events(logGroupName=places.log_groups[consumer], limit=10_000)[
        "events"
    ]
    lines = [event["message"] for event in events if event_id in event["message"]]
    return [json.loads(text)["outcome"] for text in lines if '"message":"record"' in text]


def test_the_topic_drops_a_repeated_deduplication_id(deployment: Deployment, places: Places) -> None:
    """The deployed topic is FIFO: the consumer gets one message, and not a second that only its inbox stops."""
    topic = deployment.client("sns").get_topic_attributes(TopicArn=places.topic_arn)["Attributes"]
    assert topic["FifoTopic"] == "true"
    once: list[OrderPlaced] = [order(f"once-{uuid.uuid4().hex[:8]}", lines=[line("FLOW-2")])]
    later: list[OrderPlaced] = [order(f"later-{uuid.uuid4().hex[:8]}", lines=[line("FLOW-2")])]
    for events, run in ((once, "same"), (once, "same"), (later, "same"), (later, "other")):
        publish(deployment, places, events, run)
    drained(deployment, places)
    # two messages of the later event prove that repeats are seen in the log where the topic lets them through
    wait_for(lambda: len(logged(deployment, places, "inventory", later[0].event_id)) == 2, "both of the later event")
    assert sorted(logged(deployment, places, "inventory", later[0].event_id)) == ["applied", "duplicate"]
    assert logged(deployment, places, "inventory", once[0].event_id) == ["applied"]
