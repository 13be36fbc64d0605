"""What DynamoDB's answer to a transaction means for each of the messages in it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from messaging.batch import Work
from messaging.cursor import Advance, position
from messaging.effects import Create, Item
from messaging.items import plain
from messaging.tables import INBOX
from messaging.transaction import Action, Transaction, Unit

COMPLETED = "COMPLETED"


class Result(enum.Enum):
    """What the transaction tells about one unit."""

    APPLIED = "applied now, or by an earlier attempt of the same delivery"
    DUPLICATE = "another delivery of the same event was applied before"
    TAMPERED = "the event id was applied with another payload"
    CLAIMED = "another worker has claimed the event and not completed it"
    STALE = "a later event of its group was applied before"
    HELD = "an earlier event of its group was not applied"
    CONDITION_FAILED = "a condition of the effect did not hold"
    CONTENDED = "another transaction was at the same items"
    UNAVAILABLE = "throttled, or no answer: it may even have been applied"
    TOO_LARGE = "DynamoDB refuses the item or the transaction for its size"
    INNOCENT = "nothing wrong with this unit; the transaction was cancelled for another"


# A matching marker outranks every other reason: what is applied is applied, so a duplicate is never stale. Where
# somebody is at the marker itself, its word has to be waited for.
_RANK = [
    Result.APPLIED,
    Result.DUPLICATE,
    Result.TAMPERED,
    Result.CLAIMED,
    Result.TOO_LARGE,
    Result.UNAVAILABLE,
    Result.CONTENDED,
    Result.STALE,
    Result.HELD,
    Result.CONDITION_FAILED,
    Result.INNOCENT,
]

_CODES = {
    "None": Result.INNOCENT,
    "TransactionConflict": Result.CONTENDED,
    "ItemCollectionSizeLimitExceeded": Result.TOO_LARGE,
}


def judge_cancellation(transaction: Transaction, reasons: Sequence[Any], consumer: str) -> list[Result]:
    """The gravest reason of each unit, in the units' order. `reasons` are DynamoDB's, one an action.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    results = [Result.INNOCENT] * len(transaction.units)
    for action, owners, reason in zip(transaction.actions, transaction.owners, reasons, strict=True):
        for number in owners:
            result = _judge_reason(transaction.units[number], action, reason, consumer)
            results[number] = min(results[number], result, key=_RANK.index)
    return results


def judge_statement(fault: Mapping[str, Any] | None) -> Result:
    """What one INSERT of a batch came to: CONDITION_FAILED where there is an item already."""
    if fault is None:
        return Result.APPLIED
    if fault["Code"] == "DuplicateItem":
        return Result.CONDITION_FAILED
    if fault["Code"] == "ValidationError":
        return _judge_validation(fault)
    return _CODES.get(fault["Code"], Result.UNAVAILABLE)


def judge_refusal(error: ClientError) -> Result:
    """What a refused call says of every unit."""
    fault = error.response["Error"]
    return _judge_validation(fault) if fault["Code"] == "ValidationException" else Result.UNAVAILABLE


def judge_marker(marker: Item, work: Work, consumer: str) -> Result:
    """What a marker under this event's id means for a delivery: APPLIED, DUPLICATE, TAMPERED, or CLAIMED for one of
    Powertools that is not completed."""
    if "payload_hash" not in marker:  # a record of Powertools' idempotency utility says only whether it is done
        return Result.DUPLICATE if marker.get("status") == COMPLETED else Result.CLAIMED
    return _judge_proof(marker, work, consumer)


def _judge_reason(unit: Unit, action: Action, reason: Any, consumer: str) -> Result:
    code = reason["Code"]
    if code == "ValidationError":
        return _judge_validation(reason)
    if code != "ConditionalCheckFailed":
        return _CODES.get(code, Result.UNAVAILABLE)
    there = plain(reason["Item"]) if "Item" in reason else None
    return judge_existing(unit, action, there, consumer)


def judge_existing(unit: Unit, action: Action, there: Item | None, consumer: str) -> Result:
    """What the item that was there instead means for a unit whose condition on it failed."""
    if isinstance(action, Advance):
        return _judge_cursor(unit, action, there)
    if there is None or not isinstance(action, Create):
        return Result.CONDITION_FAILED
    if action.key.table == INBOX.name:
        return judge_marker(there, unit.work, consumer) if there.get("status") == COMPLETED else Result.CLAIMED
    # An item of this event: a marker, if it is one of ours. An older version of the effect may have left it.
    of_event = unit.work.message.id in (action.key.partition, action.key.sort)
    is_marker = "payload_hash" in action.attributes or (of_event and "payload_hash" in there)
    return _judge_proof(there, unit.work, consumer) if is_marker else Result.CONDITION_FAILED


def _judge_proof(marker: Item, work: Work, consumer: str) -> Result:
    if marker.get("payload_hash") != work.message.payload_hash or marker.get("consumer") != consumer:
        return Result.TAMPERED
    return Result.APPLIED if marker.get("delivery_id") == work.delivery.id else Result.DUPLICATE


def _judge_cursor(unit: Unit, move: Advance, cursor: Item | None) -> Result:
    """Several events of a group move their cursor together: those that it has passed are told apart by their own
    sequence. Where strict, they follow each other without a gap, so all others are held or none is."""
    stands_at, sequence = position(cursor), unit.work.message.sequence
    assert sequence is not None, "only events with a sequence move a cursor"
    if sequence <= stands_at:
        return Result.STALE
    return Result.HELD if move.strict and move.first > stands_at + 1 else Result.INNOCENT


def _judge_validation(fault: Mapping[str, Any]) -> Result:
    """An item over 400 KB or a request over 4 MB never fits. Any other refusal is a bug that a new version may mend."""
    return Result.TOO_LARGE if "size" in fault.get("Message", "").lower() else Result.UNAVAILABLE
