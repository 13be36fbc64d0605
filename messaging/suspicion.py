"""Which records of a batch may have killed the function, and in what order all are tried.

First all that raises no suspicion, together; then, one by one, each record that was begun and never ended: the
function died with it or beside it. One that it does not survive alone either is a killer. So a killer is dead-lettered
alone, and its batch mates are done before it is tried.

    received      begun, not ended    tried
    first time    -                   together, uncounted
    again         0 times             together, counted
    again         1 to 3 times        alone and last, counted
    again         4 times             not again: a dead letter, `killer`
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

# One in company and three alone: functions also die of what no record did, and beside a killer the first is nothing
# special. With two alone, the simulation gave up innocents (seed 19, one in a million records where one call in a
# hundred ends with a death).
MAX_UNFINISHED_TRIES = 4


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

    def portions(self, works: Sequence[Work]) -> Iterator[list[Work]]:
        """The works in the order in which to try them, in portions to be tried together."""
        again = [work.delivery for work in works if work.delivery.attempt > 1]
        if again and not self._deadline.has_time():
            return
        tries = self._tries(again)
        unsuspected, suspects = _sorted_out(self._ledger.open(works), tries)
        # Or suspects would wait for ever where others take all the time there is. Where that is too little to share, as
        # after a cold start, which is what a killer leaves behind, the others come first.
        self._deadline.share = 1 if suspects and self._deadline.has_time_for(3) else 0
        if self._deadline.has_time():
            yield self._counted(unsuspected, tries)
        self._deadline.share = 0
        if suspects:
            self._ended()
        for lane in suspects:
            yield from self._alone(lane, tries)

    def _alone(self, lane: Sequence[Work], tries: Mapping[str, int]) -> Iterator[list[Work]]:
        """A suspect, and what follows it in its group."""
        for work in lane:
            if not self._ledger.is_open(work.delivery):
                continue
            if not self._deadline.has_time():
                return
            if tries.get(work.delivery.id, 0) >= MAX_UNFINISHED_TRIES:
                self._give_up(work)
            else:
                yield self._counted([work], tries)
                self._ended()

    def _tries(self, again: Sequence[Delivery]) -> Mapping[str, int]:
        """Tries of each delivery. Where that can't be known, all that was received before is handed back."""
        if not again:
            return {}
        ids = [delivery.id for delivery in again]
        unfinished, error = self._boundary.attempt(partial(self._attempts.unfinished, ids, self._deadline.has_time))
        if error is not None:
            self._reject(again, error)
        return unfinished or {}

    def _counted(self, works: Sequence[Work], tries: Mapping[str, int]) -> list[Work]:
        """The works whose tries are counted where they must be, so that they may be tried."""
        again = [work.delivery for work in works if work.delivery.attempt > 1]
        if not again:
            return [*works]
        begun = {delivery.id: tries[delivery.id] + 1 for delivery in again}
        self.begun |= begun.keys()  # also where the answer is lost: to be taken back
        _, error = self._boundary.attempt(partial(self._attempts.begin, begun, self._deadline.has_time))
        if error is not None:
            self._reject(again, error)
        return self._ledger.open(works)

    def _ended(self) -> None:
        """The function has survived what was begun: what comes next may be what kills it, and must not count here."""
        self._attempts.end(self.begun, self._deadline.has_time_to_close)
        self.begun = set()

    def _give_up(self, work: Work) -> None:
        """A killer, unless the inbox says that it was applied: then the function died before it could say so itself."""
        found, unread = self._boundary.attempt(partial(self._inbox.find, work, self._deadline.has_time))
        if found is None:
            self._boundary.reject(work.delivery, unread or Killer(_LAST_WORDS))
        else:
            self._ledger.settle(work.delivery, Verdict("applied" if found is Result.APPLIED else "duplicate"))

    def _reject(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        for delivery in deliveries:
            if self._ledger.is_open(delivery):
                self._boundary.reject(delivery, error)


_LAST_WORDS = f"the function ended {MAX_UNFINISHED_TRIES} times in the middle of this record, at last on it alone"


def _sorted_out(works: Sequence[Work], tries: Mapping[str, int]) -> tuple[list[Work], list[list[Work]]]:
    """Unsuspected works, and the lanes from their first suspect on, the least suspect first: what follows in a lane
    waits for what precedes."""
    unsuspected: list[Work] = []
    suspects: dict[str, list[Work]] = {}
    for work in works:
        lane = work.delivery.lane
        if lane in suspects or tries.get(work.delivery.id, 0):
            suspects.setdefault(lane, []).append(work)
        else:
            unsuspected.append(work)
    return unsuspected, sorted(suspects.values(), key=lambda lane: tries.get(lane[0].delivery.id, 0))
