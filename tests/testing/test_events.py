"""The factories make what producers make: valid events, each different only where a test says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from messaging.events import CATALOGUE, Event, Line, OrderPlaced, Shortage, Units
from messaging.message import decode
from testing import (
    line,
    message,
    numbered,
    order_cancelled,
    order_placed,
    stock_refused,
    stock_reserved,
    unlike,
)
from testing.events import body

EVENTS: tuple[Event, ...] = (order_placed(), order_cancelled(), stock_reserved(), stock_refused())


def test_there_is_one_for_each_event() -> None:
    """Of the whole catalogue."""
    assert tuple(map(type, EVENTS)) == CATALOGUE


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_what_they_make_can_be_published_and_read(event: Event) -> None:
    """As it stands."""
    assert decode(body(event)).event == event


@pytest.mark.parametrize("make", [order_placed, order_cancelled, stock_reserved, stock_refused])
def test_an_id_makes_another_event(make: object) -> None:
    """And the same id the same one: an event's id is its order's."""
    assert callable(make)
    assert make("7") == make("7")
    assert make("7").event_id == f"{make('7').type}-7"
    assert make("7").event_id != make("8").event_id


def test_an_order_has_an_amount_that_is_easy_to_miss() -> None:
    """34.901: whoever rounds, or computes in floats, is found out."""
    assert order_placed().amount() == Decimal("34.901")


def test_what_is_about_an_order_follows_from_it() -> None:
    """Its customer, its lines, its units."""
    order = order_placed("7", customer_id="ANTON", lines=[line("A", 2), line("B", 1), line("A", 3)])
    assert order_cancelled(order).lines == order.lines
    assert stock_reserved(order).units == (Units("A", 5), Units("B", 1))
    assert stock_refused(order).short == (Shortage("A", 5, 0), Shortage("B", 1, 0))
    assert {event.partition_key for event in (order_cancelled(order), stock_refused(order))} == {"ANTON"}


def test_changes_are_values_of_fields() -> None:
    """Plain ones, or structs."""
    order = order_placed(lines=[Line("A", 1, "2.00", "0")], priority="high")
    assert (order.lines[0].sku, order.priority) == ("A", "high")
    assert stock_refused(short=[Shortage("A", 2, 1)]).short == (Shortage("A", 2, 1),)


@pytest.mark.parametrize("change", [{"priority": "none"}, {"customer": "ALFKI"}, {"lines": []}])
def test_what_no_producer_could_publish_is_refused(change: dict[str, Any]) -> None:
    """With the field's name."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(change))):
        order_placed(**change)
    with pytest.raises(msgspec.ValidationError, match=next(iter(change))):
        unlike(order_placed(), **change)


def test_unlike_is_the_same_event_with_other_contents() -> None:
    """One id, two payloads."""
    order = order_placed()
    other = unlike(order, currency="USD", priority="high")
    assert isinstance(other, OrderPlaced)
    assert other.event_id == order.event_id
    assert message(other).payload_hash != message(order).payload_hash


def test_numbers_rise_within_each_customer() -> None:
    """For those events that a producer numbers."""
    events = (order_placed("1"), order_placed("2", customer_id="ANTON"), stock_reserved("1"), order_cancelled("1"))
    assert [draft.sequence for draft in numbered(*events)] == [1, 1, None, 2]
    assert [draft.sequence for draft in numbered(*events, first=10)] == [10, 10, None, 11]


def test_a_message_is_what_a_function_gets() -> None:
    """With what its envelope says."""
    read = message(order_placed(), sequence=3, time=0.0)
    assert (read.id, read.sequence, read.time.year) == ("OrderPlaced-1001", 3, 1970)
