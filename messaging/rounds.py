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
from messaging.effects import Key, Transactional, View
from messaging.errors import RetryLater, TamperedEvent, TooLarge
from messaging.inbox import Inbox, Result
from messaging.transaction import MAX_ACTIONS, Transaction, Unit

MAX_ATTEMPTS = 5  # of one record within one batch; then its queue waits for better times


class Rounds:
    """Rounds for one batch's works. `boundary` takes what a function raises, `has_time` guards each round."""

    def __init__(
        self,
        consumer: Transactional,
        inbox: Inbox,
        *,
        ledger: Ledger,
        boundary: Boundary,
        has_time: Callable[[], bool],
        sleep: Callable[[float], None],
    ) -> None:
        self._consumer = consumer
        self._inbox = inbox
        self._ledger = ledger
        self._boundary = boundary
        self._has_time = has_time
        self._sleep = sleep
        self._attempts: Counter[str] = Counter()
        self._units_per_round = MAX_ACTIONS
        self._pause_seconds = 0.0

    def run(self, works: Sequence[Work]) -> None:
        """Settle every work, or leave it open when the time is up."""
        # No more at a time than one transaction can take: the rest would be read and run for nothing.
        while (pending := self._ledger.open(works)[: self._units_per_round]) and self._has_time():
            if self._pause_seconds:
                self._sleep(self._pause_seconds)
                self._pause_seconds = 0.0
            view = self._read(pending)
            transaction = self._plan(self._ledger.open(pending), view)
            if transaction.units and self._has_time():
                self._settle(transaction.units, self._inbox.commit(transaction))

    def _read(self, pending: Sequence[Work]) -> View:
        """What the pending records declare, in one call. Without an answer all of them are handed back."""
        keys: list[Key] = []
        for work in pending:
            if self._ledger.is_open(work.delivery):
                keys += self._boundary.run(work.delivery, partial(self._declared, work)) or ()
        items, error = self._boundary.attempt(partial(self._inbox.fetch, keys))
        if error is not None:
            for work in pending:
                if self._ledger.is_open(work.delivery):
                    self._boundary.reject(work.delivery, error)
        return View(items or {})

    def _declared(self, work: Work) -> list[Key]:
        keys = list(self._consumer.reads(work.message))
        self._inbox.check(keys)
        return keys

    def _plan(self, pending: Iterable[Work], view: View) -> Transaction:
        """As much as one transaction takes. Functions see what those before them will have written."""
        transaction = self._inbox.transaction()
        waiting: set[str] = set()
        for work in pending:
            lane = work.delivery.lane
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
        """A function failed on committed items. One that was applied before may fail on what it then wrote itself."""
        if not self._has_time():
            return  # still open, so handed back
        found, unread = self._boundary.attempt(partial(self._inbox.find, work))
        if found is None:
            self._boundary.reject(work.delivery, unread or error)
        else:
            self._settle_applied(work, found, None)

    def _settle(self, units: Sequence[Unit], results: Sequence[Result]) -> None:
        for unit, result in zip(units, results, strict=True):
            if result in (Result.APPLIED, Result.DUPLICATE):
                self._settle_applied(unit.work, result, unit.effect.note)
            elif result is Result.TAMPERED:
                self._boundary.reject(
                    unit.work.delivery,
                    TamperedEvent(f"event {unit.work.message.id!r} was applied with another payload"),
                )
            elif result is Result.TOO_LARGE and len(units) == 1:
                self._boundary.reject(
                    unit.work.delivery,
                    TooLarge(f"event {unit.work.message.id!r}: an item over 400 KB or a transaction over 4 MB"),
                )
            elif result is not Result.INNOCENT:
                self._try_again(unit, result)

    def _settle_applied(self, work: Work, result: Result, note: str | None) -> None:
        verdict = Verdict("applied", note) if result is Result.APPLIED else Verdict("duplicate")
        self._ledger.settle(work.delivery, verdict)

    def _try_again(self, unit: Unit, result: Result) -> None:
        event_id = unit.work.message.id
        self._attempts[event_id] += 1
        if self._attempts[event_id] >= MAX_ATTEMPTS:
            self._boundary.reject(
                unit.work.delivery, RetryLater(f"gave up after {MAX_ATTEMPTS} attempts: {result.value}")
            )
        elif result is not Result.CONDITION_FAILED:
            self._units_per_round = 1
            self._pause_seconds = random.uniform(0, 0.02 * 2 ** self._attempts[event_id])  # full jitter
        elif self._attempts[event_id] > 1:
            self._units_per_round = 1  # whoever's condition it is, the records merged with it must not fail with it
