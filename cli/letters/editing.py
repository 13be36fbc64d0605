"""One letter mended by hand: its body in an editor, held against the event's schema, and what has changed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from cli.errors import Cancelled, CliError
from cli.letters.files import objection
from cli.letters.letter import Letter
from cli.masking import shown
from messaging.identity import new_id
from messaging.subscription import Subscription

# Takes a text, lets a person change it, and gives it back; None where they did not save it.
Editor = Callable[[str], str | None]


def edit(
    letter: Letter, row: Subscription, editor: Editor, *, new_event_id: bool = False, validate: bool = True
) -> Letter:
    """The letter with the body that a person has made of it. Nothing is sent.

    Raises Cancelled where they changed nothing, and CliError for what the consumer would bury again, or for a changed
    id without `new_event_id`: under another id, what was applied could be applied again.
    """
    text = readable(letter.body)
    saved = editor(text)
    if saved is None or (saved.strip() == text.strip() and not new_event_id):
        raise Cancelled("nothing was changed, so nothing is sent")
    body = _compact(saved)
    if new_event_id:
        body = _renamed(body, letter)
    changed = replace(letter, body=body)
    if changed.event_id != letter.event_id and letter.event_id is not None and not new_event_id:
        raise CliError(
            f"the event's id became {changed.event_id!r}: as another event it could be applied twice. "
            "Leave it as it is, or say --new-id"
        )
    if validate and (why := objection(body, row)):
        raise CliError(f"it would only be dead again, so nothing was sent (--no-validate sends it): {why}")
    return replace(changed, group=_group(letter, changed))


def difference(before: Letter, after: Letter, hidden: Collection[str]) -> str:
    """A unified diff of two bodies as people read them; `hidden` are names of members whose values are not shown."""
    bodies = [shown(dict(each.document), each.body, hidden) for each in (before, after)]
    old, new = (
        (body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)).splitlines()
        for body in bodies
    )
    lines = difflib.unified_diff(old, new, "dead letter", "as it will be sent", lineterm="")
    return "\n".join(lines) or "What has changed is not shown: --reveal shows it"


def readable(body: str) -> str:
    """JSON laid out for reading; what is none as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


def _compact(text: str) -> str:
    """JSON as a publisher writes it, so that a body of the same contents is the same body; what is none as it is."""
    try:
        return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _renamed(body: str, letter: Letter) -> str:
    try:
        document: Any = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CliError("--new-id needs a JSON object to put the id into")
    return _compact(json.dumps({**document, "id": f"{letter.event_id or 'event'}.{new_id()[:12]}"}))


def _group(before: Letter, after: Letter) -> str | None:
    """A FIFO queue's message keeps its group, unless the event has moved to another one."""
    if (
        before.group is None
        or after.message is None
        or before.document.get("partitionkey") == after.message.partition_key
    ):
        return before.group
    return after.message.partition_key
