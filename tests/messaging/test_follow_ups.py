"""Follow-up events: in the transaction of the effect that they tell of, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from messaging import items
from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Create, Effect, Key, Transactional, View
from messaging.events import MAX_LINES, OrderPlaced, Shortage, StockRefused, StockReserved, Units
from messaging.message import Message
from messaging.subscription import Subscription
from tests.doubles import RememberingSource, Wire
from tests.factories import body, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import outcomes, reasons

ROW = Subscription(consumer="shelf", events=(OrderPlaced,), writes=("stock", "orders"), emits=(StockReserved,))
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Consume = Callable[..., Ledger]


def reserved(message: Message[Any], number: str = "", quantity: int = 1) -> StockReserved:
    return StockReserved(f"{message.event.order_id}{number}", message.event.customer_id, (Units("NW-1", quantity),))


def reserve(message: Message[Any], _: View) -> Effect:
    """Takes a unit and tells of it."""
    return Effect((Add(Key("stock", "NW-1"), "units", -1),), (reserved(message),))


@pytest.fixture
def consume(dynamodb: Wire, source: RememberingSource) -> Consume:
    def process(*deliveries: Delivery, function: Callable[[Message[Any], View], Effect] = reserve) -> Ledger:
        effects = Transactional(functions={OrderPlaced: function})
        return consuming.process(dynamodb, source, *deliveries, effects=effects, subscription=ROW)

    return process


def outbox(client: Any) -> dict[str, list[list[str]]]:
    """The ids of the messages in each item of each group."""
    told: dict[str, list[list[str]]] = {}
    for item in map(items.plain, client.scan(TableName="outbox")["Items"]):
        told.setdefault(item["message_group"], []).append([each["id"] for each in item["messages"]])
    return told


def standard(order_id: str, delivery_id: str | None = None, customer_id: str = "A") -> Delivery:
    return delivery(order(order_id, customer_id=customer_id), delivery_id or f"m{order_id}", fifo=False)


@pytest.mark.fault(51)
def test_an_event_and_what_it_tells_of_are_one_transaction(consume: Consume, dynamodb: Wire) -> None:
    """Effect, marker and message: one call for the batch."""
    requests: list[dict[str, Any]] = []
    dynamodb.before["transact_write_items"] = [requests.append]
    assert outcomes(consume(standard("1"))) == {"m1": "applied"}
    assert dynamodb.calls == ["transact_write_items"]
    tables = [next(iter(entry.values()))["TableName"] for entry in requests[0]["TransactItems"]]
    assert tables == ["inbox", "stock", "outbox"]


def test_events_of_a_group_are_one_item_in_order(consume: Consume, dynamodb: Wire) -> None:
    """Of several messages, and several of each: what a batch tells a group is one write."""

    def tell(message: Message[Any], _: View) -> Effect:
        return Effect((), (reserved(message, "-x"), reserved(message, "-y")))

    consume(standard("2"), standard("9", customer_id="B"), standard("1"), function=tell)
    assert dynamodb.calls == ["transact_write_items"]
    assert outbox(dynamodb) == {
        "A": [["StockReserved-2-x", "StockReserved-2-y", "StockReserved-1-x", "StockReserved-1-y"]],
        "B": [["StockReserved-9-x", "StockReserved-9-y"]],
    }


def test_an_event_tells_its_cause(consume: Consume, dynamodb: Wire) -> None:
    """The correlation and the trace are the cause's, the causation is the cause."""
    text = body(order("1", customer_id="A"), correlation_id="shop-7", causation_id="click-1", traceparent=TRACE)
    consume(delivery(text, fifo=False))
    (item,) = map(items.plain, dynamodb.scan(TableName="outbox")["Items"])
    (message,) = item["messages"]
    envelope = json.loads(message["body"])
    assert (envelope["correlationid"], envelope["causationid"], envelope["traceparent"]) == (
        "shop-7",
        "OrderPlaced-1",
        TRACE,
    )
    assert (envelope["id"], envelope["source"]) == ("StockReserved-1", "urn:waybill:shelf")
    assert "sequence" not in envelope
    assert (message["type"], message["attributes"]) == ("StockReserved", {"type": "StockReserved"})


def test_a_cause_without_a_trace_gives_none(consume: Consume, dynamodb: Wire) -> None:
    """The first event of a correlation is its own."""
    consume(standard("1"))
    (item,) = map(items.plain, dynamodb.scan(TableName="outbox")["Items"])
    envelope = json.loads(item["messages"][0]["body"])
    assert envelope["correlationid"] == "OrderPlaced-1"
    assert "traceparent" not in envelope


def test_a_duplicate_tells_nothing(consume: Consume, dynamodb: Wire) -> None:
    """Before, in the same batch, or beside a new one of its group."""
    consume(standard("1"))
    ledger = consume(standard("1", "again"), standard("2"), standard("2", "twice"))
    assert outcomes(ledger) == {"again": "duplicate", "m2": "applied", "twice": "duplicate"}
    assert sorted(outbox(dynamodb)["A"]) == [["StockReserved-1"], ["StockReserved-2"]]


def test_a_failed_condition_tells_nothing_until_the_rerun(consume: Consume, dynamodb: Wire) -> None:
    """What is told is what the run that committed decided."""
    runs: list[str] = []

    def take(message: Message[Any], _: View) -> Effect:
        runs.append(message.id)
        if len(runs) == 2:
            assert outbox(dynamodb) == {}
        needs = 1 if len(runs) == 1 else None
        return Effect((Add(Key("stock", "NW-1"), "units", -1, needs=needs),), (reserved(message, f"-{len(runs)}"),))

    assert outcomes(consume(standard("1"), function=take)) == {"m1": "applied"}
    assert outbox(dynamodb) == {"A": [["StockReserved-1-2"]]}


@pytest.mark.parametrize("refused", ["undeclared", "invalid"])
def test_an_event_that_may_not_be_told_fails_its_record_alone(
    consume: Consume, dynamodb: Wire, source: RememberingSource, refused: str
) -> None:
    """One that the row does not emit, or that breaks its schema: handed back, nothing written, its mates applied."""

    def tell(message: Message[Any], view: View) -> Effect:
        if message.event.order_id != "bad":
            return reserve(message, view)
        undeclared = StockRefused("1", "A", (Shortage("NW-1", 2, 1),))
        invalid = reserved(message, quantity=0)
        return replace(reserve(message, view), follow_ups=(undeclared if refused == "undeclared" else invalid,))

    ledger = consume(standard("1"), standard("bad"), standard("2"), function=tell)
    assert outcomes(ledger) == {"m1": "applied", "mbad": "retry", "m2": "applied"}
    assert reasons(ledger)["mbad"] == ("UndeclaredFollowUp" if refused == "undeclared" else "InvalidEvent")
    assert outbox(dynamodb) == {"A": [["StockReserved-1", "StockReserved-2"]]}
    marked = {item["id"]["S"] for item in dynamodb.scan(TableName="inbox")["Items"] if "status" in item}
    assert marked == {"shelf#OrderPlaced-1", "shelf#OrderPlaced-2"}


def large(message: Message[Any], number: int) -> StockReserved:
    """About 8 KiB."""
    units = tuple(Units(f"{n:02}" + "s" * 60, 1) for n in range(MAX_LINES))
    return StockReserved(f"{message.event.order_id}-{number}", message.event.customer_id, units)


def test_too_much_for_one_item_is_too_large_for_one_message(
    consume: Consume, dynamodb: Wire, source: RememberingSource
) -> None:
    """Over 300 KiB in one group; its batch mate is applied."""

    def tell(message: Message[Any], _: View) -> Effect:
        count = 40 if message.event.order_id == "much" else 1
        return Effect((), tuple(large(message, n) for n in range(count)))

    assert outcomes(consume(standard("much"), standard("1"), function=tell)) == {
        "mmuch": "dead_lettered",
        "m1": "applied",
    }
    ((_, facts),) = source.dead_letters
    assert facts["reason"] == "too_large"
    assert "'OrderPlaced-much'" in facts["detail"]
    assert "300 KiB" in facts["detail"]
    assert outbox(dynamodb) == {"A": [["StockReserved-1-0"]]}


def test_too_much_for_one_item_of_two_messages_takes_two_rounds(consume: Consume, dynamodb: Wire) -> None:
    """Neither is at fault: the second one is in the next transaction."""

    def tell(message: Message[Any], _: View) -> Effect:
        return Effect((), tuple(large(message, n) for n in range(25)))

    ledger = consume(standard("1"), standard("2"), standard("3", customer_id="B"), function=tell)
    assert set(outcomes(ledger).values()) == {"applied"}
    assert dynamodb.calls == ["transact_write_items"] * 2
    assert sorted(len(each) for each in outbox(dynamodb)["A"]) == [25, 25]


def test_an_item_keyed_by_its_event_is_no_marker_where_it_is_told_of(consume: Consume, dynamodb: Wire) -> None:
    """The marker is in the inbox: a duplicate tells nothing."""

    def keep(message: Message[Any], _: View) -> Effect:
        key = Key("orders", message.event.order_id, message.id)
        return Effect((Create(key, {}),), (reserved(message),))

    assert outcomes(consume(standard("1"), function=keep)) == {"m1": "applied"}
    assert outcomes(consume(standard("1", "again"), function=keep)) == {"again": "duplicate"}
    (marker,) = dynamodb.scan(TableName="inbox")["Items"]
    assert marker["id"] == {"S": "shelf#OrderPlaced-1"}
    assert outbox(dynamodb) == {"A": [["StockReserved-1"]]}


def test_events_alone_are_an_effect_too(consume: Consume, dynamodb: Wire) -> None:
    """A consumer that only tells: once an event."""
    ledger = consume(standard("1"), standard("1", "again"), function=lambda m, _: Effect((), (reserved(m),)))
    assert outcomes(ledger) == {"m1": "applied", "again": "duplicate"}
    assert outbox(dynamodb) == {"A": [["StockReserved-1"]]}
