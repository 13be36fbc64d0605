"""The whole shop in a world, every function behind its gate, and days on which each does all that it ever does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lambdas import analytics, canary, heartbeat, inventory, notifications, priority_orders, relay, standard_orders
from messaging.heartbeat import HeartbeatSettings
from messaging.topology import ORDERS
from testing import World, line, numbered, order_cancelled, order_placed, unlike
from testing.faults import Fault
from testing.functions.fleet import Fleet
from testing.telemetry import Telemetry
from tests.lambdas.permissions.asked import Place, identity_arn
from tests.lambdas.permissions.enforced import Enforced, Gate
from tests.lambdas.permissions.roles import Role
from tests.stacks.synthesized import MAIL_FROM

assert ORDERS.canary is not None
TOPIC = replace(ORDERS, subscriptions=(*ORDERS.subscriptions, ORDERS.canary), canary=None)
CONSUMERS: Mapping[str, Any] = {
    "inventory": inventory.handler,
    "priority_orders": priority_orders.handler,
    "standard_orders": standard_orders.handler,
    "analytics": analytics.handler,
    "notifications": notifications.handler,
    "canary": canary.handler,
}
RELAY, HEARTBEAT = relay.SERVICE, heartbeat.SERVICE
FUNCTIONS = (*CONSUMERS, RELAY, HEARTBEAT)
NOON = "2026-11-24T12:{:02d}:00Z"


@dataclass(frozen=True, slots=True)
class Shop:
    """One world, and the gates of its functions by their names."""

    world: World
    gates: Mapping[str, Gate]
    beat: Callable[[int], None]

    @property
    def refused(self) -> dict[str, set[tuple[str, str]]]:
        """What was refused to whom."""
        return {name: gate.refused for name, gate in self.gates.items() if gate.refused}


def open_shop(roles: Mapping[str, Role], *, verified: str = MAIL_FROM, seed: int = 0) -> Shop:
    """With stock, and nobody who has ordered anything. `verified` is the sender's address or its domain."""
    world = World(seed, topic=TOPIC, mail_from=MAIL_FROM)
    place = Place(queue_arn=lambda url: world.sqs.queue(url).arn, identity=lambda _: identity_arn(verified))
    gates = {name: Gate(roles[name], place) for name in FUNCTIONS}
    world.put("stock", {"sku": "NW-1", "units": 39}, {"sku": "NW-2", "units": 39})
    for name, function in CONSUMERS.items():
        world.deploy(name, Enforced(function, gates[name]))
    world.deploy_relay(Enforced(relay.handler, gates[RELAY]))
    beats = Fleet(
        world,
        HEARTBEAT,
        Enforced(heartbeat.handler, gates[HEARTBEAT]),
        environment=HeartbeatSettings(topic_arn=world.sns_topic.arn).to_environment(),
        timeout_seconds=30.0,
        telemetry=Telemetry(),
    )

    def beat(minute: int) -> None:
        world.scheduler.spawn(lambda: beats.invoke({"time": NOON.format(minute)}))

    return Shop(world, gates, beat)


def a_good_day(shop: Shop, seconds: float | None = None) -> None:
    """Orders are placed, refused for want of stock, and cancelled; hearts beat. `seconds` of it, or all."""
    for priority in ("high", "standard"):
        orders = [order_placed(f"{priority}-{n}", customer_id=f"C{n}", priority=priority) for n in range(3)]
        shop.world.publish(*orders, order_cancelled(orders[0]))
    shop.world.publish(order_placed("large", customer_id="C9", lines=[line("NW-1", 40)]))
    shop.beat(0)
    shop.world.run(seconds)


def the_same_again(shop: Shop) -> None:
    """Every message comes twice, one with another content."""
    world = shop.world
    for priority in ("high", "standard"):
        order = order_placed(f"{priority}-1", priority=priority)
        world.publish(order, *numbered(order_placed(f"{priority}-2", customer_id="C2", priority=priority)))
        world.publish(order, resend="again")
        world.publish(unlike(order, lines=[line("NW-1", 39)]), resend="and again")
    for minute in (1, 1):
        shop.beat(minute)
    world.run()
    for consumer in CONSUMERS:
        world.replay(consumer, last_seconds=3600)
    world.run()


def a_bad_day(shop: Shop) -> None:
    """Nonsense, poison, killers and bugs that pass: for each consumer something to park, to count and to put off."""
    world = shop.world
    for consumer in CONSUMERS:
        world.send(consumer, "no JSON")
    for priority in ("high", "standard"):
        for trouble in ("poison", "killer", "stubborn", "sound"):
            world.publish(order_placed(f"{priority}-{trouble}", customer_id=f"C{trouble}", priority=priority))
        world.disturbance.unprocessable.add(f"OrderPlaced-{priority}-poison")
        world.disturbance.killers.add(f"OrderPlaced-{priority}-killer")
        world.disturbance.stubborn[f"OrderPlaced-{priority}-stubborn"] = 3
    shop.beat(2)
    world.inject("exception", at="canary function", times=2)
    world.run()
    world.disturbance.heal()
    for consumer in CONSUMERS:
        if world.dead_letters(consumer):
            world.redrive(consumer)
    world.run()


def a_day_of_faults(shop: Shop) -> None:
    """DynamoDB does a part, conflicts, keeps its replies for itself; functions die with a claim in their hands."""
    world = shop.world
    for consumer in CONSUMERS:
        for fault in ("unprocessed", "lost_reply", "conflict", "dies_after_call"):
            world.inject(fault, at=f"{consumer} dynamodb.")
    world.inject("dies_before_call", at="notifications sesv2.")
    world.inject("throttled", at="notifications sesv2.")
    for n in range(12):
        priority = "high" if n % 2 else "standard"
        world.publish(order_placed(str(n), customer_id=f"C{n % 5}", priority=priority, lines=[line("NW-1", 1)]))
    for minute in range(3, 6):
        shop.beat(minute)
    world.run()


def an_outage(shop: Shop) -> None:
    """DynamoDB is away for some minutes: every record is put off, and put off again."""
    world = shop.world
    world.outage("dynamodb", seconds=180)
    for priority in ("high", "standard"):
        world.publish(order_placed(priority, customer_id=priority, priority=priority))
    shop.beat(6)
    world.run()


def a_day_without_the_stream(shop: Shop) -> None:
    """The relay finds by its sweep what no stream has brought it; what the topic can never take it marks."""
    world = shop.world
    message = {"id": "x", "type": "X", "body": "{}", "attributes": {"type": ""}}
    world.put("outbox", {"message_group": "ALFKI", "position": "1", "messages": [message]})
    world.run()
    assert world.relay is not None
    world.relay.enabled = False
    world.publish(order_placed("1"))
    world.run(60)
    world.sweep()
    world.run()


def a_day_of_chance(shop: Shop) -> None:
    """Half an hour in which everything that can go wrong does so now and then, wherever the seed says."""
    world = shop.world
    world.inject_by_chance(dict.fromkeys((fault.value for fault in Fault), 0.03), seconds=1800)
    for n in range(60):
        order = order_placed(str(n), customer_id=f"C{n % 7}", priority="high" if n % 2 else "standard")
        world.publish(order, *([order_cancelled(order)] if n % 3 == 0 else []))
    world.run(1800)
    world.sweep()
    world.run()


DAYS: tuple[Callable[[Shop], None], ...] = (
    a_good_day,
    the_same_again,
    a_bad_day,
    a_day_of_faults,
    an_outage,
    a_day_without_the_stream,
)


def all_days(roles: Mapping[str, Role]) -> Iterator[Shop]:
    """A shop for each day, and for each thing that SES may have verified."""
    for day in DAYS:
        for verified in (MAIL_FROM, MAIL_FROM.partition("@")[2]):
            shop = open_shop(roles, verified=verified)
            day(shop)
            yield shop
