"""The envelope: a CloudEvents 1.0 JSON document, encoded for a topic and decoded strictly and within bounds.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. Extensions: `partitionkey` (the message
group), `correlationid`, `causationid`, `traceparent` and `sequence` (the producer's counter within the group).
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from messaging.errors import InvalidEvent, Poison, TooLarge
from messaging.events import CATALOGUE, Event, dataschema, explain_invalid
from messaging.tracing import clean_traceparent
from messaging.versions import KNOWN, Versions

MAX_BODY_BYTES = 256 * 1024  # what one SNS publish takes: https://docs.aws.amazon.com/general/latest/gr/sns.html
MAX_DEPTH = 32

# SNS takes up to 128 of these for a deduplication id; 100 leave room for the suffix of a resend.
EventId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z")]
Group = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")]
Uri = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]{1,200}\Z")]
Word = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9]{0,63}\Z")]
Subject = Annotated[str, Meta(min_length=1, max_length=200)]

# The closing quote is optional: an open string must not be tried again from each of its characters.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]', re.DOTALL)


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The document as it travels. `data` is the event, checked against its own class afterwards."""

    specversion: Literal["1.0"]
    id: EventId
    source: Uri
    type: Word
    subject: Subject
    time: Annotated[datetime, Meta(tz=True)]
    dataschema: Uri
    partitionkey: Group
    correlationid: EventId
    data: dict[str, Any]
    datacontenttype: Literal["application/json"] = "application/json"
    causationid: EventId | None = None
    traceparent: Any = None  # whatever others put here, it fails no message
    sequence: Annotated[int, Meta(ge=1, le=2**53)] | None = None


E = TypeVar("E", covariant=True)


class Message(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """A decoded message: the event and its envelope. `payload_hash` is the same for a resend of the event.

    `traceparent` is valid, or None.
    """

    id: str
    event: E
    time: datetime
    partition_key: str
    correlation_id: str
    payload_hash: str
    causation_id: str | None = None
    traceparent: str | None = None
    sequence: int | None = None


def encode(
    event: Event,
    *,
    source: str,
    time: datetime,
    correlation_id: str | None = None,
    causation_id: str | None = None,
    traceparent: str | None = None,
    sequence: int | None = None,
) -> str:
    """The message body for an event.

    Raises InvalidEvent where the event breaks its own schema (a struct checks nothing when it is constructed in
    code) or `traceparent` is none, and TooLarge past 256 KiB.
    """
    trace = clean_traceparent(traceparent)
    if traceparent is not None and trace is None:
        raise InvalidEvent(f"event {event.event_id!r}: its traceparent is not W3C's; without one it can be sent")
    try:
        data = msgspec.to_builtins(msgspec.convert(msgspec.to_builtins(event), type(event)))
        envelope = Envelope(
            specversion="1.0",
            id=event.event_id,
            source=source,
            type=event.type,
            subject=event.subject,
            time=time.astimezone(UTC),
            dataschema=dataschema(type(event)),
            partitionkey=event.partition_key,
            correlationid=correlation_id or event.event_id,
            causationid=causation_id,
            traceparent=trace,
            sequence=sequence,
            data=data,
        )
        msgspec.convert(msgspec.to_builtins(envelope), Envelope)
        body = msgspec.json.encode(envelope)
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"event {event.event_id!r} breaks its schema: {explain_invalid(error)}") from error
    except (UnicodeEncodeError, TypeError) as error:  # a surrogate, or a value that is no JSON
        raise InvalidEvent(f"event {event.event_id!r} can't be written as JSON: {type(error).__name__}") from error
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(
            f"event {event.event_id!r} has {len(body)} bytes, SNS takes {MAX_BODY_BYTES}: keep what is large elsewhere "
            "and send its address"
        )
    return body.decode()


def decode(body: str, versions: Versions = KNOWN) -> Message[Event]:
    """The message that a body holds, its event brought up to the latest of `versions`.

    Raises Poison (not ours, or wrong), TooLarge, and NewerVersion for a type or version that this code does not know.
    No error repeats text of the body.
    """
    document = _parse(body)
    envelope = _envelope(document)
    event_class, data = versions.current(envelope.type, envelope.dataschema, envelope.data)
    try:
        event = msgspec.convert(data, event_class)
    except msgspec.ValidationError as error:
        raise Poison(f"data is no {event_class.type}: {explain_invalid(error)}") from error
    if (envelope.subject, envelope.partitionkey) != (event.subject, event.partition_key):
        raise Poison("subject or partitionkey contradicts the data")
    return Message(
        id=envelope.id,
        event=event,
        time=envelope.time,
        partition_key=envelope.partitionkey,
        correlation_id=envelope.correlationid,
        causation_id=envelope.causationid,
        traceparent=clean_traceparent(envelope.traceparent),
        sequence=envelope.sequence,
        payload_hash=_payload_hash(envelope),
    )


def _parse(body: str) -> dict[str, Any]:
    try:
        encoded = body.encode()
    except UnicodeEncodeError as error:
        raise Poison("not valid Unicode: a surrogate stands alone") from error
    if len(encoded) > MAX_BODY_BYTES:
        raise TooLarge(f"{len(encoded)} bytes, a message has at most {MAX_BODY_BYTES}")
    if _depth(body) > MAX_DEPTH:
        raise Poison(f"nested deeper than {MAX_DEPTH}")
    try:
        document = _as_written(encoded)
        if document is None:
            document = _DECODER.decode(body)
        if "\\u" in body:
            json.dumps(document, ensure_ascii=False).encode()  # an escaped lone surrogate survives parsing
    except UnicodeEncodeError as error:
        raise Poison("not valid Unicode: an escaped surrogate stands alone") from error
    except ValueError as error:
        # Only our own hooks' texts are known to hold nothing of the body.
        raise Poison(f"not JSON: {error}" if type(error) is ValueError else "not JSON") from error
    if not isinstance(document, dict):
        raise Poison("not a JSON object")
    return document


def _as_written(encoded: bytes) -> Any:
    """The document, where it is written just as our publisher writes: then no key is in it twice, or it would not come
    out the same again. None for any other, which takes a stricter and slower look."""
    try:
        document = msgspec.json.decode(encoded)
        return document if msgspec.json.encode(document) == encoded else None
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _depth(body: str) -> int:
    if body.count("{") + body.count("[") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for match in _STRUCTURE.finditer(body):
        if match[0] in ("{", "["):
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in ("}", "]"):
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has the same key twice")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


# msgspec describes a class when it is first used, and threads that do so at the same moment crash: so it does it here.
_DESCRIBED = [msgspec.json.Decoder(each) for each in (Envelope, *CATALOGUE)]

# Made once: with options, json.loads and json.dumps would make a new one at each call.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
_CANONICAL = msgspec.json.Encoder(order="sorted")


def _envelope(document: dict[str, Any]) -> Envelope:
    if document.get("Type") == "Notification" and "TopicArn" in document:
        raise Poison("an SNS envelope: the subscription lacks raw message delivery")
    try:
        return msgspec.convert(document, Envelope)
    except msgspec.ValidationError as error:
        raise Poison(f"not a CloudEvents envelope of ours: {explain_invalid(error)}") from error


def _payload_hash(envelope: Envelope) -> str:
    payload = [envelope.type, envelope.dataschema, envelope.subject, envelope.data]
    return hashlib.sha256(_CANONICAL.encode(payload)).hexdigest()
