"""The DynamoDB calls of a batch of ten real orders (the first ten of Microsoft's Northwind sample)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import msgspec
import pytest

from messaging.events import OrderPlaced
from messaging.topology import ORDERS
from tests.factories import NOW, body, delivery, sqs_event
from tests.lambdas.conftest import Invoke

TEN = Path(__file__).parents[1] / "data" / "northwind-ten.ndjson"
YEAR_2999 = 32_500_000_000.0  # an age that no subscription minds


def ten_orders() -> list[OrderPlaced]:
    """Orders and customers that no other test has used on this endpoint: a cursor stays."""
    run = uuid.uuid4().hex[:8]
    orders = [msgspec.json.decode(line, type=OrderPlaced) for line in TEN.read_bytes().splitlines()]
    return [
        msgspec.structs.replace(order, order_id=f"{run}-{order.order_id}", customer_id=f"{order.customer_id}-{run}")
        for order in orders
    ]


def batch(consumer: str, orders: list[OrderPlaced], name: str = "m") -> dict[str, Any]:
    fifo = ORDERS.subscription(consumer).fifo
    deliveries = [
        delivery(
            body(order, time=YEAR_2999, sequence=int(NOW) + number),
            f"{name}-{order.order_id}",
            fifo=fifo,
            group=order.customer_id if fifo else None,
        )
        for number, order in enumerate(orders)
    ]
    return sqs_event(*deliveries, queue=f"{consumer}.fifo" if fifo else consumer)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The DynamoDB operations of every client in this process, as they are called."""
    made: list[str] = []
    original = botocore.client.BaseClient._make_api_call

    def recording(self: Any, operation: str, parameters: Any) -> Any:
        if self.meta.service_model.service_name == "dynamodb":
            made.append(operation)
        return original(self, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recording)
    return made


CLEAN = {
    "inventory": ["BatchGetItem", "TransactWriteItems"],
    "priority_orders": ["TransactWriteItems"],
    "standard_orders": ["TransactWriteItems"],
    "analytics": ["TransactWriteItems"],
    "notifications": ["BatchExecuteStatement", "BatchExecuteStatement"],
}


@pytest.mark.parametrize("consumer", CLEAN)
def test_a_clean_batch(consumer: str, invoke: Invoke, calls: list[str]) -> None:
    """Order writers commit once; inventory reads once and commits once; e-mails are claimed and recorded together."""
    orders = ten_orders()
    stock(orders)
    calls.clear()
    assert invoke(consumer, batch(consumer, orders)) == {"batchItemFailures": []}
    assert calls == CLEAN[consumer]


@pytest.mark.parametrize(
    ("consumer", "expected"),
    [
        ("standard_orders", ["TransactWriteItems"] * 2),
        ("analytics", ["TransactWriteItems"] * 2),
        ("inventory", ["BatchGetItem", "TransactWriteItems"] * 2),
        ("notifications", ["BatchExecuteStatement", "BatchGetItem", "BatchExecuteStatement"]),
    ],
)
def test_a_batch_with_a_duplicate(consumer: str, expected: list[str], invoke: Invoke, calls: list[str]) -> None:
    """The first trip tells which it is, the second does the rest."""
    orders = ten_orders()
    stock(orders)
    invoke(consumer, batch(consumer, orders[3:4], "earlier"))
    calls.clear()
    # In inventory its cursor stands at its own sequence now: a duplicate is never stale.
    assert invoke(consumer, batch(consumer, orders)) == {"batchItemFailures": []}
    assert calls == expected


def stock(orders: list[OrderPlaced]) -> None:
    """Enough of everything."""
    dynamodb = boto3.client("dynamodb")
    for sku in {line.sku for order in orders for line in order.lines}:
        dynamodb.put_item(TableName="stock", Item={"sku": {"S": sku}, "units": {"N": "1000000"}})
