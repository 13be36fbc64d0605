"""A table's stream: what changed, in order.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from testing.dynamodb.errors import Refused, invalid
from testing.dynamodb.schema import Schema
from testing.dynamodb.values import Item, Shown, item_size_bytes, show_item

VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
NEW_IMAGES = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
OLD_IMAGES = ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
TTL_SERVICE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """An item before and after a write at `at` epoch seconds, as it is stored; `expired` where it was no request's."""

    stored_old: Item | None
    stored_new: Item | None
    at: float
    expired: bool

    @property
    def old(self) -> Shown | None:
        """The item before the write as replies show it, None where there was none."""
        return None if self.stored_old is None else show_item(self.stored_old)

    @property
    def new(self) -> Shown | None:
        """The item after the write as replies show it, None where there is none any more."""
        return None if self.stored_new is None else show_item(self.stored_new)


class Stream:
    """What was written to one table since it was made, but for what was forgotten. `view` is the StreamViewType."""

    def __init__(self, schema: Schema, view: str) -> None:
        if view not in VIEWS:
            raise invalid(f"StreamViewType must be one of {', '.join(VIEWS)}")
        self._schema = schema
        self.view = view
        self._changes: list[Change] = []
        self._forgotten = 0

    def add(self, change: Change) -> None:
        """Remember a change. The caller leaves out writes that change nothing, as DynamoDB does."""
        self._changes.append(change)

    def read(self, after: str | None = None) -> list[Record]:
        """The records later than the sequence number `after`, without it all that there are.

        Raises Refused where some of them are forgotten.
        Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
        """
        start = int(after) if after else self._forgotten
        if start < self._forgotten:
            raise Refused(
                "TrimmedDataAccessException",
                "The operation attempted to read past the oldest stream record in a shard",
            )
        later = self._changes[start - self._forgotten :]
        return [self._record(change, number) for number, change in enumerate(later, start + 1)]

    def forget(self, up_to: str) -> None:
        """Drop the records up to and with this sequence number."""
        count = min(int(up_to) - self._forgotten, len(self._changes))
        if count > 0:
            del self._changes[:count]
            self._forgotten += count

    def _record(self, change: Change, number: int) -> Record:
        old, new = change.stored_old, change.stored_new
        sequence = f"{number:021d}"
        item = new if new is not None else old
        assert item is not None
        images = {"Keys": self._schema.attributes_of(item)}
        if new is not None and self.view in NEW_IMAGES:
            images["NewImage"] = new
        if old is not None and self.view in OLD_IMAGES:
            images["OldImage"] = old
        record: Record = {
            "eventID": f"{self._schema.table}-{sequence}",
            "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": int(change.at),
                **{name: show_item(image) for name, image in images.items()},
                "SequenceNumber": sequence,
                "SizeBytes": sum(map(item_size_bytes, images.values())),
                "StreamViewType": self.view,
            },
        }
        return {**record, "userIdentity": dict(TTL_SERVICE)} if change.expired else record
