"""The consumers in a world: what they do on a good day, and when it is none. Written to be read as examples."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lambdas import analytics, inventory, notifications, priority_orders, relay, standard_orders
from messaging.events import StockRefused, StockReserved
from testing import World, line, numbered, order_cancelled, order_placed, unlike

COMMIT = "dynamodb.transact_write_items"
ONE_SKU = [line("NW-1", 2, "10.00")]


@pytest.fixture
def world() -> World:
    """With 39 units of each product in stock, and nobody who consumes."""
    world = World()
    world.put("stock", {"sku": "NW-1", "units": 39}, {"sku": "NW-2", "units": 39})
    return world


class TestInventory:
    """Stock is reserved whole or refused whole, once."""

    @pytest.fixture(autouse=True)
    def inventory(self, world: World) -> None:
        """Deployed."""
        world.deploy("inventory", inventory.handler)

    def test_an_order_reserves_its_stock(self, world: World) -> None:
        """All lines of it."""
        world.publish(order_placed("1001"))
        world.run()
        assert world.outcomes("inventory") == {"OrderPlaced-1001": ["applied"]}
        assert world.item("reservations", "1001") == {
            "order_id": "1001",
            "status": "reserved",
            "lines": {"NW-1": 2, "NW-2": 3},
        }
        assert units(world) == {"NW-1": 37, "NW-2": 36}

    def test_an_order_is_refused_whole(self, world: World) -> None:
        """For one product that is short."""
        world.publish(order_placed("1001", lines=[line("NW-1", 39), line("NW-2", 40)]))
        world.run()
        assert units(world) == {"NW-1": 39, "NW-2": 39}

    def test_a_cancellation_gives_the_stock_back(self, world: World) -> None:
        """What is published in order is consumed in order."""
        world.publish(order_placed("1001"), order_cancelled("1001"))
        world.run()
        assert units(world) == {"NW-1": 39, "NW-2": 39}

    def test_a_duplicate_takes_nothing(self, world: World) -> None:
        """However often the producer sends it."""
        world.publish(order_placed("1001"))
        world.publish(order_placed("1001"), resend="again")
        world.run()
        assert world.outcomes("inventory") == {"OrderPlaced-1001": ["applied", "duplicate"]}
        assert units(world) == {"NW-1": 37, "NW-2": 36}

    def test_one_id_with_two_contents_is_a_conflict(self, world: World) -> None:
        """The first one counts."""
        order = order_placed("1001")
        world.publish(order)
        world.publish(unlike(order, lines=[line("NW-1", 39)]), resend="again")
        world.run()
        assert [letter.reason for letter in world.dead_letters("inventory")] == ["conflict"]
        assert units(world) == {"NW-1": 37, "NW-2": 36}

    def test_poison_stops_nobody(self, world: World) -> None:
        """It lies in the dead-letter queue, unchanged, before its group goes on."""
        world.send("inventory", "no JSON", group="ALFKI")
        world.publish(order_placed("1001", customer_id="ALFKI"))
        world.run()
        (letter,) = world.dead_letters("inventory")
        assert (letter.reason, letter.message.body) == ("poison", "no JSON")
        assert units(world) == {"NW-1": 37, "NW-2": 36}

    def test_a_crash_after_the_commit_takes_nothing_twice(self, world: World) -> None:
        """The redelivery finds its own marker."""
        world.inject("dies_after_call", at=f"inventory {COMMIT}")
        world.publish(order_placed("1001"))
        world.run()
        world.assert_all_injected()
        assert world.outcomes("inventory") == {"OrderPlaced-1001": ["applied"]}
        assert units(world) == {"NW-1": 37, "NW-2": 36}

    @pytest.mark.fault(40)
    def test_an_outage_of_three_hours_costs_no_order(self, world: World) -> None:
        """They wait in the queue, and nobody is dead-lettered for it."""
        world.outage("dynamodb", seconds=3 * 3600)
        world.publish(order_placed("1001"))
        world.run()
        assert world.outcomes("inventory")["OrderPlaced-1001"][-1] == "applied"
        assert world.dead_letters("inventory") == []
        assert world.elapsed_seconds > 3 * 3600

    @pytest.mark.fault(17)
    def test_an_order_that_is_redriven_too_late_is_stale(self, world: World) -> None:
        """With the producer's numbers, nobody overtakes: its customer's next order was applied before."""
        world.disturbance.unprocessable.add("OrderPlaced-1001")
        world.publish(*numbered(order_placed("1001"), order_placed("1002", lines=ONE_SKU)))
        world.run()
        world.disturbance.heal()
        world.redrive("inventory")
        world.run()
        assert [letter.reason for letter in world.dead_letters("inventory")] == ["stale"]
        assert units(world) == {"NW-1": 37, "NW-2": 39}


class TestOrders:
    """Each event is an item, which is its own marker."""

    @pytest.fixture(autouse=True)
    def orders(self, world: World) -> None:
        """Both deployed."""
        world.deploy("priority_orders", priority_orders.handler)
        world.deploy("standard_orders", standard_orders.handler)

    def test_each_order_goes_to_one_of_them(self, world: World) -> None:
        """By its priority; that says when it is promised."""
        world.publish(order_placed("1001", priority="high"), order_placed("1002", priority="standard"))
        world.run()
        assert world.outcomes("priority_orders") == {"OrderPlaced-1001": ["applied"]}
        assert world.outcomes("standard_orders") == {"OrderPlaced-1002": ["applied"]}
        promised = {item["order_id"]: item["promised_at"] for item in world.items("orders")}
        assert promised == {"1001": "2026-12-04T10:00:00Z", "1002": "2026-12-18T10:00:00Z"}

    def test_a_duplicate_writes_nothing(self, world: World) -> None:
        """One item an event."""
        world.publish(order_placed("1001"))
        world.publish(order_placed("1001"), resend="again")
        world.run()
        assert world.outcomes("standard_orders") == {"OrderPlaced-1001": ["applied", "duplicate"]}
        assert len(world.items("orders")) == 1

    def test_poison_is_parked_for_the_one_that_got_it(self, world: World) -> None:
        """The other one never hears of it."""
        world.disturbance.unprocessable.add("OrderPlaced-1001")
        world.publish(order_placed("1001", priority="high"))
        world.run()
        assert [letter.event_id for letter in world.dead_letters("priority_orders")] == ["OrderPlaced-1001"]
        assert world.dead_letters("standard_orders") == []

    def test_a_crash_after_the_write_writes_once(self, world: World) -> None:
        """One item needs no transaction, and its second write fails."""
        world.inject("dies_after_call", at="standard_orders dynamodb.batch_execute_statement")
        world.publish(order_placed("1001"), order_placed("1002", customer_id="ANTON"))
        world.run()
        world.assert_all_injected()
        assert sorted(item["order_id"] for item in world.items("orders")) == ["1001", "1002"]

    def test_an_outage_keeps_each_customers_order(self, world: World) -> None:
        """A cancellation waits behind its order."""
        world.outage("dynamodb", seconds=600)
        world.publish(order_placed("1001"), order_cancelled("1001"))
        world.run()
        placed, cancelled = (world.item("orders", "1001", f"{what}-1001") for what in ("OrderPlaced", "OrderCancelled"))
        assert placed is not None
        assert cancelled is not None
        assert placed["applied_at"] <= cancelled["applied_at"]

    def test_a_redrive_writes_what_was_poison_for_old_code(self, world: World) -> None:
        """New code, then the redrive."""
        world.disturbance.unprocessable.add("OrderPlaced-1001")
        world.publish(order_placed("1001"))
        world.run()
        world.disturbance.heal()
        world.redrive("standard_orders")
        world.run()
        assert world.outcomes("standard_orders") == {"OrderPlaced-1001": ["dead_lettered", "applied"]}
        assert world.dead_letters("standard_orders") == []


class TestAnalytics:
    """Revenue is exact."""

    @pytest.fixture(autouse=True)
    def analytics(self, world: World) -> None:
        """Deployed."""
        world.deploy("analytics", analytics.handler)

    def test_orders_add_up(self, world: World) -> None:
        """And a cancellation subtracts."""
        world.publish(order_placed("1001"), order_placed("1002", lines=ONE_SKU), order_cancelled("1001"))
        world.run()
        assert revenue(world) == Decimal("20.00")

    @pytest.mark.fault(1)
    def test_what_the_queue_gives_out_again_counts_once(self, world: World) -> None:
        """Standard queues do that."""
        world.inject("delivered_again", at="analytics")
        world.publish(order_placed("1001", lines=ONE_SKU))
        world.run()
        world.assert_all_injected()
        assert revenue(world) == Decimal("20.00")

    def test_poison_counts_nothing(self, world: World) -> None:
        """Beside it in the batch, others do."""
        world.disturbance.unprocessable.add("OrderPlaced-1001")
        world.publish(order_placed("1001"), order_placed("1002", lines=ONE_SKU))
        world.run()
        assert revenue(world) == Decimal("20.00")

    def test_a_crash_after_the_commit_counts_once(self, world: World) -> None:
        """For all of the batch."""
        world.inject("dies_after_call", at=f"analytics {COMMIT}")
        world.publish(*(order_placed(str(number), lines=ONE_SKU) for number in range(5)))
        world.run()
        world.assert_all_injected()
        assert revenue(world) == 5 * Decimal("20.00")

    def test_an_outage_delays_the_revenue(self, world: World) -> None:
        """During it there is none, after it all."""
        world.outage("dynamodb", seconds=600)
        world.publish(order_placed("1001", lines=ONE_SKU))
        world.run(600)
        assert revenue(world) == 0
        world.run()
        assert revenue(world) == Decimal("20.00")

    def test_a_replay_counts_nothing_twice(self, world: World) -> None:
        """The topic's archive brings what was applied already."""
        world.publish(order_placed("1001", lines=ONE_SKU))
        world.run()
        assert world.replay("analytics", last_seconds=3600) == 1
        world.run()
        assert world.outcomes("analytics") == {"OrderPlaced-1001": ["applied", "duplicate"]}
        assert revenue(world) == Decimal("20.00")


class TestNotifications:
    """E-mails are sent at least once, seldom twice."""

    @pytest.fixture(autouse=True)
    def notifications(self, world: World) -> None:
        """Deployed."""
        world.deploy("notifications", notifications.handler)

    def test_an_order_is_confirmed(self, world: World) -> None:
        """To its customer."""
        world.publish(order_placed("1001", customer_id="ALFKI"))
        world.run()
        (mail,) = world.mails
        assert (mail.to, mail.subject) == (("success+ALFKI@simulator.amazonses.com",), "We have your order 1001")

    def test_a_duplicate_sends_nothing(self, world: World) -> None:
        """The first one is remembered."""
        world.publish(order_placed("1001"))
        world.publish(order_placed("1001"), resend="again")
        world.run()
        assert len(world.mails) == 1

    def test_what_ses_can_never_send_is_poison(self, world: World) -> None:
        """Here the consumer is told to send from no address."""
        world = World(mail_from="nobody")
        world.deploy("notifications", notifications.handler)
        world.publish(order_placed("1001"))
        world.run()
        (letter,) = world.dead_letters("notifications")
        assert letter.reason == "poison"
        assert letter.facts is not None
        assert letter.facts["detail"] == "SES rejected the e-mail: BadRequestException"

    def test_a_crash_after_the_call_sends_a_second_mail_under_one_key(self, world: World) -> None:
        """Nobody can do better without SES's help; whoever reads the key drops it."""
        world.inject("dies_after_call", at="notifications sesv2.send_email")
        world.publish(order_placed("1001"))
        world.run()
        world.assert_all_injected()
        assert world.mailbox.sent == {"notifications#OrderPlaced-1001": 2}

    def test_after_a_long_outage_nobody_is_written_to(self, world: World) -> None:
        """A confirmation an hour late is worse than none: it expires, and lies in the dead-letter queue."""
        world.outage("dynamodb", seconds=3600)
        world.publish(order_placed("1001"))
        world.run()
        assert world.mails == []
        assert [letter.reason for letter in world.dead_letters("notifications")] == ["expired"]

    def test_what_is_expired_stays_so_when_it_is_redriven(self, world: World) -> None:
        """A redrive makes it no younger."""
        world.outage("dynamodb", seconds=3600)
        world.publish(order_placed("1001"))
        world.run()
        world.redrive("notifications")
        world.run()
        assert world.mails == []
        assert len(world.dead_letters("notifications")) == 1


class TestRelay:
    """What an effect tells reaches the topic."""

    @pytest.fixture(autouse=True)
    def relay(self, world: World) -> None:
        """Deployed, with one who tells, and one who listens to some of it."""
        world.deploy("inventory", inventory.handler)
        world.deploy("notifications", notifications.handler)
        world.deploy_relay(relay.handler)

    def test_a_reservation_and_a_refusal_are_told(self, world: World) -> None:
        """Each once, and the customer of the refused order is written to."""
        placed, huge = order_placed("1001"), order_placed("1002", lines=[line("NW-1", 40)])
        world.publish(placed, huge)
        world.run()
        assert [(type(event), event.order_id) for event in world.published()[2:]] == [
            (StockReserved, "1001"),
            (StockRefused, "1002"),
        ]
        assert "We can't deliver your order 1002" in [mail.subject for mail in world.mails]
        assert world.items("outbox") == []

    def test_a_duplicate_is_told_once(self, world: World) -> None:
        """By its marker, nothing is written for it, so nothing is told."""
        world.publish(order_placed("1001"))
        world.publish(order_placed("1001"), resend="again")
        world.run()
        assert world.metrics("relay")["Published"] == 1

    @pytest.mark.parametrize("fault", ["lost_reply", "dies_after_call", "server_error", "unprocessed"])
    def test_whatever_becomes_of_its_call_the_event_arrives(self, world: World, fault: str) -> None:
        """It sends again what it has no answer for, under the same deduplication id."""
        world.inject(fault, at="relay sns.publish_batch")
        world.publish(order_placed("1001"))
        world.run()
        world.assert_all_injected()
        assert [event.type for event in world.published()] == ["OrderPlaced", "StockReserved"]
        assert world.items("outbox") == []

    def test_what_the_topic_can_never_accept_stays_and_is_told_of(self, world: World) -> None:
        """Marked, with a line in the log; here somebody else's item."""
        world.put("outbox", {"message_group": "ALFKI", "position": "1", "messages": "none"})
        world.run()
        (item,) = world.items("outbox")
        assert "refused" in item
        assert [line.message for line in world.log("relay")] == ["refused", "batch"]

    def test_an_outage_of_sns_delays_the_event(self, world: World) -> None:
        """It waits in the outbox."""
        world.publish(order_placed("1001"))
        world.run(0.3)
        world.outage("sns", seconds=600)
        world.run(600)
        assert len(world.items("outbox")) == 1
        world.run()
        assert [event.type for event in world.published()] == ["OrderPlaced", "StockReserved"]

    def test_what_the_stream_loses_is_swept_up(self, world: World) -> None:
        """By the relay's schedule, in place of a redrive."""
        world.inject("stream_records_lost", at="relay stream")
        world.publish(order_placed("1001"))
        world.run()
        assert [event.type for event in world.published()] == ["OrderPlaced"]
        world.sweep()
        world.run()
        assert [event.type for event in world.published()] == ["OrderPlaced", "StockReserved"]


def units(world: World) -> dict[str, int]:
    """What is in stock."""
    return {item["sku"]: int(item["units"]) for item in world.items("stock")}


def revenue(world: World) -> Decimal:
    """All of it."""
    return sum((item["amount"] for item in world.items("revenue")), Decimal(0))
