"""Letters in files: one JSON object a line, with everything that is needed to send a letter as it was.

    {"letter": "6c0f...", "event_id": "OrderPlaced-10248", "reason": "poison", "group": "VINET", "body": "{...}", ...}

The body is the text of the message, byte for byte; binary attributes are in base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from cli.errors import CliError
from cli.letters.letter import Letter
from messaging.errors import RecordError
from messaging.events import Event
from messaging.message import Message, decode
from messaging.subscription import Subscription

OWNER_ONLY = 0o600  # what people ordered and where they live is in it


class Backup:
    """A new file of letters, that nobody else may read; each call of `write` is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[str] = os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8"
            )
        except OSError as error:
            raise CliError(f"can't write {path}: {error.strerror}. Nothing was done") from error

    def __enter__(self) -> Backup:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, letters: Sequence[Letter]) -> None:
        """Raises OSError where the disk is full."""
        self._file.writelines(f"{line(letter)}\n" for letter in letters)
        self._file.flush()
        os.fsync(self._file.fileno())


def export(path: Path, letters: Iterable[Letter]) -> None:
    """Write letters to a file, whole or not at all. Raises CliError."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with Backup(partial) as file:
            file.write([*letters])
        partial.replace(path)
    except OSError as error:
        raise CliError(f"can't write {path}: {error.strerror}") from error


def line(letter: Letter) -> str:
    """A letter as one line, without its end."""
    fields = {
        "letter": letter.id,
        "event_id": letter.event_id,
        "reason": letter.reason,
        "dead_since": letter.dead_since.isoformat(timespec="seconds"),
        "group": letter.group,
        "deduplication_id": letter.deduplication_id,
        "sent_at": letter.sent_at,
        "receives": letter.receives,
        "attributes": {name: _written(value) for name, value in letter.attributes.items()},
        "body": letter.body,
    }
    return json.dumps(fields)


def letters_in(lines: Iterable[str], *, unsigned: str) -> list[Letter]:
    """The letters of a file. Raises CliError, which names the line, for one that is none, or is there twice."""
    letters: dict[str, Letter] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            letter = _read(json.loads(text), unsigned)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CliError(
                f"line {number} is no letter as `dlq export` writes it: {type(error).__name__}: {error}. "
                "Nothing was sent"
            ) from error
        if letter.id in letters:
            raise CliError(f"line {number}: letter {letter.id} is in the file twice: nothing was sent")
        letters[letter.id] = letter
    return [*letters.values()]


def check(letters: Iterable[Letter], row: Subscription) -> None:
    """Raises CliError that tells the first few bodies that the consumer would only bury again."""
    wrong = [f"{letter.name}: {why}" for letter in letters if (why := objection(letter.body, row))]
    if wrong:
        shown = "\n  ".join(wrong[:5])
        raise CliError(
            f"{len(wrong)} letters would be dead again, so nothing was sent (--no-validate sends them):\n  {shown}"
            + f"\n  and {len(wrong) - 5} more" * (len(wrong) > 5)
        )


def objection(body: str, row: Subscription) -> str:
    """Why a consumer would bury this body; empty where it would not."""
    try:
        message: Message[Event] = decode(body)
    except RecordError as error:
        return str(error)
    if type(message.event) not in row.events:
        return f"{row.consumer} takes no {message.event.type}"
    return ""


def mended(letter: Letter, line: Letter) -> Letter:
    """The letter in the queue with what its line in a file says."""
    noted = {name: value for name, value in letter.attributes.items() if name not in line.attributes}
    return replace(letter, body=line.body, group=line.group, attributes={**line.attributes, **noted})


def _read(fields: Mapping[str, Any], unsigned: str) -> Letter:
    body, letter_id, group = fields["body"], fields["letter"], fields.get("group")
    if not isinstance(body, str) or not isinstance(letter_id, str) or not isinstance(group, str | None):
        raise ValueError("letter and body are texts, group is a text or null")
    return Letter(
        id=letter_id,
        body=body,
        attributes={name: _attribute(value) for name, value in fields.get("attributes", {}).items()},
        group=group,
        deduplication_id=fields.get("deduplication_id"),
        sent_at=float(fields.get("sent_at", 0)),
        receives=int(fields.get("receives", 0)),
        unsigned=unsigned,
    )


def _written(value: Mapping[str, Any]) -> dict[str, Any]:
    if "BinaryValue" in value:
        return {**value, "BinaryValue": base64.b64encode(value["BinaryValue"]).decode()}
    return dict(value)


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    if "BinaryValue" in value:
        try:
            return {**value, "BinaryValue": base64.b64decode(value["BinaryValue"], validate=True)}
        except binascii.Error as error:
            raise ValueError("a binary attribute is not in base64") from error
    return {"DataType": value["DataType"], "StringValue": value["StringValue"]}
