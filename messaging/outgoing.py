"""Events on their way to a topic: encoded once, so that however often one is sent, it is the same message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from messaging.errors import TooLarge
from messaging.events import Event
from messaging.message import MAX_BODY_BYTES, encode


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event and what its envelope shall say beside it.

    `sequence` is the producer's own counter within the event's message group, rising by one from 1; consumers with
    ordering "monotonic" or "strict" hold events against it.
    """

    event: Event
    sequence: int | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready for a topic: its body, its group, and the attributes that filters see."""

    event_id: str
    event_type: str
    group: str
    body: str
    attributes: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """What SNS counts: the body, and each attribute's name, type and value.

        Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
        """
        attribute_bytes = sum(len(f"{name}String{value}".encode()) for name, value in self.attributes.items())
        return len(self.body.encode()) + attribute_bytes

    def too_large(self) -> str:
        """What to say of a message that is more than one publish takes."""
        return (
            f"event {self.event_id!r} has {self.size_bytes} bytes with its attributes, SNS takes {MAX_BODY_BYTES}: "
            "keep what is large elsewhere and send its address"
        )


def prepare(event: Event | Draft, *, source: str, time: datetime, traceparent: str | None = None) -> Outgoing:
    """The message of an event. `traceparent` is for one whose draft has none.

    Raises InvalidEvent where it breaks its schema, TooLarge where it is more than one publish takes.
    """
    draft = event if isinstance(event, Draft) else Draft(event=event)
    body = encode(
        draft.event,
        source=source,
        time=time,
        correlation_id=draft.correlation_id,
        causation_id=draft.causation_id,
        traceparent=traceparent if draft.traceparent is None else draft.traceparent,
        sequence=draft.sequence,
    )
    outgoing = Outgoing(
        event_id=draft.event.event_id,
        event_type=draft.event.type,
        group=draft.event.partition_key,
        body=body,
        attributes=draft.event.attributes,
    )
    if outgoing.size_bytes > MAX_BODY_BYTES:
        raise TooLarge(outgoing.too_large())
    return outgoing
