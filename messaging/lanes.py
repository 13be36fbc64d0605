"""Entries on their way to a topic, in lanes: what goes into one request, and in which order.

A group's events all go through one lane, and no batch holds two events of one group.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from messaging.message import MAX_BODY_BYTES
from messaging.outgoing import Outgoing
from messaging.publish_report import FailedEntry

# Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = MAX_BODY_BYTES


@dataclass(slots=True)
class Entry:
    """One message of a request. `number` is its place among all that are sent."""

    number: int
    event_id: str
    group: str
    request: dict[str, Any]
    size_bytes: int


@dataclass(slots=True)
class Lane:
    """The events of some message groups. Each group's queue is sent from its head only."""

    groups: dict[str, deque[Entry]] = field(default_factory=lambda: defaultdict(deque))

    def next_batch(self, resting: Collection[str] = ()) -> list[Entry]:
        """The heads of up to ten groups that fit into one request; groups take turns, but for those that rest."""
        batch: list[Entry] = []
        size_bytes = 0
        for group in [*islice((each for each in self.groups if each not in resting), MAX_BATCH_ENTRIES)]:
            head = self.groups[group][0]
            if size_bytes + head.size_bytes > MAX_BATCH_BYTES:
                break
            batch.append(head)
            size_bytes += head.size_bytes
            self.groups[group] = self.groups.pop(group)  # to the end of the turn
        return batch

    def remove(self, entry: Entry) -> None:
        """It was accepted; the next of its group is the head now."""
        self.groups[entry.group].popleft()
        if not self.groups[entry.group]:
            del self.groups[entry.group]

    def give_up(self, entry: Entry) -> Iterator[Entry]:
        """Remove the entry's whole group; yields what comes after the entry."""
        rest = self.groups.pop(entry.group)
        rest.popleft()
        yield from rest


# Sends what is in a lane, and returns the failures by the entries' numbers.
Drain = Callable[[Lane], dict[int, FailedEntry]]
SideBySide = Callable[[Drain, Sequence[Lane]], Iterable[dict[int, FailedEntry]]]


def in_threads(drain: Drain, lanes: Sequence[Lane]) -> Iterable[dict[int, FailedEntry]]:
    """A thread a lane; one alone needs none."""
    if len(lanes) <= 1:
        return [drain(lane) for lane in lanes]
    with ThreadPoolExecutor(max_workers=len(lanes), thread_name_prefix="publisher") as pool:
        return [*pool.map(drain, lanes)]


def lanes_of(entries: Iterable[Entry], concurrency: int) -> list[Lane]:
    """At most `concurrency` lanes, and about as many as the groups fill, each with as many as fit into one batch.

    With more lanes, as many batches would follow each other, and hold less; with fewer, more would follow each other.
    Between two numbers it is the nearer. Where groups are of one length and lanes enough, that takes at most a third
    more requests than the fewest, and less than half more time than the shortest.

    Groups are dealt out by length, so that the long ones are apart; the same entries lie in the same lanes in every
    process, so runs can be compared.
    """
    groups: dict[str, deque[Entry]] = defaultdict(deque)
    size_bytes = count = 0
    for entry in entries:
        groups[entry.group].append(entry)
        size_bytes, count = size_bytes + entry.size_bytes, count + 1
    if not groups:
        return []
    fit = max(1, min(MAX_BATCH_ENTRIES, MAX_BATCH_BYTES * count // size_bytes))
    filled = max(1, (len(groups) + fit // 2) // fit)
    lanes = [Lane() for _ in range(min(concurrency, filled))]
    longest_first = sorted(groups.items(), key=lambda group: -len(group[1]))
    for number, (name, events) in enumerate(longest_first):
        lanes[number % len(lanes)].groups[name] = events
    return lanes


def entry_of(outgoing: Outgoing, number: int, resend: str | None) -> Entry:
    """The entry of a message. `resend` makes its deduplication id another."""
    request = {
        "Id": str(number),
        "Message": outgoing.body,
        "MessageGroupId": outgoing.group,
        "MessageDeduplicationId": outgoing.event_id if resend is None else f"{outgoing.event_id}~{resend}",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in outgoing.attributes.items()
        },
    }
    return Entry(number, outgoing.event_id, outgoing.group, request, outgoing.size_bytes)
