"""Messages are encoded once, within SNS's limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from messaging.errors import InvalidEvent, TooLarge
from messaging.message import decode
from messaging.outgoing import Draft, Outgoing, prepare
from tests.factories import NOW, order

TIME = datetime.fromtimestamp(NOW, UTC)


def test_a_message_carries_what_the_topic_needs() -> None:
    """Id, type, group and attributes are the event's; the body decodes to the event."""
    event = order("1", priority="high")
    message = prepare(event, source="urn:shop", time=TIME)
    assert (message.event_id, message.event_type, message.group) == ("OrderPlaced-1", "OrderPlaced", "ALFKI")
    assert message.attributes == {"type": "OrderPlaced", "priority": "high"}
    assert decode(message.body).event == event


def test_a_draft_says_more_in_the_envelope() -> None:
    """Sequence, correlation, cause and trace."""
    draft = Draft(
        event=order(),
        sequence=7,
        correlation_id="c-1",
        causation_id="OrderPlaced-0",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    envelope = json.loads(prepare(draft, source="urn:shop", time=TIME).body)
    assert (envelope["sequence"], envelope["correlationid"], envelope["causationid"]) == (7, "c-1", "OrderPlaced-0")
    assert envelope["traceparent"] == draft.traceparent


def test_the_size_is_what_sns_counts() -> None:
    """Bytes of the body, and of each attribute's name, type and value."""
    message = Outgoing(event_id="x", event_type="T", group="G", body="ø", attributes={"a": "å"})
    assert message.size_bytes == 2 + len("a") + len("String") + 2


def test_an_event_past_the_limit_is_refused_by_its_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has no payload."""
    message = prepare(order(), source="urn:shop", time=TIME)
    monkeypatch.setattr("messaging.outgoing.MAX_BODY_BYTES", message.size_bytes - 1)
    with pytest.raises(TooLarge, match=f"'OrderPlaced-1001' has {message.size_bytes} bytes") as caught:
        prepare(order(), source="urn:shop", time=TIME)
    assert "NW-1" not in str(caught.value)


def test_an_event_that_breaks_its_schema_is_refused() -> None:
    """Before it is written anywhere."""
    with pytest.raises(InvalidEvent):
        prepare(msgspec.structs.replace(order(), customer_id="AL\x07"), source="urn:shop", time=TIME)
