"""Exactly once: a message's effects and its marker commit in one DynamoDB transaction, or not at all.

A marker says "this consumer has applied this event". Its key is consumer and event id, never the source's message id:
a redrive assigns a new one. Where the only write is a `Create` whose key holds the event id, that item is the marker.
Safety rests on conditions alone: no clock, no lease, and nothing depends on TTL having run.
"""

from __future__ import annotations

import enum
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from messaging.batch import Work
from messaging.effects import Create, Item, Key, Write
from messaging.errors import RetryLater
from messaging.items import attributes, plain, transact_item
from messaging.topology import EXPIRATION, INBOX, Subscription
from messaging.transaction import Transaction, Unit

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_KEYS = 100
MAX_FRUITLESS_READS = 5
THROTTLES = {
    *("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError")
}
COMPLETED = "COMPLETED"


class Result(enum.Enum):
    """What the transaction tells about one unit."""

    APPLIED = "applied now, or by an earlier attempt of the same delivery"
    DUPLICATE = "another delivery of the same event was applied before"
    TAMPERED = "the event id was applied with another payload"
    CONDITION_FAILED = "a condition of the effect did not hold"
    CONTENDED = "another transaction was at the same items"
    UNAVAILABLE = "throttled, or no answer: it may even have been applied"
    TOO_LARGE = "DynamoDB refuses the item or the transaction for its size"
    INNOCENT = "nothing wrong with this unit; the transaction was cancelled for another"


class Inbox:
    """Markers and effects of one consumer. `client` is boto3's DynamoDB client, `tables` gives physical names."""

    def __init__(
        self,
        client: Any,
        *,
        tables: Mapping[str, str],
        subscription: Subscription,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._tables = tables
        self._subscription = subscription
        self._clock = clock
        self._sleep = sleep

    def marker_key(self, event_id: str) -> Key:
        """The idempotency key of an event, as an item of the inbox."""
        return Key(INBOX.name, f"{self._subscription.consumer}#{event_id}")

    def fetch(self, keys: Iterable[Key]) -> dict[Key, Item | None]:
        """The items of these keys, read consistently; None where there is none.

        Raises RetryLater when DynamoDB does not answer, or keeps leaving keys unprocessed.
        """
        missing = list(dict.fromkeys(keys))
        items: dict[Key, Item | None] = dict.fromkeys(missing)
        fruitless = 0
        while missing:
            chunk, missing = missing[:MAX_KEYS], missing[MAX_KEYS:]
            found, unprocessed = self._read(chunk)
            items |= found
            missing += unprocessed
            fruitless = fruitless + 1 if len(unprocessed) == len(chunk) else 0
            if fruitless == MAX_FRUITLESS_READS:
                raise RetryLater("reading failed: DynamoDB leaves every key unprocessed")
            if unprocessed:
                self._sleep(random.uniform(0, 0.02 * 2**fruitless))  # full jitter
        return items

    def check(self, keys: Iterable[Key]) -> None:
        """Raises ValueError or KeyError for a key that fits none of the function's tables."""
        for key in keys:
            if key.table not in self._tables:
                raise KeyError(f"table {key.table!r} is not one that the subscription's row names")
            attributes(key.attributes)

    def find(self, work: Work) -> Result | None:
        """APPLIED or DUPLICATE where the inbox holds the completed marker of this very event, else None.

        Raises RetryLater when DynamoDB does not answer.
        """
        key = self.marker_key(work.message.id)
        marker = self.fetch([key])[key]
        if marker is None or marker.get("status") != COMPLETED:
            return None
        result = judge_marker(marker, work, self._subscription.consumer)
        return None if result is Result.TAMPERED else result

    def transaction(self) -> Transaction:
        """An empty transaction, to offer units to."""
        return Transaction(self._writes, self._to_wire)

    def commit(self, transaction: Transaction) -> list[Result]:
        """Commit: all APPLIED, or none and the reason for each unit, in the units' order. Raises nothing of AWS's."""
        try:
            self._client.transact_write_items(TransactItems=transaction.items)
        except self._client.exceptions.TransactionCanceledException as error:
            return self._judge_reasons(transaction, error.response["CancellationReasons"])
        except ClientError as error:
            return [_judge_refusal(error)] * len(transaction.units)
        except BotoCoreError:
            # A lost reply. The next attempt meets our own marker if the transaction was applied.
            return [Result.UNAVAILABLE] * len(transaction.units)
        return [Result.APPLIED] * len(transaction.units)

    def _writes(self, unit: Unit) -> list[Write]:
        """Every write of a unit, its marker first."""
        message = unit.work.message
        proof = {
            "consumer": self._subscription.consumer,
            "payload_hash": message.payload_hash,
            "delivery_id": unit.work.delivery.id,
            "applied_at": datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds"),
        }
        if self._marks_itself(unit):
            (create,) = unit.effect.writes
            return [Create(create.key, {**create.attributes, **proof})]  # type: ignore[union-attr]  # it marks itself
        expires_at = int(self._clock()) + self._subscription.marker_lifetime_seconds
        marker = Create(self.marker_key(message.id), {"status": COMPLETED, EXPIRATION: expires_at, **proof})
        return [marker, *unit.effect.writes]

    def _marks_itself(self, unit: Unit) -> bool:
        # Where events expire, their markers are looked up before their effects are known: so they are in the inbox.
        return unit.marks_itself and self._subscription.max_age_seconds is None

    def _to_wire(self, write: Write) -> dict[str, Any]:
        return transact_item(write, self._tables[write.key.table])

    def _judge_reasons(self, transaction: Transaction, reasons: Sequence[Any]) -> list[Result]:
        results = [Result.INNOCENT] * len(transaction.units)
        for write, owners, reason in zip(transaction.writes, transaction.owners, reasons, strict=True):
            for number in owners:
                result = self._judge_reason(transaction.units[number], write, reason)
                if _RANK.index(result) < _RANK.index(results[number]):
                    results[number] = result
        return results

    def _judge_reason(self, unit: Unit, write: Write, reason: Any) -> Result:
        code = reason["Code"]
        if code != "ConditionalCheckFailed":
            return _judge_validation(reason) if code == "ValidationError" else _REASONS.get(code, Result.UNAVAILABLE)
        is_marker = self._marks_itself(unit) or write.key.table == INBOX.name
        if is_marker and "Item" in reason:
            return judge_marker(plain(reason["Item"]), unit.work, self._subscription.consumer)
        return Result.CONDITION_FAILED

    def _read(self, keys: Sequence[Key]) -> tuple[dict[Key, Item], list[Key]]:
        try:
            return self._batch_get(keys)
        except ClientError as error:
            if error.response["Error"]["Code"] in THROTTLES:
                return {}, list(keys)
            raise RetryLater(f"reading failed: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:  # no answer, and another wait like this may be one too long
            raise RetryLater(f"reading failed: {type(error).__name__}") from error

    def _batch_get(self, keys: Sequence[Key]) -> tuple[dict[Key, Item], list[Key]]:
        wanted: dict[str, list[Key]] = {}
        for key in keys:
            wanted.setdefault(self._tables[key.table], []).append(key)
        reply = self._client.batch_get_item(
            RequestItems={
                table: {"Keys": [attributes(key.attributes) for key in those], "ConsistentRead": True}
                for table, those in wanted.items()
            }
        )
        found: dict[Key, Item] = {}
        unprocessed: list[Key] = []
        for table, those in wanted.items():
            items = [plain(item) for item in reply["Responses"].get(table, [])]
            left = reply.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            for key in those:
                if attributes(key.attributes) in left:
                    unprocessed.append(key)
                    continue
                for item in items:
                    if key.attributes.items() <= item.items():
                        found[key] = item
        return found, unprocessed


# A matching marker outranks every other reason: what is applied is applied.
_RANK = [
    Result.APPLIED,
    Result.DUPLICATE,
    Result.TAMPERED,
    Result.TOO_LARGE,
    Result.UNAVAILABLE,
    Result.CONTENDED,
    Result.CONDITION_FAILED,
    Result.INNOCENT,
]

_REASONS = {
    "None": Result.INNOCENT,
    "TransactionConflict": Result.CONTENDED,
    "ItemCollectionSizeLimitExceeded": Result.TOO_LARGE,
}


def judge_marker(marker: Item, work: Work, consumer: str) -> Result:
    """What a completed marker under this event's id means for a delivery: APPLIED, DUPLICATE or TAMPERED."""
    if marker.get("payload_hash") != work.message.payload_hash or marker.get("consumer") != consumer:
        return Result.TAMPERED
    return Result.APPLIED if marker.get("delivery_id") == work.delivery.id else Result.DUPLICATE


def _judge_refusal(error: ClientError) -> Result:
    fault = error.response["Error"]
    return _judge_validation(fault) if fault["Code"] == "ValidationException" else Result.UNAVAILABLE


def _judge_validation(fault: Mapping[str, Any]) -> Result:
    """An item over 400 KB or a request over 4 MB never fits. Any other refusal is a bug that a new version may mend."""
    return Result.TOO_LARGE if "size" in fault.get("Message", "").lower() else Result.UNAVAILABLE
