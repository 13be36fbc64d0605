"""The books of one run: what each subscription must receive, and what became of every delivery.

Deliveries are counted, not log lines: a message that is received again keeps its delivery id, a resend has another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from local.demo.journal import Record
from local.demo.queues import ParkedMessage
from messaging.events import Event
from messaging.topic import Topic

RECEIVE_COUNT_REACHED = "receive count reached"

# The best known outcome of a delivery is its final one; all others (retry, held_back) come before one of these.
_RANK = {"applied": 3, "duplicate": 2, "dead_lettered": 1}


@dataclass(frozen=True, slots=True)
class Delivery:
    """The best known outcome of one message in one queue."""

    outcome: str
    event_id: str | None
    reason: str | None

    @property
    def rank(self) -> int:
        """0 while it is not final."""
        return _RANK.get(self.outcome, 0)


_UNSEEN = Delivery("unseen", None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One subscription's totals. `delivered` counts every delivery seen, whatever became of it."""

    delivered: int
    processed: int
    duplicates: int
    dead_letters: int


class Ledger:
    """Expected deliveries against seen ones, per consumer."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._expected: dict[str, Counter[str]] = {row.consumer: Counter() for row in topic.subscriptions}
        self._by_hand: dict[str, set[str]] = {row.consumer: set() for row in topic.subscriptions}
        self._deliveries: dict[str, dict[str, Delivery]] = {row.consumer: {} for row in topic.subscriptions}
        self._finished: Counter[str] = Counter()
        self._first_at: dict[str, float] = {}

    @property
    def consumers(self) -> tuple[str, ...]:
        """In the topology's order."""
        return tuple(self._expected)

    @property
    def first_processed_at(self) -> float | None:
        """When the first event was applied (epoch seconds); where none was, when the first duplicate was suppressed."""
        return self._first_at.get("applied", self._first_at.get("duplicate"))

    def expect(self, event: Event) -> None:
        """The topic accepted an event: one delivery to each subscription that takes it."""
        for row in self._topic.routes(event.attributes):
            self._expected[row.consumer][event.event_id] += 1

    def expect_by_hand(self, consumer: str, delivery_ids: Iterable[str]) -> None:
        """Messages were put into a consumer's queue directly."""
        self._by_hand[consumer].update(delivery_ids)

    def observe(self, records: Iterable[Record]) -> None:
        """Take in what the logs say; the same record may come again."""
        for record in records:
            self._note(record.consumer, record.delivery_id, Delivery(record.outcome, record.event_id, record.reason))
            self._first_at[record.outcome] = min(record.at, self._first_at.get(record.outcome, record.at))

    def observe_parked(self, consumer: str, parked: Iterable[ParkedMessage]) -> None:
        """Take in new dead letters: those that SQS moved by itself have no line in any log."""
        for message in parked:
            if message.delivery_id is not None:
                reason = message.reason or RECEIVE_COUNT_REACHED
                self._note(consumer, message.delivery_id, Delivery("dead_lettered", message.event_id, reason))

    def expected(self, consumer: str) -> int:
        """How many deliveries the consumer must get."""
        return self._expected[consumer].total() + len(self._by_hand[consumer])

    def finished(self, consumer: str) -> int:
        """How many deliveries have a final outcome."""
        return self._finished[consumer]

    def missing(self, consumer: str) -> int:
        """How many expected deliveries have no final outcome; a surplus of one event hides no other's absence."""
        if self._finished[consumer] == 0:
            return self.expected(consumer)
        by_hand = self._by_hand[consumer]
        final = {id_: delivery for id_, delivery in self._deliveries[consumer].items() if delivery.rank}
        seen = Counter(delivery.event_id for id_, delivery in final.items() if id_ not in by_hand)
        short = sum(max(0, count - seen[event_id]) for event_id, count in self._expected[consumer].items())
        return short + len(by_hand - final.keys())

    def account(self, consumer: str) -> Account:
        """The consumer's totals."""
        outcomes = Counter(delivery.outcome for delivery in self._deliveries[consumer].values())
        return Account(
            delivered=len(self._deliveries[consumer]),
            processed=outcomes["applied"],
            duplicates=outcomes["duplicate"],
            dead_letters=outcomes["dead_lettered"],
        )

    def deliveries(self, consumer: str) -> Mapping[str, Delivery]:
        """Every delivery seen, by delivery id."""
        return self._deliveries[consumer]

    def dead_letter_reasons(self, consumer: str) -> Counter[str]:
        """Why deliveries were dead-lettered."""
        return Counter(
            delivery.reason or "no reason given"
            for delivery in self._deliveries[consumer].values()
            if delivery.outcome == "dead_lettered"
        )

    def _note(self, consumer: str, delivery_id: str, news: Delivery) -> None:
        known = self._deliveries[consumer].get(delivery_id, _UNSEEN)
        best = news if known is _UNSEEN or news.rank > known.rank else known
        # A consumer that could not decode a message does not know its event; another place may.
        event_id = best.event_id or news.event_id or known.event_id
        self._deliveries[consumer][delivery_id] = replace(best, event_id=event_id)
        self._finished[consumer] += bool(best.rank) - bool(known.rank)
