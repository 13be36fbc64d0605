"""The topic may not use a queue's key any more: what it can't deliver lies in the subscription's dead-letter queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from lambdas import analytics, inventory, notifications, priority_orders, relay, standard_orders
from messaging.events import OrderEvent
from messaging.message import decode
from messaging.outgoing import Draft
from messaging.topology import ORDERS
from testing import World, order_cancelled, order_placed
from testing.events import numbered

SHOP = {
    "inventory": inventory.handler,
    "priority_orders": priority_orders.handler,
    "standard_orders": standard_orders.handler,
    "analytics": analytics.handler,
    "notifications": notifications.handler,
}
REVOKED_SECONDS = 30.0


def drafts() -> Iterator[Draft]:
    """Orders of six customers, of both priorities; every fourth is cancelled."""
    for number in range(48):
        priority = "high" if number % 3 else "standard"
        order = order_placed(str(number), customer_id=f"C{number % 6}", priority=priority)
        yield from numbered(order, *([order_cancelled(order)] if number % 4 == 0 else []), first=2 * number + 1)


@pytest.fixture(params=[1, 2])
def world(request: pytest.FixtureRequest) -> World:
    """The shop after half a minute in which the topic could use the keys of its queues only now and then."""
    world = World(request.param)
    world.put("stock", {"sku": "NW-1", "units": 10_000}, {"sku": "NW-2", "units": 10_000})
    for consumer, function in SHOP.items():
        world.deploy(consumer, function)
    world.deploy_relay(relay.handler)
    world.inject_by_chance({"key_revoked": 0.4}, seconds=REVOKED_SECONDS)
    world.publish(*drafts())
    world.run(2 * REVOKED_SECONDS)
    return world


def wanted(world: World, consumer: str) -> set[str]:
    """The events that a consumer is to get."""
    row = ORDERS.subscription(consumer)
    return {event.event_id for event in world.published() if row in ORDERS.routes(event.attributes)}


def applied(world: World, consumer: str) -> set[str]:
    return {event_id for event_id, outcomes in world.outcomes(consumer).items() if "applied" in outcomes}


def undelivered(world: World, consumer: str) -> set[str]:
    return {str(letter.event_id) for letter in world.undelivered(consumer)}


@pytest.mark.fault(56)
def test_none_is_lost_and_the_others_are_applied(world: World) -> None:
    """Each of a consumer's events is applied or in the dead-letter queue of its subscription, and once only."""
    for consumer in SHOP:
        letters = world.undelivered(consumer)
        assert 5 < len(letters) == len(undelivered(world, consumer))
        assert len(applied(world, consumer)) > 5
        assert applied(world, consumer) | undelivered(world, consumer) == wanted(world, consumer)
        assert not applied(world, consumer) & undelivered(world, consumer)
        assert world.dead_letters(consumer) == [], "the consumer is not to blame for any"


@pytest.mark.fault(56)
def test_what_lies_there_is_the_message_itself(world: World) -> None:
    """With its attributes and group: all that it takes to send it on. Nothing says that a consumer has parked it."""
    for letter in [letter for consumer in SHOP for letter in world.undelivered(consumer)]:
        message = decode(letter.message.body)
        sent = {name: value["StringValue"] for name, value in letter.message.attributes.items()}
        assert (message.id, sent) == (letter.event_id, message.event.attributes)
        assert letter.message.group == message.event.partition_key
        assert letter.reason is None


@pytest.mark.fault(56)
def test_when_the_key_is_back_a_replay_brings_all_of_it(world: World) -> None:
    """What was applied already is known; what a later event of its group has overtaken says so, where that counts."""
    overtaken = undelivered(world, "inventory")
    for consumer in SHOP:
        world.replay(consumer, last_seconds=4 * REVOKED_SECONDS)
    world.run()
    for consumer in SHOP:
        stale = {str(letter.event_id): letter.reason for letter in world.dead_letters(consumer)}
        assert {*stale.values()} <= {"stale"}
        assert stale.keys() <= (overtaken if consumer == "inventory" else set())
        assert applied(world, consumer) | stale.keys() == wanted(world, consumer)
        assert {outcomes.count("applied") for outcomes in world.outcomes(consumer).values()} <= {0, 1}
    orders = [event for event in world.published() if isinstance(event, OrderEvent)]
    earned = sum(event.amount() if event.type == "OrderPlaced" else -event.amount() for event in orders)
    assert sum(item["amount"] for item in world.items("revenue")) == earned
    assert Counter(world.mailbox.sent.values()) == Counter({1: 48})
