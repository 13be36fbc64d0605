"""The handlers as Lambda calls them, with the sample events, against an AWS endpoint."""

from __future__ import annotations

import importlib
import json
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest

from messaging.errors import SettingsError
from messaging.topology import ORDERS
from tests.factories import body, delivery, order, sqs_event
from tests.lambdas.conftest import SENDER, Invoke

EVENTS = Path(__file__).parent.parent / "events"
CONSUMERS = sorted(path.stem for path in EVENTS.glob("*.json"))
PAYLOAD = ("Søren Ås", "S\\u00f8ren", "Århus", "8000", "NW-1", "20.00", "34.90")


def sample(consumer: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{consumer}.json").read_text())
    return loaded


def records(log: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") == "record"]


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_each_function_takes_its_sample_event(consumer: str, invoke: Invoke) -> None:
    """Everything is applied, nothing is handed back; by hand a second time it is the same."""
    assert invoke(consumer, sample(consumer)) == {"batchItemFailures": []}
    assert invoke(consumer, sample(consumer)) == {"batchItemFailures": []}


@pytest.mark.fault(63)
@pytest.mark.parametrize("consumer", CONSUMERS)
def test_logs_tell_the_outcome_of_each_record_and_no_payload(
    consumer: str, invoke: Invoke, capsys: pytest.CaptureFixture[str]
) -> None:
    """Event id, consumer, group, attempt and outcome are there; names, places, products and amounts are not."""
    event = sample(consumer)
    event["Records"].append(sqs_event(delivery("}{ Søren Ås", "dead"), queue="q.fifo")["Records"][0])
    invoke(consumer, event)
    output = capsys.readouterr().out
    logged = records(output)
    assert [line["delivery_id"] for line in logged] == [record["messageId"] for record in event["Records"]]
    messages = [json.loads(record["body"]) for record in event["Records"][:-1]]
    assert [line["event_id"] for line in logged[:-1]] == [message["id"] for message in messages]
    if ORDERS.subscription(consumer).fifo:
        assert [line["group"] for line in logged[:-1]] == [message["partitionkey"] for message in messages]
    assert {line["outcome"] for line in logged[:-1]} <= {"applied", "duplicate"}
    (batch,) = [json.loads(text) for text in output.splitlines() if '"message":"batch"' in text]
    assert (batch["records"], batch["outcomes"]["dead_lettered"]) == (len(event["Records"]), 1)
    assert (logged[-1]["outcome"], logged[-1]["reason"]) == ("dead_lettered", "poison")
    assert all(line["consumer"] == consumer and line["attempt"] >= 1 for line in logged)
    assert not [text for text in PAYLOAD if text in output]


def test_metrics_are_written_once_a_batch(invoke: Invoke, capsys: pytest.CaptureFixture[str]) -> None:
    """One embedded metric document with the counts."""
    now = time.time()  # what is older than its marker would be a dead letter
    fresh = delivery(body(order("77"), time=now), "m1", fifo=False, first_received_at=now)
    invoke("analytics", sqs_event(fresh, queue="analytics"))
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert len(documents) == 1
    assert documents[0]["Records"] == [1.0]
    assert documents[0]["Applied"] == [1.0]
    assert documents[0]["service"] == "analytics"


def test_an_empty_batch_is_answered(invoke: Invoke) -> None:
    """Invoked by hand with no records, a function says that nothing failed."""
    assert invoke("inventory", {"Records": []}) == {"batchItemFailures": []}


@pytest.mark.fault(13)
def test_a_failing_record_is_named_in_the_response(invoke: Invoke) -> None:
    """A message of a newer version is handed back; its neighbour of another group is not."""
    newer = json.loads(sample("standard_orders")["Records"][0]["body"])
    newer["dataschema"] = "urn:waybill:OrderPlaced:2"
    event = sqs_event(
        delivery(json.dumps(newer), "m1", first_received_at=32_000_000_000), delivery(order("78"), "m2"), queue="x.fifo"
    )
    assert invoke("standard_orders", event) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_the_confirmation_is_an_email_that_ses_received(invoke: Invoke, engine: str) -> None:
    """Sender, recipient and order are in SES's hands."""
    event = sample("notifications")
    document = json.loads(event["Records"][0]["body"])
    for place in (document, document["data"]):
        place.update({key: "FRESH-1" for key in ("subject", "order_id") if key in place})
    event["Records"][0]["body"] = json.dumps({**document, "id": "OrderPlaced-FRESH-1"})
    invoke("notifications", event)
    with urllib.request.urlopen(f"{engine}/_ministack/ses/messages") as answer:
        mails = [mail for account in json.load(answer)["messages"].values() for mail in account]
    (mail,) = [mail for mail in mails if "FRESH-1" in mail["Subject"]]
    assert (mail["Source"], mail["To"]) == (SENDER, ["success+SAMPLE-1@simulator.amazonses.com"])


@pytest.mark.fault(59)
def test_a_missing_setting_stops_the_function_at_once(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails closed and names the variable, rather than losing what it consumes."""
    module = importlib.reload(importlib.import_module("lambdas.analytics"))
    monkeypatch.delenv("WAYBILL_QUEUE_URL", raising=False)
    monkeypatch.setenv("WAYBILL_CONSUMER", "analytics")
    with pytest.raises(SettingsError, match="WAYBILL_QUEUE_URL"):
        module.handler({"Records": []}, SimpleNamespace())


def test_importing_a_handler_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable is needed and no client is made at import."""
    for variable in ("WAYBILL_CONSUMER", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(botocore.session, "get_session", lambda: pytest.fail("a session at import"))
    for consumer in CONSUMERS:
        importlib.reload(importlib.import_module(f"lambdas.{consumer}"))
