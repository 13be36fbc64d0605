"""The consumers' effects as plain functions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas import analytics, inventory
from lambdas.notifications import confirmation, refusal
from lambdas.orders import order_writer
from messaging.effects import Add, Change, Create, Effect, Key, View
from messaging.events import OrderCancelled, OrderPlaced, Shortage, StockRefused, StockReserved, Units
from messaging.message import Message, decode
from tests.factories import body, cancellation, line, order


def message(event: OrderPlaced | OrderCancelled) -> Message[Any]:
    return decode(body(event))


def stocked(reservation: Any = None, **units: int) -> View:
    stock = {Key("stock", sku.replace("_", "-")): {"units": Decimal(count)} for sku, count in units.items()}
    return View({Key("reservations", "1001"): reservation, **stock})


class TestInventory:
    """An order is reserved whole or refused whole, and a cancellation returns exactly what is held."""

    def test_every_line_is_taken_under_the_condition_that_it_is_there(self) -> None:
        """Each product's units are needed at commit too."""
        effect = inventory.reserve(message(order()), stocked(NW_1=2, NW_2=3))
        assert effect.note == "reserved"
        assert effect.writes[0] == Create(
            Key("reservations", "1001"), {"status": "reserved", "lines": {"NW-1": 2, "NW-2": 3}}
        )
        assert effect.writes[1:] == (
            Add(Key("stock", "NW-1"), "units", -2, needs=2),
            Add(Key("stock", "NW-2"), "units", -3, needs=3),
        )
        assert effect.follow_ups == (StockReserved("1001", "ALFKI", (Units("NW-1", 2), Units("NW-2", 3))),)

    def test_one_short_product_refuses_the_whole_order(self) -> None:
        """Nothing is taken; what was short is written down."""
        effect = inventory.reserve(message(order()), stocked(NW_1=2, NW_2=2))
        assert effect == Effect(
            (Create(Key("reservations", "1001"), {"status": "refused", "short": ["NW-2"]}),),
            (StockRefused("1001", "ALFKI", (Shortage("NW-2", wanted=3, in_stock=2),)),),
            note="refused",
        )

    def test_two_lines_of_one_product_are_one_demand(self) -> None:
        """Two times two of three in stock are too many."""
        twice = order(lines=[line("NW-1", 2), line("NW-1", 2)])
        assert inventory.reserve(message(twice), stocked(NW_1=3)).note == "refused"
        assert inventory.reserve(message(twice), stocked(NW_1=4)).writes[1] == Add(
            Key("stock", "NW-1"), "units", -4, needs=4
        )

    def test_a_product_nobody_stocked_is_short(self) -> None:
        """No item in the table is zero units."""
        view = View({Key("reservations", "1001"): None, Key("stock", "NW-1"): None, Key("stock", "NW-2"): None})
        assert inventory.reserve(message(order()), view).note == "refused"

    def test_a_cancellation_returns_what_the_reservation_holds(self) -> None:
        """Not what the event says: the reservation is the truth."""
        held = {"status": "reserved", "lines": {"NW-9": Decimal(7)}}
        effect = inventory.release(message(cancellation(order())), stocked(held))
        assert effect.writes == (
            Change(Key("reservations", "1001"), {"status": "cancelled", "lines": {}}, {"status": "reserved"}),
            Add(Key("stock", "NW-9"), "units", Decimal(7)),
        )

    @pytest.mark.parametrize("status", ["refused", "cancelled"])
    def test_a_cancellation_of_what_holds_nothing_returns_nothing(self, status: str) -> None:
        """Neither a refused nor a cancelled order gives units back."""
        effect = inventory.release(message(cancellation(order())), stocked({"status": status}))
        assert effect.writes == ()

    def test_an_order_cancelled_before_it_was_placed_reserves_nothing(self) -> None:
        """The cancellation leaves its mark, and the placement that comes later sees it."""
        first = inventory.release(message(cancellation(order())), stocked())
        assert first.writes == (Create(Key("reservations", "1001"), {"status": "cancelled"}),)
        assert inventory.reserve(message(order()), stocked({"status": "cancelled"}, NW_1=9, NW_2=9)).writes == ()

    def test_it_declares_what_it_reads(self) -> None:
        """The reservation and each product once."""
        twice = order(lines=[line("NW-1", 2), line("NW-1", 2), line("NW-2")])
        assert list(inventory.reads(message(twice))) == [
            Key("reservations", "1001"),
            Key("stock", "NW-1"),
            Key("stock", "NW-2"),
        ]


class TestOrderWriters:
    """One item an event, its key holding the event id."""

    @pytest.mark.parametrize(("days", "promised"), [(14, "2026-12-04T10:00:00Z"), (28, "2026-12-18T10:00:00Z")])
    def test_a_placed_order_has_a_promised_date(self, days: int, promised: str) -> None:
        """Counted from when it was placed."""
        (write,) = order_writer(promise_days=days).functions[OrderPlaced](message(order()), View({})).writes
        assert isinstance(write, Create)
        assert write.key == Key("orders", "1001", "OrderPlaced-1001")
        assert (write.attributes["status"], write.attributes["promised_at"]) == ("placed", promised)
        assert write.attributes["amount"] == Decimal("34.901")

    def test_a_cancellation_is_an_item_of_its_own(self) -> None:
        """Nothing is overwritten; the latest item tells the status."""
        functions = order_writer(promise_days=14).functions
        (write,) = functions[OrderCancelled](message(cancellation(order())), View({})).writes
        assert write.key == Key("orders", "1001", "OrderCancelled-1001")
        assert isinstance(write, Create)
        assert write.attributes["status"] == "cancelled"


class TestAnalytics:
    """Revenue is exact and commutes."""

    def test_an_order_adds_to_its_day_and_country(self) -> None:
        """The key is the day it was placed and the country it goes to."""
        (write,) = analytics.add(message(order()), View({})).writes
        assert isinstance(write, Add)
        assert write.key.partition == "2026-11-20#Denmark"
        assert write.amount == Decimal("34.901")

    def test_a_cancellation_subtracts_from_the_same_number(self) -> None:
        """Same item, opposite amount."""
        (plus,) = analytics.add(message(order()), View({})).writes
        (minus,) = analytics.subtract(message(cancellation(order())), View({})).writes
        assert isinstance(plus, Add)
        assert isinstance(minus, Add)
        assert (plus.key, plus.amount) == (minus.key, -minus.amount)

    @given(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(0, 10_000))
    def test_amounts_are_exact(self, quantity: int, price: int, discount: int) -> None:
        """Four decimals of price times four of discount: eight, none lost."""
        priced = line(
            "A", quantity, f"{price // 10_000}.{price % 10_000:04d}", f"{discount // 10_000}.{discount % 10_000:04d}"
        )
        expected = quantity * price * (10_000 - discount)
        assert order(lines=[priced]).amount() == Decimal(expected).scaleb(-8)


class TestNotifications:
    """What the e-mails say."""

    def test_a_refusal_names_what_is_short(self) -> None:
        """So the customer can order less, or something else."""
        refused = StockRefused("1001", "ALFKI", (Shortage("NW-2", wanted=3, in_stock=2),))
        request: Any = refusal(refused, "shop@example.com", "notifications#StockRefused-1001")
        assert request["Destination"]["ToAddresses"] == ["success+ALFKI@simulator.amazonses.com"]
        simple = request["Content"]["Simple"]
        assert "can't deliver your order 1001" in simple["Subject"]["Data"]
        assert "NW-2: 3 wanted, 2 in stock" in simple["Body"]["Text"]["Data"]
        assert simple["Headers"] == [{"Name": "Idempotency-Key", "Value": "notifications#StockRefused-1001"}]

    def test_it_names_the_order_and_goes_to_the_simulator(self) -> None:
        """Order, lines and total; the idempotency key as a header."""
        request: Any = confirmation(order(), "shop@example.com", "notifications#OrderPlaced-1001")
        assert request["Destination"]["ToAddresses"] == ["success+ALFKI@simulator.amazonses.com"]
        simple = request["Content"]["Simple"]
        assert "1001" in simple["Subject"]["Data"]
        assert "2 x NW-1  20.00" in simple["Body"]["Text"]["Data"]
        assert "Total 34.90 USD" in simple["Body"]["Text"]["Data"]
        assert simple["Headers"] == [{"Name": "Idempotency-Key", "Value": "notifications#OrderPlaced-1001"}]
