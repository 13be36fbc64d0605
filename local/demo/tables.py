"""Whole tables, read consistently page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, localcontext
from typing import Any

Item = dict[str, Any]

# Far more digits than revenue has; a sum that would need rounding raises instead of being wrong.
_EXACT = Context(prec=60, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class Marker:
    """Proof that a consumer applied an event, and by which delivery."""

    consumer: str
    event_id: str
    delivery_id: str


def scan(dynamodb: Any, table: str) -> Iterator[Item]:
    """Every item of a table, in DynamoDB's JSON."""
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
    while True:
        page = dynamodb.scan(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum without rounding. Raises decimal.Inexact past 60 digits."""
    with localcontext(_EXACT):
        return sum(amounts, Decimal(0))


def read_revenue(dynamodb: Any, table: str) -> Decimal:
    """The total of the analytics counters, exact."""
    return exact_sum(Decimal(item["amount"]["N"]) for item in scan(dynamodb, table))


def read_markers(dynamodb: Any, *, inbox_table: str, order_table: str) -> list[Marker]:
    """All completed markers: the inbox's, and the order log's items, which are markers themselves."""
    from messaging.reasons import COMPLETED  # loads boto3, for which reading an order file need not wait

    markers = [
        Marker(item["consumer"]["S"], item["id"]["S"].partition("#")[2], item["delivery_id"]["S"])
        for item in scan(dynamodb, inbox_table)
        if item.get("status", {}).get("S") == COMPLETED
    ]
    markers += [
        Marker(item["consumer"]["S"], item["event_id"]["S"], item["delivery_id"]["S"])
        for item in scan(dynamodb, order_table)
    ]
    return markers


def count_items(dynamodb: Any, table: str) -> int:
    """How many items a table holds."""
    return sum(1 for _ in scan(dynamodb, table))


def is_empty(dynamodb: Any, table: str) -> bool:
    """Whether a table holds no item at all."""
    return not dynamodb.scan(TableName=table, ConsistentRead=True, Limit=1)["Items"]
