"""What the functions' logs say of each record: the outcome of every delivery, as it happens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# The engine stamps lines when it collects them and may append a line after one that is already read.
_OVERLAP_MS = 500
_PAGE_LINES = 10_000  # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One attempt at one delivery. `delivery_id` is the queue's message id; `at` is in epoch seconds."""

    consumer: str
    delivery_id: str
    outcome: str
    event_id: str | None
    reason: str | None
    at: float


def parse(consumer: str, line: str) -> Record | None:
    """The record in a log line, or None for every other line."""
    if '"delivery_id"' not in line:
        return None
    try:
        entry = json.loads(line)
        if entry["message"] != "record":
            return None
        return Record(
            consumer=consumer,
            delivery_id=entry["delivery_id"],
            outcome=entry["outcome"],
            event_id=entry.get("event_id"),
            reason=entry.get("reason"),
            at=datetime.fromisoformat(entry["timestamp"]).timestamp(),
        )
    except (ValueError, KeyError, TypeError):  # a line cut short by a kill
        return None


class Journal:
    """Reads the log groups of all consumers onward from `since` (epoch seconds), by the time that a line was written.

    A record may be read more than once: whoever counts must count deliveries, not records.
    """

    def __init__(self, logs: Any, log_groups: Mapping[str, str], *, since: float) -> None:
        self._logs = logs
        self._log_groups = log_groups
        self._since = since
        self._read_to_ms = dict.fromkeys(log_groups, int(since * 1000))

    def read(self, consumers: Iterable[str]) -> Iterator[Record]:
        """What is new since the last call, with some overlap."""
        for consumer in consumers:
            yield from self._consumer(consumer, max(int(self._since * 1000), self._read_to_ms[consumer] - _OVERLAP_MS))

    def read_again(self) -> Iterator[Record]:
        """Everything since the beginning."""
        for consumer in self._log_groups:
            yield from self._consumer(consumer, int(self._since * 1000))

    def _consumer(self, consumer: str, start_ms: int) -> Iterator[Record]:
        for event in self._events(self._log_groups[consumer], start_ms):
            self._read_to_ms[consumer] = max(self._read_to_ms[consumer], event["timestamp"])
            record = parse(consumer, event["message"])
            if record is not None and record.at >= self._since:
                yield record

    def _events(self, log_group: str, start_ms: int) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {"logGroupName": log_group, "startTime": start_ms, "limit": _PAGE_LINES}
        while True:
            page = self._logs.filter_log_events(**request)
            yield from page["events"]
            if token := page.get("nextToken"):
                request["nextToken"] = token
            elif len(page["events"]) == _PAGE_LINES and page["events"][-1]["timestamp"] > request["startTime"]:
                # The engine cuts a long answer without a token.
                request["startTime"] = page["events"][-1]["timestamp"]
            else:
                return
