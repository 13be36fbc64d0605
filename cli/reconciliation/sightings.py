"""Which consumer has seen which event since when: markers, items that are their own markers, and failure records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from messaging.items import attributes, plain
from messaging.subscription import Subscription
from messaging.tables import EXPIRATION, INBOX, TABLES_BY_NAME


@dataclass(frozen=True, slots=True)
class Sighting:
    """A consumer has had an event by then; without an event's id, it has buried what it could not read."""

    consumer: str
    event_id: str | None
    at: datetime


def sightings(
    dynamodb: Any,
    tables: Mapping[str, str],
    rows: Sequence[Subscription],
    since: datetime,
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Sighting]:
    """All since then. Reads the whole inbox and the tables of items that are markers, for neither has an index by
    time: a read unit for each 8 KB. `advance` is told of items looked at. Raises what boto3 raises.
    """
    by_name = {row.consumer: row for row in rows}
    for item in _scan(dynamodb, tables[INBOX.name], since, advance):
        found = _in_inbox(item, by_name)
        if found is not None and found.at >= since:
            yield found
    for name in dict.fromkeys(name for row in rows if row.items_may_mark for name in row.writes):
        if TABLES_BY_NAME[name].sort_key != "event_id":
            continue
        for item in _scan(dynamodb, tables[name], since, advance):
            if "applied_at" in item and item.get("consumer") in by_name:
                yield Sighting(item["consumer"], item["event_id"], datetime.fromisoformat(item["applied_at"]))


def _in_inbox(item: Mapping[str, Any], rows: Mapping[str, Subscription]) -> Sighting | None:
    consumer, kind, rest = ([*str(item[INBOX.partition_key]).split("#", 2), "", ""])[:3]
    if consumer not in rows:
        return None  # of a consumer that is gone, or a record of Powertools', whose id is a hash
    if kind == "failure":
        if "failed_at" not in item:
            return None
        # A record that could not be read has no event: it is kept under its delivery.
        nameless = rest == item.get("delivery_id")
        if nameless and item.get("outcome") != "dead_lettered":
            return None
        return Sighting(consumer, None if nameless else rest, datetime.fromisoformat(item["failed_at"]))
    if rest or kind in ("cursor", "tries"):
        return None
    if "applied_at" in item:
        return Sighting(consumer, kind, datetime.fromisoformat(item["applied_at"]))
    if EXPIRATION in item:
        began = int(item[EXPIRATION]) - rows[consumer].marker_lifetime_seconds
        return Sighting(consumer, kind, datetime.fromtimestamp(began, UTC))
    return None


def _scan(dynamodb: Any, table: str, since: datetime, advance: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    """What may be a sighting; leases have no time to compare."""
    request: dict[str, Any] = {
        "TableName": table,
        "FilterExpression": "#applied >= :since OR #failed >= :since OR attribute_exists(#lease)",
        "ExpressionAttributeNames": {"#applied": "applied_at", "#failed": "failed_at", "#lease": "lease_expires_at"},
        "ExpressionAttributeValues": attributes({":since": since.astimezone(UTC).isoformat(timespec="milliseconds")}),
    }
    while True:
        page = dynamodb.scan(**request)
        advance(int(page.get("ScannedCount", 0)))
        for item in page["Items"]:
            yield plain(item)
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
