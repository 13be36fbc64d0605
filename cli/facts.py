"""The attributes of an event that filters see, as far as somebody here knows them, and who does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.errors import UsageError
from cli.logs import Line
from cli.markers import Known
from messaging.errors import InvalidEvent, RecordError
from messaging.events import CATALOGUE
from messaging.filter_explanation import attributes_of
from messaging.items import plain
from messaging.message import decode
from messaging.outbox import messages_of
from messaging.outgoing import Outgoing

MAX_OUTBOX_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An event as filters see it. `complete`: nothing that it has is missing here. `source` says who tells it."""

    attributes: Mapping[str, Mapping[str, Any]]
    source: str
    body: str = ""
    complete: bool = True


def from_text(text: str) -> Facts:
    """An event that a person gives: a message as it travels, an event's data with its type, or SNS attributes; JSON, or
    the path of a file of it. Raises UsageError."""
    path = Path(text)
    if not text.lstrip().startswith("{"):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--event takes JSON or a file of it: {path} can't be read: {error.strerror}") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--event is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError("--event is no JSON object")
    if "specversion" in document:
        try:
            message = decode(text)
        except RecordError as error:
            raise UsageError(f"--event is no message that consumers would take: {error}") from error
        return Facts(attributes=attributes_of(message.event.attributes), source="--event", body=text)
    attributes = document.get("attributes", document)
    texts = {name: value for name, value in attributes.items() if isinstance(value, str)}
    typed = {name: value for name, value in attributes.items() if isinstance(value, dict) and "DataType" in value}
    if not texts and not typed:
        raise UsageError('--event takes a message, or attributes such as {"type": "OrderPlaced", "priority": "high"}')
    return Facts(attributes={**attributes_of(texts), **typed}, source="--event", body=text)


def in_outbox(dynamodb: Any, table: str) -> Iterator[tuple[str, Outgoing]]:
    """Messages that still wait for the relay, with when each was written (ISO). The first pages of the table only: a
    healthy outbox is empty."""
    request: dict[str, Any] = {"TableName": table}
    for _ in range(MAX_OUTBOX_PAGES):
        page = dynamodb.scan(**request)
        for item in map(plain, page["Items"]):
            try:
                messages = messages_of(item)
            except InvalidEvent:
                continue
            for message in messages:
                yield str(item.get("position", "")).partition("#")[0], message
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def from_message(message: Outgoing) -> Facts:
    """A message of the outbox."""
    return Facts(attributes=attributes_of(message.attributes), source="the outbox", body=message.body)


def from_traces(event_id: str, lines: Iterable[Line], known: Iterable[Known]) -> Facts | None:
    """What logs and items tell: the type for sure, and of the other attributes those that an effect wrote down."""
    types = {line.event_type for line in lines if line.event_id == event_id and line.event_type is not None}
    by_id = next((event.type for event in CATALOGUE if event_id.startswith(f"{event.type}-")), None)
    event_type = next(iter(types), by_id)
    if event_type is None:
        return None
    attributes, source = {"type": event_type}, "the log" if types else "its id"
    for each in known:
        if each.event_id == event_id and each.is_effect and each.marker is not None:
            texts = {name: value for name, value in each.marker.items() if isinstance(value, str)}
            attributes, source = {**texts, **attributes}, f"what {each.consumer} wrote of it"
    return Facts(attributes=attributes_of(attributes), source=source, complete=False)
