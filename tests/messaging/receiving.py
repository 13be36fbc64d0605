"""A queue played in memory: receives are counted, and what was not acknowledged comes again when it is visible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from messaging.batch import Delivery, Ledger
from messaging.subscription import Subscription
from tests.factories import NOW


class Killed(BaseException):
    """The function's process dies: nothing catches it, and nobody answers the queue."""


class Process(Protocol):
    """Processes one batch, at a time of the controlled clock."""

    def __call__(self, deliveries: Sequence[Delivery], *, now: float) -> Ledger: ...


class Queue:
    """What lies in a queue. Each receive takes all of it as one batch; `settled` tells how each record left.

    What comes again does so after the row's visibility timeout.
    """

    def __init__(self, deliveries: Sequence[Delivery], process: Process, row: Subscription) -> None:
        self.settled: dict[str, str] = {}
        self.receives = 0
        self.deaths = 0
        self._waiting = list(deliveries)
        self._process = process
        self._seconds = row.visibility_timeout_seconds

    def receive(self) -> Ledger | None:
        """One batch of all that is there. None where the function died with it."""
        now = NOW + self.receives * self._seconds
        batch = self._waiting
        self.receives += 1
        try:
            ledger = self._process(batch, now=now)
        except Killed:
            self.deaths += 1
            self._waiting = [_again(each) for each in batch]
            return None
        self.settled |= {each.id: v.outcome for each, v in ledger.verdicts() if each not in ledger.handed_back()}
        self._waiting = [_again(each) for each in ledger.handed_back()]
        return ledger

    def drain(self, most_receives: int) -> None:
        """Receive until nothing is left. Fails where that takes more receives."""
        while self._waiting:
            assert self.receives < most_receives, f"after {most_receives} receives {len(self._waiting)} are left"
            self.receive()


def _again(each: Delivery) -> Delivery:
    return replace(each, attempt=each.attempt + 1)
