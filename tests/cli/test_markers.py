"""What the tables know of an event at a consumer, after the real consumers have been at it."""

from __future__ import annotations

import pytest

from cli.errors import NotFound, UsageError
from cli.markers import Known, find, forget
from lambdas import inventory, notifications, priority_orders, standard_orders
from messaging.tables import TABLES
from messaging.topology import ORDERS
from testing import World, order_placed, unlike

TABLES_HERE = {table.name: table.name for table in TABLES}
ORDER = "OrderPlaced-1001"


@pytest.fixture
def world() -> World:
    world = World()
    world.put("stock", {"sku": "NW-1", "units": 39}, {"sku": "NW-2", "units": 39})
    world.deploy("inventory", inventory.handler)
    world.deploy("notifications", notifications.handler)
    world.deploy("standard_orders", standard_orders.handler)
    world.deploy("priority_orders", priority_orders.handler)
    return world


def look(world: World, consumer: str, event_id: str = ORDER) -> Known:
    (known,) = find(world.backend("dynamodb"), TABLES_HERE, [ORDERS.subscription(consumer)], [event_id])
    return known


@pytest.mark.parametrize("consumer", ["inventory", "notifications", "standard_orders"])
def test_what_is_applied_has_a_marker(world: World, consumer: str) -> None:
    """In the inbox, completed by a transaction or by a lease; or it is the item that the effect wrote."""
    world.publish(order_placed("1001"))
    world.run()
    known = look(world, consumer)
    assert known.applied
    assert not known.claimed
    assert known.is_effect is (consumer == "standard_orders")
    assert (known.applied_at is None) is (consumer == "notifications")
    assert (known.expires_at is None) is (consumer == "standard_orders")


def test_the_item_of_another_consumer_is_no_marker(world: World) -> None:
    """Both order writers have one table."""
    world.publish(order_placed("1001"))
    world.run()
    assert look(world, "priority_orders").marker is None


def test_a_dead_letter_has_its_failure(world: World) -> None:
    """With its reason; an event that nobody saw has nothing."""
    world.disturbance.unprocessable.add(ORDER)
    world.publish(order_placed("1001"))
    world.run()
    known = look(world, "inventory")
    assert known.dead
    assert known.failure is not None
    assert known.failure["reason"] == "poison"
    nobody = look(world, "inventory", "OrderPlaced-2")
    assert (nobody.marker, nobody.failure, nobody.dead) == (None, None, False)


def test_what_was_applied_at_last_is_not_dead(world: World) -> None:
    """Its failure stays, as the past."""
    world.disturbance.unprocessable.add(ORDER)
    world.publish(order_placed("1001"))
    world.run()
    world.disturbance.heal()
    world.redrive("inventory")
    world.run()
    known = look(world, "inventory")
    assert known.applied
    assert not known.dead
    assert known.failure is not None


def test_a_forgotten_event_is_applied_once_more(world: World) -> None:
    """That is what forgetting means."""
    world.publish(order_placed("1001"))
    world.run()
    forget(world.backend("dynamodb"), TABLES_HERE, look(world, "notifications"))
    assert look(world, "notifications").marker is None
    world.publish(order_placed("1001"), resend="again")
    world.run()
    assert world.outcomes("notifications")[ORDER] == ["applied", "applied"]
    assert world.outcomes("inventory")[ORDER] == ["applied", "duplicate"]


def test_an_effect_is_not_deleted_to_forget_it(world: World) -> None:
    """Where its item is the marker."""
    world.publish(order_placed("1001"))
    world.run()
    with pytest.raises(UsageError, match="delete its effect"):
        forget(world.backend("dynamodb"), TABLES_HERE, look(world, "standard_orders"))
    assert look(world, "standard_orders").applied


def test_what_is_not_there_can_not_be_forgotten(world: World) -> None:
    """Nor what has changed since it was looked at."""
    with pytest.raises(NotFound, match="nothing to forget"):
        forget(world.backend("dynamodb"), TABLES_HERE, look(world, "inventory"))
    world.publish(order_placed("1001"))
    world.run()
    seen = look(world, "inventory")
    world.put("inbox", {"id": f"inventory#{ORDER}", "status": "INPROGRESS", "consumer": "inventory"})
    with pytest.raises(NotFound, match="changed meanwhile"):
        forget(world.backend("dynamodb"), TABLES_HERE, seen)
    assert look(world, "inventory").claimed


def test_a_conflict_leaves_the_marker(world: World) -> None:
    """And the failure of the second one beside it."""
    order = order_placed("1001")
    world.publish(order)
    world.publish(unlike(order, customer_id="ANATR"), resend="again")
    world.run()
    known = look(world, "inventory")
    assert known.applied
    assert known.failure is not None
    assert known.failure["reason"] == "conflict"
