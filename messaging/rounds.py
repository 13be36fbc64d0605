"""Applies the transactional effects of a batch in rounds: each runs the functions over one view and commits once.

A clean batch without reads is one round trip. What can't share the round's transaction (a group whose next effect
overlaps, or the 100-action limit) waits for the next round; so does everything innocent when a transaction is
cancelled. After contention the batch goes on one record at a time, with jittered pauses: hot items would cancel the
whole batch again and again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from messaging.batch import Boundary, Ledger, Verdict, Work
from messaging.deadline import Deadline
from messaging.effects import Key, Transactional, View, no_reads
from messaging.errors import Held, RecordError, RetryLater, Stale, TamperedEvent, TooLarge
from messaging.inbox import Inbox
from messaging.reads import Reader
from messaging.reasons import Result
from messaging.transaction import MAX_ACTIONS, Transaction, Unit

# Of one record within one batch; then its queue waits for better times. Conditions fail again only where others are
# as quick each time; items that everybody writes need more patience, and the deadline bounds that too.
MAX_ATTEMPTS = 5
MAX_CONTENDED_ATTEMPTS = 12
LONGEST_PAUSE_SECONDS = 0.3
# Both say that somebody else has written meanwhile: in the middle of it, or since its items were read.
CONFLICTS = (Result.CONTENDED, Result.CONDITION_FAILED)
# The commit, and a quarter for a function that takes its time: after it there must still be a step.
STEPS_A_PLAN = 1.25


class Rounds:
    """Rounds for one batch's works. `boundary` takes what a function raises, `deadline` guards each step."""

    def __init__(
        self,
        consumer: Transactional,
        inbox: Inbox,
        reader: Reader,
        *,
        ledger: Ledger,
        boundary: Boundary,
        deadline: Deadline,
        sleep: Callable[[float], None],
    ) -> None:
        self._consumer = consumer
        self._inbox = inbox
        self._reader = reader
        self._ledger = ledger
        self._boundary = boundary
        self._deadline = deadline
        self._sleep = sleep
        self._failures: Counter[str] = Counter()
        self._one_by_one = False
        self._unanswered = False

    def run(self, works: Sequence[Work]) -> None:
        """Settle every work, or leave it open when the time is up."""
        while (pending := self._next(works)) and self._deadline.has_time_for(2 if self._unanswered else 1):
            view = self._read(pending)
            transaction = self._plan(self._ledger.open(pending), view)
            if transaction.units and self._deadline.has_time():
                self._settle(transaction.units, self._inbox.commit(transaction, self._deadline.has_time))

    def _next(self, works: Sequence[Work]) -> list[Work]:
        """What the next round is about: no more than one transaction can take, for the rest would run for nothing.

        After contention one record, of a group that failed less often than others. A pause where all of it failed.
        """
        pending = self._ledger.open(works)[:MAX_ACTIONS]
        if self._one_by_one and pending:
            heads: dict[str, Work] = {}
            for work in pending:
                heads.setdefault(work.delivery.lane, work)
            pending = [min(heads.values(), key=lambda work: self._failures[work.delivery.id])]
        failures = min((self._failures[work.delivery.id] for work in pending), default=0)
        if failures and self._deadline.has_time():
            self._sleep(random.uniform(0, min(LONGEST_PAUSE_SECONDS, 0.01 * 2**failures)))  # full jitter
        return pending

    def _read(self, pending: Sequence[Work]) -> View:
        """What the pending records declare, in one call. Without an answer all of them are handed back."""
        keys: list[Key] = []
        for work in pending:
            if self._ledger.is_open(work.delivery):
                keys += self._boundary.run(work.delivery, partial(self._declared, work)) or ()
        items, error = self._boundary.attempt(partial(self._reader.fetch, keys, self._deadline.has_time))
        if error is not None:
            for work in pending:
                if self._ledger.is_open(work.delivery):
                    self._boundary.reject(work.delivery, error)
        return View(items or {})

    def _declared(self, work: Work) -> list[Key]:
        keys = list(self._consumer.reads(work.message))
        self._reader.check(keys)
        return keys

    def _plan(self, pending: Iterable[Work], view: View) -> Transaction:
        """As much as one transaction takes. Functions see what those before them will have written."""
        transaction = self._inbox.transaction(items_mark=self._consumer.reads is no_reads)
        waiting: set[str] = set()
        for work in pending:
            lane = work.delivery.lane
            if transaction.units and not self._deadline.has_time_for(STEPS_A_PLAN):
                break  # what there is so far must still be committed
            if lane in waiting or not self._ledger.is_open(work.delivery):
                continue
            taken, error = self._boundary.attempt(partial(self._offer, work, view, transaction))
            if error is not None and not transaction.units:
                self._fail(work, error)
            if not taken and self._ledger.is_open(work.delivery):
                # Its writes don't fit; or it failed on a view of what others may never commit. The rest of its group
                # waits too, to keep the order.
                waiting.add(lane)
        return transaction

    def _offer(self, work: Work, view: View, transaction: Transaction) -> bool:
        unit = Unit(work, self._consumer.functions[type(work.message.event)](work.message, view))
        changed = view.after(unit.effect.writes)
        taken = transaction.offer(unit)
        if taken:
            view.update(changed)
        return taken

    def _fail(self, work: Work, error: Exception) -> None:
        """It failed on committed items. One that was applied before may fail on what it then wrote itself."""
        if not self._deadline.has_time():
            return  # still open, so handed back
        found, unread = self._boundary.attempt(partial(self._inbox.find, work, self._deadline.has_time))
        if found is None:
            self._boundary.reject(work.delivery, unread or error)
        else:
            self._settle_applied(work, found, None)

    def _settle(self, units: Sequence[Unit], results: Sequence[Result]) -> None:
        alone = len(units) == 1
        if all(result is Result.INNOCENT for result in results):
            results = [Result.UNAVAILABLE] * len(units)  # cancelled for nobody: that must not go on for ever
        self._ledger.conflicts += any(result in CONFLICTS for result in results)
        for unit, result in zip(units, results, strict=True):
            if result in (Result.APPLIED, Result.DUPLICATE):
                self._settle_applied(unit.work, result, unit.effect.note)
            elif result in (Result.STALE, Result.HELD):
                # Before it is dead-lettered: DynamoDB need not have looked at the marker where the cursor failed.
                self._fail(unit.work, _out_of_order(unit, result))
            elif error := _final_error(unit, result, alone=alone):
                self._boundary.reject(unit.work.delivery, error)
            elif result is not Result.INNOCENT:
                self._try_again(unit, result)

    def _settle_applied(self, work: Work, result: Result, note: str | None) -> None:
        verdict = Verdict("applied", note) if result is Result.APPLIED else Verdict("duplicate")
        self._ledger.settle(work.delivery, verdict)

    def _try_again(self, unit: Unit, result: Result) -> None:
        delivery = unit.work.delivery
        # Where one call has hung the next may, and after it there must be time to close the batch in order.
        self._unanswered = self._unanswered or result is Result.UNAVAILABLE
        self._failures[delivery.id] += 1
        most = MAX_CONTENDED_ATTEMPTS if result is Result.CONTENDED else MAX_ATTEMPTS
        if self._failures[delivery.id] >= most:
            self._boundary.reject(delivery, RetryLater(f"gave up after {most} attempts: {result.value}"))
        elif result in (Result.CONTENDED, Result.TOO_LARGE) or self._failures[delivery.id] > 1:
            # Whosever condition it is that fails again, the records merged with it must not fail with it.
            self._one_by_one = True


def _out_of_order(unit: Unit, result: Result) -> RecordError:
    error = Stale if result is Result.STALE else Held
    return error(f"event {unit.work.message.id!r} has sequence {unit.work.message.sequence}: {result.value}")


def _final_error(unit: Unit, result: Result, *, alone: bool) -> RecordError | None:
    """What no further round of this batch changes; None for all else."""
    event_id = unit.work.message.id
    if result is Result.TAMPERED:
        return TamperedEvent(f"event {event_id!r} was applied with another payload")
    if result is Result.CLAIMED:
        return RetryLater(f"event {event_id!r}: {result.value}")
    if result is Result.TOO_LARGE and alone:
        return TooLarge(
            f"event {event_id!r}: an item over 400 KB or a transaction over 4 MB; keep what is large elsewhere and "
            "write its address, or split the event"
        )
    return None
