"""One batch's records and what became of each: a failure holds back the rest of its message group, nobody else's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from messaging.events import Event
from messaging.message import Message

T = TypeVar("T")
Outcome = Literal["applied", "duplicate", "dead_lettered", "retry", "held_back"]
HANDED_BACK: frozenset[Outcome] = frozenset({"retry", "held_back"})


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One received record, whatever its source.

    `id` is the source's and stays the same over redeliveries; `group` is None where the source keeps no order;
    `attempt` counts receives from 1; times are epoch seconds. `attributes` and `handle` are the source's own, and so is
    `traceparent`: the trace in which the source got it, for a message that names none.
    """

    id: str
    body: str
    group: str | None
    attempt: int
    first_received_at: float
    handle: str
    attributes: Mapping[str, Any] = msgspec.field(default_factory=dict)
    traceparent: str | None = None

    @property
    def lane(self) -> str:
        """What is kept in order with this record: its group, or itself alone."""
        return f"group {self.group}" if self.group is not None else f"record {self.id}"


class Work(msgspec.Struct, frozen=True):
    """A delivery whose message is known."""

    delivery: Delivery
    message: Message[Event]


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of one record; `reason` is a code word, `detail` a text without payload."""

    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    delay_seconds: int | None = None


class Boundary(Protocol):
    """The per-record boundary: what one record raises becomes its verdict and stops nobody else."""

    def attempt(self, step: Callable[[], T]) -> tuple[T | None, Exception | None]:
        """The step's result, or what it raised: nothing is settled yet."""
        ...

    def run(self, delivery: Delivery, step: Callable[[], T]) -> T | None:
        """The step's result, or None where it raised and the record is settled accordingly."""
        ...

    def reject(self, delivery: Delivery, error: Exception) -> None:
        """Settle the record as the failure policy says for this error."""
        ...


class Ledger:
    """The verdict on each delivery of a batch. A clock gives epoch seconds.

    `conflicts` counts the transactions that others' writes cancelled.
    """

    def __init__(self, deliveries: Sequence[Delivery], *, clock: Callable[[], float] = time.time) -> None:
        self.deliveries = deliveries
        self.conflicts = 0
        self._clock = clock
        self._applied_at: dict[str, float] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._messages: dict[str, Message[Event]] = {}

    def settle(self, delivery: Delivery, verdict: Verdict) -> None:
        """Enter a verdict. One that hands the record back also holds back what follows in its group."""
        self._verdicts[delivery.id] = verdict
        if verdict.outcome == "applied":
            self._applied_at[delivery.id] = self._clock()
        if verdict.outcome in HANDED_BACK and delivery.group is not None:
            position = self.deliveries.index(delivery)
            for later in self.deliveries[position + 1 :]:
                if later.lane == delivery.lane and later.id not in self._verdicts:
                    held = Verdict(
                        "held_back", "held_back", f"record {delivery.id} of its group failed", verdict.delay_seconds
                    )
                    self._verdicts[later.id] = held

    def remember(self, work: Work) -> None:
        """Note what a delivery turned out to hold."""
        self._messages[work.delivery.id] = work.message

    def message(self, delivery: Delivery) -> Message[Event] | None:
        """The delivery's message, or None where it could not be decoded."""
        return self._messages.get(delivery.id)

    def applied_after_seconds(self) -> list[float]:
        """Of each applied record: how long after its event's publication it was settled, in the batch's order. Never
        negative, though a publisher's clock may be ahead of ours."""
        return [
            max(0.0, self._applied_at[each.id] - self._messages[each.id].time.timestamp())
            for each in self.deliveries
            if each.id in self._applied_at and each.id in self._messages
        ]

    def is_open(self, delivery: Delivery) -> bool:
        """Whether the record has no verdict yet."""
        return delivery.id not in self._verdicts

    def is_done(self, delivery: Delivery) -> bool:
        """Whether the record's effect is there."""
        return delivery.id in self._verdicts and self._verdicts[delivery.id].outcome in ("applied", "duplicate")

    def open(self, works: Iterable[Work]) -> list[Work]:
        """The works without a verdict, in the batch's order."""
        return [work for work in works if self.is_open(work.delivery)]

    def verdicts(self) -> list[tuple[Delivery, Verdict]]:
        """Every delivery with its verdict, in the batch's order. What nobody settled is handed back."""
        unsettled = Verdict("retry", "unsettled", "the batch ended before this record's turn")
        return [(delivery, self._verdicts.get(delivery.id, unsettled)) for delivery in self.deliveries]

    def handed_back(self) -> list[Delivery]:
        """The records that the source must deliver again."""
        return [delivery for delivery, verdict in self.verdicts() if verdict.outcome in HANDED_BACK]
