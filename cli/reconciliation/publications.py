"""Events that are known to have been published, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from cli.errors import UsageError
from cli.publishing.documents import TYPES, told
from cli.replaying.sources import OldEvent
from cli.replaying.sources import event_in as message_in
from messaging import filters
from messaging.errors import RecordError
from messaging.ndjson import LineError, decode, read_lines
from messaging.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Publication:
    """One event. `attributes` are those that filters see, as far as they are known: `complete` says that they are.

    `at` is when it was published, or else first seen; None where nothing tells.
    """

    event_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    at: datetime | None = None
    in_outbox: bool = False

    @classmethod
    def of_message(cls, old: OldEvent, *, in_outbox: bool = False) -> Publication:
        """Of a message all is known."""
        return cls(old.id, old.message.event.attributes, complete=True, at=old.message.time, in_outbox=in_outbox)

    @classmethod
    def of_id(cls, event_id: str, at: datetime | None = None, **attributes: str) -> Publication:
        """An event's id begins with its type."""
        kind = event_id.partition("-")[0]
        return cls(event_id, ({"type": kind} if kind in TYPES else {}) | attributes, at=at)

    def with_more(self, other: Publication) -> Publication:
        """What two sources know together."""
        whole = self if self.complete else other
        times = [each.at for each in (self, other) if each.at is not None]
        return Publication(
            self.event_id,
            whole.attributes if whole.complete else {**self.attributes, **other.attributes},
            complete=whole.complete,
            at=min(times, default=None),
            in_outbox=self.in_outbox or other.in_outbox,
        )

    def is_for(self, row: Subscription) -> bool | None:
        """Whether a subscription's filter takes it; None where too little is known of it."""
        policy = row.filter_policy
        if self.complete:
            return filters.matches(policy, self.attributes)
        for name, value in self.attributes.items():
            if name in policy and not filters.matches({name: policy[name]}, {name: value}):
                return False
        return True if policy.keys() <= self.attributes.keys() else None


def seen_by(row: Subscription, event_id: str, at: datetime | None) -> Publication:
    """What it says of an event that a consumer has it: its filter took it."""
    exact = {
        name: conditions[0]
        for name, conditions in row.where.items()
        if len(conditions) == 1 and isinstance(conditions[0], str)
    }
    return Publication.of_id(event_id, at, **exact)


def together(publications: Iterable[Publication]) -> list[Publication]:
    """Each event once, with all that is known of it."""
    found: dict[str, Publication] = {}
    for each in publications:
        found[each.event_id] = found[each.event_id].with_more(each) if each.event_id in found else each
    return [*found.values()]


def in_file(file: IO[bytes], name: str) -> list[Publication]:
    """The events of a file: each line a message, a dead letter, a line of `waybill publish -o ndjson`, or an id.

    Raises UsageError that names the lines that are none of these.
    """
    found: list[Publication] = []
    wrong: list[str] = []
    for number, line in read_lines(file):
        try:
            found += _publications(line)
        except (LineError, RecordError) as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise UsageError(f"{name}: {told(wrong)}")
    return found


def _publications(line: bytes | None) -> Iterator[Publication]:
    if line is not None and not line.lstrip().startswith(b"{"):
        yield Publication.of_id(_id(line))
        return
    document = decode(line, dict[str, Any])
    if isinstance(document.get("event_id"), str) and "body" not in document:
        if document.get("outcome") != "failed":  # a publisher says that the topic did not take it
            yield Publication.of_id(document["event_id"])
        return
    yield Publication.of_message(message_in(line))


def _id(line: bytes) -> str:
    try:
        text = line.decode().strip().strip('"')
    except UnicodeDecodeError as error:
        raise LineError("not UTF-8") from error
    if not text.isascii() or not text.isprintable() or len(text) > 100 or set(text) & set(' {}[]"#'):
        raise LineError("neither a message, a dead letter nor an event's id")
    return text
