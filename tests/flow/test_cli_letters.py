"""`waybill dlq` against the deployed engine: five hundred poison orders mended and redriven, also when stopped."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from local.alarms.watch import Watcher
from local.demo.places import Places
from local.demo.tables import scan
from local.deployment import Deployment
from messaging.tables import INBOX, ORDER_LOG
from tests.factories import body, order
from tests.flow.observing import dead_letters, drained, wait_for
from tests.flow.operating import Start, Waybill, document_in_every_format, in_every_format

POISON_ORDERS, CUSTOMERS = 500, 50  # ten letters a group: as many as can be looked at
CONSUMER = "standard_orders"
LIST, REDRIVE = ("dlq", "list", "analytics"), ("dlq", "redrive", "analytics")


@pytest.fixture
def poisoned(deployment: Deployment, places: Places) -> list[str]:
    """Ids of orders whose currency is wrong, all of them dead. The letters of other tests are gone."""
    sqs, run = deployment.client("sqs"), uuid.uuid4().hex[:8]
    sqs.purge_queue(QueueUrl=places.dead_letter_queue_url(CONSUMER))
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
    """One item an order, written once; the dead-letter queue is empty."""
    drained(deployment, places)
    wanted = set(order_ids)
    items = [item["order_id"]["S"] for item in scan(deployment.client("dynamodb"), places.table(ORDER_LOG))]
    assert sorted(each for each in items if each in wanted) == sorted(order_ids)
    assert dead_letters(deployment, places, CONSUMER) == []
    assert depth(deployment, places) == 0


def assert_applied_in_one_delivery_each(waybill: Waybill, order_ids: list[str]) -> None:
    """No second delivery was told `applied`: what came twice was recognized."""
    lines = waybill("tail", CONSUMER, "--outcome", "applied", "--since", "10m", "-o", "ndjson", exit_code=0).lines
    applied = [line["event_id"] for line in lines]
    assert {applied.count(f"OrderPlaced-{each}") for each in order_ids} == {1}


def alarms_raised(waybill: Waybill) -> set[str]:
    """What the raised alarms of the consumer mean, as `waybill alarms` tells it."""
    told = waybill("alarms", "--raised", "-o", "json", exit_code=0).data
    return {each["means"] for each in told if each["means"].startswith(CONSUMER)}


@pytest.mark.fault(5)
def test_five_hundred_poison_orders_are_exported_mended_and_redriven(
    deployment: Deployment,
    places: Places,
    waybill: Waybill,
    poisoned: list[str],
    opened: Callable[..., Watcher],
    tmp_path: Path,
) -> None:
    """Canaries first; each is applied once, the queue is empty, and the alarms that were red are green."""
    watcher = opened()
    watcher.look()
    assert any("were given up" in each for each in alarms_raised(waybill))
    listed = waybill("dlq", "list", CONSUMER, "-o", "json", exit_code=0).data
    assert len(listed) == POISON_ORDERS
    assert {row["reason"] for row in listed} == {"poison"}
    exported, mended = tmp_path / "letters.ndjson", tmp_path / "mended.ndjson"
    waybill("dlq", "export", CONSUMER, str(exported), exit_code=0)
    refused = waybill("dlq", "import", CONSUMER, str(exported), exit_code=1)
    assert "currency" in refused.err
    mend(exported, mended)
    waybill("dlq", "import", CONSUMER, str(mended), "--to-dlq", "--rate", "2000", exit_code=0)
    assert depth(deployment, places) == POISON_ORDERS
    moved = waybill("dlq", "redrive", CONSUMER, "--all", "--canary", "5", "--rate", "100", "-o", "ndjson", exit_code=0)
    assert [line["outcome"] for line in moved.lines] == ["moved"] * POISON_ORDERS
    assert_all_applied_once(deployment, places, poisoned)
    assert_applied_in_one_delivery_each(waybill, poisoned)
    watcher.look()
    assert alarms_raised(waybill) == set()


@pytest.mark.fault(5)
def test_stopped_and_killed_in_the_middle_it_is_run_again(
    deployment: Deployment,
    places: Places,
    waybill: Waybill,
    started: Start,
    poisoned: list[str],
    tmp_path: Path,
) -> None:
    """Ctrl-C lets a batch end and says so; kill -9 says nothing. Either way the same command does the rest."""
    exported, mended = tmp_path / "letters.ndjson", tmp_path / "mended.ndjson"
    waybill("dlq", "export", CONSUMER, str(exported), exit_code=0)
    mend(exported, mended)

    def ended(number: signal.Signals, after: int, *arguments: str) -> None:
        process = started(*arguments, "-o", "ndjson")
        assert process.stdout is not None
        for _ in range(after):
            told = process.stdout.readline()
            assert told, process.communicate()[1]
            assert json.loads(told)["outcome"] in ("moved", "done")
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == {signal.SIGINT: 3, signal.SIGKILL: -signal.SIGKILL}[number], err

    aside = ("dlq", "import", CONSUMER, str(mended), "--to-dlq", "--rate", "500")
    ended(signal.SIGKILL, 100, *aside)
    waybill(*aside, exit_code=0)
    assert depth(deployment, places) == POISON_ORDERS
    redrive = ("dlq", "redrive", CONSUMER, "--all", "--canary", "5", "--rate", "100")
    ended(signal.SIGINT, 100, *redrive)
    assert 0 < depth(deployment, places) <= POISON_ORDERS - 100
    ended(signal.SIGKILL, 100, *redrive)
    assert 0 < depth(deployment, places) <= POISON_ORDERS - 199  # of the last one, all but the deletion may be done
    waybill(*redrive, exit_code=0)
    assert_all_applied_once(deployment, places, poisoned)
    assert_applied_in_one_delivery_each(waybill, poisoned)


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
    assert {first, second} == {row["event_id"] for row in in_every_format(waybill, *LIST, "--match", run)}
    (row,) = waybill(*LIST, "--match", f"data.order_id={run}-1").piped
    assert row["id"] == second
    shown = document_in_every_format(waybill, "dlq", "show", "analytics", first)
    assert (shown["body"]["data"]["currency"], shown["reason"]) == ("EUR", "poison")
    assert placed[0].ship_to.name not in json.dumps(shown, ensure_ascii=False)
    assert placed[0].ship_to.name in waybill("dlq", "show", "analytics", first, "--reveal").out
    waybill("dlq", "show", "analytics", "no-such-event", exit_code=5)
    assert "leave --native out" in waybill(*REDRIVE, "--all", "--native", exit_code=1).err
    why = document_in_every_format(waybill, "why", shown["letter"], "analytics")
    assert (why["state"], why["reason"], why["letter"]) == ("dead", "poison", shown["letter"])

    edited = waybill("dlq", "edit", "analytics", first, exit_code=0)
    assert '+    "currency": "USD",' in edited.err
    (planned,) = in_every_format(waybill, *REDRIVE, "--id", second, "-n")
    assert planned["outcome"] == "would move"
    assert "came back" in waybill(*REDRIVE, "--id", second, "--canary", "1", exit_code=6).err
    backup = tmp_path / "backup.ndjson"
    waybill("dlq", "purge", "analytics", "--id", second, "--backup", str(backup), exit_code=0)
    assert left() == []
    mend(backup, tmp_path / "mended.ndjson")
    waybill("dlq", "import", "analytics", str(tmp_path / "mended.ndjson"), "--restore", exit_code=0)
    drained(deployment, places)
    assert left() == []
    markers = {item["id"]["S"] for item in scan(deployment.client("dynamodb"), places.table(INBOX))}
    assert {f"analytics#{first}", f"analytics#{second}"} <= markers
