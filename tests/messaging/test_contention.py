"""Concurrent batches over the same items: all commit, exactly once, with a bounded number of attempts."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from lambdas import analytics, inventory
from messaging.batch import Ledger
from messaging.effects import Transactional
from messaging.events import OrderCancelled, OrderPlaced
from messaging.items import plain
from messaging.rounds import MAX_CONTENDED_ATTEMPTS
from messaging.samples.orders import generate_orders
from messaging.tables import TABLES
from messaging.topology import ORDERS
from testing.dynamodb import PREPARED, Client, Store
from tests.doubles import RememberingSource
from tests.factories import body, delivery
from tests.messaging.consuming import outcomes, process

TEN = Path(__file__).parents[1] / "data" / "northwind-ten.ndjson"
SKUS = [f"NW-{number}" for number in range(1, 78)]  # Northwind's products
BATCHES = 10

RESERVE = Transactional(
    functions={OrderPlaced: inventory.reserve, OrderCancelled: inventory.release}, reads=inventory.reads
)
BOOK = Transactional(functions={OrderPlaced: analytics.add, OrderCancelled: analytics.subtract})


class Contested:
    """A client whose transactions take a while between prepare and commit.

    `conflicts`: how many of their actions met another's. `alone`: how often each record was tried by itself.
    """

    def __init__(self, store: Store, seed: int) -> None:
        times = random.Random(seed)
        self._client = Client(store, pause=lambda step: time.sleep(times.uniform(0.001, 0.003) * (step == PREPARED)))
        self.exceptions = self._client.exceptions
        self.conflicts = 0
        self.alone: Counter[str] = Counter()

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def transact_write_items(self, **request: Any) -> Any:
        markers = [
            entry["Put"]["Item"]["id"]["S"]
            for entry in request["TransactItems"]
            if entry.get("Put", {}).get("TableName") == "inbox"
        ]
        self.alone.update(markers if len(markers) == 1 else [])
        try:
            return self._client.transact_write_items(**request)
        except ClientError as error:
            self.conflicts += sum(
                reason["Code"] == "TransactionConflict" for reason in error.response.get("CancellationReasons", [])
            )
            raise


@pytest.fixture
def store() -> Store:
    tables = Store()
    for table in TABLES:
        tables.create_table(table.name, table.partition_key, table.sort_key)
    return tables


@pytest.fixture
def orders() -> list[OrderPlaced]:
    """Northwind's first ten orders, and ninety like them, over its 77 products."""
    true = [msgspec.json.decode(line, type=OrderPlaced) for line in TEN.read_bytes().splitlines()]
    made = generate_orders(10 * BATCHES - len(true), seed=42)
    return [*true, *(over_all_products(order, number) for number, order in enumerate(made))]


def over_all_products(order: OrderPlaced, number: int) -> OrderPlaced:
    lines = tuple(
        msgspec.structs.replace(line, sku=SKUS[(7 * number + 13 * position) % len(SKUS)])
        for position, line in enumerate(order.lines)
    )
    return msgspec.structs.replace(order, lines=lines)


def consume_at_once(
    consumer: str, effects: Transactional, store: Store, batches: Sequence[Sequence[OrderPlaced]]
) -> tuple[list[Contested], list[Ledger]]:
    """A worker for each batch, all at the same moment."""
    row = ORDERS.subscription(consumer)
    clients = [Contested(store, seed) for seed in range(len(batches))]
    start = threading.Barrier(len(batches))

    received = [
        [delivery(body(order), f"m-{order.order_id}", group=order.customer_id, fifo=row.fifo) for order in batch]
        for batch in batches
    ]

    def work(number: int) -> Ledger:
        client, source = clients[number], RememberingSource()
        start.wait()
        return process(client, source, *received[number], effects=effects, subscription=row, sleep=time.sleep)

    with ThreadPoolExecutor(len(batches)) as workers:
        return clients, list(workers.map(work, range(len(batches))))


def in_batches(orders: Sequence[OrderPlaced]) -> list[Sequence[OrderPlaced]]:
    return [orders[number::BATCHES] for number in range(BATCHES)]


def items(store: Store, table: str) -> list[dict[str, Any]]:
    return [plain(item) for item in Client(store).scan(TableName=table)["Items"]]


def assert_each_once(store: Store, ledgers: Iterable[Ledger], orders: Sequence[OrderPlaced]) -> None:
    """No batch hands anything back; each order is applied, and has a marker."""
    applied = Counter(each for ledger in ledgers for each, outcome in outcomes(ledger).items() if outcome == "applied")
    assert applied == Counter(f"m-{order.order_id}" for order in orders)
    markers = [item["id"] for item in items(store, "inbox") if item.get("status") == "COMPLETED"]
    assert len(markers) == len(orders)


def assert_bounded(clients: Sequence[Contested]) -> None:
    """There were conflicts, and no record was tried more often than the bound says."""
    assert sum(client.conflicts for client in clients) > 0
    for client in clients:
        assert max(client.alone.values(), default=0) <= MAX_CONTENDED_ATTEMPTS


@pytest.mark.fault(33, 36)
def test_ten_batches_over_the_same_stock(store: Store, orders: list[OrderPlaced]) -> None:
    """Each order is reserved whole or refused whole, exactly once; the stock is exact and never below zero."""
    initial = {sku: 20 + 5 * number for number, sku in enumerate(SKUS)}  # less than what all of them want
    for sku, units in initial.items():
        store_item = {"sku": {"S": sku}, "units": {"N": str(units)}}
        Client(store).put_item(TableName="stock", Item=store_item)

    clients, ledgers = consume_at_once("inventory", RESERVE, store, in_batches(orders))

    assert_each_once(store, ledgers, orders)
    assert_bounded(clients)
    reservations = {item["order_id"]: item for item in items(store, "reservations")}
    assert reservations.keys() == {order.order_id for order in orders}
    assert {item["status"] for item in reservations.values()} == {"reserved", "refused"}
    taken: Counter[str] = Counter()
    for item in reservations.values():
        taken.update({sku: int(units) for sku, units in item.get("lines", {}).items()})
    left = {item["sku"]: int(item["units"]) for item in items(store, "stock")}
    assert min(left.values()) >= 0
    assert left == {sku: units - taken[sku] for sku, units in initial.items()}
    for order in orders:  # refused means that something of it was short, and still is: nobody returns anything
        if reservations[order.order_id]["status"] == "refused":
            assert any(left[sku] < units for sku, units in wanted(order).items())
    told = Counter(message["id"] for item in items(store, "outbox") for message in item["messages"])
    assert told == Counter(
        f"Stock{reservations[order.order_id]['status'].capitalize()}-{order.order_id}" for order in orders
    )


@pytest.mark.fault(33)
def test_ten_batches_over_the_same_day(store: Store, orders: list[OrderPlaced]) -> None:
    """All orders of one day and two countries: the revenue is exact."""
    day = [
        msgspec.structs.replace(
            order,
            placed_at="2026-11-20T10:00:00Z",
            ship_to=msgspec.structs.replace(order.ship_to, country=("Denmark", "Norway")[number % 2]),
        )
        for number, order in enumerate(orders)
    ]

    clients, ledgers = consume_at_once("analytics", BOOK, store, in_batches(day))

    assert_each_once(store, ledgers, day)
    assert_bounded(clients)
    booked: Counter[str] = Counter()
    for item in items(store, "revenue"):
        booked[item["day_country"]] += item["amount"]
    expected = {f"2026-11-20#{country}": Decimal(0) for country in ("Denmark", "Norway")}
    for order in day:
        expected[f"2026-11-20#{order.ship_to.country}"] += order.amount()
    assert booked == expected


def wanted(order: OrderPlaced) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in order.lines:
        units[line.sku] += line.quantity
    return units
