"""What a consumer's function writes about a batch, as it is written: documents of metrics and lines of its log."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.runtime import ConsumerFunction, Invocation, Sandbox
from messaging.batch import Delivery
from messaging.effects import Add, Effect, Key, Transactional, View
from messaging.errors import REASONS, DeadLetter, RetryLater
from messaging.events import OrderPlaced
from messaging.message import Message, decode
from messaging.settings import Settings
from messaging.tables import TABLES
from messaging.telemetry import OTHER
from tests.factories import NOW, body, delivery, order, sqs_event
from tests.messaging import emf
from tests.messaging.consuming import in_memory

CONSUMER = "inventory"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SECONDS_AN_EFFECT = 0.25
HOSTILE = ["", "x" * 300, "a b", "☃", "customer@example.com", "\n{}", '"],"Dimensions":[["', "Root=1"]


class MadeUp(DeadLetter):
    """A consumer's own class, with whatever reason it likes."""

    def __init__(self, reason: str) -> None:
        super().__init__("no")
        self.reason = reason


class Place:
    """A sandbox with a controlled clock, a DynamoDB in memory, and the real Logger and Metrics."""

    def __init__(self) -> None:
        self.now = NOW
        self.reasons: dict[str, str] = {}  # by order: the effect fails so
        self.later: set[str] = set()
        self._machine = Sandbox()
        self._machine.environment = Settings(
            consumer=CONSUMER,
            queue_url="queue",
            dead_letter_queue_url="dead",
            tables={table.name: table.name for table in TABLES},
            code_version="v1",
            newer_version_patience_seconds=10,
        ).to_environment()
        sqs = SimpleNamespace(send_message=lambda **_: {}, change_message_visibility_batch=lambda **_: {})
        self._machine.clients = SimpleNamespace(dynamodb=in_memory(), sqs=sqs, ses=None, sns=None)
        self._machine.clock = lambda: self.now
        self._machine.sleep = lambda _: None
        self._invoke: Invocation | None = None

    def __call__(self, *batch: Delivery) -> dict[str, Any]:
        if self._invoke is None:  # in the test itself: a Logger keeps the stdout that it finds
            effects = Transactional(functions={OrderPlaced: self._effect})
            self._invoke = ConsumerFunction(effects).start(self._machine)
        context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 5_000)
        return self._invoke(sqs_event(*batch), context)

    def _effect(self, message: Message[OrderPlaced], _: View) -> Effect:
        self.now += SECONDS_AN_EFFECT
        order_id = message.event.order_id
        if order_id in self.later:
            raise RetryLater("not now")
        if order_id in self.reasons:
            raise MadeUp(self.reasons[order_id])
        return Effect((Add(Key("stock", "NW-1"), "units", 1),))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)  # production's is the default
    logging.root.manager.loggerDict.pop(CONSUMER, None)  # Powertools keeps the handler, and with it an old stdout
    return Place()


def lines(output: str, message: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [each for each in found if each.get("message") == message]


def of_customer(customer_id: str, order_id: str, delivery_id: str, **changes: Any) -> Delivery:
    return delivery(order(order_id, customer_id=customer_id), delivery_id, **changes)


def test_a_batch_with_every_outcome(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """One document for it, and one for each reason of its dead letters."""
    place.later, place.reasons = {"4"}, {"6": "because"}
    answer = place(
        of_customer("A", "1", "m1"),
        of_customer("A", "1", "m2"),
        delivery("}{", "m3"),
        of_customer("B", "4", "m4"),
        of_customer("B", "5", "m5"),
        of_customer("C", "6", "m6"),
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m4"}, {"itemIdentifier": "m5"}]}
    whole, *by_reason = emf.documents(capsys.readouterr().out)
    assert (emf.dimensions(whole), whole["service"]) == ([["service"]], CONSUMER)
    counts = {name: value for name, value in emf.values(whole).items() if not name.endswith("Latency")}
    assert counts == {
        "Records": [6.0],
        "Applied": [1.0],
        "Duplicates": [1.0],
        "DeadLettered": [2.0],
        "Retried": [1.0],
        "HeldBack": [1.0],
    }
    assert {each["reason"]: emf.values(each) for each in by_reason} == {
        "poison": {"DeadLettered": [1.0]},
        OTHER: {"DeadLettered": [1.0]},
    }


def test_latencies_are_in_milliseconds(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the batch from its arrival, of each applied record from its event's publication."""
    early = delivery(body(order("1"), time=NOW - 2), "m1", fifo=True)
    ahead = delivery(body(order("2", customer_id="B"), time=NOW + 60), "m2", fifo=True)
    place(early, ahead)
    (document,) = emf.documents(capsys.readouterr().out)
    assert document["EffectLatency"] == [2 * SECONDS_AN_EFFECT * 1000]
    assert document["EndToEndLatency"] == [2000 + 2 * SECONDS_AN_EFFECT * 1000, 0.0]


def test_a_batch_without_records_writes_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """It is an invocation by hand."""
    place()
    assert emf.documents(capsys.readouterr().out) == []


def test_nobody_can_make_the_dimensions_grow(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither ids, nor groups, nor types, nor reasons that a consumer makes up: each would be a metric to pay for."""
    place.reasons = {str(n): text for n, text in enumerate(HOSTILE)}
    for n, text in enumerate(HOSTILE):
        place(
            of_customer(f"C{n}", str(n), f"a{n}"),
            of_customer(f"D{n}", f"fine-{n}", f"b{n}", group=f"group-{n}"),
            delivery(text, f"c{n}", group=f"other-{n}"),
            delivery(body(order(f"x{n}"), correlation_id=f"shop-{n}").replace("OrderPlaced:1", f"{n}"), f"d{n}"),
        )
    allowed = {"service": {CONSUMER}, "reason": REASONS | {OTHER}}
    for document in emf.documents(capsys.readouterr().out):
        for names in emf.dimensions(document):
            assert {name: document[name] in allowed[name] for name in names} == dict.fromkeys(names, True)


def test_a_batchs_line_names_every_event_at_info(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """So a search for an id finds what went well too, where the records' own lines are not shown."""
    text = body(
        order("1"), correlation_id="shop-7", causation_id="click-1", traceparent=f"00-{TRACE}-b7ad6b7169203331-01"
    )
    place(delivery(text, "m1", fifo=True), delivery("}{", "m2"))
    output = capsys.readouterr().out
    (batch,) = lines(output, "batch")
    assert batch["events"] == [
        {
            "event_id": "OrderPlaced-1",
            "event_type": "OrderPlaced",
            "correlation_id": "shop-7",
            "causation_id": "click-1",
            "trace_id": TRACE,
            "published_at": decode(text).time.isoformat(timespec="milliseconds"),
            "outcome": "applied",
        }
    ]
    assert (batch["records"], batch["consumer"]) == (2, CONSUMER)
    assert [each["delivery_id"] for each in lines(output, "record")] == ["m2"]


def test_each_records_line_has_the_ids_of_its_journey(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """One query for the correlation finds them all."""
    place.later = {"1"}
    text = body(
        order("1"), correlation_id="shop-7", causation_id="click-1", traceparent=f"00-{TRACE}-b7ad6b7169203331-01"
    )
    place(delivery(text, "m1", fifo=True))
    (line,) = lines(capsys.readouterr().out, "record")
    ids = ("event_id", "event_type", "correlation_id", "causation_id", "trace_id")
    assert [line[name] for name in ids] == ["OrderPlaced-1", "OrderPlaced", "shop-7", "click-1", TRACE]


def test_metrics_are_in_the_namespace_of_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's own and its publisher's; production's where the environment names none."""
    machine = Sandbox()
    for said, namespace in (("Waybill/dev", "Waybill/dev"), ("", "Waybill")):
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", said)
        assert machine.metrics("inventory").namespace == namespace
        assert machine.publisher_metrics("relay").namespace == namespace
