"""Consumers whose effects can be counted one by one, of each ordering, beside those of the shop on one topic."""

from __future__ import annotations

from lambdas.runtime import ConsumerFunction, Tools
from messaging.effects import Add, Change, Create, Effect, External, Key, Transactional, View
from messaging.events import OrderCancelled, OrderEvent, OrderPlaced
from messaging.message import Message
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS

_EVENTS = (OrderPlaced, OrderCancelled)

COUNTED = Subscription(consumer="counted", events=_EVENTS, writes=("revenue",))
COUNTED_BY_GROUP = Subscription(consumer="counted_by_group", events=_EVENTS, ordering="group", writes=("revenue",))
COUNTED_RISING = Subscription(consumer="counted_rising", events=_EVENTS, ordering="monotonic", writes=("revenue",))
COUNTED_STRICT = Subscription(consumer="counted_strict", events=_EVENTS, ordering="strict", writes=("revenue",))
CALLED_ONCE = Subscription(
    consumer="called_once", events=(OrderPlaced,), external=True, calls=("ses:SendEmail",), timeout_seconds=10
)
TALLIED = Subscription(consumer="tallied", events=_EVENTS, reads=("reservations",), writes=("reservations",))
COUNTING = (COUNTED, COUNTED_BY_GROUP, COUNTED_RISING, COUNTED_STRICT)

SIMULATED = Topic(
    name="orders",
    subscriptions=(*ORDERS.subscriptions, *COUNTING, TALLIED, CALLED_ONCE),
    announced=ORDERS.announced,
)


def count(message: Message[OrderEvent], _: View) -> Effect:
    """One more for this event. Two for one event is what must never be."""
    return Effect((Add(Key("revenue", message.id, "times"), "amount", 1),))


def tally(message: Message[OrderEvent], view: View) -> Effect:
    """The customer's tally, read and written back one higher: who reads it meanwhile must not."""
    key = tally_key(message)
    seen = view.get(key)
    if seen is None:
        return Effect((Create(key, {"tally": 1}),))
    return Effect((Change(key, {"tally": seen["tally"] + 1}, expected={"tally": seen["tally"]}),))


def tally_key(message: Message[OrderEvent]) -> Key:
    """One item a customer, of which one in ten orders is the same."""
    return Key("reservations", message.event.customer_id)


def call_once(tools: Tools) -> External:
    """A call that must never be made twice, by a provider that would not notice."""

    def call(message: Message[OrderPlaced], idempotency_key: str) -> None:
        tools.ses.send_email(
            FromEmailAddress="shop@example.com",
            Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
            Content={
                "Simple": {
                    "Subject": {"Data": "once"},
                    "Body": {"Text": {"Data": message.id}},
                    "Headers": [{"Name": "Idempotency-Key", "Value": idempotency_key}],
                }
            },
        )

    return External(calls={OrderPlaced: call}, at_most_once=frozenset({OrderPlaced}))


counting = ConsumerFunction(Transactional(functions={OrderPlaced: count, OrderCancelled: count}), topic=SIMULATED)
tallying = ConsumerFunction(
    Transactional(functions={OrderPlaced: tally, OrderCancelled: tally}, reads=lambda message: (tally_key(message),)),
    topic=SIMULATED,
)
calling_once = ConsumerFunction(call_once, topic=SIMULATED)
