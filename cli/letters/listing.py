"""What is told of letters: rows for a list, and everything about one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from cli.errors import NotFound
from cli.letters.desk import Desk
from cli.letters.letter import Letter
from cli.letters.reading import Reading, read
from cli.letters.selection import Selection
from cli.masking import shown
from messaging.sqs import ATTRIBUTE


def rows(desk: Desk, selection: Selection, reading: Reading) -> Iterator[dict[str, Any]]:
    """The letters that are meant, without their data, in the queue's order.

    What lies behind the heads of FIFO groups follows as far as failure records tell of it: the newest of those that no
    letter has shown and no marker has settled. Raises what boto3 raises.
    """
    meant = [letter for letter in reading.letters if selection.takes(letter)]
    records = desk.proofs.failures(letter.event_id for letter in meant if letter.event_id)
    for letter in meant:
        yield {**_summary(letter, records.get(letter.event_id or "", {})), "shown": True}
    if reading.behind and selection == Selection():
        yield from _behind(desk, reading)


def find(desk: Desk, letter_id: str) -> Letter:
    """One letter by its own or its event's id: the newest, where there are several. Raises NotFound."""
    reading = read(desk)
    if (letter := reading.newest(letter_id)) is not None:
        return letter
    behind = f"; {reading.behind} letters lie behind the first of their groups, where nobody can look" * bool(
        reading.behind
    )
    record = desk.proofs.failures([letter_id]).get(letter_id)
    known = (
        f". Its last failure: {record.get('reason')}, {record.get('detail')} ({record.get('failed_at')})"
        if record
        else ""
    )
    raise NotFound(f"no letter {letter_id} is to be seen in {desk.queue.name}{behind}{known}")


def document(letter: Letter, hidden: Collection[str]) -> dict[str, Any]:
    """Everything about one letter; `hidden` are names of members whose values are not shown."""
    described = {name: value for name, value in letter.described().items() if name != "data"}
    attributes = {
        name: value.get("StringValue", f"{len(value.get('BinaryValue', b''))} bytes")
        for name, value in letter.attributes.items()
        if name != ATTRIBUTE  # it is shown as `facts`
    }
    return {
        **described,
        "facts": dict(letter.facts),
        "attributes": attributes,
        "deduplication_id": letter.deduplication_id,
        "body": shown(dict(letter.document), letter.body, hidden),
    }


def text(about: dict[str, Any]) -> str:
    """The same for people."""
    body = about["body"]
    lines = [
        f"{name:<17} {value}"
        for name, value in about.items()
        if name not in ("body", "facts", "attributes") and value is not None
    ]
    lines += [f"{'attribute':<17} {name} = {value}" for name, value in about["attributes"].items()]
    return "\n".join([*lines, "", body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)])


def _summary(letter: Letter, record: Any) -> dict[str, Any]:
    described = {name: value for name, value in letter.described().items() if name != "data"}
    if letter.facts.get("detail") is None and record:  # SQS moved it: only the record knows what went wrong
        described |= {"error": record.get("reason"), "detail": record.get("detail")}
    return {"id": letter.name, **described}


def _behind(desk: Desk, reading: Reading) -> Iterator[dict[str, Any]]:
    shown = {each for letter in reading.letters for each in (letter.event_id, letter.deduplication_id) if each}
    buried = [
        (event_id, record)
        for event_id, record in desk.proofs.all_failures()
        if record.get("outcome") == "dead_lettered" and event_id not in shown
    ]
    buried.sort(key=lambda each: str(each[1].get("failed_at")), reverse=True)
    for event_id, record in buried[: reading.behind]:
        yield {
            "id": event_id,
            "event_id": event_id,
            "reason": record.get("reason"),
            "detail": record.get("detail"),
            "dead_since": record.get("failed_at"),
            "receives": int(record.get("attempt", 0)),
            "shown": False,
        }
