"""Deployed: what an operator publishes, replays and reconciles, as tables, JSON and piped text."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from local.demo.places import Places
from local.demo.tables import read_revenue
from local.deployment import Deployment
from messaging.message import encode
from messaging.tables import INBOX, REVENUE
from tests.factories import line, order
from tests.flow.observing import drained
from tests.flow.operating import Said, Start, Waybill, in_every_format


def orders(run: str, count: int) -> list[Any]:
    return [order(f"{run}-{n}", customer_id=f"{run}C{n % 2}", lines=[line("CLI-1")]) for n in range(count)]


def write(path: Path, events: list[Any]) -> str:
    path.write_bytes(b"\n".join(msgspec.json.encode(event) for event in events))
    return str(path)


def revenue(deployment: Deployment, places: Places) -> Decimal:
    return read_revenue(deployment.client("dynamodb"), places.table(REVENUE))


def test_a_file_is_published_and_balances(
    waybill: Waybill, started: Start, deployment: Deployment, places: Places, tmp_path: Path
) -> None:
    """By a process whose output is piped; nothing of it is missing anywhere afterwards, and a lost marker is."""
    run, began = f"s{uuid.uuid4().hex[:8]}", datetime.now(UTC).isoformat()
    file = write(tmp_path / "orders.ndjson", orders(run, 3))
    process = started("publish", "-f", file)
    out, err = process.communicate(timeout=60)
    piped = Said(process.returncode, out, err)
    assert (piped.exit_code, piped.err) == (0, "3 published\n")
    rows = [(row["event_id"], row["outcome"]) for row in piped.piped]
    assert rows == [(f"OrderPlaced-{run}-{n}", "published") for n in range(3)]
    assert in_every_format(waybill, "publish", "-f", file)[0]["event_id"] == rows[0][0]
    drained(deployment, places)

    published = tmp_path / "published.tsv"
    published.write_text("".join(f"{event_id}\n" for event_id, _ in rows))
    reconcile = ("reconcile", "--since", began, "--grace", "0s", "-f", str(published))
    (balance,) = in_every_format(waybill, *reconcile, "--consumer", "analytics")
    assert (balance["missing"], balance["unsettled"]) == (0, 0)
    assert balance["applied"] == 3

    lost = f"OrderPlaced-{run}-1"
    deployment.client("dynamodb").delete_item(TableName=places.table(INBOX), Key={"id": {"S": f"analytics#{lost}"}})
    told = waybill(*reconcile, "-o", "table", exit_code=7)
    assert "Missing" in told.out
    assert lost in told.out
    assert f"waybill why {lost} analytics" in told.err


def test_made_up_orders_come_with_duplicates_and_poison(
    waybill: Waybill, deployment: Deployment, places: Places
) -> None:
    """Each has its row; poison goes to the consumer's queue, behind the topic's back."""
    seed = str(uuid.uuid4().int % 10**9)
    generate = ("publish", "--generate", "4", "--seed", seed, "--duplicates", "2", "--poison", "2", "--rate", "100")
    told = waybill(*generate, "--poison-to", "analytics", "-o", "ndjson", exit_code=0)
    assert [row["outcome"] for row in told.lines] == ["published"] * 6
    assert sum(row["duplicate"] for row in told.lines) == 2
    assert "4 published, 2 duplicates, 2 poison messages in the queue of analytics" in told.err
    drained(deployment, places)


def test_what_is_wrong_is_refused_before_anything_is_published(waybill: Waybill, tmp_path: Path) -> None:
    """With the numbers of the lines."""
    file = tmp_path / "orders.ndjson"
    file.write_bytes(msgspec.json.encode(orders("w", 1)[0]) + b"\n{}\n")
    told = waybill("publish", "-f", str(file), exit_code=2)
    assert told.out == ""
    assert "line 2: Object missing required field" in told.err
    waybill("publish", exit_code=2)
    waybill("publish", "{}", "--generate", "3", exit_code=2)


def test_a_replay_applies_only_what_was_not_applied_and_a_forced_one_again(
    waybill: Waybill, deployment: Deployment, places: Places, tmp_path: Path
) -> None:
    """To one consumer: the others hear nothing of it."""
    run = f"r{uuid.uuid4().hex[:8]}"
    known, lost = orders(run, 2)
    waybill("publish", msgspec.json.encode(known).decode(), exit_code=0)
    drained(deployment, places)
    file = tmp_path / "messages.ndjson"
    file.write_text("\n".join(_message(each) for each in (known, lost)))
    replay = ("replay", "-f", str(file), "--consumer", "analytics")

    planned = in_every_format(waybill, *replay, "-n")
    assert {row["event_id"]: (row["outcome"], row["why"]) for row in planned} == {
        known.event_id: ("left out", "applied already"),
        lost.event_id: ("would be sent", ""),
    }

    before = revenue(deployment, places)
    told = waybill(*replay, "-y", "-o", "table", exit_code=0)
    assert "to analytics: 1 of 2 events; 1 left out (applied already)" in told.err
    assert "sent" in told.out
    drained(deployment, places)
    assert revenue(deployment, places) == before + lost.amount()

    waybill(*replay, "-y", "--force", exit_code=0)
    drained(deployment, places)
    assert revenue(deployment, places) == before + 2 * lost.amount() + known.amount()
    assert waybill("inbox", "get", lost.event_id, "inventory").exit_code == 5, "another consumer got it"


def test_a_replay_without_an_archive_says_what_to_do(waybill: Waybill) -> None:
    """The engine keeps none; what SNS could not do is refused, not ignored; what the outbox holds, it gives."""
    told = waybill("replay", "--since", "1h", "--consumer", "inventory", exit_code=1)
    assert told.out == ""
    assert "keeps no archive" in told.err
    waybill("replay", "--since", "1h", "--consumer", "inventory", "--until", "10m", exit_code=2)
    waybill("replay", "--consumer", "inventory", exit_code=2)
    waybill("replay", "--since", "1h", "--consumer", "nobody", exit_code=5)
    waybill("replay", "--since", "1h", "--consumer", "inventory", "--from", "outbox", "-n", exit_code=0)


def _message(event: Any) -> str:
    return encode(event, source="urn:waybill:flow", time=datetime.now(UTC))
