"""One order's journey: each step of its events, from logs, markers, failure records and the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.logs import Line
from cli.markers import Known
from messaging.errors import RecordError
from messaging.events import CATALOGUE
from messaging.message import decode
from messaging.outgoing import Outgoing
from messaging.subscription import Subscription

MAIL = "ses:SendEmail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happened to one event at one place. `at` is ISO; empty: it is so now, and nobody noted since when."""

    at: str
    event_id: str
    where: str
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read of a journey: by the ids that were asked for, and those that they led to."""

    event_ids: Sequence[str]
    lines: Sequence[Line]
    waiting: Sequence[tuple[str, Outgoing]]


def gather(asked: str, read: Callable[[str], Iterable[Line]], waiting: Sequence[tuple[str, Outgoing]]) -> Found:
    """Lines and events of an event, an order or a correlation.

    `read` gives the lines that contain a text. An event is of the journey where it, its correlation or its cause is; a
    second look finds what belongs to the correlations that the first one found.
    """
    ids = {asked, *(f"{event.type}-{asked}" for event in CATALOGUE)}
    lines = {line: None for line in read(asked) if _belongs(line, ids)}
    for further in sorted({line.correlation_id for line in lines if line.correlation_id} - ids):
        ids.add(further)
        lines |= {line: None for line in read(further) if _belongs(line, ids)}
    ours = [(since, message) for since, message in waiting if _related(message) & ids]
    told = {line.event_id for line in lines if line.event_id is not None}
    return Found(
        # Those of the order that nobody logged too: their markers may be there longer than the log.
        event_ids=sorted(told | {message.event_id for _, message in ours} | _possible(asked)),
        lines=sorted(lines, key=lambda line: line.at),
        waiting=ours,
    )


def steps(found: Found, known: Iterable[Known], rows: Mapping[str, Subscription]) -> list[Step]:
    """The steps in order; what is so now, without a time, comes last. Markers repeat no line of the log."""
    told = {(line.consumer, line.event_id, line.outcome) for line in found.lines}
    happened = [*_published(found.lines), *_logged(found.lines), *_outgoing(found.waiting)]
    for each in known:
        happened += _kept(each, rows[each.consumer], told)
    return sorted(happened, key=lambda step: (step.at == "", step.at, step.event_id, step.where))


def untouched(event_ids: Iterable[str], known: Iterable[Known], happened: Iterable[Step]) -> Iterator[tuple[str, str]]:
    """Which of the journey's events left no trace at which consumer."""
    traces = {(step.event_id, step.where) for step in happened}
    seen = {event_id for event_id, _ in traces}
    for each in known:
        if each.event_id in seen and each.event_id in {*event_ids} and (each.event_id, each.consumer) not in traces:
            yield each.event_id, each.consumer


def _possible(asked: str) -> set[str]:
    """The ids that the events of an order would have, or that of the event itself."""
    subject = next(
        (asked.removeprefix(f"{each.type}-") for each in CATALOGUE if asked.startswith(f"{each.type}-")), asked
    )
    return {f"{event.type}-{subject}" for event in CATALOGUE} | ({asked} if subject != asked else set())


def _belongs(line: Line, ids: set[str]) -> bool:
    return not ids.isdisjoint({line.event_id, line.correlation_id, line.causation_id} - {None})


def _related(message: Outgoing) -> set[str]:
    try:
        decoded = decode(message.body)
    except RecordError:
        return {message.event_id}
    return {message.event_id, decoded.correlation_id, *([decoded.causation_id] if decoded.causation_id else ())}


def _published(lines: Iterable[Line]) -> Iterator[Step]:
    """When the messages say that they were."""
    times = {line.event_id: at for line in lines if line.event_id is not None and (at := _published_at(line))}
    for event_id, at in times.items():
        yield Step(at=at.isoformat(timespec="milliseconds"), event_id=event_id, where="topic", what="published")


def _published_at(line: Line) -> datetime | None:
    try:
        return datetime.fromisoformat(line.published_at or "").astimezone(UTC)
    except ValueError:
        return None


def _logged(lines: Iterable[Line]) -> Iterator[Step]:
    for line in lines:
        if line.event_id is None:
            continue
        parts = [line.reason, line.detail, f"attempt {line.attempt}" if (line.attempt or 1) > 1 else None]
        parts += [f"caused by {line.causation_id}" if line.causation_id else None]
        if line.outcome is not None and (published := _published_at(line)) is not None:
            parts.append(f"{(line.at - published).total_seconds():.1f} s after its publication")
        yield Step(
            at=line.at.isoformat(timespec="milliseconds"),
            event_id=line.event_id,
            where=line.consumer,
            what=line.outcome or line.message,
            detail=": ".join(filter(None, parts)),
        )


def _outgoing(waiting: Iterable[tuple[str, Outgoing]]) -> Iterator[Step]:
    for since, message in waiting:
        detail = "on its way to the topic, and not sent yet"
        yield Step(at=since, event_id=message.event_id, where="outbox", what="written", detail=detail)


def _kept(known: Known, row: Subscription, told: set[tuple[str, str | None, str | None]]) -> Iterator[Step]:
    def step(what: str, at: str | None = None, detail: str = "") -> Step:
        return Step(at=at or "", event_id=known.event_id, where=known.consumer, what=what, detail=detail)

    if known.applied and (known.consumer, known.event_id, "applied") not in told:
        yield step("applied", known.applied_at, "says its marker")
    if known.claimed:
        yield step("claimed", detail="its call is under way, or nobody knows how it ended")
    if known.failure is not None:
        failure: Mapping[str, Any] = known.failure
        if (known.consumer, known.event_id, failure["outcome"]) not in told:
            detail = ": ".join(filter(None, (failure.get("reason"), failure.get("detail"))))
            yield step(failure["outcome"], failure.get("failed_at"), detail)
    if MAIL in row.calls and known.applied:
        yield step("e-mail sent", known.applied_at)
