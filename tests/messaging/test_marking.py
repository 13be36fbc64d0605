"""Items that are their own markers: exactly once also where a function's choice depends on what it reads."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.batch import Delivery
from messaging.effects import Add, Create, Effect, Key, Transactional, View
from messaging.errors import Poison
from messaging.events import OrderPlaced
from messaging.message import Message
from messaging.subscription import Subscription
from tests.doubles import RememberingSource, Wire, lose_reply, refuse
from tests.factories import NOW, delivery, order
from tests.messaging.consuming import outcomes, process

ROW = Subscription(
    consumer="keeper", events=(OrderPlaced,), reads=("orders", "stock"), writes=("orders", "stock", "revenue")
)


def item_of(message: Message[Any]) -> Key:
    return Key("orders", message.event.order_id, message.id)


def test_a_function_that_chooses_by_what_it_reads_is_applied_once(dynamodb: Wire, source: RememberingSource) -> None:
    """On other items it would write something else the second time: the event is a duplicate all the same."""
    shelf = Key("stock", "shelf")

    def keep(message: Message[Any], view: View) -> Effect:
        if view.get(shelf) is None:
            return Effect((Create(item_of(message), {}),))
        return Effect((Add(Key("revenue", "late", "0"), "amount", 1),))

    effects = Transactional(functions={OrderPlaced: keep}, reads=lambda _: [shelf])
    first = process(dynamodb, source, delivery(order(), "m1", fifo=False), effects=effects, subscription=ROW)
    assert outcomes(first) == {"m1": "applied"}
    dynamodb.put_item(TableName="stock", Item={"sku": {"S": "shelf"}})
    again = process(dynamodb, source, delivery(order(), "m2", fifo=False), effects=effects, subscription=ROW)
    assert outcomes(again) == {"m2": "duplicate"}
    assert dynamodb.scan(TableName="revenue")["Count"] == 0


def test_a_function_that_refuses_what_it_wrote_itself_dead_letters_no_applied_event(
    dynamodb: Wire, source: RememberingSource
) -> None:
    """It finds its own item and calls the repeat poison: the item proves that the event was applied."""

    def keep(message: Message[Any], view: View) -> Effect:
        if view.get(item_of(message)) is not None:
            raise Poison("is there already")
        return Effect((Create(item_of(message), {}),))

    effects = Transactional(functions={OrderPlaced: keep}, reads=lambda message: [item_of(message)])
    for delivery_id, outcome in (("m1", "applied"), ("m2", "duplicate")):
        each = delivery(order(), delivery_id, fifo=False)
        ledger = process(dynamodb, source, each, effects=effects, subscription=ROW)
        assert outcomes(ledger) == {delivery_id: outcome}
    assert source.dead_letters == []


def test_an_event_too_old_for_a_marker_is_refused_before_its_item_is_looked_for(
    dynamodb: Wire, source: RememberingSource
) -> None:
    """Which item it would be only the function knows, and what is too old does not get that far; nothing changes."""
    row = Subscription(consumer="keeper", events=(OrderPlaced,), writes=("orders",))
    effects = Transactional(functions={OrderPlaced: lambda m, _: Effect((Create(item_of(m), {}),))})
    process(dynamodb, source, delivery(order(), "m1", fifo=False), effects=effects, subscription=row)
    now = NOW + row.oldest_event_seconds + 1
    ledger = process(dynamodb, source, delivery(order(), "m2", fifo=False), effects=effects, subscription=row, now=now)
    assert outcomes(ledger) == {"m2": "dead_lettered"}
    assert source.dead_letters[0][1]["reason"] == "too_old"
    assert [each["delivery_id"] for each in dynamodb.scan(TableName="orders")["Items"]] == [{"S": "m1"}]


def test_a_new_version_of_a_function_meets_the_items_of_the_old_one(dynamodb: Wire, source: RememberingSource) -> None:
    """It writes more than the item that was its own marker: what the old code applied is a duplicate."""

    def old(message: Message[Any], _: View) -> Effect:
        return Effect((Create(item_of(message), {}),))

    def new(message: Message[Any], _: View) -> Effect:
        return Effect((Create(item_of(message), {}), Add(Key("revenue", "all", "0"), "amount", 1)))

    outcome: dict[str, str] = {}
    for delivery_id, function in (("m1", old), ("m2", new)):
        effects = Transactional(functions={OrderPlaced: function})
        each = delivery(order(), delivery_id, fifo=False)
        outcome |= outcomes(process(dynamodb, source, each, effects=effects, subscription=ROW))
    assert outcome == {"m1": "applied", "m2": "duplicate"}


def test_a_row_that_begins_to_mark_its_items_knows_the_markers_it_left(
    dynamodb: Wire, source: RememberingSource
) -> None:
    """Its events no longer expire, so items mark themselves: what was applied before is no conflict."""
    effects = Transactional(functions={OrderPlaced: lambda m, _: Effect((Create(item_of(m), {}),))})
    outcome: dict[str, str] = {}
    for delivery_id, max_age_seconds in (("m1", 300), ("m2", None)):
        row = Subscription(
            consumer="keeper", events=(OrderPlaced,), writes=("orders",), max_age_seconds=max_age_seconds
        )
        each = delivery(order(), delivery_id, fifo=False)
        outcome |= outcomes(process(dynamodb, source, each, effects=effects, subscription=row))
    assert outcome == {"m1": "applied", "m2": "duplicate"}
    assert source.dead_letters == []


def keep(message: Message[Any], _: View) -> Effect:
    return Effect((Create(item_of(message), {"kept": "yes"}),))


KEEPER = Subscription(consumer="keeper", events=(OrderPlaced,), writes=("orders",), ordering="group")
KEEPS = Transactional(functions={OrderPlaced: keep})


def batch(*customers: str, name: str = "m") -> list[Delivery]:
    return [delivery(order(f"{n}", customer_id=customer), f"{name}{n}") for n, customer in enumerate(customers)]


class TestEachForItself:
    """Items that need no other are inserted in one batch of statements: one write unit each, half a transaction's."""

    def test_a_clean_batch_is_one_round_trip_and_no_transaction(
        self, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Ten customers, ten items."""
        ledger = process(dynamodb, source, *batch(*"ABCDEFGHIJ"), effects=KEEPS, subscription=KEEPER)
        assert set(outcomes(ledger).values()) == {"applied"}
        assert dynamodb.calls == ["batch_execute_statement"]
        assert dynamodb.scan(TableName="orders")["Count"] == 10

    def test_what_was_there_is_read_and_told_apart(self, dynamodb: Wire, source: RememberingSource) -> None:
        """A duplicate, a lost acknowledgement, another payload, a new one: one more trip for all of them."""
        process(dynamodb, source, *batch(*"ABC"), effects=KEEPS, subscription=KEEPER)
        dynamodb.calls.clear()
        mixed = [
            delivery(order("0", customer_id="A"), "other"),
            delivery(order("1", customer_id="B"), "m1"),
            delivery(order("2", customer_id="C", priority="high"), "m2"),
            delivery(order("3", customer_id="D"), "m3"),
        ]
        ledger = process(dynamodb, source, *mixed, effects=KEEPS, subscription=KEEPER)
        assert outcomes(ledger) == {"other": "duplicate", "m1": "applied", "m2": "dead_lettered", "m3": "applied"}
        assert source.dead_letters[0][1]["reason"] == "conflict"
        assert dynamodb.calls[:2] == ["batch_execute_statement", "batch_get_item"]
        assert set(dynamodb.calls[2:]) == {"batch_write_item"}  # the record of the failure

    @pytest.mark.fault(32)
    def test_a_lost_reply_applies_once(self, dynamodb: Wire, source: RememberingSource) -> None:
        """All were written: the repeat finds its own."""
        dynamodb.after["batch_execute_statement"] = [lose_reply]
        ledger = process(dynamodb, source, *batch(*"ABC"), effects=KEEPS, subscription=KEEPER)
        assert set(outcomes(ledger).values()) == {"applied"}
        assert dynamodb.calls == ["batch_execute_statement"] * 2 + ["batch_get_item"]
        assert dynamodb.scan(TableName="orders")["Count"] == 3

    @pytest.mark.fault(31, 35)
    def test_a_throttled_statement_is_tried_again_and_the_others_are_done(
        self, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """It hides in an HTTP 200."""
        throttled = {"Responses": [{"Error": {"Code": "ThrottlingError", "Message": ""}}, {}]}
        dynamodb.replies["batch_execute_statement"] = [throttled]
        ledger = process(dynamodb, source, *batch(*"AB"), effects=KEEPS, subscription=KEEPER)
        assert set(outcomes(ledger).values()) == {"applied"}
        items = dynamodb.scan(TableName="orders")["Items"]
        assert [item["order_id"]["S"] for item in items] == ["0"]  # the second was never really sent

    def test_two_of_one_group_are_one_transaction(self, dynamodb: Wire, source: RememberingSource) -> None:
        """Statements of a batch have no order, and the later one must not be there without the earlier."""
        ledger = process(dynamodb, source, *batch(*"ABA"), effects=KEEPS, subscription=KEEPER)
        assert set(outcomes(ledger).values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"]

    def test_an_unanswered_look_at_what_was_there_acknowledges_nothing(
        self, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Whether it was this event nobody knows: it comes again."""
        process(dynamodb, source, *batch("A"), effects=KEEPS, subscription=KEEPER)
        dynamodb.before["batch_get_item"] = [refuse("InternalFailure")] * 99
        ledger = process(dynamodb, source, *batch("A", name="x"), effects=KEEPS, subscription=KEEPER)
        assert outcomes(ledger) == {"x0": "retry"}

    @pytest.mark.fault(39)
    def test_an_item_that_no_request_takes_is_dead_lettered_alone(
        self, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Over 400 KB, of which DynamoDB tells in the statement's own answer."""

        def bulky(message: Message[Any], _: View) -> Effect:
            size = 500_000 if message.event.order_id == "1" else 1
            return Effect((Create(item_of(message), {"bulk": "x" * size}),))

        effects = Transactional(functions={OrderPlaced: bulky})
        ledger = process(dynamodb, source, *batch(*"ABC"), effects=effects, subscription=KEEPER)
        assert outcomes(ledger) == {"m0": "applied", "m1": "dead_lettered", "m2": "applied"}
        assert source.dead_letters[0][1]["reason"] == "too_large"
