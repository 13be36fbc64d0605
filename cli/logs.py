"""The functions' log lines: read from CloudWatch Logs, parsed, one for each event that a batch tells of, and followed.

A line `record` tells of one record, at DEBUG where all is well; a line `batch` or `events` lists events with their
outcomes, so that what DEBUG would have said is known at any level.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from messaging.batch import HANDED_BACK

FAILED = frozenset({*HANDED_BACK, "dead_lettered"})
# What Lambda itself writes around each invocation, and metrics in CloudWatch's embedded format: nobody tails for those.
_PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START", "XRAY TraceId")
# A line may reach CloudWatch so much later than others of its time.
_LATENESS = timedelta(seconds=30)
_POLL_SECONDS = 2.0

T = TypeVar("T")
Told = tuple[str | None, str | None]  # of an invocation by its request id, which event


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a function's log, or what it says of one event. `consumer` may be the relay."""

    at: datetime
    consumer: str
    text: str
    level: str = ""
    message: str = ""
    outcome: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    correlation_id: str | None = None
    published_at: str | None = None
    causation_id: str | None = None
    trace_id: str | None = None
    reason: str | None = None
    detail: str | None = None
    attempt: int | None = None
    delivery_id: str | None = None
    request_id: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it tells of a record that was not done."""
        return self.outcome in FAILED

    @property
    def row(self) -> dict[str, Any]:
        """Its members for programs, without those that it lacks."""
        members = {name: getattr(self, name) for name in self.__slots__ if name != "text"}
        kept = {name: value for name, value in members.items() if value not in (None, "")}
        return {**kept, "at": self.at.isoformat(timespec="milliseconds"), "text": self.text}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are asked for: with this text, and with this outcome (`failed`: any of FAILED)."""

    match: str | None = None
    outcome: str | None = None

    def __call__(self, line: Line) -> bool:
        """Whether a line is one of them."""
        if self.outcome is not None and not (line.failed if self.outcome == "failed" else line.outcome == self.outcome):
            return False
        return self.match is None or self.match in line.text


def read(
    logs: Any,
    groups: Mapping[str, str],
    since: datetime,
    *,
    until: datetime | None = None,
    containing: str | None = None,
) -> list[Line]:
    """All lines since then of these log groups (by consumer), in the order of their times.

    `containing` is searched for by CloudWatch, which is quick over days. Raises what boto3 raises.
    """
    found = [
        line
        for consumer, group in groups.items()
        for _, line in _told_once(consumer, _events(logs, group, since, until, containing), set())
    ]
    return sorted(found, key=lambda line: line.at)


@dataclass
class Follower:
    """Reads on and on; each line is given once, in the order of times as far as CloudWatch has them by then."""

    logs: Any
    groups: Mapping[str, str]
    since: datetime
    clock: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    _seen: dict[str, datetime] = field(default_factory=dict)
    _told: dict[Told, datetime] = field(default_factory=dict)

    def lines(self) -> Iterator[Line]:
        """The lines that are there, then those that come; without end."""
        while True:
            yield from self.poll()
            self.sleep(_POLL_SECONDS)

    def poll(self) -> list[Line]:
        """What has come since the last look."""
        began, told = self.clock(), {*self._told}
        fresh = [
            (key, line)
            for consumer, group in self.groups.items()
            for key, line in _told_once(consumer, _events(self.logs, group, self.since, None, None), told)
            if key not in self._seen
        ]
        self.since = max(self.since, began - _LATENESS)
        self._seen = self._kept(self._seen) | {key: began for key, _ in fresh}
        self._told = self._kept(dict.fromkeys(told, began) | self._told)
        return sorted((line for _, line in fresh), key=lambda line: line.at)

    def _kept(self, memory: Mapping[T, datetime]) -> dict[T, datetime]:
        """What may be read once more."""
        return {key: at for key, at in memory.items() if at >= self.since - _LATENESS}


def _events(
    logs: Any, group: str, since: datetime, until: datetime | None, containing: str | None
) -> Iterator[Mapping[str, Any]]:
    request: dict[str, Any] = {"logGroupName": group, "startTime": int(since.timestamp() * 1000)}
    if until is not None:
        request["endTime"] = int(until.timestamp() * 1000)
    if containing is not None:
        # In quotes it is a text to look for, whatever is in it.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
        request["filterPattern"] = json.dumps(containing)
    while True:
        page = logs.filter_log_events(**request)
        yield from page["events"]
        if not page.get("nextToken"):
            return
        request["nextToken"] = page["nextToken"]


def _told_once(consumer: str, events: Iterable[Mapping[str, Any]], told: set[Told]) -> Iterator[tuple[str, Line]]:
    """Lines with a key that stays the same when they are read again. A `batch` repeats no `record`."""
    for event in events:
        key = event.get("eventId") or f"{event['logStreamName']} {event['timestamp']} {event['message']}"
        for line in _parsed(consumer, event):
            if line.message != "record" and (line.request_id, line.event_id) in told:
                continue
            if line.event_id is not None:
                told.add((line.request_id, line.event_id))
            yield f"{key} {line.event_id}", line


def _parsed(consumer: str, event: Mapping[str, Any]) -> Iterator[Line]:
    text = event["message"].rstrip()
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    if not text or text.startswith(_PLATFORM):
        return
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        yield Line(at=at, consumer=consumer, text=text)
        return
    if "_aws" in document:
        return
    line = _line(consumer, document, text, _written_at(document) or at)
    entries = document.get("events")
    if not isinstance(entries, list) or not entries:
        yield line
        return
    for entry in entries:
        if isinstance(entry, dict):
            yield _line(consumer, {**document, **entry}, json.dumps(entry), line.at)


def _line(consumer: str, document: Mapping[str, Any], text: str, at: datetime) -> Line:
    """Members of another type than ours are left out: any library may write to this log."""
    texts = {
        name: value
        for name in (
            *("level", "message", "outcome", "event_id", "event_type", "correlation_id", "causation_id", "trace_id"),
            *("reason", "detail", "delivery_id", "published_at"),
        )
        if isinstance(value := document.get(name), str)
    }
    attempt, request_id = document.get("attempt"), document.get("function_request_id")
    return Line(
        at=at,
        consumer=consumer,
        text=text,
        attempt=attempt if isinstance(attempt, int) else None,
        request_id=request_id if isinstance(request_id, str) else None,
        **texts,
    )


def _written_at(document: Mapping[str, Any]) -> datetime | None:
    """When the function wrote the line; CloudWatch's own time may be that of its arrival."""
    try:
        written = datetime.fromisoformat(str(document.get("timestamp")))
    except ValueError:
        return None
    return written.astimezone(UTC) if written.tzinfo is not None else None
