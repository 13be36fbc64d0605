"""Queues seen from outside: their depth and what is parked in dead-letter queues. Nothing here receives a message."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_INSPECTION_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMessage:
    """A dead letter. `delivery_id` is the id that the message had in its source queue, where that can be told.

    `reason` is None for a message that SQS moved by itself when its receive count was reached.
    """

    message_id: str
    delivery_id: str | None
    event_id: str | None
    reason: str | None


def total_depth(sqs: Any, queue_urls: Iterable[str]) -> int:
    """Messages visible, in flight and delayed, over all the queues."""
    total = 0
    for queue_url in queue_urls:
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(_DEPTHS))["Attributes"]
        total += sum(int(attributes[name]) for name in _DEPTHS)
    return total


def peek(endpoint: str, queue_url: str) -> list[ParkedMessage]:
    """What a dead-letter queue holds, through the engine's inspection interface: receive counts stay as they are."""
    accounts = _inspect(endpoint, "sqs/messages", QueueUrl=queue_url)["messages"]
    return [
        _parked(message)
        for regions in accounts.values()
        for queues in regions.values()
        for messages in queues.values()
        for message in messages
    ]


def count_emails(endpoint: str) -> int:
    """How many e-mails the engine's SES holds."""
    return sum(len(messages) for messages in _inspect(endpoint, "ses/messages")["messages"].values())


def _inspect(endpoint: str, path: str, **query: str) -> Any:
    url = f"{endpoint}/_ministack/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=_INSPECTION_TIMEOUT_SECONDS) as reply:  # noqa: S310 (our own engine, on loopback)
        return json.load(reply)


def _parked(message: Mapping[str, Any]) -> ParkedMessage:
    failure = _failure(message)
    message_id = message["MessageId"]
    if failure is None:
        delivery_id: str | None = message_id  # SQS keeps the id of a message that it moves
    else:
        # Our own dead letters carry the id of the received record as deduplication id, which only FIFO queues have.
        delivery_id = message["MessageDeduplicationId"]
    return ParkedMessage(
        message_id=message_id,
        delivery_id=delivery_id,
        event_id=_event_id(message["Body"]),
        reason=None if failure is None else str(failure.get("reason")),
    )


def _failure(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    attribute = message["MessageAttributes"].get("waybill")
    if attribute is None:
        return None
    document = json.loads(attribute["StringValue"])
    return document if isinstance(document, dict) else {}


def _event_id(body: str) -> str | None:
    try:
        event_id = json.loads(body)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return event_id if isinstance(event_id, str) else None
