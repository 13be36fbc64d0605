"""Where old events come from: a file of messages or dead letters, or what is still in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from cli.errors import UsageError
from cli.publishing.documents import told
from messaging import items
from messaging.errors import InvalidEvent, RecordError
from messaging.events import Event
from messaging.message import Message, decode
from messaging.ndjson import LineError, read_lines
from messaging.ndjson import decode as decode_line
from messaging.outbox import messages_of
from messaging.outbox_table import address_of


@dataclass(frozen=True, slots=True)
class OldEvent:
    """A message as it was published, byte for byte where its source has kept it so."""

    body: str
    message: Message[Event]

    @property
    def id(self) -> str:
        """The event's."""
        return self.message.id


def in_file(file: IO[bytes], name: str) -> list[OldEvent]:
    """The messages of a file: each line one, or a dead letter with its `body`, as `waybill dlq export` writes them.

    Raises UsageError that names the lines that are neither; such a letter is to be mended, not replayed.
    """
    found: list[OldEvent] = []
    wrong: list[str] = []
    for number, line in read_lines(file):
        try:
            found.append(event_in(line))
        except (LineError, RecordError) as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise UsageError(f"{name}: {told(wrong)}\nNothing was sent.")
    return found


def in_outbox(dynamodb: Any, table: str, *, refuse: Callable[[str], None] = lambda _: None) -> Iterator[OldEvent]:
    """What the outbox holds, in the order of each group: on its way to the topic, or refused by it.

    `refuse` is told of items that hold no message. Raises what boto3 raises.
    """
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
    found: list[dict[str, Any]] = []
    while True:
        page = dynamodb.scan(**request)
        found += [items.plain(item) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    for item in sorted(found, key=address_of):
        try:
            for outgoing in messages_of(item):
                yield OldEvent(outgoing.body, decode(outgoing.body))
        except (InvalidEvent, RecordError) as error:
            refuse(f"an item of the outbox ({', '.join(address_of(item))}): {error}")


def event_in(line: bytes | None) -> OldEvent:
    """The message in a line, or in the dead letter that it is. Raises LineError or RecordError."""
    document = decode_line(line, dict[str, Any])
    assert line is not None, "decode_line refuses a line that is too long"
    body = document.get("body")
    if isinstance(body, str):
        return OldEvent(body, decode(body))
    if "specversion" not in document:
        raise LineError("neither a message (it has no specversion) nor a dead letter (it has no body)")
    text = line.decode("utf-8-sig").strip()
    return OldEvent(text, decode(text))
