"""The README's promises: its code runs, its proofs and files exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from local.demo.scenario import load_scenario
from messaging import subscription
from messaging.effects import Transactional, View
from messaging.events import OrderPlaced
from messaging.items import plain
from messaging.message import decode
from messaging.outbox import messages_of
from messaging.subscription import Subscription
from messaging.tables import Table
from tests.factories import body, order

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(section: str, language: str = "python") -> list[str]:
    """The fenced blocks of one section."""
    text = README.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_a_subscriber_takes_fifteen_lines_and_they_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is valid, and the function's effect is what the text says: a point for every whole dollar."""
    row, consumer = blocks("Adding a subscriber")
    code = [line for line in (row + consumer).splitlines() if line.strip()]
    assert len(code) <= 15
    names: dict[str, Any] = {"Table": Table, "Subscription": Subscription, "OrderPlaced": OrderPlaced}
    monkeypatch.setattr(subscription, "TABLES_BY_NAME", {"loyalty": Table(name="loyalty", partition_key="customer_id")})
    exec(row, names)  # noqa: S102 - our own README
    made: list[Transactional] = []
    monkeypatch.setattr(importlib.import_module("lambdas.runtime"), "lambda_handler", made.append)
    exec(consumer, {})  # noqa: S102
    (write,) = made[0].functions[OrderPlaced](decode(body(order())), View({})).writes
    assert (write.key.partition, write.amount) == ("ALFKI", 34)  # type: ignore[union-attr]


def test_publishing_from_a_service_works_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block runs as it stands, against a topic that accepts."""
    requests: list[dict[str, Any]] = []

    class Sns:
        def publish_batch(self, **request: Any) -> dict[str, Any]:
            requests.append(request)
            return {"Failed": []}

    monkeypatch.setattr(boto3, "client", lambda name: {"sns": Sns()}[name])
    monkeypatch.setenv("TOPIC_ARN", "arn:topic")
    names: dict[str, Any] = {}
    code, _ = blocks("Publishing from your own service")
    exec(code, names)  # noqa: S102
    assert names["report"].published == ("OrderPlaced-1001",)
    assert requests[0]["TopicArn"] == "arn:topic"


def test_a_state_and_its_event_are_one_transaction_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block runs as it stands: the state, on its condition, and the event in the outbox."""
    requests: list[dict[str, Any]] = []
    client = SimpleNamespace(transact_write_items=lambda **request: requests.append(request))
    monkeypatch.setattr(boto3, "client", lambda name: {"dynamodb": client}[name])
    monkeypatch.setenv("OUTBOX_TABLE", "the-outbox")
    names: dict[str, Any] = {}
    _, code = blocks("Publishing from your own service")
    exec(code, names)  # noqa: S102
    names["place"](order())
    ((state, event),) = [request["TransactItems"] for request in requests]
    assert state["Put"]["ConditionExpression"] == "attribute_not_exists(order_id)"
    assert event["Put"]["TableName"] == "the-outbox"
    (message,) = messages_of(plain(event["Put"]["Item"]))
    assert decode(message.body).event == order()


@pytest.mark.parametrize("proof", sorted(set(re.findall(r"`(tests/[\w/]+(?:\.py[\w:]*)?)`", README))))
def test_every_proof_that_is_named_exists(proof: str) -> None:
    """File, class and test."""
    path, *names = proof.split("::")
    assert (ROOT / path).exists()
    source = (ROOT / path).read_text(encoding="utf-8") if names else ""
    for name in names:
        assert re.search(rf"(def|class) {name}\b", source)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!http)([^)]+)\)", README))))
def test_every_link_leads_somewhere(target: str) -> None:
    """Relative links are files of the repository."""
    assert (ROOT / target).exists()


def test_the_example_files_are_what_the_demo_reads() -> None:
    """Five orders, and stock for every product in them."""
    examples = ROOT / "docs" / "examples"
    scenario = load_scenario(orders=examples / "orders.ndjson", stock=None, count=0, seed=1, scarce=True)
    assert (len(scenario.orders), scenario.source.rejected) == (5, ())
    assert {line.sku for each in scenario.orders for line in each.lines} == set(scenario.stock)


def test_nothing_is_left_to_fill_in() -> None:
    """Placeholders of the writing are gone."""
    assert "@@" not in README


def test_the_example_of_a_consumers_test_passes() -> None:
    """As a reader would copy it."""
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "import World" in block]
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 - the README's own
    names["test_a_lost_reply_reserves_once"]()
