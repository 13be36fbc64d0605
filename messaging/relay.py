"""From the outbox to the topic: every message at least once, each group's in order, and deleted when it is there.

The table's stream brings items as they are written; a sweep finds what the stream lost. Beside each other they keep
order: each run sends a group from its first item that is still there, and an item goes only when the topic has
accepted all of it. So whichever run sends the first copy of a message, the first copies of all before it in its group
are at the topic already. Later copies are the same messages with the same ids, and the consumers' inboxes suppress
them. What a stream brings begins with the first item there for as long as it has lost none; where that is in doubt,
its run sweeps first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from messaging import items
from messaging.deadline import Deadline, HasTime
from messaging.errors import InvalidEvent
from messaging.outbox import messages_of
from messaging.outbox_table import MAX_FETCHED, REFUSED, Address, OutboxTable, address_of
from messaging.outgoing import Outgoing
from messaging.publish_report import HELD_BACK
from messaging.publisher import Publisher
from messaging.stream import Record
from messaging.subscription import HOUR_SECONDS
from messaging.topic import Topic

INVALID = "invalid"  # the code of an item that holds no messages of ours

# Half of the 24 hours that a stream keeps a record: one that lags so far may have lost some before it is read again.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
LATE_SECONDS = 12 * HOUR_SECONDS


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the topic can never accept, by its own fault: a message, or a whole item (`event_id` None) with none."""

    address: Address
    event_id: str | None
    code: str


@dataclass(slots=True)
class Parcel:
    """One item on its way. `unsettled` counts those of its messages that are neither accepted nor refused for good."""

    address: Address
    messages: tuple[Outgoing, ...]
    unsettled: int
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def waiting(self) -> bool:
        """Whether it must be sent again."""
        return self.unsettled > 0

    def refuse(self, event_id: str | None, code: str) -> None:
        """Note what can never be sent."""
        self.refusals.append(Refusal(self.address, event_id, code))


@dataclass(slots=True)
class Run:
    """What one run did. `sent` are the messages that the topic has accepted; `unrouted` counts those that nobody takes
    of them. `seconds` is how long the topic was at it, None where nothing was to be sent.

    `complete`: whether its sweep, where it made one, got to all that it was to send. `unfinished` are the records that
    the stream must bring again.
    """

    parcels: list[Parcel] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    seconds: float | None = None
    unrouted: int = 0
    complete: bool = True
    unfinished: Sequence[Record] = ()

    @property
    def published(self) -> int:
        """How many messages the topic has accepted."""
        return len(self.sent)

    @property
    def failed(self) -> int:
        """How many messages it has not: some never, some not yet."""
        refused = sum(refusal.event_id is not None for refusal in self.refusals)
        return refused + sum(parcel.unsettled for parcel in self.parcels)

    @property
    def refusals(self) -> list[Refusal]:
        """What the topic can never accept."""
        return [refusal for parcel in self.parcels for refusal in parcel.refusals]

    @property
    def retried(self) -> int:
        """How many items must be sent again."""
        return sum(parcel.waiting for parcel in self.parcels)


class Relay:
    """Sends what the outbox holds to the topic. A clock gives epoch seconds."""

    def __init__(
        self, outbox: OutboxTable, *, publisher: Publisher, topic: Topic, clock: Callable[[], float] = time.time
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._topic = topic
        self._clock = clock

    def relay(self, records: Sequence[Record], remaining_seconds: Callable[[], float]) -> Run:
        """Send the items of a stream's records, which are in the order of their shard.

        `remaining_seconds` tells how long the caller still runs: near its end, the rest is left to the next run.
        Raises botocore's errors where a late stream needs a sweep and the table does not answer.
        """
        run, has_time = Run(), Deadline(remaining_seconds).has_time
        if records and self._clock() - min(record.written_at for record in records) > LATE_SECONDS:
            self._sweep(run, LATE_SECONDS, has_time)
            if run.retried or not run.complete:
                run.unfinished = records
                return run
        arrived = [(record, items.plain(record.item)) for record in records if record.item is not None]
        sent = [(record, _parcel(item)) for record, item in arrived if REFUSED not in item]
        self._send(run, [parcel for _, parcel in sent], has_time)
        run.unfinished = [record for record, parcel in sent if parcel.waiting]
        return run

    def sweep(self, older_than_seconds: float, remaining_seconds: Callable[[], float]) -> Run:
        """Send the items that are older than that, but for refused ones. `remaining_seconds` is as in `relay`.

        Raises botocore's errors where the table does not answer.
        """
        run = Run()
        self._sweep(run, older_than_seconds, Deadline(remaining_seconds).has_time)
        return run

    def _sweep(self, run: Run, older_than_seconds: float, has_time: HasTime) -> None:
        before = datetime.fromtimestamp(self._clock() - older_than_seconds, UTC).isoformat(timespec="milliseconds")
        # All addresses first: in which order a scan gives items is nobody's promise, and a group begins with its first.
        addresses = self._outbox.addresses(before, has_time)
        rest = iter(addresses or ())
        while some := [*islice(rest, MAX_FETCHED)]:
            found = self._outbox.fetch(some, has_time)
            if found is None:
                run.complete = False
                return
            self._send(run, [_parcel(item) for item in found], has_time)
        run.complete = addresses is not None

    def _send(self, run: Run, parcels: Sequence[Parcel], has_time: HasTime) -> None:
        """Send parcels, then mark or delete what is settled. Where a group's message must wait, the rest of it does."""
        blocked = {parcel.address.group for parcel in run.parcels if parcel.waiting}
        run.parcels += parcels
        pending = [(parcel, message) for parcel in parcels for message in parcel.messages]
        while pending := [(parcel, message) for parcel, message in pending if parcel.address.group not in blocked]:
            began = self._clock()
            failures = self._publisher.attempt([message for _, message in pending], has_time=has_time)
            run.seconds = (run.seconds or 0.0) + max(0.0, self._clock() - began)
            held: list[tuple[Parcel, Outgoing]] = []
            for (parcel, message), failure in zip(pending, failures, strict=True):
                if failure is None:
                    parcel.unsettled -= 1
                    run.sent.append(message)
                    run.unrouted += self._topic.misses(message.event_type, message.attributes)
                elif failure.own_fault:
                    parcel.unsettled -= 1
                    parcel.refuse(message.event_id, failure.code)
                elif failure.code == HELD_BACK:
                    held.append((parcel, message))
                else:
                    blocked.add(parcel.address.group)
            # What only a refusal for good held back goes on, as a FIFO group goes on past a dead letter.
            pending = held
        self._settle(parcels, has_time)

    def _settle(self, parcels: Sequence[Parcel], has_time: HasTime) -> None:
        settled = [parcel for parcel in parcels if not parcel.waiting]
        for parcel in settled:
            if parcel.refusals and has_time():
                self._outbox.mark(parcel.address, [(each.event_id, each.code) for each in parcel.refusals])
        self._outbox.delete([parcel.address for parcel in settled if not parcel.refusals], has_time)


def _parcel(item: Mapping[str, Any]) -> Parcel:
    address = address_of(item)
    try:
        messages = messages_of(item)
    except InvalidEvent:
        return Parcel(address, messages=(), unsettled=0, refusals=[Refusal(address, None, INVALID)])
    return Parcel(address, messages, unsettled=len(messages))
