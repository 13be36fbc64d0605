"""Deployed: what is written to the outbox reaches the queues, whatever becomes of the engine in between."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from pathlib import Path

from local.demo.places import Places
from local.demo.tables import scan
from local.deployment import Deployment, down, exports, up
from messaging.events import Event
from messaging.outbox import Outbox
from messaging.tables import ORDER_LOG, OUTBOX
from tests.factories import line, order
from tests.flow.observing import wait_for
from tests.test_examples import run_ordering_service


def orders(run: str, count: int) -> list[Event]:
    return [order(f"{run}-{n}", customer_id=f"C{n % 3}", lines=[line("FLOW-3")]) for n in range(count)]


def write(deployment: Deployment, places: Places, events: Iterable[Event]) -> None:
    """One transaction an event."""
    outbox, dynamodb = Outbox(table=places.table(OUTBOX), source="urn:waybill:flow"), deployment.client("dynamodb")
    for event in events:
        dynamodb.transact_write_items(TransactItems=outbox.items([event]))


def applied(deployment: Deployment, places: Places, run: str) -> list[str]:
    """The ids of this run's orders that an order writer has."""
    log = scan(deployment.client("dynamodb"), places.table(ORDER_LOG))
    return sorted(item["order_id"]["S"] for item in log if item["order_id"]["S"].startswith(run))


def is_empty(deployment: Deployment, places: Places) -> bool:
    return not list(scan(deployment.client("dynamodb"), places.table(OUTBOX)))


def assert_relayed(deployment: Deployment, places: Places) -> None:
    """Orders written to the outbox are applied, and nothing is left in it."""
    run, count = f"relay-{uuid.uuid4().hex[:8]}", 12
    write(deployment, places, orders(run, count))
    wait_for(lambda: len(applied(deployment, places, run)) == count, "all orders applied")
    wait_for(lambda: is_empty(deployment, places), "the outbox empty")


def test_the_outbox_reaches_the_queues_also_after_a_restart(
    checkout: Path, deployment: Deployment, places: Places
) -> None:
    """By the table's stream and the mapping on it, which goes on where it was."""
    assert_relayed(deployment, places)
    down(checkout, print)
    assert_relayed(up(checkout, report=print), places)


def test_the_schedule_is_there_and_its_sweep_works(deployment: Deployment, places: Places) -> None:
    """What the deployed rule sends to its target is what the relay understands."""
    events = deployment.client("events")
    (rule,) = [each for each in events.list_rules()["Rules"] if each.get("ScheduleExpression") == "rate(15 minutes)"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    reply = deployment.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())
    assert "FunctionError" not in reply
    assert json.load(reply["Payload"])["complete"] is True


def test_the_ordering_service_of_the_examples_reaches_the_queues(
    checkout: Path, deployment: Deployment, places: Places
) -> None:
    """A producer with a table of its own, and the outbox that `dev.py env` names."""
    run = f"example-{uuid.uuid4().hex[:8]}"
    assert "on its way" in run_ordering_service(deployment.endpoint, exports(checkout)["OUTBOX_TABLE"], run)
    wait_for(lambda: applied(deployment, places, run) == [run], "the order applied")
