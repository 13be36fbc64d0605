"""A table's stream: what changed, in order.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from testing.dynamodb.errors import invalid
from testing.dynamodb.schema import Schema
from testing.dynamodb.values import Item, copy_item, item_size_bytes

VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
NEW_IMAGES = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
OLD_IMAGES = ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
TTL_SERVICE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """An item before and after a write, at `at` epoch seconds."""

    old: Item | None
    new: Item | None
    at: float
    expired: bool


class Stream:
    """What was written to one table since it was made. `view` is the StreamViewType."""

    def __init__(self, schema: Schema, view: str) -> None:
        if view not in VIEWS:
            raise invalid(f"StreamViewType must be one of {', '.join(VIEWS)}")
        self._schema = schema
        self.view = view
        self._changes: list[Change] = []

    def add(self, change: Change) -> None:
        """Remember a change. The caller leaves out writes that change nothing, as DynamoDB does."""
        self._changes.append(change)

    def read(self, after: str | None = None) -> list[Record]:
        """The records later than the sequence number `after`, all without it."""
        start = int(after) if after else 0
        return [self._record(change, number) for number, change in enumerate(self._changes[start:], start + 1)]

    def _record(self, change: Change, number: int) -> Record:
        old, new = change.old, change.new
        sequence = f"{number:021d}"
        item = new if new is not None else old
        assert item is not None
        images = {"Keys": self._schema.attributes_of(item)}
        if new is not None and self.view in NEW_IMAGES:
            images["NewImage"] = copy_item(new)
        if old is not None and self.view in OLD_IMAGES:
            images["OldImage"] = copy_item(old)
        record: Record = {
            "eventID": f"{self._schema.table}-{sequence}",
            "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": int(change.at),
                **images,
                "SequenceNumber": sequence,
                "SizeBytes": sum(map(item_size_bytes, images.values())),
                "StreamViewType": self.view,
            },
        }
        return {**record, "userIdentity": dict(TTL_SERVICE)} if change.expired else record
