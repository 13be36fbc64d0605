"""`waybill dlq` against the deployed engine: five hundred poison orders mended and redriven, also when stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from local.demo.places import Places
from local.demo.tables import scan
from local.deployment import Deployment, exports
from messaging.topology import INBOX, ORDER_LOG
from tests.factories import body, order
from tests.flow.observing import assert_masked, dead_letters, drained, wait_for

ROOT = Path(__file__).parents[2]
POISON_ORDERS, CUSTOMERS = 500, 50  # ten letters a group: as many as can be looked at
CONSUMER = "standard_orders"
LIST, REDRIVE = ("dlq", "list", "analytics"), ("dlq", "redrive", "analytics")

Waybill = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(checkout: Path, deployment: Deployment) -> Callable[..., subprocess.Popen[str]]:
    """Starts `waybill` as an operator does, with the checkout's environment."""
    environment = {**os.environ, **exports(checkout), "PYTHONPATH": str(ROOT), "EDITOR": f"{sys.executable} {EDITOR}"}

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


EDITOR = Path(__file__).parent / "mending_editor.py"


@pytest.fixture
def waybill(command: Callable[..., subprocess.Popen[str]]) -> Waybill:
    """Runs it to its end."""

    def run(*arguments: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        process = command(*arguments)
        out, err = process.communicate(timeout=120)
        assert process.returncode == exit_code, err
        assert_masked(arguments, out, err)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return run


@pytest.fixture
def poisoned(deployment: Deployment, places: Places, waybill: Waybill) -> list[str]:
    """Ids of orders whose currency is wrong, all of them dead. The letters of other tests are purged first."""
    sqs, run = deployment.client("sqs"), uuid.uuid4().hex[:8]
    if depth(deployment, places):
        waybill("dlq", "purge", CONSUMER, "--all", "--no-backup", "-y")
    orders = [order(f"{run}-{n}", customer_id=f"C{run}-{n % CUSTOMERS}") for n in range(POISON_ORDERS)]
    for start in range(0, len(orders), 10):
        sqs.send_message_batch(
            QueueUrl=places.queue_url(CONSUMER),
            Entries=[
                {
                    "Id": str(n),
                    "MessageBody": body(each, time=time.time()).replace('"USD"', '"EUR"'),
                    "MessageAttributes": {"priority": {"DataType": "String", "StringValue": each.priority}},
                    "MessageGroupId": each.customer_id,
                    "MessageDeduplicationId": each.event_id,
                }
                for n, each in enumerate(orders[start : start + 10])
            ],
        )
    wait_for(lambda: depth(deployment, places) == POISON_ORDERS, "all poison orders parked")
    return [each.order_id for each in orders]


def depth(deployment: Deployment, places: Places) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = deployment.client("sqs").get_queue_attributes(
        QueueUrl=places.dead_letter_queue_url(CONSUMER), AttributeNames=names
    )["Attributes"]
    return sum(int(counts[name]) for name in names)


def mend(exported: Path, mended: Path) -> None:
    """As a filter such as jq does: only the bodies change."""
    with exported.open() as letters, mended.open("w") as out:
        for line in letters:
            letter = json.loads(line)
            out.write(json.dumps({**letter, "body": letter["body"].replace('"EUR"', '"USD"')}) + "\n")


def assert_all_applied_once(deployment: Deployment, places: Places, order_ids: list[str]) -> None:
    """One item an order, and its consumer logged one `applied` each; the dead-letter queue is empty."""
    drained(deployment, places)
    wanted = set(order_ids)
    items = [item["order_id"]["S"] for item in scan(deployment.client("dynamodb"), places.table(ORDER_LOG))]
    assert sorted(each for each in items if each in wanted) == sorted(order_ids)
    assert dead_letters(deployment, places, CONSUMER) == []
    assert depth(deployment, places) == 0


def test_five_hundred_poison_orders_are_exported_mended_and_redriven(
    deployment: Deployment, places: Places, waybill: Waybill, poisoned: list[str], tmp_path: Path
) -> None:
    """Canaries first; each is applied once, and the queue is empty."""
    listed = [json.loads(line) for line in waybill("dlq", "list", CONSUMER, "-o", "ndjson").stdout.splitlines()]
    assert len(listed) == POISON_ORDERS
    assert {row["reason"] for row in listed} == {"poison"}
    exported, mended = tmp_path / "letters.ndjson", tmp_path / "mended.ndjson"
    waybill("dlq", "export", CONSUMER, str(exported))
    refused = waybill("dlq", "import", CONSUMER, str(exported), exit_code=1)
    assert "currency" in refused.stderr
    mend(exported, mended)
    waybill("dlq", "import", CONSUMER, str(mended), "--to-dlq", "--rate", "2000")
    assert depth(deployment, places) == POISON_ORDERS
    moved = waybill("dlq", "redrive", CONSUMER, "--all", "--canary", "5", "--rate", "100", "-o", "ndjson")
    outcomes = [json.loads(line)["outcome"] for line in moved.stdout.splitlines()]
    assert outcomes == ["moved"] * POISON_ORDERS
    assert_all_applied_once(deployment, places, poisoned)


def test_stopped_and_killed_in_the_middle_it_is_run_again(
    deployment: Deployment,
    places: Places,
    waybill: Waybill,
    command: Callable[..., subprocess.Popen[str]],
    poisoned: list[str],
    tmp_path: Path,
) -> None:
    """Ctrl-C lets a batch end and says so; kill -9 says nothing. Either way the same command does the rest."""
    exported, mended = tmp_path / "letters.ndjson", tmp_path / "mended.ndjson"
    waybill("dlq", "export", CONSUMER, str(exported))
    mend(exported, mended)
    arguments = ("dlq", "import", CONSUMER, str(mended), "--rate", "300", "-o", "ndjson")
    for number, moved in ((signal.SIGINT, 100), (signal.SIGKILL, 150)):
        process = command(*arguments)
        assert process.stdout is not None
        for _ in range(moved):
            assert json.loads(process.stdout.readline())["outcome"] in ("moved", "done")
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == {signal.SIGINT: 3, signal.SIGKILL: -signal.SIGKILL}[number], err
        assert 0 < depth(deployment, places) <= POISON_ORDERS - moved
    waybill(*arguments)
    assert_all_applied_once(deployment, places, poisoned)


def test_one_letter_is_shown_mended_by_hand_purged_and_restored(
    deployment: Deployment, places: Places, waybill: Waybill, tmp_path: Path
) -> None:
    """Of a standard queue; as a table, as JSON and as what a pipe gets."""
    sqs, run = deployment.client("sqs"), uuid.uuid4().hex[:8]
    placed = [order(f"{run}-{n}") for n in range(2)]
    for each in placed:
        text = body(each, time=time.time()).replace('"USD"', '"EUR"')
        sqs.send_message(QueueUrl=places.queue_url("analytics"), MessageBody=text)
    first, second = (each.event_id for each in placed)

    def left() -> list[str]:
        return [each["body"] for each in dead_letters(deployment, places, "analytics") if run in each["body"]]

    wait_for(lambda: len(left()) == 2, "both parked")
    assert {first, second} <= {row["event_id"] for row in json.loads(waybill(*LIST, "-o", "json").stdout)}
    assert second in waybill(*LIST, "-o", "table").stdout
    names, *rows = (row.split("\t") for row in waybill(*LIST, "--match", f"data.order_id={run}-1").stdout.splitlines())
    assert [dict(zip(names, row, strict=True))["id"] for row in rows] == [second]
    shown = waybill("dlq", "show", "analytics", first)
    assert '"currency": "EUR"' in shown.stdout
    assert placed[0].ship_to.name not in shown.stdout
    assert placed[0].ship_to.name in waybill("dlq", "show", "analytics", first, "--reveal").stdout
    waybill("dlq", "show", "analytics", "no-such-event", exit_code=5)
    assert "leave --native out" in waybill(*REDRIVE, "--all", "--native", exit_code=1).stderr

    edited = waybill("dlq", "edit", "analytics", first)
    assert '+    "currency": "USD",' in edited.stderr
    assert "came back" in waybill(*REDRIVE, "--id", second, "--canary", "1", exit_code=6).stderr
    backup = tmp_path / "backup.ndjson"
    waybill("dlq", "purge", "analytics", "--id", second, "--backup", str(backup))
    assert left() == []
    mend(backup, tmp_path / "mended.ndjson")
    waybill("dlq", "import", "analytics", str(tmp_path / "mended.ndjson"), "--restore")
    drained(deployment, places)
    assert left() == []
    markers = {item["id"]["S"] for item in scan(deployment.client("dynamodb"), places.table(INBOX))}
    assert {f"analytics#{first}", f"analytics#{second}"} <= markers
