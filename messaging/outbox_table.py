"""The outbox's items as the relay handles them: found, fetched, marked as refused, deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from messaging import items
from messaging.deadline import HasTime
from messaging.effects import Item, Key
from messaging.errors import RetryLater
from messaging.reads import Reader
from messaging.tables import OUTBOX
from messaging.writes import Writer

REFUSED = "refused"  # the attribute of an item with a message that the topic can never accept: left to people

# Of the 100 keys that BatchGetItem takes: so many items of 400 KB are within the 16 MB of one answer, and of memory.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_FETCHED = 25

assert OUTBOX.sort_key is not None
_GROUP, _POSITION = OUTBOX.partition_key, OUTBOX.sort_key


class Address(NamedTuple):
    """Where an item is. Addresses sort by group, and within a group in the order of its transactions."""

    group: str
    position: str

    @property
    def key(self) -> Key:
        """The item's key."""
        return Key(OUTBOX.name, self.group, self.position)


def address_of(item: Mapping[str, Any]) -> Address:
    """The address of an item (plain values, as `items.plain` gives them)."""
    return Address(item[_GROUP], item[_POSITION])


class OutboxTable:
    """The table of the outbox. `client` is boto3's DynamoDB client, `table` its physical name.

    No call and no wait is begun where `has_time` says no.
    """

    def __init__(
        self,
        client: Any,
        *,
        table: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._reader = Reader(client, tables={OUTBOX.name: table}, sleep=sleep)
        self._writer = Writer(client, table=table, sleep=sleep)

    def addresses(self, before: str, has_time: HasTime) -> list[Address] | None:
        """The items from before that time (ISO, as positions begin), sorted, without the refused ones.

        None where time runs out: a part of them could lack the first of a group. Raises botocore's errors.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "ProjectionExpression": "#group, #position",
            "FilterExpression": "#position < :before AND attribute_not_exists(#refused)",
            "ExpressionAttributeNames": {"#group": _GROUP, "#position": _POSITION, "#refused": REFUSED},
            "ExpressionAttributeValues": items.attributes({":before": before}),
        }
        found: list[Address] = []
        while has_time():
            page = self._client.scan(**request)
            found += [address_of(items.plain(item)) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return sorted(found)
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return None

    def fetch(self, addresses: Sequence[Address], has_time: HasTime) -> list[Item] | None:
        """Of at most MAX_FETCHED items those that are still there and not refused, in the addresses' order, with plain
        values. None where the table does not give all of them in time.
        """
        try:
            found = self._reader.fetch([address.key for address in addresses], has_time)
        except RetryLater:
            return None
        return [item for item in found.values() if item is not None and REFUSED not in item]

    def mark(self, address: Address, refusals: Sequence[tuple[str | None, str]]) -> None:
        """Keep an item out of sweeps: event id and code of each of its messages that the topic can never accept.

        Raises nothing of AWS's: an item that is not marked is refused, and marked, by the next sweep.
        """
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        refused = [{"id": event_id, "code": code, "at": at} for event_id, code in refusals]
        with suppress(ClientError, BotoCoreError):
            self._client.update_item(
                TableName=self._table,
                Key=items.attributes(address.key.attributes),
                UpdateExpression="SET #refused = :refused",
                ConditionExpression="attribute_exists(#group)",  # an update would bring a deleted item back
                ExpressionAttributeNames={"#refused": REFUSED, "#group": _GROUP},
                ExpressionAttributeValues=items.attributes({":refused": refused}),
            )

    def delete(self, addresses: Sequence[Address], has_time: HasTime) -> None:
        """Delete items. Raises nothing of AWS's: one that stays is sent again by a sweep, just as it was."""
        once = dict.fromkeys(addresses)  # a request that names an item twice is refused
        self._writer.write(
            [{"DeleteRequest": {"Key": items.attributes(each.key.attributes)}} for each in once], has_time
        )
