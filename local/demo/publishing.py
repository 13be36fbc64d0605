"""The publishing half of a run: placements in order, cancellations, then repeats that only the inbox can suppress."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

import msgspec

from messaging.events import Event, OrderCancelled, OrderPlaced
from messaging.outgoing import Draft
from messaging.publish_report import FailedEntry, PublishReport

# The first events go out at once, before the rest is even encoded; later ones in calls large enough to fill batches.
_FIRST_EVENTS = 10
_EVENTS_A_CALL = 100


class Publishes(Protocol):
    """What is needed of messaging.publisher.Publisher."""

    def publish(self, events: Sequence[Event | Draft], *, resend: str | None = None) -> PublishReport:
        """Send events and say of each where it went."""
        ...


def cancellations(orders: Sequence[OrderPlaced], count: int, seed: int) -> list[OrderCancelled]:
    """`count` of the orders, cancelled: the same ones for the same seed, and a larger count only adds to them."""
    chosen = list(orders)
    random.Random(seed).shuffle(chosen)
    return [OrderCancelled(**msgspec.structs.asdict(order)) for order in chosen[:count]]


def sequences(orders: Sequence[OrderPlaced]) -> dict[str, int]:
    """Each placement's number among those of its customer, by event id: the same in every run of these orders.

    Cancellations have none: which there are differs from run to run, and a number that falls back is stale.
    """
    count: Counter[str] = Counter()
    numbers = {}
    for order in orders:
        count[order.customer_id] += 1
        numbers[order.event_id] = count[order.customer_id]
    return numbers


class Publishing:
    """Publishes a run's events; other threads may read its lists, which only grow, while it works.

    `run` makes this run's deduplication ids its own, so that the topic takes what an earlier run sent too.
    """

    def __init__(
        self,
        publisher: Publishes,
        *,
        orders: Sequence[OrderPlaced],
        cancelled: Sequence[OrderCancelled],
        duplicates: int,
        seed: int,
        run: str,
    ) -> None:
        self._publisher = publisher
        self._orders = orders
        self._cancelled = cancelled
        self._duplicates = duplicates
        self._seed = seed
        self._run = run
        self._sequences = sequences(orders)
        self._stopped = threading.Event()
        self.total = len(orders) + len(cancelled) + duplicates
        self.accepted: list[OrderPlaced | OrderCancelled] = []
        self.failed: list[FailedEntry] = []
        self.unrouted: list[str] = []
        self.handed_over = 0

    def run(self) -> None:
        """Publish everything, unless stopped."""
        self._send(self._orders, self._run)
        placed = {event.order_id for event in self.accepted}
        self._send([event for event in self._cancelled if event.order_id in placed], self._run)
        for number, repeats in enumerate(self._repeats()):
            self._send(repeats, f"{self._run}-{number}")

    def stop(self) -> None:
        """Publish no more; what is under way is completed."""
        self._stopped.set()

    def _repeats(self) -> Iterator[list[OrderPlaced | OrderCancelled]]:
        """Rounds of accepted events; within one round no event comes twice."""
        left, originals = self._duplicates, list(self.accepted)
        source = random.Random(self._seed)
        while left and originals:
            size = min(left, len(originals))
            yield source.sample(originals, size)
            left -= size

    def _send(self, events: Sequence[OrderPlaced | OrderCancelled], resend: str) -> None:
        rest = iter(events)
        size = _FIRST_EVENTS if not self.handed_over else _EVENTS_A_CALL
        while (chunk := list(islice(rest, size))) and not self._stopped.is_set():
            drafts = [Draft(event=event, sequence=self._sequences.get(event.event_id)) for event in chunk]
            report = self._publisher.publish(drafts, resend=resend)
            by_id = {event.event_id: event for event in chunk}
            self.accepted += [by_id[event_id] for event_id in report.published]
            self.failed += report.failed
            self.unrouted += report.unrouted
            self.handed_over += len(chunk)
            size = _EVENTS_A_CALL
