"""The life of one batch: decode, apply, and hand back what failed. Read it top to bottom.

It knows nothing of SQS: a source gives deliveries, and takes dead letters and postponed ones.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from messaging.batch import Delivery, Ledger, Verdict, Work
from messaging.calls import Calls
from messaging.deadline import Deadline
from messaging.effects import External, Transactional
from messaging.errors import NEWER_VERSION, DeadLetter, Expired, NewerVersion, Poison, RetryLater, TooOld, TopologyError
from messaging.message import decode
from messaging.rounds import Rounds
from messaging.store import Store
from messaging.subscription import Subscription
from messaging.suspicion import Suspicion
from messaging.versions import KNOWN, Versions

T = TypeVar("T")

LONGEST_DELAY_SECONDS = 300
# SQS hides a message for twelve hours from when it was received, and no time at all where it is asked for more; the
# longest function runs a quarter of an hour.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
LONGEST_HIDING_SECONDS = 11 * 60 * 60


class Source(Protocol):
    """What a consumer needs of the queue that its deliveries came from."""

    def dead_letter(self, delivery: Delivery, facts: Mapping[str, Any]) -> bool:
        """Park the message with the facts about its failure. False: not accepted, hand the message back."""
        ...

    def postpone(self, delays: Sequence[tuple[Delivery, int]], has_time: Callable[[], bool]) -> bool:
        """Hide handed-back records, each for so many seconds. False: some come back at the queue's own time.

        Each call that it takes needs time.
        """
        ...


class Consumer:
    """Applies the effects of one subscription. Collaborators are passed in; a clock gives epoch seconds."""

    def __init__(
        self,
        subscription: Subscription,
        effects: Transactional | External,
        *,
        source: Source,
        store: Store,
        code_version: str,
        newer_version_patience_seconds: int,
        versions: Versions = KNOWN,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if isinstance(effects, External) is not subscription.has_external_effects:
            raise TopologyError(f"{subscription.consumer}: row and code disagree whether its effects are external")
        self._subscription = subscription
        self._effects = effects
        self._source = source
        self._store = store
        self._code_version = code_version
        self._versions = versions
        self._newer_version_patience_seconds = newer_version_patience_seconds
        self._clock = clock
        self._sleep = sleep

    def process(self, deliveries: Sequence[Delivery], remaining_seconds: Callable[[], float]) -> Ledger:
        """Settle every delivery of a batch; the ledger says which the source must deliver again.

        `remaining_seconds` tells how long the caller still runs: near its end, what is done is kept and the rest is
        handed back. Raises nothing that one record causes.
        """

        ledger, deadline = Ledger(deliveries, clock=self._clock), Deadline(remaining_seconds)
        boundary = _FailurePolicy(ledger, self._park, self._waits_for_new_code, deadline.has_time_to_close)
        suspicion = Suspicion(
            self._store.attempts, self._store.inbox, ledger=ledger, boundary=boundary, deadline=deadline
        )
        apply = self._applier(ledger, boundary, deadline)

        self._store.attempts.pay(deadline.has_time)
        works = self._decoded(ledger, boundary, deadline.has_time)
        for portion in suspicion.portions(works):  # what may kill the function comes last, one by one
            apply(portion)
        self._store.attempts.close(ledger, suspicion.begun, deadline.has_time_to_close)
        self._postpone(ledger, deadline.has_time_to_close)  # else it comes back at the queue's own time
        return ledger

    def _decoded(self, ledger: Ledger, boundary: _FailurePolicy, has_time: Callable[[], bool]) -> list[Work]:
        works = []
        for delivery in ledger.deliveries:
            if ledger.is_open(delivery):  # not what a failure before it in its group has held back
                work = boundary.run(delivery, partial(self._open, ledger, delivery, has_time))
                works += [] if work is None else [work]
        return works

    def _open(self, ledger: Ledger, delivery: Delivery, has_time: Callable[[], bool]) -> Work:
        """The work in a delivery. Raises RecordError where there is none to do now."""
        message = decode(delivery.body, self._versions)
        if message.traceparent is None and delivery.traceparent is not None:
            message = replace(message, traceparent=delivery.traceparent)
        work = Work(delivery, message)
        ledger.remember(work)
        if type(work.message.event) not in self._subscription.events:
            raise Poison(f"{work.message.event.type} is not for this consumer")
        # A late repeat of what was done in time is no loss to tell of.
        if too_late := self._too_late(work):
            if not has_time():
                raise RetryLater("no time to look whether the late event was applied")
            if self._store.inbox.find(work, has_time) is None:
                raise too_late
        return work

    def _too_late(self, work: Work) -> DeadLetter | None:
        age_seconds = self._clock() - work.message.time.timestamp()
        most, oldest = self._subscription.max_age_seconds, self._subscription.oldest_event_seconds
        if age_seconds > oldest:
            return TooOld(f"event {work.message.id!r} is older than {oldest} s: no marker would prove it a duplicate")
        if most is not None and age_seconds > most:
            return Expired(f"event {work.message.id!r} is older than {most} s")
        return None

    def _applier(
        self, ledger: Ledger, boundary: _FailurePolicy, deadline: Deadline
    ) -> Callable[[Sequence[Work]], None]:
        """What applies the effects of works: transactions, or calls."""
        if isinstance(self._effects, External):
            calls = Calls(self._effects, self._store.leases, ledger=ledger, boundary=boundary, deadline=deadline)
            return calls.run
        rounds = Rounds(
            self._effects,
            self._store.inbox,
            self._store.reader,
            ledger=ledger,
            boundary=boundary,
            deadline=deadline,
            sleep=self._sleep,
        )
        return rounds.run

    def _waits_for_new_code(self, delivery: Delivery) -> bool:
        return self._clock() - delivery.first_received_at < self._newer_version_patience_seconds

    def _park(self, delivery: Delivery, error: Exception, reason: str) -> bool:
        facts = {
            "reason": reason,
            "error": type(error).__name__,
            "detail": str(error),
            "consumer": self._subscription.consumer,
            "code_version": self._code_version,
            "receive_count": delivery.attempt,
            "first_attempt_at": _instant(delivery.first_received_at),
            "last_attempt_at": _instant(self._clock()),
        }
        return self._source.dead_letter(delivery, facts)

    def _postpone(self, ledger: Ledger, has_time: Callable[[], bool]) -> None:
        """Hide what must wait: a failed record and the held-back rest of its group, which would block it in flight."""
        verdicts = ledger.verdicts()
        delays = [(each, verdict.delay_seconds) for each, verdict in verdicts if verdict.delay_seconds is not None]
        self._source.postpone(delays, has_time)


class _FailurePolicy:
    """What happens to a record whose step raised, by exception.

    =============  =================================================================================================
    DeadLetter     to the dead-letter queue at once with its reason, then acknowledged; its group goes on. (What can't
                   even be decoded does not wait for the effects of the records before it.)
    NewerVersion   RetryLater while new code may be on its way, then a dead letter with reason newer_version
    RetryLater     handed back with the rest of its group, hidden for its delay (by default growing, jittered)
    anything else  handed back with the rest of its group; SQS shows it again and counts
    =============  =================================================================================================
    """

    def __init__(
        self,
        ledger: Ledger,
        park: Callable[[Delivery, Exception, str], bool],
        waits_for_new_code: Callable[[Delivery], bool],
        has_time: Callable[[], bool],
    ) -> None:
        self._has_time = has_time
        self._ledger = ledger
        self._park = park
        self._waits_for_new_code = waits_for_new_code

    def attempt(self, step: Callable[[], T]) -> tuple[T | None, Exception | None]:
        try:
            return step(), None
        except Exception as error:  # noqa: BLE001 - the one broad except: a record's failure, whatever it is, is its own
            return None, error

    def run(self, delivery: Delivery, step: Callable[[], T]) -> T | None:
        result, error = self.attempt(step)
        if error is not None:
            self.reject(delivery, error)
        return result

    def reject(self, delivery: Delivery, error: Exception) -> None:
        if isinstance(error, DeadLetter):
            self._dead_letter(delivery, error, error.reason)
        elif isinstance(error, NewerVersion) and not self._waits_for_new_code(delivery):
            self._dead_letter(delivery, error, NEWER_VERSION)
        elif isinstance(error, RetryLater):
            delay_seconds = _delay_seconds(error, delivery.attempt)
            self._ledger.settle(delivery, Verdict("retry", type(error).__name__, str(error), delay_seconds))
        else:
            # The text of a foreign exception may hold payload: its class must do.
            self._ledger.settle(delivery, Verdict("retry", type(error).__name__))

    def _dead_letter(self, delivery: Delivery, error: Exception, reason: str) -> None:
        if not self._has_time():
            self._ledger.settle(delivery, Verdict("retry", "no_time", str(error)))
        elif self._park(delivery, error, reason):
            self._ledger.settle(delivery, Verdict("dead_lettered", reason, str(error)))
        else:
            self._ledger.settle(delivery, Verdict("retry", "dead_letter_refused", str(error)))


def _delay_seconds(error: RetryLater, attempt: int) -> int:
    """What the error asks for, within what a queue can do; else exponential with jitter: about 1, 2, 4 ... seconds, at
    most five minutes."""
    if error.delay_seconds is not None:
        return min(LONGEST_HIDING_SECONDS, max(1, error.delay_seconds))
    ceiling = min(LONGEST_DELAY_SECONDS, 2 ** min(attempt, 10))
    return max(1, round(random.uniform(ceiling / 2, ceiling)))


def _instant(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
