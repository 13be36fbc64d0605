"""Makes the external calls of a batch: claims them all at once, then calls and completes one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from messaging.batch import Boundary, Ledger, Verdict, Work
from messaging.effects import External
from messaging.errors import RetryLater, TamperedEvent
from messaging.lease import Claim, Leases


class Calls:
    """Calls for one batch's works. `boundary` runs one record's step and enters its failure, `has_time` guards each."""

    def __init__(
        self,
        consumer: External,
        leases: Leases,
        *,
        ledger: Ledger,
        boundary: Boundary,
        has_time: Callable[[], bool],
    ) -> None:
        self._consumer = consumer
        self._leases = leases
        self._ledger = ledger
        self._boundary = boundary
        self._has_time = has_time

    def run(self, works: Sequence[Work]) -> None:
        """Settle every work, or leave it open when the time is up."""
        first_of_event: dict[str, Work] = {}
        for work in works:
            first_of_event.setdefault(work.message.id, work)
        leaders = list(first_of_event.values())
        if self._has_time():
            self._call(self._claimed(leaders))
        self._repeats([work for work in works if work is not first_of_event[work.message.id]], first_of_event)

    def _claimed(self, works: Sequence[Work]) -> list[Work]:
        mine = []
        for work, claim in zip(works, self._leases.claim(works, self._has_time), strict=True):
            if claim is Claim.MINE:
                mine.append(work)
            elif claim in (Claim.APPLIED, Claim.DUPLICATE):
                self._ledger.settle(work.delivery, Verdict("applied" if claim is Claim.APPLIED else "duplicate"))
            elif not self._ledger.is_open(work.delivery):
                continue  # held back already, with the failure before it
            elif claim is Claim.TAMPERED:
                self._boundary.reject(
                    work.delivery, TamperedEvent(f"event {work.message.id!r} was claimed with another payload")
                )
            else:
                self._boundary.reject(work.delivery, RetryLater(claim.value))
        return mine

    def _call(self, works: Sequence[Work]) -> None:
        together = self._consumer.calls_per_completion
        not_called: list[Work] = []
        for start in range(0, len(works), together):
            called: list[Work] = []
            for work in works[start : start + together]:
                (called if self._called(work) else not_called).append(work)
            self._complete(called)
        self._leases.release(not_called, self._has_time)

    def _complete(self, works: Sequence[Work]) -> None:
        for work, completed in zip(works, self._leases.complete(works, self._has_time), strict=True):
            if completed:
                self._ledger.settle(work.delivery, Verdict("applied"))
            else:
                error = RetryLater("called, but the completion could not be recorded")
                self._boundary.reject(work.delivery, error)

    def _called(self, work: Work) -> bool:
        # Held back by an earlier failure of its group, or out of time: not started, so its claim is given up.
        if not self._ledger.is_open(work.delivery) or not self._has_time():
            return False
        call = self._consumer.calls[type(work.message.event)]
        key = self._leases.idempotency_key(work)
        return self._boundary.run(work.delivery, lambda: (call(work.message, key), True)) is not None

    def _repeats(self, works: Sequence[Work], first_of_event: dict[str, Work]) -> None:
        """The same event again within the batch: done if the first is, else handed back with it."""
        for work in self._ledger.open(works):
            first = first_of_event[work.message.id]
            if work.message.payload_hash != first.message.payload_hash:
                self._boundary.reject(
                    work.delivery, TamperedEvent(f"event {work.message.id!r} came twice in a batch with two payloads")
                )
            elif self._ledger.is_done(first.delivery):
                self._ledger.settle(work.delivery, Verdict("duplicate"))
