"""Deployed: what an operator publishes, replays and reconciles, as tables, JSON and piped text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.__main__ import main
from local.demo.places import Places
from local.demo.tables import read_revenue
from local.deployment import Deployment, exports
from messaging.message import encode
from messaging.topology import INBOX, REVENUE
from tests.factories import line, order
from tests.flow.observing import assert_masked, drained

ROOT = Path(__file__).parents[2]
Waybill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environment(checkout: Path, deployment: Deployment) -> dict[str, str]:
    """What `dev.py env` exports."""
    return exports(checkout)


@pytest.fixture
def waybill(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Waybill:
    """Run the command in this process: its exit code, what it wrote and what it said."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        said = capsys.readouterr()
        assert_masked(arguments, said.out, said.err)
        return code, said.out, said.err

    return run


def orders(run: str, count: int) -> list[Any]:
    return [order(f"{run}-{n}", customer_id=f"{run}C{n % 2}", lines=[line("CLI-1")]) for n in range(count)]


def write(path: Path, events: list[Any]) -> str:
    path.write_bytes(b"\n".join(msgspec.json.encode(event) for event in events))
    return str(path)


def revenue(deployment: Deployment, places: Places) -> Decimal:
    return read_revenue(deployment.client("dynamodb"), places.table(REVENUE))


def test_a_file_is_published_and_balances(
    waybill: Waybill, environment: dict[str, str], deployment: Deployment, places: Places, tmp_path: Path
) -> None:
    """By a process whose output is piped; nothing of it is missing anywhere afterwards, and a lost marker is."""
    run, began = f"s{uuid.uuid4().hex[:8]}", datetime.now(UTC).isoformat()
    file = write(tmp_path / "orders.ndjson", orders(run, 3))
    piped = subprocess.run(
        [sys.executable, "-m", "cli", "publish", "-f", file],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    header, *rows = [row.split("\t") for row in piped.stdout.splitlines()]
    assert header[:2] == ["event_id", "outcome"]
    assert [row[:2] for row in rows] == [[f"OrderPlaced-{run}-{n}", "published"] for n in range(3)]
    assert piped.stderr == "3 published\n"
    drained(deployment, places)

    published = tmp_path / "published.tsv"
    published.write_text("".join(f"{row[0]}\n" for row in rows))
    reconcile = ("reconcile", "--since", began, "--grace", "0s", "-f", str(published))
    code, out, _ = waybill(*reconcile, "--consumer", "analytics", "-o", "json")
    (balance,) = json.loads(out)
    assert (code, balance["missing"], balance["unsettled"]) == (0, 0, 0)
    assert balance["applied"] == 3

    lost = f"OrderPlaced-{run}-1"
    deployment.client("dynamodb").delete_item(TableName=places.table(INBOX), Key={"id": {"S": f"analytics#{lost}"}})
    code, out, err = waybill(*reconcile, "-o", "table")
    assert code == 7
    assert "Missing" in out
    assert lost in out
    assert f"waybill why {lost} analytics" in err


def test_made_up_orders_come_with_duplicates_and_poison(
    waybill: Waybill, deployment: Deployment, places: Places
) -> None:
    """Each has its row; poison goes to the consumer's queue, behind the topic's back."""
    seed = str(uuid.uuid4().int % 10**9)
    generate = ("publish", "--generate", "4", "--seed", seed, "--duplicates", "2", "--poison", "2", "--rate", "100")
    code, out, err = waybill(*generate, "--poison-to", "analytics", "-o", "ndjson")
    rows = [json.loads(row) for row in out.splitlines()]
    assert code == 0
    assert [row["outcome"] for row in rows] == ["published"] * 6
    assert sum(row["duplicate"] for row in rows) == 2
    assert "4 published, 2 duplicates, 2 poison messages in the queue of analytics" in err
    drained(deployment, places)


def test_what_is_wrong_is_refused_before_anything_is_published(waybill: Waybill, tmp_path: Path) -> None:
    """With the numbers of the lines."""
    file = tmp_path / "orders.ndjson"
    file.write_bytes(msgspec.json.encode(orders("w", 1)[0]) + b"\n{}\n")
    code, out, err = waybill("publish", "-f", str(file))
    assert (code, out) == (2, "")
    assert "line 2: Object missing required field" in err
    assert waybill("publish")[0] == 2
    assert waybill("publish", "{}", "--generate", "3")[0] == 2


def test_a_replay_applies_only_what_was_not_applied_and_a_forced_one_again(
    waybill: Waybill, deployment: Deployment, places: Places, tmp_path: Path
) -> None:
    """To one consumer: the others hear nothing of it."""
    run = f"r{uuid.uuid4().hex[:8]}"
    known, lost = orders(run, 2)
    assert waybill("publish", msgspec.json.encode(known).decode())[0] == 0
    drained(deployment, places)
    file = tmp_path / "messages.ndjson"
    file.write_text("\n".join(_message(each) for each in (known, lost)))
    replay = ("replay", "-f", str(file), "--consumer", "analytics")

    code, out, err = waybill(*replay, "-n", "-o", "json")
    assert code == 0
    assert {row["event_id"]: (row["outcome"], row["why"]) for row in json.loads(out)} == {
        known.event_id: ("left out", "applied already"),
        lost.event_id: ("would be sent", ""),
    }
    assert "to analytics: 1 of 2 events; 1 left out (applied already)" in err

    before = revenue(deployment, places)
    code, out, _ = waybill(*replay, "-y", "-o", "table")
    assert code == 0
    assert "sent" in out
    drained(deployment, places)
    assert revenue(deployment, places) == before + lost.amount()

    assert waybill(*replay, "-y", "--force")[0] == 0
    drained(deployment, places)
    assert revenue(deployment, places) == before + 2 * lost.amount() + known.amount()
    found = waybill("inbox", "get", lost.event_id, "inventory", "-o", "json")
    assert found[0] == 5, "another consumer got it"


def test_a_replay_without_an_archive_says_what_to_do(waybill: Waybill) -> None:
    """The engine keeps none; what SNS could not do is refused, not ignored; what the outbox holds, it gives."""
    code, out, err = waybill("replay", "--since", "1h", "--consumer", "inventory")
    assert (code, out) == (1, "")
    assert "keeps no archive" in err
    assert waybill("replay", "--since", "1h", "--consumer", "inventory", "--until", "10m")[0] == 2
    assert waybill("replay", "--consumer", "inventory")[0] == 2
    assert waybill("replay", "--since", "1h", "--consumer", "nobody")[0] == 5
    assert waybill("replay", "--since", "1h", "--consumer", "inventory", "--from", "outbox", "-n")[0] == 0


def _message(event: Any) -> str:
    return encode(event, source="urn:waybill:flow", time=datetime.now(UTC))
