"""Leases for external effects: claim, call, complete, so that two workers don't do the same thing at the same time.

A claim is an INPROGRESS marker with an owner and an end. Claiming is one PartiQL batch for the whole batch of
messages, completing another. Every later write is fenced by the owner: a worker that lost its lease changes nothing.

The effect is at least once: a crash between the call and its completion leads to a second call after the lease ends.
Clocks decide only when a lapsed lease is taken over, which is compare-and-swap; skew can cost a second call, never
a wrong marker.
"""

from __future__ import annotations

import enum
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from messaging.batch import Work
from messaging.deadline import HasTime, always
from messaging.effects import Item
from messaging.errors import RetryLater
from messaging.identity import new_id
from messaging.inbox import marker_expiration, marker_key
from messaging.items import MAX_STATEMENTS, attributes, insert, serialize
from messaging.reads import THROTTLES, Reader
from messaging.reasons import COMPLETED, Result, judge_marker
from messaging.subscription import Subscription
from messaging.tables import EXPIRATION

INPROGRESS = "INPROGRESS"
MAX_ATTEMPTS = 4
NO_ANSWER = "NoAnswer"
# Per statement, and the codes of a refused call as a whole.
RETRYABLE = THROTTLES | {NO_ANSWER, "ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"}


class Claim(enum.Enum):
    """What claiming tells about one record."""

    MINE = "claimed: call, then complete"
    APPLIED = "completed by an earlier attempt of the same delivery"
    DUPLICATE = "completed for another delivery of the event"
    TAMPERED = "the event id was claimed with another payload"
    LAPSED = "the holder's lease has ended without completion"
    BUSY = "another worker holds the lease"
    UNKNOWN = "DynamoDB throttled or did not answer"


Statement = dict[str, Any]


class Leases:
    """The leases of one consumer. `client` is boto3's DynamoDB client, `table` the physical name of the inbox."""

    def __init__(
        self,
        client: Any,
        *,
        reader: Reader,
        table: str,
        subscription: Subscription,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        new_owner: Callable[[], str] = new_id,
    ) -> None:
        self._client = client
        self._reader = reader
        self._table = table
        self._subscription = subscription
        self._clock = clock
        self._sleep = sleep
        self._new_owner = new_owner
        self._owner = new_owner()

    def claim(self, works: Sequence[Work], has_time: HasTime = always, *, take_over: bool = True) -> list[Claim]:
        """Try to become the one worker for each event: one round trip where none was claimed before.

        The works' event ids must differ: DynamoDB refuses a batch that names an item twice. Claims of one call have an
        owner of their own: a lease that an earlier batch of this process left behind is somebody else's. Past the
        first round trip, each needs `has_time`; without it, what is not known yet is UNKNOWN. Without `take_over` a
        lapsed lease is left as it is, LAPSED.
        """
        self._owner = self._new_owner()
        codes = self._execute([self._insert(work) for work in works], has_time)
        claims = [Claim.MINE if code is None else Claim.UNKNOWN for code in codes]
        taken = [n for n, code in enumerate(codes) if code == "DuplicateItem"]
        lapsed: list[tuple[int, Item]] = []
        holders = self._holders([works[n] for n in taken], has_time) if has_time() else [None] * len(taken)
        for n, holder in zip(taken, holders, strict=True):
            claims[n] = self._judge(works[n], holder)
            if claims[n] is Claim.LAPSED and holder and take_over:
                lapsed.append((n, holder))
        if lapsed and not has_time():
            return [Claim.UNKNOWN if claim is Claim.LAPSED else claim for claim in claims]
        takeovers = self._execute([self._take_over(works[n], holder) for n, holder in lapsed], has_time)
        for (n, _), code in zip(lapsed, takeovers, strict=True):
            claims[n] = {None: Claim.MINE, "ConditionalCheckFailed": Claim.BUSY}.get(code, Claim.UNKNOWN)
        return claims

    def complete(self, works: Sequence[Work], has_time: HasTime = always) -> list[bool]:
        """Mark the calls as done. False where the lease was lost meanwhile, or DynamoDB does not answer."""
        return [code is None for code in self._execute([self._finish(work) for work in works], has_time)]

    def release(self, works: Sequence[Work], has_time: HasTime = always) -> None:
        """Give up claims whose call did not happen, so that the next attempt need not wait; if it fails, they lapse."""
        self._execute([self._delete(work) for work in works], has_time)

    def idempotency_key(self, work: Work) -> str:
        """Consumer and event id: the same over retries, redrives and replays."""
        return marker_key(self._subscription, work.message.id).partition

    def _holders(self, works: Sequence[Work], has_time: HasTime) -> list[Item | None]:
        keys = [marker_key(self._subscription, work.message.id) for work in works]
        try:
            items = self._reader.fetch(keys, has_time)
        except RetryLater:
            return [None] * len(works)
        return [items[key] for key in keys]

    def _judge(self, work: Work, holder: Item | None) -> Claim:
        if holder is None:
            return Claim.UNKNOWN  # released meanwhile, or no answer: either way the next attempt finds out
        verdict = judge_marker(holder, work, self._subscription.consumer)
        if verdict is Result.TAMPERED:
            return Claim.TAMPERED
        if verdict is Result.CLAIMED:
            return Claim.BUSY  # by Powertools, whose record says nothing of an owner that could be replaced
        if holder.get("status") == COMPLETED:
            return Claim.APPLIED if verdict is Result.APPLIED else Claim.DUPLICATE
        if holder.get("owner") == self._owner:
            return Claim.MINE  # our claim of a moment ago, whose answer was lost
        return Claim.LAPSED if holder.get("lease_expires_at", 0) < self._clock() else Claim.BUSY

    def _insert(self, work: Work) -> Statement:
        row = {
            "id": self.idempotency_key(work),
            "status": INPROGRESS,
            "consumer": self._subscription.consumer,
            "payload_hash": work.message.payload_hash,
            "delivery_id": work.delivery.id,
            "owner": self._owner,
            "lease_expires_at": self._lease_end(),
            EXPIRATION: self._expiration(work),
        }
        return insert(self._table, attributes(row))

    def _take_over(self, work: Work, holder: Item) -> Statement:
        return _statement(
            f'UPDATE "{self._table}" SET "owner" = ? SET "lease_expires_at" = ? SET "delivery_id" = ? '
            'WHERE "id" = ? AND "status" = ? AND "owner" = ? AND "lease_expires_at" = ?',
            [
                *(self._owner, self._lease_end(), work.delivery.id),
                *(self.idempotency_key(work), INPROGRESS, holder["owner"], holder["lease_expires_at"]),
            ],
        )

    def _finish(self, work: Work) -> Statement:
        # No condition on the status: a repeat after a lost answer must succeed.
        return _statement(
            f'UPDATE "{self._table}" SET "status" = ? SET "{EXPIRATION}" = ? WHERE "id" = ? AND "owner" = ?',
            [COMPLETED, self._expiration(work), self.idempotency_key(work), self._owner],
        )

    def _delete(self, work: Work) -> Statement:
        return _statement(
            f'DELETE FROM "{self._table}" WHERE "id" = ? AND "owner" = ? AND "status" = ?',
            [self.idempotency_key(work), self._owner, INPROGRESS],
        )

    def _lease_end(self) -> int:
        return int(self._clock()) + self._subscription.lease_seconds

    def _expiration(self, work: Work) -> int:
        return marker_expiration(self._subscription, work, self._clock())

    def _execute(self, statements: Sequence[Statement], has_time: HasTime) -> list[str | None]:
        """Each statement's error code, None for success. A throttle hides in an HTTP 200: it is retried."""
        codes: list[str | None] = [NO_ANSWER] * len(statements)
        pending = list(range(len(statements)))
        for attempt in range(MAX_ATTEMPTS):
            for start in range(0, len(pending), MAX_STATEMENTS):
                if start and not has_time():
                    break
                chunk = pending[start : start + MAX_STATEMENTS]
                for n, code in zip(chunk, self._execute_batch([statements[n] for n in chunk]), strict=True):
                    codes[n] = code
            pending = [n for n in pending if codes[n] in RETRYABLE]
            if not pending or not has_time():
                break
            self._sleep(random.uniform(0, 0.05 * 2**attempt))  # full jitter
        return codes

    def _execute_batch(self, statements: Sequence[Statement]) -> list[str | None]:
        try:
            reply = self._client.batch_execute_statement(Statements=statements)
        except ClientError as error:
            return [error.response["Error"]["Code"]] * len(statements)
        except BotoCoreError:
            return [NO_ANSWER] * len(statements)
        return [response["Error"]["Code"] if "Error" in response else None for response in reply["Responses"]]


def _statement(text: str, parameters: Sequence[Any]) -> Statement:
    return {"Statement": text, "Parameters": [serialize(value) for value in parameters]}
