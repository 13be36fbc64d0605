"""A dead letter as its queue shows it, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from messaging.errors import RecordError
from messaging.events import Event
from messaging.message import Message, decode
from messaging.sqs import ATTRIBUTE, REDRIVES, REPLACES

# Reasons of letters that no consumer has signed: SQS moved them, or the topic could not deliver them.
RECEIVE_COUNT = "receive_count"
UNDELIVERED = "undelivered"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One dead letter. `attributes` are as SendMessage takes them, `sent_at` is in epoch seconds, `receives` counts
    those of this queue too; `unsigned` is its reason where no consumer has given one.
    """

    id: str
    body: str
    attributes: Mapping[str, Any]
    group: str | None
    deduplication_id: str | None
    sent_at: float
    receives: int
    unsigned: str = RECEIVE_COUNT
    handle: str = ""

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the consumer, or a redrive, has noted in the attribute `waybill`; nothing where it is no object."""
        return _object(self.attributes.get(ATTRIBUTE, {}).get("StringValue", ""))

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The body's JSON; empty where it is no object."""
        return _object(self.body)

    @cached_property
    def decoded(self) -> Message[Event] | RecordError:
        """The message that this code finds in the body, or why it finds none."""
        try:
            return decode(self.body)
        except RecordError as error:
            return error

    @property
    def message(self) -> Message[Event] | None:
        """The message, where the body is one."""
        return self.decoded if isinstance(self.decoded, Message) else None

    @property
    def event_id(self) -> str | None:
        """What the body says; None where it does not."""
        return _text(self.document.get("id"))

    @property
    def name(self) -> str:
        """What people call it: the event's id, or the letter's own where it tells of no event."""
        return self.event_id or self.id

    @property
    def sequence(self) -> int | None:
        """The producer's counter within the group, as the body says; None where it does not."""
        sequence = self.document.get("sequence")
        return sequence if isinstance(sequence, int) and not isinstance(sequence, bool) else None

    @property
    def reason(self) -> str:
        """Why it is dead, in a word."""
        return _text(self.facts.get("reason")) or self.unsigned

    @property
    def dead_since(self) -> datetime:
        """When it was given up. A standard queue's letter that SQS has moved tells only when it was first sent."""
        try:
            return datetime.fromisoformat(self.facts["last_attempt_at"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            return datetime.fromtimestamp(self.sent_at, UTC)

    @property
    def redrives(self) -> int:
        """How often it was redriven."""
        redrives = self.facts.get(REDRIVES)
        return redrives if isinstance(redrives, int) else 0

    @property
    def replaces(self) -> str | None:
        """The id of the letter in whose place it was sent, where it was."""
        return _text(self.facts.get(REPLACES))

    def described(self) -> dict[str, Any]:
        """What `--match` looks into, and `list` shows of it: the letter's own members, and the body's as `data`."""
        return {
            "event_id": self.event_id,
            "type": _text(self.document.get("type")),
            "group": self.group,
            "reason": self.reason,
            "error": self.facts.get("error"),
            "detail": self.facts.get("detail"),
            "dead_since": self.dead_since.isoformat(timespec="seconds"),
            "receives": self.facts.get("receive_count", self.receives),
            "redrives": self.redrives,
            "letter": self.id,
            "consumer": self.facts.get("consumer"),
            "code_version": self.facts.get("code_version"),
            "subject": self.document.get("subject"),
            "time": self.document.get("time"),
            "sequence": self.document.get("sequence"),
            "correlation_id": self.document.get("correlationid"),
            "data": self.document.get("data"),
        }


def received(message: Mapping[str, Any], unsigned: str) -> Letter:
    """A letter as ReceiveMessage gives it, with all its attributes.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """
    system = message["Attributes"]
    return Letter(
        id=message["MessageId"],
        body=message["Body"],
        attributes={
            name: {part: value[part] for part in ("DataType", "StringValue", "BinaryValue") if part in value}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        group=system.get("MessageGroupId"),
        deduplication_id=system.get("MessageDeduplicationId"),
        sent_at=int(system["SentTimestamp"]) / 1000,
        receives=int(system["ApproximateReceiveCount"]),
        unsigned=unsigned,
        handle=message["ReceiptHandle"],
    )


def _object(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
