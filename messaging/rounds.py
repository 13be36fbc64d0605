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
from messaging.effects import Transactional, View
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
        while (pending := self._ledger.open(works)) and self._has_time():
            if self._pause_seconds:
                self._sleep(self._pause_seconds)
                self._pause_seconds = 0.0
            try:
                view = View(self._inbox.fetch(key for work in pending for key in self._consumer.reads(work.message)))
            except RetryLater as error:
                for work in pending:
                    self._boundary.reject(work.delivery, error)
                return
            transaction = self._plan(pending, view)
            if transaction.units:
                self._settle(transaction.units, self._inbox.commit(transaction))

    def _plan(self, pending: Iterable[Work], view: View) -> Transaction:
        """As much as one transaction takes. Functions see what those before them will have written."""
        transaction = self._inbox.transaction(self._units_per_round)
        waiting: set[str] = set()
        for work in pending:
            lane = work.delivery.lane
            if lane in waiting or not self._ledger.is_open(work.delivery):
                continue
            taken = self._boundary.run(work.delivery, partial(self._offer, work, view, transaction))
            if taken is False:
                waiting.add(lane)  # the rest of its group too, to keep the order
        return transaction

    def _offer(self, work: Work, view: View, transaction: Transaction) -> bool:
        unit = Unit(work, self._consumer.functions[type(work.message.event)](work.message, view))
        taken = transaction.offer(unit)
        if taken:
            view.apply(unit.effect.writes)
        return taken

    def _settle(self, units: Sequence[Unit], results: Sequence[Result]) -> None:
        for unit, result in zip(units, results, strict=True):
            if result is Result.APPLIED:
                self._ledger.settle(unit.work.delivery, Verdict("applied", unit.effect.note))
            elif result is Result.DUPLICATE:
                self._ledger.settle(unit.work.delivery, Verdict("duplicate"))
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
