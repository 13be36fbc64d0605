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
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from messaging.batch import Work
from messaging.effects import Add, Change, Create, Effect, Item, Key, Write
from messaging.errors import RetryLater, TooLarge
from messaging.topology import EXPIRATION, INBOX, Subscription

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_ACTIONS = 100
MAX_KEYS = 100
MAX_FRUITLESS_READS = 5
COMPLETED = "COMPLETED"

serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


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


@dataclass(frozen=True, slots=True)
class Unit:
    """One message's effect, on its way into a transaction."""

    work: Work
    effect: Effect

    @property
    def marks_itself(self) -> bool:
        """Whether the effect's one item is keyed by the event, and so can be the marker."""
        if len(self.effect.writes) != 1 or not isinstance(self.effect.writes[0], Create):
            return False
        return self.work.message.id in (self.effect.writes[0].key.partition, self.effect.writes[0].key.sort)


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
            try:
                found, unprocessed = self._batch_get(chunk)
            except (ClientError, BotoCoreError) as error:
                raise RetryLater(f"reading failed: {type(error).__name__}") from error
            items |= found
            missing += unprocessed
            fruitless = fruitless + 1 if len(unprocessed) == len(chunk) else 0
            if fruitless == MAX_FRUITLESS_READS:
                raise RetryLater("reading failed: DynamoDB leaves every key unprocessed")
            if unprocessed:
                self._sleep(random.uniform(0, 0.02 * 2**fruitless))  # full jitter
        return items

    def is_applied(self, work: Work) -> bool:
        """Whether the inbox holds the completed marker of this very event."""
        key = self.marker_key(work.message.id)
        marker = self.fetch([key])[key]
        if marker is None or marker.get("status") != COMPLETED:
            return False
        return judge_marker(marker, work, self._subscription.consumer) is not Result.TAMPERED

    def transaction(self, max_units: int = MAX_ACTIONS) -> Transaction:
        """An empty transaction, to offer units to."""
        return Transaction(self._writes, max_units)

    def commit(self, transaction: Transaction) -> list[Result]:
        """Commit: all APPLIED, or none and the reason for each unit, in the units' order. Raises nothing of AWS's."""
        try:
            self._client.transact_write_items(TransactItems=[self._action(write) for write in transaction.writes])
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
        if unit.marks_itself:
            (create,) = unit.effect.writes
            return [Create(create.key, {**create.attributes, **proof})]  # type: ignore[union-attr]  # marks_itself
        expires_at = int(self._clock()) + self._subscription.marker_lifetime_seconds
        marker = Create(self.marker_key(message.id), {"status": COMPLETED, EXPIRATION: expires_at, **proof})
        return [marker, *unit.effect.writes]

    def _action(self, write: Write) -> dict[str, Any]:
        table = self._tables[write.key.table]
        key = write.key.attributes
        if isinstance(write, Create):
            return {
                "Put": {
                    "TableName": table,
                    "Item": attributes({**write.attributes, **key}),
                    "ConditionExpression": "attribute_not_exists(#key)",
                    "ExpressionAttributeNames": {"#key": next(iter(key))},
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            }
        update = _change_expression(write) if isinstance(write, Change) else _add_expression(write)
        return {"Update": {"TableName": table, "Key": attributes(key), **update}}

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
        is_marker = unit.marks_itself or write.key.table == INBOX.name
        if is_marker and "Item" in reason:
            return judge_marker(plain(reason["Item"]), unit.work, self._subscription.consumer)
        return Result.CONDITION_FAILED

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


class Transaction:
    """The units of one transaction, their commuting writes merged. `owners` says which units want each write."""

    def __init__(self, writes_of: Callable[[Unit], list[Write]], max_units: int) -> None:
        self.units: list[Unit] = []
        self.writes: list[Write] = []
        self.owners: list[list[int]] = []
        self._positions: dict[Key, int] = {}
        self._writes_of = writes_of
        self._max_units = max_units

    def offer(self, unit: Unit) -> bool:
        """Take the unit whole, unless it is one too many or writes an item of an earlier unit without commuting.

        Raises TooLarge for a unit that no transaction takes, and ValueError for one that contradicts itself.
        """
        writes = _merged(self._writes_of(unit))
        if len(writes) > MAX_ACTIONS:
            raise TooLarge(
                f"event {unit.work.message.id!r} has {len(writes)} writes, a transaction takes {MAX_ACTIONS}: split it"
            )
        new = [write for write in writes if write.key not in self._positions]
        full = len(self.units) == self._max_units or len(self.writes) + len(new) > MAX_ACTIONS
        if full or not all(
            _commute(self.writes[self._positions[write.key]], write) for write in writes if write not in new
        ):
            return False
        for write in writes:
            self._put(write)
        self.units.append(unit)
        return True

    def _put(self, write: Write) -> None:
        position = self._positions.setdefault(write.key, len(self.writes))
        if position == len(self.writes):
            self.writes.append(write)
            self.owners.append([])
        else:
            self.writes[position] = _merge(self.writes[position], write)
        self.owners[position].append(len(self.units))


def _merged(writes: Iterable[Write]) -> list[Write]:
    """One unit's writes with one write an item, as DynamoDB demands."""
    merged: dict[Key, Write] = {}
    for write in writes:
        merged[write.key] = _merge(merged[write.key], write) if write.key in merged else write
    return list(merged.values())


def _commute(earlier: Write, later: Write) -> bool:
    return isinstance(earlier, Add) and isinstance(later, Add) and earlier.attribute == later.attribute


def _merge(earlier: Write, later: Write) -> Write:
    if isinstance(earlier, Add) and isinstance(later, Add) and earlier.attribute == later.attribute:
        return earlier.merged(later)
    raise ValueError(f"two writes to one item of table {later.key.table!r} that don't commute")


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


def attributes(item: Item) -> dict[str, Any]:
    """Plain values as DynamoDB's attribute values."""
    return {name: serialize(value) for name, value in item.items()}


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's attribute values as plain ones."""
    return {name: _deserialize(value) for name, value in item.items()}


def _change_expression(change: Change) -> dict[str, Any]:
    names = {f"#s{n}": name for n, name in enumerate(change.attributes)} | {
        f"#e{n}": name for n, name in enumerate(change.expected)
    }
    values = {f":s{n}": value for n, value in enumerate(change.attributes.values())}
    values |= {f":e{n}": value for n, value in enumerate(change.expected.values())}
    return {
        "UpdateExpression": "SET " + ", ".join(f"#s{n} = :s{n}" for n in range(len(change.attributes))),
        "ConditionExpression": " AND ".join(f"#e{n} = :e{n}" for n in range(len(change.expected))),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": attributes(values),
    }


def _add_expression(add: Add) -> dict[str, Any]:
    expression: dict[str, Any] = {
        "UpdateExpression": "ADD #n :amount",
        "ExpressionAttributeNames": {"#n": add.attribute},
        "ExpressionAttributeValues": attributes({":amount": add.amount}),
    }
    if add.needs is not None:
        expression["ConditionExpression"] = "#n >= :needs"
        expression["ExpressionAttributeValues"] |= attributes({":needs": add.needs})
    return expression
