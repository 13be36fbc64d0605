"""The envelope: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest

from messaging.errors import DeadLetter, InvalidEvent, NewerVersion, Poison, TooLarge
from messaging.events import OrderPlaced
from messaging.message import MAX_BODY_BYTES, decode
from messaging.topology import ORDERS
from messaging.versions import Versions
from tests.factories import body, cancellation, line, order

CANARY = "canary-7f3a"


def changed(**changes: Any) -> str:
    document = json.loads(body(order()))
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = document
        for parent in parents:
            target = target[parent]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return json.dumps(document)


@pytest.mark.parametrize("event", [order(), cancellation(order())])
def test_an_encoded_event_decodes_to_itself(event: OrderPlaced) -> None:
    """Event, id, time, group and correlation survive the journey."""
    message = decode(body(event, correlation_id="c-1", causation_id="c-0", sequence=7))
    assert message.event == event
    assert (message.id, message.partition_key) == (f"{event.type}-1001", "ALFKI")
    assert (message.correlation_id, message.causation_id, message.sequence) == ("c-1", "c-0", 7)


def test_the_envelope_is_cloudevents() -> None:
    """The required attributes of CloudEvents 1.0 are there, and ours have legal (lower-case) names."""
    document = json.loads(body(order()))
    assert document["specversion"] == "1.0"
    assert {"id", "source", "type", "subject", "time", "dataschema", "partitionkey", "correlationid"} < document.keys()
    assert all(name.isalnum() and name.islower() for name in document)


@pytest.mark.fault(3, 47)
def test_a_resend_has_the_same_payload_hash() -> None:
    """Publication time and order of keys don't make another event."""
    first = body(order(), time=1)
    shuffled = json.dumps(dict(reversed(json.loads(body(order(), time=2)).items())))
    assert decode(first).payload_hash == decode(shuffled).payload_hash


@pytest.mark.fault(47)
@pytest.mark.parametrize("other", [order(priority="high"), order("1002"), cancellation(order())])
def test_another_payload_has_another_hash(other: OrderPlaced) -> None:
    """Type, subject and data are covered."""
    assert decode(body(order())).payload_hash != decode(body(other)).payload_hash


REFUSED = {
    "not JSON": "}{" + CANARY,
    "empty": "",
    "not an object": json.dumps([CANARY]),
    "key twice": f'{{"id": "1", "id": "{CANARY}"}}',
    "NaN": '{"id": NaN}',
    "deep": '{"a":' * 40 + f'"{CANARY}"' + "}" * 40,
    "very deep": "[" * 100_000,
    "huge number": '{"a": ' + "9" * 10_000 + "}",
    "lone surrogate": '"\ud800"',
    "escaped lone surrogate": changed(data__ship_to__name="\ud800" + CANARY),
    "SNS envelope": json.dumps({"Type": "Notification", "TopicArn": "arn", "Message": CANARY}),
    "unknown envelope attribute": changed(**{CANARY: 1}),
    "unknown field": changed(**{f"data__{CANARY}": 1}),
    "field called like the end of an error": changed(**{f"data__x` - at `$.{CANARY}": 1}),
    "field called like an index": changed(**{f"data__x` - at `$[{CANARY}]": 1}),
    "missing field": changed(data__lines=...),
    "missing attribute": changed(correlationid=...),
    "wrong specversion": changed(specversion=CANARY),
    "negative quantity": changed(data__lines=[line("A", -1)]),
    "zero quantity": changed(data__lines=[line("A", 0)]),
    "price as number": changed(data__lines=[{**line("A"), "unit_price": 1.5}]),
    "price not decimal": changed(data__lines=[line("A", 1, CANARY)]),
    "price NaN": changed(data__lines=[line("A", 1, "NaN")]),
    "discount above one": changed(data__lines=[line("A", 1, "1", "1.5")]),
    "no lines": changed(data__lines=[]),
    "unknown currency": changed(data__currency=CANARY),
    "no such day": changed(data__placed_at="2026-02-30T10:00:00Z"),
    "no such hour": changed(data__placed_at="2026-02-20T24:00:00Z"),
    "no such year": changed(data__placed_at="9999-12-31T10:00:00Z"),
    "no mailbox": changed(data__customer_id="A..B"),
    "long mailbox": changed(data__customer_id="A" * 57),
    "open string": "{" * 33 + '\\"' * 16_000,
    "control character": changed(data__customer_id="AL\x07" + CANARY),
    "newline in a name": changed(data__ship_to__name=f"a\nBcc: {CANARY}"),
    "subject contradicts": changed(subject=CANARY),
    "group contradicts": changed(partitionkey=CANARY),
    "schema of another type": changed(dataschema="urn:waybill:OrderCancelled:1"),
    "schema not ours": changed(dataschema=f"urn:{CANARY}:1"),
    "time without zone": changed(time="2026-11-20T10:00:00"),
    "time not a time": changed(time=CANARY),
}


@pytest.mark.fault(42)
def test_measuring_the_depth_takes_linear_time() -> None:
    """A quarter of a megabyte of open strings is refused within a blink: a slow refusal would be a killed function."""
    began = time.perf_counter()
    with pytest.raises(Poison):
        decode("{" * 33 + '\\"' * 125_000)
    assert time.perf_counter() - began < 2


@pytest.mark.fault(41, 42, 43, 63)
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_ours_is_poison_with_a_reason_and_without_payload(text: str) -> None:
    """Every refusal says why and repeats nothing of the body."""
    with pytest.raises(Poison) as caught:
        decode(text)
    assert str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.fault(41, 42, 43)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (body(order()).replace('"priority":', '"priority":"high","priority":'), "the same key twice"),
        (body(order()).replace('"quantity":2', '"quantity":NaN'), "NaN"),
        (body(order()).replace("Århus", "\\ud800"), "surrogate"),
        (body(order()).replace("Århus", "\ud800"), "surrogate"),
        (body(order()).replace('"region":null', '"region":' + "[" * 40 + "]" * 40), "deeper"),
    ],
    ids=["key twice", "NaN", "escaped surrogate", "surrogate", "deep"],
)
def test_one_flaw_in_a_sound_message_is_refused_for_that_flaw(text: str, reason: str) -> None:
    """All else is right, so nothing else can have refused it."""
    with pytest.raises(Poison, match=reason):
        decode(text)


@pytest.mark.fault(43)
def test_a_body_past_the_bound_is_too_large() -> None:
    """Size is checked before anything is parsed."""
    with pytest.raises(TooLarge):
        decode('"' + "x" * MAX_BODY_BYTES + '"')


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    "text",
    [
        changed(dataschema="urn:waybill:OrderPlaced:2"),
        changed(type="OrderShipped", dataschema="urn:waybill:OrderShipped:1"),
    ],
    ids=["newer version", "unknown type"],
)
def test_what_a_newer_deployment_may_know_is_not_poison_yet(text: str) -> None:
    """A newer version or type may be a rolling deploy."""
    with pytest.raises(NewerVersion) as caught:
        decode(text)
    assert not isinstance(caught.value, DeadLetter)


def test_encoding_refuses_an_event_that_breaks_its_schema() -> None:
    """A struct checks nothing when it is made in code, so the publisher's side checks."""
    broken = msgspec.structs.replace(order(), customer_id="AL\x07FKI")
    with pytest.raises(InvalidEvent, match="customer_id"):
        body(broken)


def test_encoding_refuses_an_event_past_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of more bytes than SNS takes is named before it is sent."""
    monkeypatch.setattr("messaging.message.MAX_BODY_BYTES", 300)
    with pytest.raises(TooLarge, match="OrderPlaced-1001"):
        body(order())


@pytest.mark.fault(45)
def test_an_older_version_is_upcast() -> None:
    """An old message is brought up to the version that this code handles, step by step."""

    class OrderPlaced2(OrderPlaced, frozen=True, forbid_unknown_fields=True):
        version = 2

    versions = Versions([OrderPlaced2], {("OrderPlaced", 1): lambda data: {**data, "priority": "high"}})
    message = decode(body(order()), versions)
    assert type(message.event) is OrderPlaced2
    assert message.event.priority == "high"


@pytest.mark.fault(45)
def test_an_older_version_without_upcast_is_poison() -> None:
    """No code here can ever read it."""

    class OrderPlaced2(OrderPlaced, frozen=True, forbid_unknown_fields=True):
        version = 2

    with pytest.raises(Poison, match="no longer supported"):
        decode(body(order()), Versions([OrderPlaced2], {}))


def test_every_event_of_the_catalogue_has_a_subscriber() -> None:
    """An event that nobody takes would be unrouted for ever."""
    for event in (order(), cancellation(order())):
        assert ORDERS.routes(event.attributes)
