"""A shop whose every order has the canary wherever a payload is, and all ways that a message can take through it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from lambdas import analytics, inventory, notifications, priority_orders, relay, standard_orders
from lambdas.runtime import ConsumerFunction
from messaging.effects import Create, Effect, External, Key, Transactional, View
from messaging.events import OrderCancelled, OrderPlaced
from messaging.message import Message
from messaging.outgoing import Draft
from messaging.subscription import DAY_SECONDS, Subscription
from messaging.topology import ORDERS
from testing import World, line, order_cancelled, order_placed, unlike
from testing.events import body
from testing.scheduler import STARTS_AT
from tests.privacy.watched import Output, Watched

# In every text of a payload, and in no id: those are logged, for people look for them.
SECRET = "Qanary7f3a"
SKU = f"{SECRET}-1"
ADDRESS = dict.fromkeys(("name", "city", "region", "postal_code", "country"), f"{SECRET} Ås")

LEDGER = Subscription(
    consumer="ledger", events=(OrderPlaced, OrderCancelled), ordering="strict", writes=("reservations",)
)
PAYMENTS = Subscription(consumer="payments", events=(OrderPlaced,), external=True)
assert ORDERS.canary is not None
TOPIC = replace(ORDERS, subscriptions=(*ORDERS.subscriptions, LEDGER, PAYMENTS))


def order(order_id: str = "1001", **changes: Any) -> OrderPlaced:
    """An order with the canary in it."""
    return order_placed(order_id, **{"ship_to": ADDRESS, "lines": [line(SKU, 1, "10.00")], **changes})


def enter(message: Message[Any], _: View) -> Effect:
    """Business code as people write it: its exceptions tell what they were about."""
    event = message.event
    if event.order_id == "careless":
        raise ValueError(f"no such place: {event.ship_to}")
    if event.order_id == "large":
        keys = (Key("reservations", f"{message.id}-{n}") for n in range(101))
        return Effect(tuple(Create(key, {"units": 1}) for key in keys))
    return Effect((Create(Key("reservations", message.id), {"units": 1}),))


def pay(message: Message[OrderPlaced], _: str) -> None:
    """A provider that repeats what it was told."""
    if message.event.order_id == "unsure":
        raise ConnectionError(f"no answer about {message.event.ship_to}")


@dataclass(frozen=True, slots=True)
class Shop:
    """A world, and what its functions have put out."""

    world: World
    output: Output


def open_shop(*, echoes: str | None = None) -> Shop:
    """With one unit of the product in stock. `echoes` as for `Watched`."""
    world, output = World(topic=TOPIC, newer_version_patience_seconds=10), Output()
    world.put("stock", {"sku": SKU, "units": 1})
    ledger = ConsumerFunction(Transactional(functions={OrderPlaced: enter, OrderCancelled: enter}), topic=TOPIC)
    payments = ConsumerFunction(
        lambda _: External(calls={OrderPlaced: pay}, at_most_once=frozenset({OrderPlaced})), topic=TOPIC
    )
    functions = {
        "inventory": inventory.handler,
        "priority_orders": priority_orders.handler,
        "standard_orders": standard_orders.handler,
        "analytics": analytics.handler,
        "notifications": notifications.handler,
        "ledger": ledger,
        "payments": payments,
    }
    for consumer, function in functions.items():
        given_up_after = 3 if consumer == LEDGER.consumer else None
        world.deploy(consumer, Watched(function, output, echoes=echoes), max_receive_count=given_up_after)
    world.deploy_relay(Watched(relay.handler, output, echoes=echoes))
    return Shop(world, output)


@dataclass(frozen=True, slots=True)
class Path:
    """One way through the shop. It has been taken when `consumer` ended a message so: an outcome, the reason of a dead
    letter, or UNDELIVERED and GIVEN_UP for what SNS and SQS do."""

    name: str
    consumer: str
    end: str
    take: Callable[[Shop], None]


UNDELIVERED, GIVEN_UP = "undelivered by SNS", "given up by SQS"


def ends(world: World, consumer: str) -> Iterator[str]:
    """How messages ended there."""
    for outcomes in world.outcomes(consumer).values():
        yield from outcomes
    for letter in world.dead_letters(consumer):
        yield letter.reason or GIVEN_UP
    if world.undelivered(consumer):
        yield UNDELIVERED


def _published(*drafts: Any, **options: Any) -> Callable[[Shop], None]:
    def take(shop: Shop) -> None:
        for draft in drafts:
            shop.world.publish(draft, **options)
            shop.world.run()

    return take


def _sent(consumer: str, *texts: str) -> Callable[[Shop], None]:
    def take(shop: Shop) -> None:
        for text in texts:
            shop.world.send(consumer, text, group="ALFKI")
        shop.world.run()

    return take


def _changed(**members: Any) -> str:
    """The message of an order with other members of its envelope."""
    return json.dumps({**json.loads(body(order())), **members})


def _twice(shop: Shop) -> None:
    shop.world.publish(order())
    shop.world.run()
    shop.world.replay("analytics", last_seconds=3600)
    shop.world.run()


def _with_two_contents(shop: Shop) -> None:
    shop.world.publish(order())
    shop.world.run()
    shop.world.publish(unlike(order(), lines=[line(SKU, 7)]), resend="again")
    shop.world.run()


def _killing(shop: Shop) -> None:
    shop.world.disturbance.killers.add("OrderPlaced-1001")
    shop.world.publish(order())
    shop.world.run()


def _without_a_key(shop: Shop) -> None:
    shop.world.inject_by_chance({"key_revoked": 1.0}, seconds=30)
    shop.world.publish(order())
    shop.world.run()


def _during_an_outage(shop: Shop) -> None:
    for service in ("dynamodb", "sqs", "sns", "sesv2"):
        shop.world.outage(service, after_seconds=0.3, seconds=120)
    shop.world.publish(order(), order("1002", lines=[line(SKU, 9)]))
    shop.world.run()


def _through_the_outbox(shop: Shop) -> None:
    message = {"id": "x", "type": "X", "body": json.dumps({"data": SECRET}), "attributes": {"type": ""}}
    shop.world.put("outbox", {"message_group": "ALFKI", "position": "1", "messages": [message]})
    shop.world.put("outbox", {"message_group": "ANTON", "position": "1", "messages": SECRET})
    shop.world.publish(order())
    shop.world.run()


_HIGH = order("1003", priority="high")
# Invalid, each with the canary where it does not belong.
_INVALID = (
    msgspec.structs.replace(order(), currency=SECRET),
    msgspec.structs.replace(order(), priority=SECRET),
    msgspec.structs.replace(order(), ship_to=SECRET),
    msgspec.structs.replace(order(), ship_to={SECRET: SECRET}),
    Draft(event=order(), traceparent=SECRET),
    order("1002"),
)

PATHS = (
    Path("applied in a transaction", "inventory", "applied", _published(order(), order_cancelled(order()))),
    Path("refused, and told of by the relay", "notifications", "applied", _published(order(lines=[line(SKU, 9)]))),
    Path("an item that marks itself", "standard_orders", "applied", _published(order())),
    Path("an order of high priority", "priority_orders", "applied", _published(_HIGH)),
    Path("delivered twice", "analytics", "duplicate", _twice),
    Path("one id, two contents", "analytics", "conflict", _with_two_contents),
    Path("not JSON", "inventory", "poison", _sent("inventory", SECRET, f'{{"{SECRET}":', f'"\\ud800{SECRET}"')),
    Path("not ours", "analytics", "poison", _sent("analytics", json.dumps({SECRET: SECRET}), _changed(**{SECRET: 1}))),
    Path(
        "wrong data",
        "standard_orders",
        "poison",
        _sent(
            "standard_orders",
            *(
                _changed(data={**json.loads(body(order()))["data"], "ship_to": each})
                for each in (
                    SECRET,
                    {SECRET: SECRET},
                    [SECRET],
                    {**ADDRESS, "name": None, SECRET: SECRET},
                )
            ),
        ),
    ),
    Path(
        "ids that are none",
        "inventory",
        "poison",
        _sent(
            "inventory",
            *(
                _changed(**{name: f"{SECRET} {name}"})
                for name in (
                    "id",
                    "type",
                    "subject",
                    "dataschema",
                    "partitionkey",
                    "correlationid",
                    "causationid",
                    "time",
                    "source",
                    "sequence",
                )
            ),
        ),
    ),
    Path("no trace", "analytics", "applied", _sent("analytics", _changed(traceparent={SECRET: SECRET}))),
    Path(
        "an envelope of SNS",
        "notifications",
        "poison",
        _sent("notifications", json.dumps({"Type": "Notification", "TopicArn": "t", "Message": SECRET})),
    ),
    Path("a body past the bound", "analytics", "too_large", _sent("analytics", SECRET * 30_000)),
    Path("an effect past the bound", "ledger", "too_large", _published(order("large"))),
    Path(
        "a newer version",
        "analytics",
        "newer_version",
        _sent("analytics", _changed(dataschema="urn:waybill:OrderPlaced:2")),
    ),
    Path("too late", "notifications", "expired", _sent("notifications", body(order(), time=STARTS_AT - 400))),
    Path("far too late", "analytics", "too_old", _sent("analytics", body(order(), time=STARTS_AT - 90 * DAY_SECONDS))),
    Path(
        "overtaken",
        "inventory",
        "stale",
        _published(Draft(event=order(), sequence=2), Draft(event=order("1002"), sequence=1)),
    ),
    Path(
        "behind one that is dead",
        "ledger",
        "held",
        _published(Draft(event=order("large"), sequence=1), Draft(event=order("1002"), sequence=2)),
    ),
    Path("a call that nobody knows of", "payments", "in_doubt", _published(order("unsure"))),
    Path("a bug that tells", "ledger", GIVEN_UP, _published(order("careless"))),
    Path("a killer", "analytics", "killer", _killing),
    Path("no key", "analytics", UNDELIVERED, _without_a_key),
    Path("an outage", "inventory", "retry", _during_an_outage),
    Path("what nobody can send", "analytics", "applied", _through_the_outbox),
    Path("what nobody may publish", "analytics", "applied", _published(*_INVALID)),
)
