"""Who subscribes to what: the one table that publisher, consumers and stacks read. Pure data.

A new subscriber is one row here and one file of the same name in `lambdas/`. Everything else derives from the row:
messaging/subscription.py. Tables are in messaging/tables.py.
"""

from __future__ import annotations

from messaging.events import HEARTBEAT, OrderCancelled, OrderPlaced, StockRefused, StockReserved
from messaging.subscription import HOUR_SECONDS, Subscription
from messaging.topic import Topic

ORDERS = Topic(
    name="orders",
    subscriptions=(
        Subscription(
            consumer="inventory",
            events=(OrderPlaced, OrderCancelled),
            ordering="monotonic",
            reads=("stock", "reservations"),
            writes=("stock", "reservations"),
            writes_only={"stock": "changes"},
            emits=(StockReserved, StockRefused),
        ),
        Subscription(
            consumer="priority_orders",
            events=(OrderPlaced, OrderCancelled),
            where={"priority": ["high"]},
            ordering="group",
            writes=("orders",),
            writes_only={"orders": "marks"},
        ),
        Subscription(
            consumer="standard_orders",
            events=(OrderPlaced, OrderCancelled),
            where={"priority": ["standard"]},
            ordering="group",
            writes=("orders",),
            writes_only={"orders": "marks"},
        ),
        Subscription(
            consumer="analytics",
            events=(OrderPlaced, OrderCancelled),
            writes=("revenue",),
            writes_only={"revenue": "changes"},
        ),
        Subscription(
            consumer="notifications",
            events=(OrderPlaced, StockRefused),
            max_age_seconds=300,
            calls=("ses:SendEmail",),
            # A call needs time for itself and for its record, in case both hang: the default leaves a second for ten.
            timeout_seconds=10,
        ),
    ),
    announced=(StockReserved, HEARTBEAT),
    canary=Subscription(consumer="canary", events=(HEARTBEAT,), retention_seconds=HOUR_SECONDS),
)
