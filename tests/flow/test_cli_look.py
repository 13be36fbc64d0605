"""The commands that look, against a deployment: as tables, as JSON and piped, with their exit codes."""

from __future__ import annotations

import json
import signal
import time
import uuid

import pytest

from local.demo.places import Places
from local.deployment import Deployment
from tests.factories import body, line, order
from tests.flow.observing import drained, publish, wait_for
from tests.flow.operating import Start, Waybill, document_in_every_format, in_every_format


@pytest.fixture
def placed(deployment: Deployment, places: Places) -> str:
    """The id of an order that all of its consumers have applied."""
    run = f"look-{uuid.uuid4().hex[:8]}"
    publish(deployment, places, [order(run, lines=[line("FLOW-1")])], run)
    drained(deployment, places)
    return run


def test_an_order_is_traced_from_queue_to_e_mail(waybill: Waybill, placed: str) -> None:
    """By its own id, and by its event's; what nobody has seen is not found."""
    steps = in_every_format(waybill, "trace", placed, named="event_id")
    done = {(step["where"], step["what"]) for step in steps if step["event_id"] == f"OrderPlaced-{placed}"}
    assert {(name, "applied") for name in ("inventory", "standard_orders", "analytics", "notifications")} <= done
    assert ("notifications", "e-mail sent") in done
    assert ("topic", "published") in done
    assert [*waybill("trace", f"OrderPlaced-{placed}").piped[0]] == ["at", "event_id", "where", "what", "detail"]
    assert waybill("trace", "nobody-knows-it").exit_code == 5


@pytest.mark.fault(48)
def test_why_says_which_condition_of_the_deployed_filter_failed(waybill: Waybill, placed: str) -> None:
    """Of an event that others have seen, and of one that nobody has, but that is given."""
    said = document_in_every_format(waybill, "why", f"OrderPlaced-{placed}", "priority_orders")
    assert (said["state"], said["filter_matches"]) == ("filtered", False)
    assert said["details"] == ['priority: "standard", but the policy wants "high"']
    given = waybill("why", "OrderPlaced-0", "priority_orders", "--event", '{"type": "StockReserved"}')
    assert 'type: "StockReserved", but the policy wants' in given.out
    assert "has applied" in waybill("why", f"OrderPlaced-{placed}", "inventory").out
    assert waybill("why", "OrderPlaced-0", "nobody").exit_code == 5


def test_a_dead_letter_is_explained_and_seen(
    waybill: Waybill, deployment: Deployment, places: Places, placed: str
) -> None:
    """By why, tail, queues, status and doctor: an id that comes twice with two contents."""
    event_id = f"OrderPlaced-{placed}"
    deployment.client("sqs").send_message(
        QueueUrl=places.queue_url("inventory"),
        MessageBody=body(order(placed, lines=[line("FLOW-2", 7)]), time=time.time()),
        MessageGroupId="look",
        MessageDeduplicationId=uuid.uuid4().hex,
    )
    wait_for(lambda: "reason conflict" in waybill("why", event_id, "inventory").out, "the conflict explained")

    tail = ("tail", "inventory", "--outcome", "failed", "--match", event_id)
    wait_for(lambda: bool(waybill(*tail, "-o", "ndjson").out), "the failure in the log")
    (letter,) = {(each["outcome"], each["reason"]) for each in waybill(*tail, "-o", "json").data}
    assert letter == ("dead_lettered", "conflict")
    assert {row["reason"] for row in waybill(*tail).piped} == {"conflict"}
    assert event_id in waybill(*tail, "-o", "table").out
    assert waybill("queues", "--fail-on-dlq").exit_code == 7
    rows = {row["consumer"]: row for row in in_every_format(waybill, "queues")}
    assert rows["inventory"]["dead"] >= 1
    assert rows["inventory"]["age_seconds"] is None  # which the engine does not know: not 0
    status = {row["consumer"]: row["health"] for row in in_every_format(waybill, "status")}
    assert "dead letters" in status["inventory"]
    found = in_every_format(waybill, "doctor", exit_code=7)
    assert ("inventory", "wrong") in {(each["about"], each["level"]) for each in found}
    assert not [
        each
        for each in found
        if each["level"] == "wrong" and "dead letters" not in each["finding"] and "raised" not in each["finding"]
    ]


def test_a_paused_consumer_takes_nothing_until_it_is_resumed(
    waybill: Waybill, deployment: Deployment, places: Places
) -> None:
    """What comes meanwhile waits, and why says so."""
    run = f"paused-{uuid.uuid4().hex[:8]}"
    try:
        assert "is paused" in waybill("pause", "analytics").err
        assert "already" in waybill("pause", "analytics").err
        publish(deployment, places, [order(run, lines=[line("FLOW-1")])], run)
        wait_for(
            lambda: "applied" in waybill("inbox", "get", f"OrderPlaced-{run}", "inventory").out, "applied elsewhere"
        )
        said = waybill("why", f"OrderPlaced-{run}", "analytics", "-o", "json").data
        assert said["state"] == "waiting"
        assert "is paused" in said["details"][0]
        assert "takes no messages" in waybill("doctor").out
    finally:
        waybill("resume", "analytics")
    drained(deployment, places)
    assert waybill("inbox", "get", f"OrderPlaced-{run}", "analytics").exit_code == 0


def test_a_marker_is_forgotten(waybill: Waybill, placed: str) -> None:
    """Then it is not there; the effect's own item is left alone."""
    event_id = f"OrderPlaced-{placed}"
    assert document_in_every_format(waybill, "inbox", "get", event_id, "analytics")["marker"]["status"] == "COMPLETED"
    assert waybill("inbox", "forget", event_id, "analytics").exit_code == 0
    assert waybill("inbox", "get", event_id, "analytics").exit_code == 5
    assert waybill("inbox", "forget", event_id, "analytics").exit_code == 5
    assert waybill("inbox", "forget", event_id, "standard_orders").exit_code == 2


def test_alarms_are_listed(waybill: Waybill) -> None:
    """One that is raised makes the exit code 7 where that is asked for."""
    alarms = in_every_format(waybill, "alarms")
    assert {"inventory", "relay"} <= {alarm["means"].partition(":")[0] for alarm in alarms}
    raised = [alarm for alarm in alarms if alarm["state"] == "ALARM"]
    assert waybill("alarms", "--fail-on-alarm").exit_code == (7 if raised else 0)


def test_tail_and_queues_go_on_until_ctrl_c(deployment: Deployment, places: Places, started: Start) -> None:
    """Each in a process of its own, its lines come one by one through the pipe."""
    run = f"tailed-{uuid.uuid4().hex[:8]}"
    tail = started("tail", "-f", "--since", "2m", "--match", run, "-o", "ndjson")
    queues = started("queues", "-w", "--every", "0.5", "-o", "ndjson")
    publish(deployment, places, [order(run, lines=[line("FLOW-1")])], run)
    assert tail.stdout is not None
    assert queues.stdout is not None
    assert run in json.loads(tail.stdout.readline())["event_id"]
    watched = [json.loads(queues.stdout.readline()) for _ in range(2 * len(places.consumers))]
    assert [each["consumer"] for each in watched] == 2 * [each["consumer"] for each in watched[: len(places.consumers)]]
    for process in (tail, queues):
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 3


def test_what_asks_nothing_of_aws(waybill: Waybill) -> None:
    """The topology, the bill and the forecast, in every format; Mermaid, too."""
    topology = in_every_format(waybill, "topology")
    mermaid = waybill("topology", "-f", "mermaid", exit_code=0).out
    assert all(row["consumer"] in mermaid for row in topology)
    assert waybill("topology", "-f", "json", exit_code=0).data == topology
    cost = ("cost", "--orders-per-day", "10000")
    bill = waybill(*cost, "-o", "json", exit_code=0).data
    assert [row["service"] for row in waybill(*cost).piped] == [each["service"] for each in bill["lines"]]
    assert waybill(*cost, "-o", "ndjson").lines == bill["lines"]
    assert f"{bill['usd']:,.2f}" in waybill(*cost, "-o", "table").out
    capacity = ("capacity", "--rate", "50", "--burst", "5000")
    forecast = waybill(*capacity, "-o", "json", exit_code=0).data
    consumers = [each["consumer"] for each in forecast["consumers"]]
    assert [row["consumer"] for row in waybill(*capacity).piped] == consumers
    assert [row["consumer"] for row in waybill(*capacity, "-o", "ndjson").lines] == consumers
    assert "Backlog of notifications" in waybill(*capacity, "-o", "table").out
