"""The next deployment of a counting consumer: it knows a second version of an event, and brings the first up to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from lambdas.runtime import ConsumerFunction
from messaging.effects import Transactional
from messaging.events import OrderCancelled, OrderPlaced
from messaging.message import encode
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.versions import Versions
from tests.simulation.probes import COUNTED, count
from tests.simulation.workload import SOURCE, Raw


class OrderPlaced2(OrderPlaced, frozen=True, forbid_unknown_fields=True):
    """An order that may be a gift."""

    version = 2

    gift: bool


def as_second_version(data: dict[str, Any]) -> dict[str, Any]:
    """No order of the first version was a gift."""
    return {**data, "gift": False}


def published_by_new_code(order: OrderPlaced, now: datetime, sequence: int) -> Raw:
    """The order's message, as a producer of the second version sends it."""
    event = msgspec.convert({**msgspec.to_builtins(order), "gift": True}, OrderPlaced2)
    body = encode(event, source=SOURCE, time=now, sequence=sequence)
    return Raw(event.event_id, event.partition_key, body, event.attributes)


_NEW_TOPIC = Topic(
    name="orders",
    subscriptions=[Subscription(consumer=COUNTED.consumer, events=(OrderPlaced2, OrderCancelled), writes=("revenue",))],
)

counting_newer = ConsumerFunction(
    Transactional(functions={OrderPlaced2: count, OrderCancelled: count}),
    topic=_NEW_TOPIC,
    versions=Versions((OrderPlaced2, OrderCancelled), {("OrderPlaced", 1): as_second_version}),
)
