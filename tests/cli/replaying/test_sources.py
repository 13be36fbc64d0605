"""Where old events come from."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from cli.errors import UsageError
from cli.letters.files import line as letter_line
from cli.letters.letter import Letter
from cli.replaying.sources import in_file, in_outbox
from messaging.outbox import Outbox
from testing import World
from tests.cli.replaying.replays import old
from tests.factories import order

AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, SECOND = old(order("1001"), AT), old(order("1002"), AT)


def letter(body: str) -> str:
    """As `waybill dlq export` writes it."""
    return letter_line(
        Letter(id="m1", body=body, attributes={}, group="g", deduplication_id=None, sent_at=0, receives=1)
    )


def test_a_file_holds_messages_and_dead_letters() -> None:
    """Byte for byte, in the file's order."""
    file = io.BytesIO(f"{FIRST.body}\n\n{letter(SECOND.body)}\n".encode())
    assert [(each.id, each.body) for each in in_file(file, "x")] == [
        (FIRST.id, FIRST.body),
        (SECOND.id, SECOND.body),
    ]


def test_a_line_that_holds_no_event_is_named_and_nothing_is_read() -> None:
    """An order is no message: nobody knows when it was published. A poisonous letter is to be mended first."""
    order_line = json.dumps(json.loads(FIRST.body)["data"])
    file = io.BytesIO("\n".join([FIRST.body, order_line, letter("s3cret"), "[1]"]).encode())
    with pytest.raises(UsageError, match="Nothing was sent") as caught:
        in_file(file, "x")
    assert "line 2: neither a message" in str(caught.value)
    assert "line 3: not JSON" in str(caught.value)
    assert "line 4: Expected" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_outbox_gives_what_is_still_there_and_tells_of_what_is_no_message() -> None:
    """In the order of its transactions."""
    world = World()
    for number, at in enumerate((3.0, 1.0, 2.0)):
        outbox = Outbox(table="outbox", source="urn:waybill:test", clock=lambda at=at: at)  # type: ignore[misc]
        items = outbox.items([order(str(number), customer_id=f"C{number}")])
        world.backend("dynamodb").transact_write_items(TransactItems=items)
    world.put("outbox", {"message_group": "x", "position": "1970", "messages": "none"})
    refused: list[str] = []
    assert [
        each.message.event.subject for each in in_outbox(world.backend("dynamodb"), "outbox", refuse=refused.append)
    ] == [
        "0",
        "1",
        "2",
    ]
    assert len(refused) == 1
