"""What is remembered of deliveries that were not settled: how often one was begun without an end, and why one failed.

A breadcrumb counts the tries of a redelivered record that were begun: it is written before business code runs, and
taken back when the record is handed back in order; where there was no time for it, by the next batch of this process,
whose being there proves that it was no death. What remains are tries that the function did not survive. Keyed by
delivery, for a redrive is a new start.

A failure record tells people why an event failed or was dead-lettered, without its payload and without touching a
queue. Keyed by event, where there is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from messaging.batch import Delivery, Ledger, Verdict
from messaging.deadline import HasTime
from messaging.effects import Key
from messaging.errors import RetryLater
from messaging.items import attributes
from messaging.reads import Reader
from messaging.subscription import DAY_SECONDS, Subscription
from messaging.tables import EXPIRATION, INBOX
from messaging.writes import Writer


class Attempts:
    """Breadcrumbs and failure records of one consumer, items of the inbox, which `writer` writes to."""

    def __init__(
        self,
        *,
        reader: Reader,
        writer: Writer,
        subscription: Subscription,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._subscription = subscription
        self._clock = clock
        self._owed: set[str] = set()

    def unfinished(self, delivery_ids: Iterable[str], has_time: HasTime) -> dict[str, int]:
        """How many tries of each delivery were begun and never ended. One read for each hundred.

        Raises RetryLater when DynamoDB does not answer.
        """
        keys = {delivery_id: self._breadcrumb(delivery_id) for delivery_id in delivery_ids}
        items = self._reader.fetch(keys.values(), has_time)
        return {delivery_id: int((items[key] or {}).get("tries", 0)) for delivery_id, key in keys.items()}

    def begin(self, tries: Mapping[str, int], has_time: HasTime) -> None:
        """Leave a breadcrumb with this number for each delivery's id. One write for each 25.

        Raises RetryLater when DynamoDB does not take it: uncounted, a record that kills the function would never stop.
        """
        # The record is in its queue for no longer than this; a redelivery later than that does not come.
        expires_at = int(self._clock()) + self._subscription.retention_seconds + DAY_SECONDS
        puts = [
            {**self._breadcrumb(delivery_id).attributes, "tries": number, EXPIRATION: expires_at}
            for delivery_id, number in tries.items()
        ]
        if not self._writer.write([{"PutRequest": {"Item": attributes(item)}} for item in puts], has_time):
            raise RetryLater("the try could not be counted")

    def end(self, delivery_ids: Iterable[str], has_time: HasTime) -> None:
        """Take back the breadcrumbs of deliveries: the function has survived them. What DynamoDB does not take now is
        owed, and paid with the next batch."""
        self._owed |= {*delivery_ids}
        self.pay(has_time)

    def pay(self, has_time: HasTime) -> None:
        """Take back what an earlier batch had no time for. No call where nothing is owed."""
        if self._writer.write([self._taken_back(delivery_id) for delivery_id in sorted(self._owed)], has_time):
            self._owed = set()

    def close(self, ledger: Ledger, begun: Iterable[str], has_time: HasTime) -> None:
        """Take back the breadcrumbs of what is handed back, and record what failed and why.

        Where DynamoDB does not take all of it, the breadcrumbs are owed, and a failure is in the log only.
        """
        handed_back = {delivery.id for delivery in ledger.handed_back()}
        self._owed |= {*begun} & handed_back
        records = [
            self._failure(ledger, delivery, verdict)
            for delivery, verdict in ledger.verdicts()
            if verdict.outcome in ("retry", "dead_lettered") and not ledger.is_open(delivery)
        ]
        newest = {record["id"]: record for record in records}  # an event may be in a batch twice
        taken_back = [self._taken_back(delivery_id) for delivery_id in sorted(self._owed)]
        puts = [{"PutRequest": {"Item": attributes(record)}} for record in newest.values()]
        if self._writer.write([*taken_back, *puts], has_time):
            self._owed = set()

    def _taken_back(self, delivery_id: str) -> dict[str, Any]:
        return {"DeleteRequest": {"Key": attributes(self._breadcrumb(delivery_id).attributes)}}

    def _breadcrumb(self, delivery_id: str) -> Key:
        # No event id holds a `#`: none has this key for its marker.
        return Key(INBOX.name, f"{self._subscription.consumer}#tries#{delivery_id}")

    def _failure(self, ledger: Ledger, delivery: Delivery, verdict: Verdict) -> dict[str, Any]:
        message = ledger.message(delivery)
        now = self._clock()
        return {
            "id": f"{self._subscription.consumer}#failure#{message.id if message else delivery.id}",
            "consumer": self._subscription.consumer,
            "delivery_id": delivery.id,
            "attempt": delivery.attempt,
            "outcome": verdict.outcome,
            "reason": verdict.reason or "",
            "detail": verdict.detail or "",
            "failed_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            # As long as its dead letter may lie there.
            EXPIRATION: int(now)
            + self._subscription.retention_seconds
            + self._subscription.dead_letter_retention_seconds,
        }
