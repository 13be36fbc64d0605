"""Makes the external calls of a batch: claims them all at once, calls one after another, and records them together.

Two round trips where nothing was claimed before. A call that must not be made twice is claimed and recorded by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from messaging.batch import Boundary, Ledger, Verdict, Work
from messaging.deadline import Deadline
from messaging.effects import External
from messaging.errors import InDoubt, RecordError, RetryLater, TamperedEvent, UncalledEvent
from messaging.lease import Claim, Leases

# The call, and the record of it: a mail that is sent and not recorded is sent again.
STEPS_A_CALL = 2


class Calls:
    """Calls for one batch's works. `boundary` runs one record's step and enters its failure, `deadline` guards each."""

    def __init__(
        self,
        consumer: External,
        leases: Leases,
        *,
        ledger: Ledger,
        boundary: Boundary,
        deadline: Deadline,
    ) -> None:
        self._consumer = consumer
        self._leases = leases
        self._ledger = ledger
        self._boundary = boundary
        self._deadline = deadline

    def run(self, works: Sequence[Work]) -> None:
        """Settle every work, or leave it open when the time is up."""
        first_of_event: dict[str, Work] = {}
        for work in works:
            first_of_event.setdefault(work.message.id, work)
        for together in self._portions(list(first_of_event.values())):
            pending = self._ledger.open(together)
            if pending and self._deadline.has_time_for(STEPS_A_CALL):
                self._call(self._claimed(pending))
        self._repeats([work for work in works if work is not first_of_event[work.message.id]], first_of_event)

    def _portions(self, works: Sequence[Work]) -> Iterator[list[Work]]:
        """What is claimed together, in order: a call that is made at most once by itself, the others between them."""
        together: list[Work] = []
        for work in works:
            if self._at_most_once(work):
                yield together
                yield [work]
                together = []
            else:
                together.append(work)
        yield together

    def _at_most_once(self, work: Work) -> bool:
        return type(work.message.event) in self._consumer.at_most_once

    def _claimed(self, works: Sequence[Work]) -> list[Work]:
        mine, unknown = [], []
        take_over = not self._at_most_once(works[0])
        for work, claim in zip(
            works, self._leases.claim(works, self._deadline.has_time, take_over=take_over), strict=True
        ):
            if claim is Claim.MINE:
                mine.append(work)
            elif claim in (Claim.APPLIED, Claim.DUPLICATE):
                self._ledger.settle(work.delivery, Verdict("applied" if claim is Claim.APPLIED else "duplicate"))
            else:
                unknown += [work] if claim is Claim.UNKNOWN else []
                if self._ledger.is_open(work.delivery):  # else held back already, with the failure before it
                    self._boundary.reject(work.delivery, _unclaimed(work, claim))
        if unknown and self._deadline.has_time():
            # It may be ours all the same, and its call is not made: nobody has to wait, or to be in doubt.
            self._leases.release(unknown, self._deadline.has_time)
        return mine

    def _call(self, works: Sequence[Work]) -> None:
        together = self._consumer.calls_per_completion or len(works) or 1
        unmade: list[Work] = []
        for start in range(0, len(works), together):
            made: list[Work] = []
            for work in works[start : start + together]:
                # Held back by an earlier failure of its group, or out of time: not begun, so its claim is given up.
                if not self._ledger.is_open(work.delivery) or not self._deadline.has_time_for(STEPS_A_CALL):
                    unmade.append(work)
                else:
                    self._make(work, made, unmade)
            self._complete(made)
        if unmade and self._deadline.has_time_to_close():  # else they lapse
            self._leases.release(unmade, self._deadline.has_time_to_close)

    def _make(self, work: Work, made: list[Work], unmade: list[Work]) -> None:
        """One call. After an error it was not made; or it is in doubt: its claim stays, so that nobody repeats it."""
        _, error = self._boundary.attempt(partial(self._invoke, work))
        if error is None:
            made.append(work)
        elif self._at_most_once(work) and not isinstance(error, (RecordError, UncalledEvent)):
            doubt = InDoubt(f"event {work.message.id!r}: its call ended with {type(error).__name__}")
            self._boundary.reject(work.delivery, doubt)
        else:
            unmade.append(work)
            self._boundary.reject(work.delivery, error)

    def _invoke(self, work: Work) -> None:
        call = self._consumer.calls.get(type(work.message.event))
        if call is None:
            raise UncalledEvent(f"the consumer has no call for {work.message.event.type}")
        call(work.message, self._leases.idempotency_key(work))

    def _complete(self, works: Sequence[Work]) -> None:
        if not works:
            return
        for work, completed in zip(works, self._leases.complete(works, self._deadline.has_time_to_close), strict=True):
            if completed:
                self._ledger.settle(work.delivery, Verdict("applied"))
            else:
                error = RetryLater("called, but the completion could not be recorded")
                self._boundary.reject(work.delivery, error)

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


def _unclaimed(work: Work, claim: Claim) -> RecordError:
    """Why a claim was not to be had; LAPSED is left only where the call must not be made again."""
    if claim is Claim.TAMPERED:
        return TamperedEvent(f"event {work.message.id!r} was claimed with another payload")
    if claim is Claim.LAPSED:
        return InDoubt(f"event {work.message.id!r}: an attempt at its call ended without a record of how")
    return RetryLater(claim.value)
