"""The committed documents are those of the code, and say of a message what `decode` says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from messaging.errors import Poison
from messaging.events import Event, heartbeat
from messaging.message import decode
from messaging.schemas.__main__ import main
from messaging.schemas.asyncapi import asyncapi_document
from messaging.schemas.catalogue import CURRENT
from messaging.schemas.documents import ASYNCAPI_FILE, FOLDER, files, released, released_takers, schemas, stale
from messaging.schemas.json_schema import DIALECT, ENVELOPE_ID
from messaging.versions import Versions
from testing.events import stock_refused, stock_reserved
from tests.factories import body, cancellation, line, order
from tests.messaging.schemas.json_schema import faults
from tests.messaging.schemas.planted import catalogue, variant

EVENTS: list[Event] = [
    order(),
    order(priority="high", lines=[line("A.b-c_1", 1_000_000, "999999999.9999", "1.0000")] * 90),
    cancellation(order()),
    stock_reserved(),
    stock_refused(),
    heartbeat("2026-11-20T10:00:00Z"),
]
OFFICIAL = json.loads((Path(__file__).parents[2] / "data" / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))


def judged(document: dict[str, Any]) -> list[str]:
    """What the committed schemas say against a message."""
    documents = released(FOLDER)
    against = faults(document, documents[ENVELOPE_ID])
    return against or faults(document["data"], documents[document["dataschema"]])


def test_the_committed_documents_are_those_of_the_code() -> None:
    """If not: python -m messaging.schemas schemas/."""
    assert stale(CURRENT, FOLDER) == []


def test_every_committed_document_is_one_of_the_code() -> None:
    """Until an event has a second version, no other file has any business there."""
    assert {path.name for path in FOLDER.iterdir()} == files(CURRENT).keys()


def test_a_changed_class_makes_its_documents_stale(tmp_path: Path) -> None:
    """The test above would see it."""
    assert main([str(tmp_path)]) == 0
    assert stale(CURRENT, tmp_path) == []
    changed = catalogue(variant(CURRENT.events[0], note=(str, "")))
    assert stale(changed, tmp_path) == ["OrderPlaced.1.json", ASYNCAPI_FILE]


def test_the_documents_hold_nothing_of_this_machine() -> None:
    """They are the same wherever they are written."""
    assert not any(str(Path.home()) in text or str(FOLDER.parent) in text for text in files(CURRENT).values())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_event_is_valid_by_the_document_that_its_envelope_names(event: Event) -> None:
    """`dataschema` is the `$id` of the data's schema."""
    document = json.loads(body(event, sequence=3, causation_id="c-0", traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
    assert judged(document) == []
    assert schemas(CURRENT)[document["dataschema"]]["$schema"] == DIALECT


REFUSED: dict[str, tuple[str, Any]] = {
    "unknown attribute": ("tenant", "a"),
    "missing attribute": ("correlationid", ...),
    "other specversion": ("specversion", "1.1"),
    "empty subject": ("subject", ""),
    "long subject": ("subject", "a" * 201),
    "id of odd letters": ("id", "a b"),
    "long id": ("id", "a" * 101),
    "source no address": ("source", "here"),
    "sequence zero": ("sequence", 0),
    "sequence no number": ("sequence", "1"),
    "data no object": ("data", []),
    "unknown field": ("data.note", "a"),
    "missing field": ("data.lines", ...),
    "null": ("data.ship_to.city", None),
    "empty text": ("data.ship_to.city", ""),
    "long text": ("data.ship_to.city", "a" * 201),
    "control character": ("data.ship_to.city", "a\nb"),
    "separator": ("data.ship_to.city", "a\u2028b"),
    "identifier with a newline at its end": ("data.order_id", "1001\n"),
    "no mailbox": ("data.customer_id", "A..B"),
    "no instant": ("data.placed_at", "2026-11-20 10:00"),
    "unknown currency": ("data.currency", "EUR"),
    "unknown priority": ("data.priority", "low"),
    "no lines": ("data.lines", []),
    "too many lines": ("data.lines", [line("A")] * 91),
    "line no object": ("data.lines", ["A"]),
    "no units": ("data.lines", [line("A", 0)]),
    "too many units": ("data.lines", [line("A", 1_000_001)]),
    "half a unit": ("data.lines", [{**line("A"), "quantity": 0.5}]),
    "true for a number": ("data.lines", [{**line("A"), "quantity": True}]),
    "price as number": ("data.lines", [{**line("A"), "unit_price": 1}]),
    "price too exact": ("data.lines", [line("A", 1, "1.00001")]),
    "discount above one": ("data.lines", [line("A", 1, "1", "1.5")]),
    "unknown field of a line": ("data.lines", [{**line("A"), "gift": True}]),
}


@pytest.mark.parametrize(("path", "value"), REFUSED.values(), ids=REFUSED.keys())
def test_what_decode_refuses_by_schema_the_documents_refuse(path: str, value: Any) -> None:
    """One flaw in a sound message, and both refuse it."""
    document = json.loads(body(order()))
    *parents, last = path.split(".")
    target = document
    for parent in parents:
        target = target[parent]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    with pytest.raises(Poison):
        decode(json.dumps(document))
    assert judged(document)


def test_the_asyncapi_document_is_valid_by_the_official_schema() -> None:
    """The schema is AsyncAPI's 3.0.0 (Apache-2.0) without descriptions, other protocols' bindings and what no longer
    refers to anything. Source: https://github.com/asyncapi/spec-json-schemas."""
    assert faults(json.loads((FOLDER / ASYNCAPI_FILE).read_text(encoding="utf-8")), OFFICIAL) == []


@pytest.mark.parametrize("path", ["info.version", "operations.publish.action", "channels.inventory.bindings.sqs.queue"])
def test_a_flaw_in_the_asyncapi_document_is_seen(path: str) -> None:
    """What is required is missed, at any depth."""
    document = copy.deepcopy(asyncapi_document(CURRENT))
    *parents, last = path.split(".")
    target = document
    for parent in parents:
        target = target[parent]
    del target[last]
    assert faults(document, OFFICIAL)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """Channels, messages and schemas are all within the document."""
    document = asyncapi_document(CURRENT)
    references = list(_references(document))
    assert len(references) > 50
    for reference in references:
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]


def test_each_subscription_is_a_channel_that_receives_its_events() -> None:
    """A row more is a channel and an operation more."""
    document = asyncapi_document(CURRENT)
    for row in CURRENT.rows:
        assert list(document["channels"][row.consumer]["messages"]) == [
            f"{each.type}.{each.version}" for each in row.events
        ]
        assert document["operations"][row.consumer]["action"] == "receive"
        assert document["channels"][row.consumer]["bindings"]["sqs"]["queue"]["fifoQueue"] == row.fifo
    assert document["operations"]["inventory.emits"]["action"] == "send"
    assert released_takers(FOLDER)["StockRefused"] == {"notifications"}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_a_message_is_valid_by_its_description_in_the_asyncapi_document(event: Event) -> None:
    """Payload and headers: the whole envelope, and the attributes that filters see."""
    document = asyncapi_document(CURRENT)
    described = document["components"]["messages"][f"{event.type}.{event.version}"]
    envelope = json.loads(body(event))
    assert faults(envelope, described["payload"], document) == []
    assert faults(event.attributes, described["headers"], document) == []
    assert faults({**event.attributes, "type": "Another"}, described["headers"], document)
    assert faults({**envelope, "type": "Another"}, described["payload"], document)


def test_everything_that_is_on_the_topic_can_be_decoded() -> None:
    """The catalogue of the documents has the canary's event too, which shops do not know."""
    known = Versions(CURRENT.events, CURRENT.upcasts)
    assert [decode(body(event), known).event for event in EVENTS] == EVENTS


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [reference for each in value for reference in _references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [reference for each in value.values() for reference in _references(each)]
