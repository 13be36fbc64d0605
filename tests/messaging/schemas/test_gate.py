"""Kinds of change, each planted in a copy of the catalogue, and what each mode says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from messaging.events import Address, Line, OrderPlaced, StockRefused
from messaging.message import Envelope
from messaging.schemas.catalogue import CURRENT
from messaging.schemas.documents import schemas
from messaging.schemas.gate import MODES, Mode, judge
from tests.messaging.schemas.planted import catalogue, variant

Lines = Annotated[tuple[Line, ...], Meta(min_length=1, max_length=90)]
Text200 = Annotated[str, Meta(min_length=1, max_length=200)]


def plus(**fields: Any) -> type[Any]:
    """An order with these fields beside its own."""
    return variant(OrderPlaced, **fields)


def lines_of(least: int, most: int, line: type[Any] = Line) -> type[Any]:
    return plus(lines=Annotated[tuple[line, ...], Meta(min_length=least, max_length=most)])  # type: ignore[valid-type]


def number(**bounds: Any) -> type[Any]:
    return plus(weight=Annotated[int, Meta(**bounds)])


BOTH, BACKWARD, FORWARD, NONE = {"backward", "forward"}, {"backward"}, {"forward"}, set[str]()

# What it was, what it is, and which of the two sides breaks.
CHANGES: dict[str, tuple[type[Any], type[Any], set[str]]] = {
    "optional field added": (OrderPlaced, plus(note=(str | None, None)), FORWARD),
    "field added with a default": (OrderPlaced, plus(note=(str, "none")), FORWARD),
    "required field added": (OrderPlaced, plus(note=str), BOTH),
    "required field removed": (OrderPlaced, variant(OrderPlaced, without="currency"), BOTH),
    "optional field removed": (plus(note=(str | None, None)), OrderPlaced, BACKWARD),
    "field renamed": (OrderPlaced, variant(OrderPlaced, without="currency", currency_code=str), BOTH),
    "optional field made required": (plus(note=(str, "none")), plus(note=str), BACKWARD),
    "required field made optional": (plus(note=str), plus(note=(str, "none")), FORWARD),
    "null taken": (plus(note=str), plus(note=str | None), FORWARD),
    "null refused": (plus(note=str | None), plus(note=str), BACKWARD),
    "type changed": (plus(note=str), plus(note=int), BOTH),
    "type widened to a number": (plus(weight=int), plus(weight=float), FORWARD),
    "type narrowed to an integer": (plus(weight=float), plus(weight=int), BACKWARD),
    "second type taken": (plus(note=str), plus(note=str | int), FORWARD),
    "second type refused": (plus(note=str | int), plus(note=str), BACKWARD),
    "anything taken": (plus(note=str), plus(note=Any), FORWARD),
    "anything but a text refused": (plus(note=Any), plus(note=str), BACKWARD),
    "enum value added": (OrderPlaced, plus(priority=Literal["high", "standard", "low"]), FORWARD),
    "enum value removed": (OrderPlaced, plus(priority=Literal["high"]), BACKWARD),
    "enum value renamed": (OrderPlaced, plus(priority=Literal["urgent", "standard"]), BOTH),
    "enum opened to any text": (OrderPlaced, plus(priority=str), FORWARD),
    "text closed to an enum": (plus(note=str), plus(note=Literal["a"]), BACKWARD),
    "pattern added": (plus(note=str), plus(note=Annotated[str, Meta(pattern="^a")]), BACKWARD),
    "pattern removed": (plus(note=Annotated[str, Meta(pattern="^a")]), plus(note=str), FORWARD),
    "pattern changed": (
        plus(note=Annotated[str, Meta(pattern="^a")]),
        plus(note=Annotated[str, Meta(pattern="^[ab]")]),
        BOTH,
    ),
    "upper bound lowered": (number(le=10), number(le=9), BACKWARD),
    "upper bound raised": (number(le=9), number(le=10), FORWARD),
    "upper bound added": (plus(weight=int), number(le=10), BACKWARD),
    "upper bound removed": (number(le=10), plus(weight=int), FORWARD),
    "lower bound raised": (number(ge=1), number(ge=2), BACKWARD),
    "lower bound lowered": (number(ge=2), number(ge=1), FORWARD),
    "bounds moved": (number(ge=1, le=9), number(ge=2, le=10), BOTH),
    "open bound closed": (number(gt=0), number(ge=1), BOTH),
    "step added": (plus(weight=int), number(multiple_of=5), BACKWARD),
    "text shortened": (plus(note=Text200), plus(note=Annotated[str, Meta(min_length=1, max_length=99)]), BACKWARD),
    "text lengthened": (plus(note=Text200), plus(note=Annotated[str, Meta(min_length=1, max_length=201)]), FORWARD),
    "empty text taken": (plus(note=Text200), plus(note=Annotated[str, Meta(max_length=200)]), FORWARD),
    "fewer items taken": (OrderPlaced, lines_of(1, 89), BACKWARD),
    "more items taken": (OrderPlaced, lines_of(1, 91), FORWARD),
    "more items demanded": (OrderPlaced, lines_of(2, 90), BACKWARD),
    "no items taken too": (OrderPlaced, lines_of(0, 90), FORWARD),
    "other items": (plus(notes=list[str]), plus(notes=list[int]), BOTH),
    "array made one value": (plus(notes=list[str]), plus(notes=str), BOTH),
    "nested field added": (OrderPlaced, lines_of(1, 90, variant(Line, gift=(bool, False))), FORWARD),
    "nested field removed": (OrderPlaced, lines_of(1, 90, variant(Line, without="discount")), BOTH),
    "nested bound lowered": (
        OrderPlaced,
        lines_of(1, 90, variant(Line, quantity=Annotated[int, Meta(ge=1, le=1_000)])),
        BACKWARD,
    ),
    "nested null refused": (OrderPlaced, plus(ship_to=variant(Address, region=str)), BOTH),
    "unknown fields taken": (OrderPlaced, variant(OrderPlaced, closed=False), FORWARD),
    "unknown fields refused": (variant(OrderPlaced, closed=False), OrderPlaced, BACKWARD),
    "field described that was unknown and taken": (
        variant(OrderPlaced, closed=False),
        variant(OrderPlaced, closed=False, note=(str, "")),
        BACKWARD,
    ),
    "values of a map narrowed": (plus(notes=dict[str, int | str]), plus(notes=dict[str, int]), BACKWARD),
    "default changed": (plus(note=(str, "a")), plus(note=(str, "b")), NONE),
    "fields in another order": (
        OrderPlaced,
        variant(variant(OrderPlaced, without="currency"), currency=Literal["USD"]),
        NONE,
    ),
    "nothing": (OrderPlaced, variant(OrderPlaced), NONE),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("old", "new", "breaks"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_within_a_version_is_refused_in_the_modes_that_it_breaks(
    old: type[Any], new: type[Any], breaks: set[str], mode: Mode
) -> None:
    """Backward: the new code reads old messages. Forward: the old code reads new ones. Full: both."""
    report = judge(catalogue(new), schemas(catalogue(old)), mode)
    assert bool(report.refusals) == bool(breaks if mode == "full" else mode in breaks)
    assert {side for each in report.refusals for side in each.breaks} <= breaks


UPCAST = {("OrderPlaced", 1): dict[str, Any], ("OrderPlaced", 2): dict[str, Any]}
TWO, THREE = variant(OrderPlaced, version=2, note=str), variant(OrderPlaced, version=3)

# Which code it was, which it is, and which side breaks.
RELEASES = {
    "event renamed": (CURRENT, catalogue(variant(OrderPlaced, name="OrderMade"), without=OrderPlaced), BACKWARD),
    "event removed": (CURRENT, catalogue(without=OrderPlaced), BACKWARD),
    "event added": (CURRENT, catalogue(variant(OrderPlaced, name="OrderShipped")), NONE),
    "version raised with an upcast": (CURRENT, catalogue(TWO, upcasts=UPCAST), NONE),
    "version raised without an upcast": (CURRENT, catalogue(TWO, upcasts={}), BACKWARD),
    "two versions raised with both upcasts": (CURRENT, catalogue(THREE, upcasts=UPCAST), NONE),
    "two versions raised, one upcast missing": (
        CURRENT,
        catalogue(THREE, upcasts={("OrderPlaced", 1): dict[str, Any]}),
        BACKWARD,
    ),
    "version taken back": (catalogue(TWO, upcasts=UPCAST), CURRENT, BACKWARD),
    "old class kept beside the new one": (CURRENT, catalogue(OrderPlaced, TWO, upcasts=UPCAST), NONE),
    "old class kept and changed": (
        CURRENT,
        catalogue(variant(OrderPlaced, without="currency"), TWO, upcasts=UPCAST),
        BOTH,
    ),
    "envelope with one more optional attribute": (
        CURRENT,
        catalogue(envelope=variant(Envelope, tenant=(str | None, None))),
        FORWARD,
    ),
    "envelope with one more required attribute": (CURRENT, catalogue(envelope=variant(Envelope, tenant=str)), BOTH),
    "envelope with a longer subject": (CURRENT, catalogue(envelope=variant(Envelope, subject=str)), FORWARD),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("old", "new", "breaks"), RELEASES.values(), ids=RELEASES.keys())
def test_a_change_of_versions_or_of_the_envelope_is_refused_in_the_modes_that_it_breaks(
    old: Any, new: Any, breaks: set[str], mode: Mode
) -> None:
    """A new version breaks neither side: old messages are upcast, and old code waits for the new."""
    report = judge(new, schemas(old), mode)
    assert bool(report.refusals) == bool(breaks if mode == "full" else mode in breaks)


def test_a_refusal_names_place_change_consumers_and_mend() -> None:
    """Who reads it knows what to do."""
    (refusal,) = judge(catalogue(plus(priority=Literal["high"])), schemas(CURRENT)).refusals
    assert str(refusal) == (
        "urn:waybill:OrderPlaced:1 $.priority: value 'standard' removed; breaks backward for inventory, "
        "priority_orders, standard_orders, analytics, notifications. Make it version 2 with an upcast from 1 in "
        "messaging.events.UPCASTS, or wait until no older message is left (mode forward)."
    )


def test_only_the_consumers_of_the_event_break() -> None:
    """A row that does not take the event is not named."""
    narrower = variant(StockRefused, short=Annotated[tuple[str, ...], Meta(min_length=1)])
    (first, *_) = judge(catalogue(narrower), schemas(CURRENT)).refusals
    assert first.consumers == ("notifications",)


def test_every_consumer_breaks_with_the_envelope() -> None:
    """It has no version that could be raised."""
    changed = catalogue(envelope=variant(Envelope, tenant=str))
    (refusal,) = judge(changed, schemas(CURRENT)).refusals
    assert refusal.consumers == tuple(row.consumer for row in CURRENT.rows)
    assert "The envelope has no versions" in refusal.mend


def test_who_took_an_event_that_is_gone_is_known_from_the_last_release() -> None:
    """Its rows are gone with it."""
    gone = replace(catalogue(without=StockRefused), topic=replace(CURRENT.topic, subscriptions=(), canary=None))
    (refusal,) = judge(
        gone,
        {k: v for k, v in schemas(CURRENT).items() if "StockRefused" in k},
        "backward",
        {"StockRefused": {"notifications"}},
    ).refusals
    assert refusal.consumers == ("notifications",)
    assert "delete StockRefused.1.json" in refusal.mend


def test_a_missing_upcast_is_named_with_its_key() -> None:
    """The mend can be copied."""
    (refusal,) = judge(catalogue(TWO, upcasts={}), schemas(CURRENT)).refusals
    assert "no upcast leads from version 1 to 2" in refusal.change
    assert "('OrderPlaced', 1)" in refusal.mend
    assert "44 days" in refusal.mend  # 4 of the queue, 14 of its dead-letter queue, 26 of replays


def test_a_new_version_passes_with_a_note_of_how_long_old_code_waits() -> None:
    """Old code retries it for the shortest patience of its rows."""
    (note,) = judge(catalogue(TWO, upcasts=UPCAST), schemas(CURRENT), "full").notes
    assert "OrderPlaced 2 is new" in note
    assert "900 s" in note
    assert "inventory" in note
