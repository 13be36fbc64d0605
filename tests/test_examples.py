"""The examples run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from messaging import items
from messaging.outbox import messages_of
from messaging.tables import OUTBOX
from tests.conftest import create_table, engine_client

ROOT = Path(__file__).parents[1]


def run_ordering_service(endpoint: str, outbox_table: str, order_id: str) -> str:
    """Runs the example in an environment such as `dev.py env` makes. Returns what it says."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PYTHONPATH": str(ROOT),
        "OUTBOX_TABLE": outbox_table,
        "ORDER_ID": order_id,
    }
    script = ROOT / "docs" / "examples" / "ordering_service.py"
    done = subprocess.run([sys.executable, str(script)], env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def test_the_ordering_service_writes_state_and_event_together_and_once(engine: str) -> None:
    """A second run changes nothing: its condition fails, and with it the event is not written either."""
    dynamodb, table = engine_client(engine, "dynamodb"), replace(OUTBOX, name="outbox-of-the-examples")
    create_table(dynamodb, table)
    assert "on its way" in run_ordering_service(engine, table.name, "E-1")
    assert "placed before" in run_ordering_service(engine, table.name, "E-1")
    (state,) = dynamodb.scan(TableName="example-shop")["Items"]
    assert items.plain(state) == {"order_id": "E-1", "status": "placed"}
    (written,) = dynamodb.scan(TableName=table.name)["Items"]
    (message,) = messages_of(items.plain(written))
    assert message.event_id == "OrderPlaced-E-1"


def test_what_the_readme_shows_of_it_is_short() -> None:
    """Up to where it is run: 25 lines at most."""
    text = (ROOT / "docs" / "examples" / "ordering_service.py").read_text(encoding="utf-8")
    shown = text.partition("\n\n\nif __name__")[0]
    assert len([line for line in shown.splitlines() if line.strip()]) <= 25
