"""A message group's cursor: the `sequence` of its last applied event, moved in the transaction of the effects.

`monotonic` lets it move up only, `strict` by one only. It never expires.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from messaging.effects import Key
from messaging.items import attributes
from messaging.subscription import Subscription
from messaging.tables import INBOX

SEQUENCE = "sequence"


class Advance(msgspec.Struct, frozen=True):
    """The write that moves a cursor over the sequences from `first` to `last`, of one event or of several in order."""

    key: Key
    first: int
    last: int
    strict: bool

    def to_wire(self, table: str) -> dict[str, Any]:
        """An entry of TransactItems. A failed one tells where the cursor stands."""
        if self.strict:
            condition, value = "#sequence = :before", self.first - 1
        else:
            condition, value = "#sequence < :before", self.first
        if not self.strict or self.first == 1:
            condition = f"attribute_not_exists(#sequence) OR {condition}"
        return {
            "Update": {
                "TableName": table,
                "Key": attributes(self.key.attributes),
                "UpdateExpression": "SET #sequence = :last",
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {"#sequence": SEQUENCE},
                "ExpressionAttributeValues": attributes({":last": self.last, ":before": value}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def merged(self, later: Advance) -> Advance | None:
        """Both moves as one, or None where the later one does not follow."""
        follows = later.first == self.last + 1 if self.strict else later.first > self.last
        return Advance(self.key, self.first, later.last, self.strict) if follows else None


def cursor_key(consumer: str, group: str) -> Key:
    """The cursor's item. No event id holds a `#`, so none has this key for its marker."""
    return Key(INBOX.name, f"{consumer}#cursor#{group}")


def advance(subscription: Subscription, group: str, sequence: int | None) -> list[Advance]:
    """The move that an event wants; none where its subscription keeps no cursor, or the event has no sequence."""
    if sequence is None or not subscription.keeps_cursor:
        return []
    key = cursor_key(subscription.consumer, group)
    return [Advance(key, sequence, sequence, strict=subscription.ordering == "strict")]


def position(cursor: Mapping[str, Any] | None) -> int:
    """Where a cursor's item stands; before the first event, at 0."""
    return int(cursor[SEQUENCE]) if cursor else 0
