"""The log lines of a batch: ids, outcomes and reasons, never a payload.

One line a batch names every event in it, so that a text search for an id finds an order's whole journey at any log
level that shows it; a line for each record says the rest, at DEBUG where all is well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from messaging.batch import HANDED_BACK, Delivery, Ledger, Verdict
from messaging.message import EventId
from messaging.outgoing import Outgoing
from messaging.tracing import clean_traceparent, trace_id_of

MAX_EVENTS_A_LINE = 100  # a batch may have 10,000, and CloudWatch takes 256 KB a line


class Log(Protocol):
    """What is used of Powertools' Logger."""

    def debug(self, message: str, *, extra: Mapping[str, Any]) -> None:
        """A line that is not shown by default."""
        ...

    def info(self, message: str, *, extra: Mapping[str, Any]) -> None:
        """A line."""
        ...

    def warning(self, message: str, *, extra: Mapping[str, Any]) -> None:
        """A line that somebody should read."""
        ...


def tell_records(ledger: Ledger, log: Log, *, consumer: str) -> None:
    """A line `record` for each record, and a line `batch` (for each further hundred of them a line `events`)."""
    verdicts = ledger.verdicts()
    events = []
    for delivery, verdict in verdicts:
        told = _told(ledger, delivery, verdict)
        _tell_record(log, consumer, delivery, verdict, told)
        if told["event_id"] is not None:
            events.append(told)
    outcomes = Counter(verdict.outcome for _, verdict in verdicts)
    summary = {"records": len(verdicts), "outcomes": dict(outcomes)}
    log.info("batch", extra={**summary, "consumer": consumer, "events": events[:MAX_EVENTS_A_LINE]})
    for start in range(MAX_EVENTS_A_LINE, len(events), MAX_EVENTS_A_LINE):
        log.info("events", extra={"consumer": consumer, "events": events[start : start + MAX_EVENTS_A_LINE]})


def tell_sent(message: Outgoing, log: Log) -> None:
    """A line `sent`, at DEBUG, for a message that the relay has handed to the topic."""
    ids = _ids_in(message.body)
    log.debug(
        "sent",
        extra={
            "event_id": message.event_id,
            "event_type": message.event_type,
            "correlation_id": ids.correlationid,
            "causation_id": ids.causationid,
            "trace_id": trace_id_of(clean_traceparent(ids.traceparent)),
        },
    )


class _Ids(msgspec.Struct):
    """What a log needs of an envelope. `traceparent` is whatever others put there."""

    correlationid: EventId | None = None
    causationid: EventId | None = None
    traceparent: Any = None


def _ids_in(body: str) -> _Ids:
    """None of them in what somebody else has put into the outbox."""
    try:
        return msgspec.json.decode(body, type=_Ids)
    except (msgspec.MsgspecError, UnicodeError):
        return _Ids()


def _told(ledger: Ledger, delivery: Delivery, verdict: Verdict) -> dict[str, str | None]:
    """The ids of an event and when it was published, as far as they are known, and what became of it."""
    message = ledger.message(delivery)
    if message is None:
        return {**_UNKNOWN, "outcome": verdict.outcome}
    return {
        "event_id": message.id,
        "event_type": message.event.type,
        "correlation_id": message.correlation_id,
        "causation_id": message.causation_id,
        "trace_id": trace_id_of(message.traceparent),
        "published_at": message.time.isoformat(timespec="milliseconds"),
        "outcome": verdict.outcome,
    }


_UNKNOWN = dict.fromkeys(("event_id", "event_type", "correlation_id", "causation_id", "trace_id", "published_at"))


def _tell_record(log: Log, consumer: str, delivery: Delivery, verdict: Verdict, told: Mapping[str, str | None]) -> None:
    failed = verdict.outcome in HANDED_BACK or verdict.outcome == "dead_lettered"
    tell = log.warning if failed else log.debug
    tell(
        "record",
        extra={
            **told,
            "reason": verdict.reason,
            "detail": verdict.detail,
            "consumer": consumer,
            "delivery_id": delivery.id,
            "group": delivery.group,
            "attempt": delivery.attempt,
        },
    )
