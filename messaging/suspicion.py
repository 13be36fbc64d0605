"""Which records of a batch may have killed the function, and in what order all are tried.

First what is new, together; then what was received before, together; last, one by one, each record that was begun and
never ended: the function died with it or beside it. One that it does not survive alone either is a killer. So a killer
is dead-lettered alone, and its batch mates are done before it is tried.

    received      begun, not ended    tried
    first time    -                   together, uncounted
    again         0 times             together, counted
    again         1 or 2 times        alone and last, counted
    again         3 times             not again: a dead letter, `killer`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from messaging.attempts import Attempts
from messaging.batch import Boundary, Delivery, Ledger, Verdict, Work
from messaging.deadline import Deadline
from messaging.errors import Killer
from messaging.inbox import Inbox
from messaging.reasons import Result

# One in company and two alone: functions also die of what no record did, and that should not hit one record so often.
MAX_UNFINISHED_TRIES = 3


class Suspicion:
    """The order of one batch. `begun` are the ids of the deliveries whose breadcrumb of this batch still lies there."""

    def __init__(
        self, attempts: Attempts, inbox: Inbox, *, ledger: Ledger, boundary: Boundary, deadline: Deadline
    ) -> None:
        self._attempts = attempts
        self._inbox = inbox
        self._ledger = ledger
        self._boundary = boundary
        self._deadline = deadline
        self.begun: set[str] = set()
        self._tried_others = False

    def portions(self, works: Sequence[Work]) -> Iterator[list[Work]]:
        """The works in the order in which to try them, in portions to be tried together."""
        again = [work.delivery for work in works if work.delivery.attempt > 1]
        if again and not self._deadline.has_time():
            return
        tries = self._tries(again)
        new, known, suspects = _sorted_out(self._ledger.open(works), tries)
        yield new
        self._tried_others = bool(new)
        if known := self._counted(self._ledger.open(known), tries):
            yield known
            if suspects:
                self._ended()
        for lane in suspects:
            yield from self._alone(lane, tries)

    def _alone(self, lane: Sequence[Work], tries: Mapping[str, int]) -> Iterator[list[Work]]:
        """A suspect, and what follows it in its group."""
        for work in lane:
            if not self._ledger.is_open(work.delivery):
                continue
            if tries.get(work.delivery.id, 0) >= MAX_UNFINISHED_TRIES:
                self._give_up(work)
                continue
            counted = self._counted([work], tries)
            if not counted:
                return
            yield counted
            self._ended()

    def _tries(self, again: Sequence[Delivery]) -> Mapping[str, int]:
        """Tries of each delivery. Where that can't be known, all that was received before is handed back."""
        if not again:
            return {}
        ids = [delivery.id for delivery in again]
        unfinished, error = self._boundary.attempt(partial(self._attempts.unfinished, ids))
        if error is not None:
            self._reject(again, error)
        return unfinished or {}

    def _counted(self, works: Sequence[Work], tries: Mapping[str, int]) -> list[Work]:
        """The works whose tries are counted where they must be, so that they may be tried; none without time.

        Two steps in reserve: after one that hangs, there must be time to take the breadcrumbs back, or an hour of slow
        answers would look like an hour of deaths. What an invocation tries first may go with one, for after a kill it
        has started cold.
        """
        again = [work.delivery for work in works if work.delivery.attempt > 1]
        if not again:
            return [*works]
        ample = self._deadline.has_time_for(2)
        if not ample and (self._tried_others or not self._deadline.has_time_for(1)):
            return []
        self._tried_others = True
        self._deadline.steps_in_reserve = 2 if ample else 1
        begun = {delivery.id: tries[delivery.id] + 1 for delivery in again}
        self.begun |= begun.keys()  # also where the answer is lost: to be taken back
        _, error = self._boundary.attempt(partial(self._attempts.begin, begun, self._deadline.has_time_to_close))
        if error is not None:
            self._reject(again, error)
        return self._ledger.open(works)

    def _ended(self) -> None:
        """The function has survived what was begun: what comes next may be what kills it, and must not count here."""
        if self._attempts.end(self.begun, self._deadline.has_time_to_close):
            self.begun = set()
            self._deadline.steps_in_reserve = 1

    def _give_up(self, work: Work) -> None:
        """A killer, unless it was applied: then the function died of something else, before it could say so."""
        found, unread = self._boundary.attempt(partial(self._inbox.find, work))
        if found is None:
            self._boundary.reject(work.delivery, unread or Killer(_LAST_WORDS))
        else:
            self._ledger.settle(work.delivery, Verdict("applied" if found is Result.APPLIED else "duplicate"))

    def _reject(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        for delivery in deliveries:
            if self._ledger.is_open(delivery):
                self._boundary.reject(delivery, error)


_LAST_WORDS = f"the function ended {MAX_UNFINISHED_TRIES} times in the middle of this record, at last on it alone"


def _sorted_out(works: Sequence[Work], tries: Mapping[str, int]) -> tuple[list[Work], list[Work], list[list[Work]]]:
    """New works, those received before, and the lanes from their first suspect on, the least suspect first.

    A lane stays in order: what follows in it waits for what precedes, with the later of the two.
    """
    new: list[Work] = []
    known: list[Work] = []
    suspects: dict[str, list[Work]] = {}
    seen_again: set[str] = set()
    for work in works:
        lane = work.delivery.lane
        if lane in suspects or tries.get(work.delivery.id, 0):
            suspects.setdefault(lane, []).append(work)
        elif lane in seen_again or work.delivery.attempt > 1:
            seen_again.add(lane)
            known.append(work)
        else:
            new.append(work)
    return new, known, sorted(suspects.values(), key=lambda lane: tries.get(lane[0].delivery.id, 0))
