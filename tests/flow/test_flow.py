"""Deployed, end to end: exact effects while functions are killed, and bad messages where they belong."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local import engine as local_engine
from local import processes
from local.demo.drain import Watch, drain
from local.demo.generator import generate_orders, generate_stock
from local.demo.places import Places
from local.demo.publishing import cancellations
from local.demo.queues import count_emails, total_depth
from local.demo.stock import initial_units, read_levels, seed_stock
from local.demo.tables import read_markers, read_revenue, scan
from local.deployment import Deployment
from local.engine import Engine
from messaging.events import OrderPlaced
from messaging.publisher import Publisher
from messaging.topology import INBOX, ORDER_LOG, ORDERS, RESERVATIONS, REVENUE, STOCK
from tests.factories import body, line, order

pytestmark = pytest.mark.xdist_group("flow")  # one engine, one worker

EVENTS = Path(__file__).parent.parent / "events"
KILLS = 6


def wait_for(condition: Callable[[], bool], what: str, timeout_seconds: float = 90.0) -> None:
    assert processes.wait_until(condition, timeout_seconds), f"not within {timeout_seconds:.0f} s: {what}"


def publish(deployment: Deployment, places: Places, events: list[Any], run: str) -> None:
    publisher = Publisher(deployment.client("sns"), topic=ORDERS, topic_arn=places.topic_arn, source="urn:waybill:flow")
    report = publisher.publish(events, resend=run)
    assert (report.failed, report.unrouted) == ((), ())


def drained(deployment: Deployment, places: Places) -> None:
    sqs = deployment.client("sqs")
    assert drain(Watch(depth=lambda: total_depth(sqs, places.queue_urls))), "the queues did not drain"


def dead_letters(deployment: Deployment, places: Places, consumer: str) -> list[dict[str, Any]]:
    """Body and our attribute of each dead letter, looked at without receiving."""
    url = f"{deployment.endpoint}/_ministack/sqs/messages?QueueUrl={places.dead_letter_queue_url(consumer)}"
    with urllib.request.urlopen(url, timeout=30) as reply:  # the engine, on loopback
        accounts = json.load(reply)["messages"]
    messages = [m for regions in accounts.values() for queues in regions.values() for ms in queues.values() for m in ms]
    return [
        {"body": m["Body"], **json.loads(m["MessageAttributes"].get("waybill", {"StringValue": "{}"})["StringValue"])}
        for m in messages
    ]


def all_dead_letters(deployment: Deployment, places: Places) -> dict[str, list[str]]:
    """The bodies of all dead letters by consumer: those of other tests may be among them."""
    return {name: [letter["body"] for letter in dead_letters(deployment, places, name)] for name in places.consumers}


class Totals:
    """What tables and SES hold now."""

    def __init__(self, deployment: Deployment, places: Places) -> None:
        dynamodb = deployment.client("dynamodb")
        self.revenue = read_revenue(dynamodb, places.table(REVENUE))
        self.stock = read_levels(dynamodb, places.table(STOCK), places.table(RESERVATIONS))
        self.emails = count_emails(deployment.endpoint)
        self.reservations = Counter(item["status"]["S"] for item in scan(dynamodb, places.table(RESERVATIONS)))
        markers = read_markers(dynamodb, inbox_table=places.table(INBOX), order_table=places.table(ORDER_LOG))
        self.applied = Counter(marker.consumer for marker in markers)
        assert len({(marker.consumer, marker.event_id) for marker in markers}) == len(markers)


@contextmanager
def killing_functions(running: Engine, deployment: Deployment, places: Places) -> Iterator[list[int]]:
    """Kills processes of functions with batches in flight, at most KILLS; yields the killed ids as they come."""
    killed: list[int] = []
    stop = threading.Event()
    sqs = deployment.client("sqs")

    def in_flight() -> bool:
        names = ["ApproximateNumberOfMessagesNotVisible"]
        queues = (sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names) for url in places.queue_urls)
        return any(int(reply["Attributes"][names[0]]) for reply in queues)

    def kill() -> None:
        while len(killed) < KILLS and not stop.is_set():
            functions = local_engine.function_processes(running)
            if functions and in_flight():
                # another function each time, and never all at once: the engine replaces them one by one
                victim = functions[len(killed) % len(functions)]
                if processes.send(victim, signal.SIGKILL):
                    killed.append(victim.pid)
            stop.wait(0.15)

    thread = threading.Thread(target=kill, name="killer")
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def redelivered(deployment: Deployment, places: Places) -> int:
    """Records that functions logged with a second or later attempt: their first one ended without an answer."""
    logs = deployment.client("logs")
    lines = [
        event["message"]
        for group in places.log_groups.values()
        for event in logs.filter_log_events(logGroupName=group, limit=10_000)["events"]
        if '"message":"record"' in event["message"]
    ]
    return sum(json.loads(text)["attempt"] > 1 for text in lines)


def assert_order_per_customer(deployment: Deployment, places: Places, events: list[Any]) -> None:
    """Every FIFO consumer applied each customer's events in the order in which they were published."""
    dynamodb = deployment.client("dynamodb")
    applied_at = {
        (item["consumer"]["S"], item["event_id" if "event_id" in item else "id"]["S"].rpartition("#")[2]): item[
            "applied_at"
        ]["S"]
        for table in (INBOX, ORDER_LOG)
        for item in scan(dynamodb, places.table(table))
        if "applied_at" in item
    }
    compared = 0
    for consumer in ("inventory", "priority_orders", "standard_orders"):
        for customer in {event.customer_id for event in events}:
            ids = [event.event_id for event in events if event.customer_id == customer]
            times = [applied_at[consumer, event_id] for event_id in ids if (consumer, event_id) in applied_at]
            assert times == sorted(times), f"{consumer} applied events of {customer} out of order"
            compared += len(times)
    assert compared == 2 * len(events)  # inventory, and one of the two order writers


def test_killed_functions_change_no_total(deployment: Deployment, places: Places, running: Engine) -> None:
    """Orders, resends and cancellations flow while functions die in the middle of batches: every effect is exact."""
    orders = list(generate_orders(150, seed=7))
    cancelled = cancellations(orders, 15, 7)
    seed_stock(
        deployment.client("dynamodb"),
        places.table(STOCK),
        initial_units(generate_stock([each.sku for o in orders for each in o.lines], 7), orders, scarce=True),
    )
    before, parked = Totals(deployment, places), all_dead_letters(deployment, places)
    with killing_functions(running, deployment, places) as killed:
        publish(deployment, places, orders[:75], "a")
        publish(deployment, places, [*orders[50:], *cancelled], "b")
        wait_for(lambda: len(killed) == KILLS, "functions killed with batches in flight")
    drained(deployment, places)
    after = Totals(deployment, places)

    assert redelivered(deployment, places) > 0, "no kill fell into a batch"
    assert all_dead_letters(deployment, places) == parked
    expected = sum((o.amount() for o in orders), Decimal(0)) - sum((o.amount() for o in cancelled), Decimal(0))
    assert after.revenue - before.revenue == expected
    assert after.stock.violations == ()
    decided = after.reservations - before.reservations
    assert 0 < decided["refused"] < 150
    assert decided.total() == 150
    routed = Counter(row.consumer for event in [*orders, *cancelled] for row in ORDERS.routes(event.attributes))
    assert after.applied - before.applied == routed
    assert (routed["inventory"], routed["notifications"]) == (165, 150)
    assert_order_per_customer(deployment, places, [*orders, *cancelled])
    # a kill between sending and completing sends that one mail again
    assert 150 <= after.emails - before.emails <= 150 + len(killed)


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


def test_an_event_by_hand_in_the_wrong_queue_is_parked(deployment: Deployment, places: Places) -> None:
    """A cancellation in the notifications queue, whose consumer knows no such event."""
    sqs = deployment.client("sqs")
    (cancelled,) = cancellations([order(f"wrong-{uuid.uuid4().hex[:8]}")], 1, 1)
    sqs.send_message(QueueUrl=places.queue_url("notifications"), MessageBody=body(cancelled, time=time.time()))
    wait_for(lambda: bool(dead_letters(deployment, places, "notifications")), "the cancellation parked")
    (letter,) = dead_letters(deployment, places, "notifications")
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
