"""What an operator may publish, one JSON document a line: an order, an event of any type, or a whole message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import msgspec

from cli.errors import UsageError
from messaging.errors import RecordError
from messaging.events import CATALOGUE, Event, OrderPlaced
from messaging.message import decode as decode_message
from messaging.ndjson import LineError, decode, explain, read_lines
from messaging.outgoing import Draft

# A file with one wrong line often has a thousand.
MAX_TOLD = 20

TYPES = {event.type: event for event in CATALOGUE}


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """An event of any type: its data, and what its envelope shall say beside it."""

    type: str
    data: dict[str, Any]
    sequence: int | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None


def read_drafts(file: IO[bytes], name: str) -> list[Draft]:
    """The events of a file in its order. Raises UsageError that names each line that holds none, and never its text."""
    drafts: list[Draft] = []
    wrong: list[str] = []
    for number, line in read_lines(file):
        try:
            drafts.append(draft_of(line))
        except LineError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise UsageError(f"{name}: {told(wrong)}\nNothing was published.")
    if not drafts:
        raise UsageError(f"{name} is empty: give one order or event a line")
    return drafts


def draft_of(line: bytes | None) -> Draft:
    """The event in a line: a message where it has a `specversion`, an event where it has a `type`, else an order.

    Raises LineError with the field and the rule that it breaks.
    """
    document = decode(line, dict[str, Any])
    assert line is not None, "decode refuses a line that is too long"
    if "specversion" in document:
        return _of_message(line)
    if "type" not in document:
        return Draft(event=decode(line, OrderPlaced))
    return _of_event(decode(line, Document))


def told(wrong: Iterable[str]) -> str:
    """Lines for people, of a great many only the first."""
    lines = [*wrong]
    more = [f"and {len(lines) - MAX_TOLD:,} more lines"] if len(lines) > MAX_TOLD else []
    return "".join(f"\n  {line}" for line in (*lines[:MAX_TOLD], *more))


def _of_message(line: bytes) -> Draft:
    """Published anew: its event is the same, and so is its id; when it is published, and by whom, is not."""
    try:
        message = decode_message(line.decode().strip())
    except RecordError as error:
        raise LineError(str(error)) from error
    return Draft(
        event=message.event,
        sequence=message.sequence,
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
        traceparent=message.traceparent,
    )


def _of_event(document: Document) -> Draft:
    if document.type not in TYPES:
        raise LineError(f"type: must be one of {', '.join(TYPES)}")
    try:
        event: Event = msgspec.convert(document.data, TYPES[document.type])
    except msgspec.ValidationError as error:
        raise LineError(f"data: {explain(error)}") from error
    return Draft(
        event=event,
        sequence=document.sequence,
        correlation_id=document.correlationid,
        causation_id=document.causationid,
        traceparent=document.traceparent,
    )
