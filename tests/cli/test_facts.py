"""What is known of an event's attributes, and from whom."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.errors import UsageError
from cli.facts import Facts, from_message, from_text, from_traces, in_outbox
from cli.logs import Line
from cli.markers import Known
from messaging.effects import Key
from messaging.outbox import Outbox
from testing import World, order_cancelled, order_placed
from testing.events import body

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TYPE = {"DataType": "String", "StringValue": "OrderPlaced"}
HIGH = {"DataType": "String", "StringValue": "high"}


@pytest.mark.parametrize(
    "text",
    [
        body(order_placed("1", priority="high")),
        '{"type": "OrderPlaced", "priority": "high"}',
        json.dumps({"type": TYPE, "priority": "high"}),
        json.dumps({"attributes": {"type": "OrderPlaced", "priority": HIGH}}),
    ],
)
def test_a_person_gives_a_message_or_its_attributes(text: str, tmp_path: Path) -> None:
    """As JSON, or the path of a file of it."""
    given = from_text(text)
    assert given.attributes == {"type": TYPE, "priority": HIGH}
    assert given.complete
    file = tmp_path / "event.json"
    file.write_text(text, encoding="utf-8")
    assert from_text(str(file)).attributes == given.attributes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nowhere.json", "can't be read"),
        ("{", "no JSON"),
        ("{}", "takes a message, or attributes"),
        ('{"specversion": "1.0"}', "no message that consumers would take"),
    ],
)
def test_what_is_neither_is_refused(text: str, reason: str) -> None:
    """With what it should have been."""
    with pytest.raises(UsageError, match=reason):
        from_text(text)


def test_the_outbox_knows_all_of_what_waits_there() -> None:
    """Each message with when it was written; what is no message of ours is passed over."""
    world = World()
    outbox = Outbox(table="outbox", source="urn:waybill:test", clock=lambda: NOW.timestamp())
    client = world.backend("dynamodb")
    client.transact_write_items(TransactItems=outbox.items([order_placed("1"), order_cancelled("1")]))
    world.put("outbox", {"message_group": "X", "position": "2026#x", "messages": "none"})
    waiting = [*in_outbox(client, "outbox")]
    assert [(since, message.event_id) for since, message in waiting] == [
        *(("2026-11-23T00:00:00.000+00:00", "OrderPlaced-1"), ("2026-11-23T00:00:00.000+00:00", "OrderCancelled-1")),
    ]
    facts = from_message(waiting[0][1])
    assert (facts.attributes["priority"]["StringValue"], facts.complete) == ("standard", True)


def known(event_id: str, marker: dict[str, object], table: str) -> Known:
    return Known(event_id=event_id, consumer="standard_orders", key=Key(table, event_id), marker=marker)


def values(facts: Facts | None) -> dict[str, str]:
    assert facts is not None
    return {name: value["StringValue"] for name, value in facts.attributes.items()}


def test_traces_tell_the_type_and_what_an_effect_wrote() -> None:
    """An item of the effect has the event's fields; markers in the inbox have none of them."""
    line = Line(at=NOW, consumer="inventory", text="", event_id="e-1", event_type="OrderPlaced")
    assert values(from_traces("e-1", [line], [])) == {"type": "OrderPlaced"}
    assert values(from_traces("OrderCancelled-7", [line], [])) == {"type": "OrderCancelled"}
    assert from_traces("e-2", [line], []) is None
    written = known("e-1", {"priority": "high", "amount": 3}, "orders")
    found = from_traces("e-1", [line], [written, known("e-1", {"status": "COMPLETED"}, "inbox")])
    assert values(found) == {"type": "OrderPlaced", "priority": "high"}
    assert found is not None
    assert not found.complete
