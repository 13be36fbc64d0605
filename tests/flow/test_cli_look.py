"""The commands that look, against a deployment: as tables, as JSON and piped, with their exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from local.demo.places import Places
from local.deployment import Deployment, exports
from tests.factories import body, line, order
from tests.flow.observing import assert_masked, drained, publish, wait_for

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


Waybill = Callable[..., Said]


@pytest.fixture
def waybill(
    checkout: Path, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Waybill:
    """Runs a command in this process."""
    for name, value in exports(checkout).items():
        if name != "PYTHONPATH":
            monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        exit_code = main(arguments)
        captured = capsys.readouterr()
        assert_masked(arguments, captured.out, captured.err)
        return Said(exit_code, captured.out, captured.err)

    return run


@pytest.fixture
def placed(deployment: Deployment, places: Places) -> str:
    """The id of an order that all of its consumers have applied."""
    run = f"look-{uuid.uuid4().hex[:8]}"
    publish(deployment, places, [order(run, lines=[line("FLOW-1")])], run)
    drained(deployment, places)
    return run


def test_an_order_is_traced_from_queue_to_e_mail(waybill: Waybill, placed: str) -> None:
    """By its own id, and by its event's; what nobody has seen is not found."""
    steps = waybill("trace", placed, "-o", "json").data
    done = {(step["where"], step["what"]) for step in steps if step["event_id"] == f"OrderPlaced-{placed}"}
    assert {(name, "applied") for name in ("inventory", "standard_orders", "analytics", "notifications")} <= done
    assert ("notifications", "e-mail sent") in done
    piped = waybill("trace", f"OrderPlaced-{placed}")
    assert piped.out.splitlines()[0] == "at\tevent_id\twhere\twhat\tdetail"
    assert "e-mail sent" in waybill("trace", placed, "-o", "table").out
    assert waybill("trace", "nobody-knows-it").exit_code == 5


@pytest.mark.fault(48)
def test_why_says_which_condition_of_the_deployed_filter_failed(waybill: Waybill, placed: str) -> None:
    """Of an event that others have seen, and of one that nobody has, but that is given."""
    said = waybill("why", f"OrderPlaced-{placed}", "priority_orders", "-o", "json")
    assert (said.exit_code, said.data["state"], said.data["filter_matches"]) == (0, "filtered", False)
    assert said.data["details"] == ['priority: "standard", but the policy wants "high"']
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

    def tailed() -> Said:
        return waybill("tail", "inventory", "--outcome", "failed", "--match", event_id, "-o", "ndjson")

    wait_for(lambda: bool(tailed().out), "the failure in the log")
    (letter,) = {(each["outcome"], each["reason"]) for each in map(json.loads, tailed().out.splitlines())}
    assert letter == ("dead_lettered", "conflict")
    assert event_id in waybill("tail", "--match", event_id, "-o", "table").out
    assert waybill("queues", "--fail-on-dlq").exit_code == 7
    rows = {row["consumer"]: row for row in waybill("queues", "-o", "json").data}
    assert rows["inventory"]["dead"] >= 1
    assert rows["inventory"]["age_seconds"] is None  # which the engine does not know: not 0
    status = {row["consumer"]: row["health"] for row in waybill("status", "-o", "json").data}
    assert "dead letters" in status["inventory"]
    doctor = waybill("doctor", "-o", "ndjson")
    assert doctor.exit_code == 7
    found = [json.loads(text) for text in doctor.out.splitlines()]
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
    assert waybill("inbox", "get", event_id, "analytics", "-o", "json").data["marker"]["status"] == "COMPLETED"
    assert waybill("inbox", "forget", event_id, "analytics").exit_code == 0
    assert waybill("inbox", "get", event_id, "analytics").exit_code == 5
    assert waybill("inbox", "forget", event_id, "analytics").exit_code == 5
    assert waybill("inbox", "forget", event_id, "standard_orders").exit_code == 2


def test_alarms_are_listed(waybill: Waybill) -> None:
    """One that is raised makes the exit code 7 where that is asked for."""
    alarms = waybill("alarms", "-o", "json").data
    assert {"inventory", "relay"} <= {alarm["means"].partition(":")[0] for alarm in alarms}
    raised = [alarm for alarm in alarms if alarm["state"] == "ALARM"]
    assert waybill("alarms", "--fail-on-alarm").exit_code == (7 if raised else 0)


def test_tail_follows_until_ctrl_c(checkout: Path, deployment: Deployment, places: Places) -> None:
    """In a process of its own, its lines come one by one through the pipe."""
    run = f"tailed-{uuid.uuid4().hex[:8]}"
    command = [sys.executable, "-m", "cli", "tail", "-f", "--since", "1s", "--match", run, "-o", "ndjson"]
    environment = {**os.environ, **exports(checkout), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as tail:
        try:
            publish(deployment, places, [order(run, lines=[line("FLOW-1")])], run)
            assert tail.stdout is not None
            assert run in json.loads(tail.stdout.readline())["event_id"]
        finally:
            tail.send_signal(2)
        assert tail.wait(timeout=20) == 3
