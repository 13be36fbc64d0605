"""What flow tests do with a deployment, and what they see of it."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from local import processes
from local.demo.drain import Watch, drain
from local.demo.places import Places
from local.demo.queues import count_emails, total_depth
from local.demo.stock import read_levels
from local.demo.tables import count_items, read_markers, read_revenue, scan
from local.deployment import Deployment
from messaging.publisher import Publisher
from messaging.tables import INBOX, ORDER_LOG, OUTBOX, RESERVATIONS, REVENUE, STOCK
from messaging.topology import ORDERS
from tests.factories import order


def wait_for(condition: Callable[[], bool], what: str, timeout_seconds: float = 90.0) -> None:
    """Wait for a condition. Fails with `what` was waited for."""
    assert processes.wait_until(condition, timeout_seconds), f"not within {timeout_seconds:.0f} s: {what}"


def publish(deployment: Deployment, places: Places, events: list[Any], run: str) -> None:
    """Events or drafts to the topic, all of them accepted. `run` makes their deduplication ids new."""
    publisher = Publisher(deployment.client("sns"), topic=ORDERS, topic_arn=places.topic_arn, source="urn:waybill:flow")
    report = publisher.publish(events, resend=run)
    assert (report.failed, report.unrouted) == ((), ())


def drained(deployment: Deployment, places: Places) -> None:
    """Wait until nothing is in a queue, or in the outbox on its way to one."""
    sqs, dynamodb = deployment.client("sqs"), deployment.client("dynamodb")

    def depth() -> int:
        return total_depth(sqs, places.queue_urls) + count_items(dynamodb, places.table(OUTBOX))

    assert drain(Watch(depth=depth)), "the queues did not drain"


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


def assert_masked(arguments: Sequence[str], *said: str) -> None:
    """A command has shown nobody's name, unless it was asked to."""
    if not {"--reveal", "export"} & {*arguments}:
        assert not [text for text in said if order().ship_to.name in text], arguments


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
