"""Query and Scan, page by page.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from testing.dynamodb.capacity import Meter
from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions import RequestExpressions
from testing.dynamodb.expressions.conditions import parse_condition
from testing.dynamodb.expressions.projection import project
from testing.dynamodb.expressions.walk import paths_of
from testing.dynamodb.keyconditions import split
from testing.dynamodb.schema import Key, Misfit
from testing.dynamodb.table import Table, position
from testing.dynamodb.values import Item, Shown, item_size_bytes, show_item

MAX_PAGE_BYTES = 1024 * 1024


def query(table: Table, request: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """The items of one partition that meet the key condition, by sort key."""
    if request.get("KeyConditionExpression") is None:
        raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    expressions = RequestExpressions(request)
    partition, meets = split(table.schema, expressions, request["KeyConditionExpression"])
    _refuse_key_filter(table, request, expressions)
    forward = request.get("ScanIndexForward", True)
    found = [(key, item) for key, item in table.partition(partition) if meets(item, expressions.values)]
    start = _start(table, request)
    if start is not None:
        if start[0] != partition:
            raise invalid("The provided starting key is outside query boundaries based on provided conditions")
        found = [(key, item) for key, item in found if (key > start if forward else key < start)]
    return _page(table, found if forward else found[::-1], request, expressions, meter)


def scan(table: Table, request: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """All items, in an order that only DynamoDB knows."""
    expressions = RequestExpressions(request)
    found = table.everything()
    start = _start(table, request)
    if start is not None:
        found = [(key, item) for key, item in found if position(key) > position(start)]
    return _page(table, found, request, expressions, meter)


def _start(table: Table, request: Mapping[str, Any]) -> Key | None:
    start = request.get("ExclusiveStartKey")
    if start is None:
        return None
    try:
        return table.schema.key_of(start)[0]
    except Misfit as error:
        raise invalid("The provided starting key is invalid") from error


def _page(
    table: Table,
    found: Iterable[tuple[Key, Item]],
    request: Mapping[str, Any],
    expressions: RequestExpressions,
    meter: Meter,
) -> dict[str, Any]:
    meets = expressions.condition("FilterExpression")
    projection = expressions.projection()
    expressions.check_all_used()
    limit = _limit(request)
    items: list[Item] = []
    scanned = size_bytes = 0
    last: Item | None = None
    for _, item in found:
        scanned += 1
        size_bytes += item_size_bytes(item)
        if meets is None or meets(item, expressions.values):
            items.append(item)
        if scanned == limit or size_bytes >= MAX_PAGE_BYTES:
            # There may be nothing more: DynamoDB does not look either.
            last = item
            break
    meter.read(size_bytes, consistent=bool(request.get("ConsistentRead")))
    reply: dict[str, Any] = {"Count": len(items), "ScannedCount": scanned}
    if last is not None:
        reply["LastEvaluatedKey"] = show_item(table.schema.attributes_of(last))
    if request.get("Select") != "COUNT":
        shown: Callable[[Item], Shown] = show_item if projection is None else lambda item: project(item, projection)
        reply["Items"] = [shown(item) for item in items]
    return reply


def _limit(request: Mapping[str, Any]) -> int | None:
    limit = request.get("Limit")
    if limit is not None and limit < 1:
        raise invalid(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
    return limit


def _refuse_key_filter(table: Table, request: Mapping[str, Any], expressions: RequestExpressions) -> None:
    """A query's filter may not look at the key: that is the key condition's job."""
    text = request.get("FilterExpression")
    if text is None:
        return
    for path in paths_of(parse_condition("FilterExpression", text)):
        name = expressions.scope.steps(path, "FilterExpression")[0]
        if name in table.schema.names:
            raise invalid(
                f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
            )
