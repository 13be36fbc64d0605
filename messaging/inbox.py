"""Exactly once: a message's effects and its marker commit in one DynamoDB transaction, or not at all.

A marker says "this consumer has applied this event". Its key is consumer and event id, never the source's message id:
a redrive assigns a new one. Where the only write is a `Create` whose key holds the event id, that item may be the
marker (docs/decisions/0011-items-that-mark-themselves.md). Safety rests on conditions alone: no clock, no lease, and
nothing depends on TTL having run.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from messaging import items
from messaging.batch import Work
from messaging.cursor import advance
from messaging.deadline import HasTime, always
from messaging.effects import Create, Item, Key
from messaging.errors import RetryLater, UndeclaredFollowUp
from messaging.identity import new_id
from messaging.outbox import Emission, emissions, new_position
from messaging.outgoing import Draft, prepare
from messaging.reads import Reader
from messaging.reasons import (
    COMPLETED,
    Result,
    judge_cancellation,
    judge_existing,
    judge_marker,
    judge_refusal,
    judge_statement,
)
from messaging.subscription import Subscription
from messaging.tables import EXPIRATION, INBOX
from messaging.transaction import Action, Transaction, Unit


class Inbox:
    """Markers and effects of one consumer. `client` is boto3's DynamoDB client, `tables` gives physical names."""

    def __init__(
        self,
        client: Any,
        *,
        tables: Mapping[str, str],
        subscription: Subscription,
        reader: Reader,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._client = client
        self._tables = tables
        self._subscription = subscription
        self._reader = reader
        self._clock = clock
        self._new_id = new_id

    def find(self, work: Work, has_time: HasTime = always) -> Result | None:
        """APPLIED or DUPLICATE where the inbox holds the completed marker of this very event, else None.

        Raises RetryLater when DynamoDB does not answer, and while another worker holds the event.
        """
        key = marker_key(self._subscription, work.message.id)
        marker = self._reader.fetch([key], has_time)[key]
        if marker is None:
            return None
        if marker.get("status") != COMPLETED:
            # Powertools gives milliseconds.
            held_until = max(marker.get("lease_expires_at", 0), marker.get("in_progress_expiration", 0) / 1000)
            if held_until > self._clock():
                raise RetryLater(f"event {work.message.id!r}: {Result.CLAIMED.value}")
            return None
        result = judge_marker(marker, work, self._subscription.consumer)
        return None if result is Result.TAMPERED else result

    def transaction(self, *, items_mark: bool) -> Transaction:
        """An empty transaction, to offer units to.

        `items_mark`: whether an effect that is one `Create` keyed by its event needs no other marker. Only functions
        that read nothing may rely on it: another time they might choose another effect.
        """
        items_mark = items_mark and self._subscription.items_may_mark
        now = self._clock()
        proof = {
            "consumer": self._subscription.consumer,
            "applied_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        }
        actions_of = partial(self._actions, new_position(now, self._new_id()), now, proof, items_mark)
        return Transaction(actions_of, self._tables, items_mark=items_mark)

    def commit(self, transaction: Transaction, has_time: HasTime = always) -> list[Result]:
        """Commit: all APPLIED, or none and the reason for each unit, in the units' order. Units that need not commit
        together may be APPLIED without each other. A second call needs time. Raises nothing of AWS's."""
        if transaction.divisible:
            return self._create_each(transaction, has_time)
        try:
            self._client.transact_write_items(TransactItems=transaction.items)
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = error.response["CancellationReasons"]
            return judge_cancellation(transaction, reasons, self._subscription.consumer)
        except ClientError as error:
            return [judge_refusal(error)] * len(transaction.units)
        except BotoCoreError:
            # A lost reply. The next attempt meets our own marker if the transaction was applied.
            return [Result.UNAVAILABLE] * len(transaction.units)
        return [Result.APPLIED] * len(transaction.units)

    def _create_each(self, transaction: Transaction, has_time: HasTime) -> list[Result]:
        """One batch of statements, each for itself. What is there already is read, for a statement does not tell."""
        try:
            reply = self._client.batch_execute_statement(
                Statements=[
                    items.insert(entry["Put"]["TableName"], entry["Put"]["Item"]) for entry in transaction.items
                ]
            )
        except ClientError as error:
            return [judge_refusal(error)] * len(transaction.units)
        except BotoCoreError:
            return [Result.UNAVAILABLE] * len(transaction.units)
        results = [judge_statement(response.get("Error")) for response in reply["Responses"]]
        taken = {n: transaction.actions[n] for n, each in enumerate(results) if each is Result.CONDITION_FAILED}
        found: dict[Key, Item | None] = {}
        if taken and has_time():
            with suppress(RetryLater):
                found = self._reader.fetch([action.key for action in taken.values()], has_time)
        for n, action in taken.items():
            there = found.get(action.key)
            results[n] = Result.UNAVAILABLE  # gone meanwhile, or no answer: the next attempt finds out
            if there is not None:
                results[n] = judge_existing(transaction.units[n], action, there, self._subscription.consumer)
        return results

    def _actions(
        self, position: str, now: float, applied: Mapping[str, str], items_mark: bool, unit: Unit
    ) -> list[Action]:
        """All that a unit wants: its marker first, then the cursor's move, its writes and its follow-up events."""
        message = unit.work.message
        proof = {**applied, "payload_hash": message.payload_hash, "delivery_id": unit.work.delivery.id}
        writes = unit.effect.writes
        if unit.marks_itself:  # the proof is in it also where it is not needed: the row may change
            (create,) = writes
            writes = (Create(create.key, {**create.attributes, **proof}),)  # type: ignore[union-attr]  # it is a Create
            if items_mark:
                return [*writes]
        expires_at = marker_expiration(self._subscription, unit.work, now)
        marker = Create(
            marker_key(self._subscription, message.id), {"status": COMPLETED, EXPIRATION: expires_at, **proof}
        )
        moved = advance(self._subscription, message.partition_key, message.sequence)
        return [marker, *moved, *writes, *self._emissions(unit, position, now)]

    def _emissions(self, unit: Unit, position: str, now: float) -> list[Emission]:
        """The unit's follow-up events, each caused by its message and of the same correlation."""
        if not unit.effect.follow_ups:
            return []
        cause, time_of_events = unit.work.message, datetime.fromtimestamp(now, UTC)
        messages = []
        for event in unit.effect.follow_ups:
            if type(event) not in self._subscription.emits:
                raise UndeclaredFollowUp(f"{type(event).__name__} is not among the events that the row emits")
            draft = Draft(
                event=event,
                correlation_id=cause.correlation_id,
                causation_id=cause.id,
                traceparent=cause.traceparent,
            )
            messages.append(prepare(draft, source=f"urn:waybill:{self._subscription.consumer}", time=time_of_events))
        return emissions(messages, position)


def marker_key(subscription: Subscription, event_id: str) -> Key:
    """The idempotency key of an event, as an item of the inbox.

    With `powertools_prefix` it is the one that Powertools' idempotency utility makes of the event's id: what that has
    completed is then done for us too, and costs no call.
    """
    if subscription.powertools_prefix is None:
        return Key(INBOX.name, f"{subscription.consumer}#{event_id}")
    digest = hashlib.md5(json.dumps(event_id).encode(), usedforsecurity=False).hexdigest()
    return Key(INBOX.name, f"{subscription.powertools_prefix}#{digest}")


def marker_expiration(subscription: Subscription, work: Work, now: float) -> int:
    """When TTL may delete a marker, in epoch seconds: as long after the event as one is accepted, and then some. A
    producer whose clock is ahead makes it later, never too early."""
    return int(max(now, work.message.time.timestamp())) + subscription.marker_lifetime_seconds
