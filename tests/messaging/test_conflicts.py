"""Transactions that others' writes cancel are counted, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from messaging.effects import Add, Change, Create, Effect, Key, Transactional, View
from messaging.events import OrderPlaced
from messaging.items import attributes
from messaging.message import Message
from messaging.rounds import MAX_CONTENDED_ATTEMPTS
from messaging.subscription import Subscription
from messaging.tables import TABLES
from testing.dynamodb import PREPARED, Client, Store
from tests.doubles import RememberingSource, Wire, lose_reply
from tests.factories import delivery, order
from tests.messaging.consuming import in_memory, outcomes, process

ROW = Subscription(consumer="shelf", events=(OrderPlaced,), reads=("stock",), writes=("stock", "orders"))
STOCK = Key("stock", "NW-1")


def count(_: Message[Any], view: View) -> Effect:
    """Reads the number and writes the next."""
    there = view.get(STOCK)
    if there is None:
        return Effect((Create(STOCK, {"units": 1}),))
    return Effect((Change(STOCK, {"units": there["units"] + 1}, expected={"units": there["units"]}),))


def reads(_: Message[Any]) -> Iterable[Key]:
    return (STOCK,)


COUNT = Transactional(functions={OrderPlaced: count}, reads=reads)
ADD = Transactional(functions={OrderPlaced: lambda *_: Effect((Add(STOCK, "units", 1),))})


def write(client: Any, units: int) -> None:
    client.put_item(TableName="stock", Item=attributes({"sku": "NW-1", "units": units}))


def test_a_clean_batch_has_none() -> None:
    """However many records it has, and with a duplicate."""
    client = in_memory()
    batch = [delivery(order("1"), "m1", fifo=False), delivery(order("2"), "m2", fifo=False)]
    assert process(client, RememberingSource(), *batch, effects=ADD, subscription=ROW).conflicts == 0
    again = delivery(order("1"), "m3", fifo=False)
    ledger = process(client, RememberingSource(), again, effects=ADD, subscription=ROW)
    assert (outcomes(ledger), ledger.conflicts) == ({"m3": "duplicate"}, 0)


def test_a_write_between_read_and_commit_is_one() -> None:
    """The condition fails, the second round sees what is there."""
    wire = Wire(in_memory())
    write(wire, 5)
    wire.before["transact_write_items"] = [lambda _: write(wire, 7)]
    ledger = process(wire, RememberingSource(), delivery(order("1")), effects=COUNT, subscription=ROW)
    assert (outcomes(ledger), ledger.conflicts) == ({"m1": "applied"}, 1)


def test_a_transaction_of_ten_records_counts_once() -> None:
    """What is counted is transactions, not what was in them."""
    wire = Wire(in_memory())
    write(wire, 5)
    wire.before["transact_write_items"] = [lambda _: write(wire, 7)]
    batch = [delivery(order(str(n)), f"m{n}", fifo=False) for n in range(10)]
    ledger = process(wire, RememberingSource(), *batch, effects=COUNT, subscription=ROW)
    assert set(outcomes(ledger).values()) == {"applied"}
    assert ledger.conflicts == 1


def test_each_attempt_against_a_transaction_that_is_under_way_is_one() -> None:
    """Until the batch gives the record up."""
    store = Store()
    for table in TABLES:
        store.create_table(table.name, table.partition_key, table.sort_key)
    ledgers = []

    def consume(step: object) -> None:
        if step == PREPARED:
            mine = delivery(order("1"))
            ledgers.append(process(Client(store), RememberingSource(), mine, effects=ADD, subscription=ROW))

    item = {"Put": {"TableName": "stock", "Item": attributes({"sku": "NW-1", "units": 5})}}
    Client(store, pause=consume).transact_write_items(TransactItems=[item])
    (ledger,) = ledgers
    assert (outcomes(ledger), ledger.conflicts) == ({"m1": "retry"}, MAX_CONTENDED_ATTEMPTS)


def test_a_lost_reply_and_a_throttled_call_are_none() -> None:
    """Nobody else has written."""

    def throttle(_: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "TransactWriteItems")

    wire = Wire(in_memory())
    wire.before["transact_write_items"] = [throttle]
    wire.after["transact_write_items"] = [lose_reply]
    ledger = process(wire, RememberingSource(), delivery(order("1")), effects=ADD, subscription=ROW)
    assert (outcomes(ledger), ledger.conflicts) == ({"m1": "applied"}, 0)
