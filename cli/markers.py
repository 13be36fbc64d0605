"""What the tables know of one event and one consumer: its marker or lease, and the record of its last failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.errors import CliError, NotFound, UsageError
from messaging.effects import Item, Key
from messaging.errors import RetryLater
from messaging.inbox import marker_key
from messaging.items import attributes
from messaging.reads import Reader
from messaging.reasons import COMPLETED
from messaging.subscription import Subscription
from messaging.tables import EXPIRATION, INBOX, TABLES_BY_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one event at one consumer. `failure` is its last one, which a later success leaves as it is."""

    event_id: str
    consumer: str
    key: Key | None = None  # where its marker is
    marker: Item | None = None
    failure: Item | None = None

    @property
    def applied(self) -> bool:
        """Whether the consumer has applied the event."""
        return self.marker is not None and (self.is_effect or self.marker.get("status") == COMPLETED)

    @property
    def applied_at(self) -> str | None:
        """When, in ISO; a lease's completion and Powertools' records don't say."""
        return str(self.marker["applied_at"]) if self.marker is not None and "applied_at" in self.marker else None

    @property
    def claimed(self) -> bool:
        """Whether a worker holds it, or held it when it died: its call is under way, or nobody knows how it ended."""
        return self.marker is not None and not self.applied

    @property
    def is_effect(self) -> bool:
        """Whether its marker is an item of the effect itself."""
        return self.key is not None and self.key.table != INBOX.name

    @property
    def dead(self) -> bool:
        """Whether its last failure was a dead letter, and nothing has applied it since."""
        return not self.applied and self.failure is not None and self.failure.get("outcome") == "dead_lettered"

    @property
    def expires_at(self) -> datetime | None:
        """When TTL may delete the marker, for an event of that age is refused then."""
        expiration = (self.marker or {}).get(EXPIRATION)
        return None if expiration is None else datetime.fromtimestamp(int(expiration), UTC)


def find(
    dynamodb: Any, tables: Mapping[str, str], rows: Iterable[Subscription], event_ids: Iterable[str]
) -> list[Known]:
    """What is known of these events at each of these consumers, in their order. One read for each hundred items.

    `tables` maps the topology's names to physical ones. Raises CliError without an answer.
    """
    pairs = [(event_id, row) for event_id in event_ids for row in rows]
    places = {(event_id, row.consumer): _places(row, event_id) for event_id, row in pairs}
    keys = [key for of_pair in places.values() for key in of_pair]
    try:
        items = Reader(dynamodb, tables=tables).fetch(keys)
    except RetryLater as error:
        raise CliError(f"the tables can't be read: {error}. Try again") from error
    found = []
    for event_id, row in pairs:
        *markers, failure = places[event_id, row.consumer]
        at = next((key for key in markers if _is_marker(items[key], row)), None)
        found.append(
            Known(
                event_id=event_id,
                consumer=row.consumer,
                key=at,
                marker=None if at is None else items[at],
                failure=items[failure],
            )
        )
    return found


def forget(dynamodb: Any, tables: Mapping[str, str], known: Known) -> None:
    """Delete a marker: if the event comes again, it is applied again.

    Raises NotFound where there is none (any more), UsageError where the marker is the effect itself.
    """
    if known.key is None or known.marker is None:
        raise NotFound(f"{known.consumer} has no marker of {known.event_id}: there is nothing to forget")
    if known.is_effect:
        raise UsageError(
            f"the marker of {known.event_id} is the item that {known.consumer} wrote into {known.key.table}: to forget "
            "it would delete its effect. Where you want that, delete the item yourself"
        )
    status = known.marker.get("status")
    try:
        dynamodb.delete_item(
            TableName=tables[INBOX.name],
            Key=attributes(known.key.attributes),
            # What was looked at, and nothing that has come in its place since.
            ConditionExpression="#status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=attributes({":status": status}),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        raise NotFound(f"the marker of {known.event_id} has changed meanwhile: look at it again") from error


def _places(row: Subscription, event_id: str) -> list[Key]:
    """Where its marker may be, and last where its failure record is."""
    keys = [marker_key(row, event_id)]
    if row.items_may_mark:
        # The subject that ends an event's id is the order's.
        subject = event_id.partition("-")[2]
        for table in map(TABLES_BY_NAME.__getitem__, row.writes):
            if (table.partition_key, table.sort_key) == ("order_id", "event_id") and subject:
                keys.append(Key(table.name, subject, event_id))
    return [*keys, Key(INBOX.name, f"{row.consumer}#failure#{event_id}")]


def _is_marker(item: Item | None, row: Subscription) -> bool:
    return item is not None and item.get("consumer", row.consumer) == row.consumer
