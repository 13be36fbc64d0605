"""What is missing, in worlds in which it is known what has happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from cli.depths import Places, count
from cli.reconciliation.balance import Balance, balances
from cli.reconciliation.publications import Publication, seen_by, together
from cli.reconciliation.sightings import sightings
from lambdas import analytics, inventory, notifications, standard_orders
from messaging.outbox import Outbox
from testing import World
from tests.cli.replaying.replays import NAMES, now, old
from tests.factories import order

HANDLERS = {
    "inventory": inventory.handler,
    "analytics": analytics.handler,
    "standard_orders": standard_orders.handler,
    "notifications": notifications.handler,
}
ORDERS = [order(str(number)) for number in range(4)]
IDS = [each.event_id for each in ORDERS]


def world_of(*consumers: str) -> World:
    world = World()
    for consumer in consumers:
        world.deploy(consumer, HANDLERS[consumer])
    return world


def published(world: World, ids: Iterable[str] = ()) -> tuple[list[Publication], Counter[str]]:
    """What was seen since the world began, and these."""
    known, unreadable = [Publication.of_id(event_id) for event_id in ids], Counter[str]()
    rows = {name: world.topic.subscription(name) for name in world.deployed}
    began = now(world) - timedelta(seconds=world.elapsed_seconds)
    for each in sightings(world.backend("dynamodb"), NAMES, [*rows.values()], began):
        if each.event_id is None:
            unreadable[each.consumer] += 1
        else:
            known.append(seen_by(rows[each.consumer], each.event_id, each.at))
    return together(known), unreadable


def reconciled(world: World, ids: Iterable[str] = (), *, at: datetime | None = None) -> dict[str, Balance]:
    """By consumer, a minute after everything."""
    places = [
        Places(
            consumer=name,
            queue_url=each.queue.url,
            dead_letter_queue_url=each.dead_letter_queue.url,
            topic_dead_letter_queue_url=each.topic_dead_letter_queue.url,
        )
        for name, each in world.deployed.items()
    ]
    publications, unreadable = published(world, ids)
    found = balances(
        publications,
        [world.topic.subscription(name) for name in world.deployed],
        count(world.backend("sqs"), places),
        dynamodb=world.backend("dynamodb"),
        tables=NAMES,
        now=at or now(world) + timedelta(minutes=2),
        grace=timedelta(minutes=1),
        unreadable=unreadable,
    )
    return {each.consumer: each for each in found}


@pytest.mark.parametrize("consumer", [*HANDLERS])
def test_what_was_applied_is_seen_and_balances(consumer: str) -> None:
    """Whether a marker proves it, the item itself, or a completed lease."""
    world = world_of(consumer)
    world.publish(*ORDERS)
    world.run()
    balance = reconciled(world)[consumer]
    assert sorted(balance.applied) == IDS
    assert (balance.expected, balance.missing, balance.unsettled, balance.unknown) == (4, [], [], [])


def test_an_event_that_one_consumer_lacks_is_missed_there() -> None:
    """The others have seen it: that is how it is known."""
    world = world_of("inventory", "analytics", "standard_orders")
    world.publish(*ORDERS)
    world.run()
    world.backend("dynamodb").delete_item(TableName="inbox", Key={"id": {"S": f"analytics#{IDS[2]}"}})
    found = reconciled(world)
    assert (found["analytics"].missing, found["inventory"].missing) == ([IDS[2]], [])
    assert found["standard_orders"].missing == []


@pytest.mark.fault(49)
def test_a_deleted_subscription_shows_in_what_its_consumer_never_got() -> None:
    """The topic says nothing: to it, nobody asked for these events."""
    world = world_of("inventory", "analytics")
    world.publish(ORDERS[0])
    world.run()
    world.sns_topic.unsubscribe(world.deployed["analytics"].subscription)
    world.publish(*ORDERS[1:])
    world.run()
    found = reconciled(world)
    assert (sorted(found["analytics"].missing), found["inventory"].missing) == (IDS[1:], [])


def test_what_nobody_has_seen_is_missed_where_somebody_names_it() -> None:
    """And by an id alone it is not known whether a filter on priorities takes it."""
    world = world_of("inventory", "standard_orders")
    assert reconciled(world)["inventory"].expected == 0
    found = reconciled(world, ["OrderPlaced-9"])
    assert found["inventory"].missing == ["OrderPlaced-9"]
    assert (found["standard_orders"].missing, found["standard_orders"].unknown) == ([], ["OrderPlaced-9"])


def test_what_was_published_just_now_is_waited_for() -> None:
    """Its marker may be written at this moment."""
    world = world_of("inventory", "analytics")
    world.publish(ORDERS[0])
    world.run()
    world.backend("dynamodb").delete_item(TableName="inbox", Key={"id": {"S": f"analytics#{IDS[0]}"}})
    assert reconciled(world, at=now(world))["analytics"].waiting == [IDS[0]]
    assert reconciled(world)["analytics"].missing == [IDS[0]]


def test_a_dead_letter_is_buried_until_somebody_removes_it() -> None:
    """Then nothing will ever apply it."""
    world = world_of("notifications", "inventory")
    world.send("notifications", old(ORDERS[0], now(world) - timedelta(hours=1)).body)
    world.run()
    assert [letter.reason for letter in world.dead_letters("notifications")] == ["expired"]
    balance = reconciled(world)["notifications"]
    assert (balance.dead, balance.missing) == ([IDS[0]], [])
    world.backend("sqs").purge_queue(QueueUrl=world.deployed["notifications"].dead_letter_queue.url)
    assert reconciled(world)["notifications"].missing == [IDS[0]]


def test_letters_that_hold_no_event_hide_nothing() -> None:
    """Each has a record of its own: they are not the event that is looked for."""
    world = world_of("inventory")
    world.send("inventory", "no JSON")
    world.run()
    assert len(world.dead_letters("inventory")) == 1
    assert reconciled(world, IDS[:1])["inventory"].missing == IDS[:1]


def test_what_may_be_in_a_queue_is_unsettled_and_what_can_not_is_missing() -> None:
    """One message waits that nobody can look into: of one absent event it may be that one, of two at most one."""
    world = world_of("inventory")
    world.send("inventory", old(ORDERS[0], now(world)).body)
    one = reconciled(world, IDS[:1])["inventory"]
    assert (one.unsettled, one.missing) == (IDS[:1], [])
    two = reconciled(world, IDS[:2])["inventory"]
    assert (two.unsettled, two.missing) == ([], IDS[:2])
    assert two.note == "1 of the missing may be in its queues"


def test_what_fails_for_now_waits() -> None:
    """Its failure record says so, as long as its queue holds something."""
    world = world_of("inventory")
    world.inject("exception", at="inventory function", times=100)
    world.publish(ORDERS[0])
    world.run(5)
    assert reconciled(world)["inventory"].waiting == [IDS[0]]


def test_what_is_in_the_outbox_is_on_its_way() -> None:
    """Nobody can have seen it."""
    world = world_of("inventory")
    outbox = Outbox(table="outbox", source="urn:waybill:test", clock=lambda: world.scheduler.now)
    world.backend("dynamodb").transact_write_items(TransactItems=outbox.items([ORDERS[0]]))
    message = Publication.of_message(old(ORDERS[0], now(world)), in_outbox=True)
    row = world.topic.subscription("inventory")
    (balance,) = balances(
        [message],
        [row],
        count(
            world.backend("sqs"),
            [
                Places(
                    consumer="inventory",
                    **dict.fromkeys(
                        ("queue_url", "dead_letter_queue_url", "topic_dead_letter_queue_url"),
                        world.deployed["inventory"].queue.url,
                    ),
                )
            ],
        ),
        dynamodb=world.backend("dynamodb"),
        tables=NAMES,
        now=now(world) + timedelta(hours=1),
        grace=timedelta(0),
    )
    assert balance.waiting == [IDS[0]]
