"""One order's journey: all that is done about it has one correlation id and one trace in the logs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas import inventory, notifications, relay
from messaging.message import decode
from messaging.outgoing import Draft
from testing import World, line, order_placed
from testing.events import body

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
FUNCTIONS = ("inventory", "relay", "notifications")


@pytest.fixture
def world() -> World:
    """A shop with 39 units of a product, one who tells what became of orders, and one who writes to customers."""
    world = World()
    world.put("stock", {"sku": "NW-1", "units": 39})
    world.deploy("inventory", inventory.handler)
    world.deploy("notifications", notifications.handler)
    world.deploy_relay(relay.handler)
    return world


def journey(world: World, correlation_id: str) -> list[dict[str, Any]]:
    """What a query for the correlation finds, with the function that logged it."""
    return [
        {"function": function, **each.extra}
        for function in FUNCTIONS
        for each in world.log(function)
        if each.extra.get("correlation_id") == correlation_id
    ]


def test_one_query_finds_all_of_a_refused_order(world: World) -> None:
    """The order, the follow-up event that says it can't be delivered, and both e-mails."""
    event = order_placed("1001", lines=[line("NW-1", 40)])
    world.publish(Draft(event=event, correlation_id="shop-7", causation_id="click-1", traceparent=TRACEPARENT))
    world.publish(order_placed("1002", lines=[line("NW-1", 1)], customer_id="ANTON"))
    world.run()
    assert "We can't deliver your order 1001" in [mail.subject for mail in world.mails]
    found = journey(world, "shop-7")
    assert sorted((each["function"], each["event_id"], each["causation_id"]) for each in found) == [
        ("inventory", "OrderPlaced-1001", "click-1"),
        ("notifications", "OrderPlaced-1001", "click-1"),
        ("notifications", "StockRefused-1001", "OrderPlaced-1001"),
        ("relay", "StockRefused-1001", "OrderPlaced-1001"),
    ]
    assert {each["trace_id"] for each in found} == {TRACE}


def test_an_orders_journey_has_its_own_id_where_the_publisher_names_none(world: World) -> None:
    """Its event's id; a trace it has none."""
    world.publish(order_placed("1001", lines=[line("NW-1", 40)]))
    world.run()
    found = journey(world, "OrderPlaced-1001")
    assert {each["event_id"] for each in found} == {"OrderPlaced-1001", "StockRefused-1001"}
    assert {each["trace_id"] for each in found} == {None}


def test_what_the_topic_gets_has_the_trace(world: World) -> None:
    """Of the publisher, and of the relay."""
    event = order_placed("1001", lines=[line("NW-1", 40)])
    world.publish(Draft(event=event, traceparent=TRACEPARENT))
    world.run()
    traced = {each.id: each.traceparent for each in map(decode, world._services.accepted)}
    assert traced == {"OrderPlaced-1001": TRACEPARENT, "StockRefused-1001": TRACEPARENT}


def test_a_broken_trace_stops_no_order(world: World) -> None:
    """Somebody else's publisher wrote it: the order is applied, and what follows has no trace."""
    document = {**json.loads(body(order_placed("1001", lines=[line("NW-1", 40)]))), "traceparent": {"not": "a trace"}}
    world.send("inventory", json.dumps(document), group="ALFKI")
    world.run()
    assert world.outcomes("inventory") == {"OrderPlaced-1001": ["applied"]}
    assert {each["trace_id"] for each in journey(world, "OrderPlaced-1001")} == {None}


def test_the_relay_says_what_somebody_else_has_put_into_the_outbox(world: World) -> None:
    """As far as it can: no payload, whatever it is."""
    message = {"id": "x", "type": "X", "body": '{"correlationid": {"name": "Ann"}}', "attributes": {"type": "X"}}
    world.put("outbox", {"message_group": "ALFKI", "position": "1", "messages": [message]})
    world.run()
    (sent,) = [each.extra for each in world.log("relay") if each.message == "sent"]
    assert (sent["event_id"], sent["correlation_id"]) == ("x", None)
    assert "Ann" not in str(world.log("relay"))


def test_the_relays_metrics_are_a_publishers(world: World) -> None:
    """And its own beside them."""
    world.publish(order_placed("1001", lines=[line("NW-1", 40)]))
    world.run()
    counts = {"Published": 1, "PublishFailed": 0, "Unrouted": 0, "Refused": 0, "RelayRetried": 0}
    assert world.metrics("relay") == counts
    (latency,) = world.relay_fleet.telemetry.latencies["PublishLatency"]
    assert 0 < latency < 1000


def test_a_message_that_the_topic_does_not_take_is_a_failure_of_the_relay(world: World) -> None:
    """Once for each run that tried it in vain."""
    world.outage("sns", after_seconds=0.3, seconds=600)
    world.publish(order_placed("1001", lines=[line("NW-1", 40)]))
    world.run()
    counts = world.metrics("relay")
    assert counts["Published"] == 1
    assert counts["PublishFailed"] == counts["RelayRetried"] > 0
