"""What can be simulated: Waybill with the whole shop, and what people use instead, on both kinds of queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from lambdas import analytics, inventory, notifications, priority_orders, relay, standard_orders
from messaging.subscription import Ordering, Subscription
from messaging.tables import STOCK
from messaging.topic import Topic
from messaging.topology import ORDERS
from testing.functions.fleet import Function
from testing.world import World
from tests.simulation.baselines import BASELINES, virtual_time
from tests.simulation.probes import CALLED_ONCE, COUNTING, SIMULATED, TALLIED, calling_once, counting, tallying
from tests.simulation.truth import TALLIES, Truth
from tests.simulation.workload import SKUS

CONCURRENCY = 3
SCARCE = 60  # units of each product, in every other world: soon they are gone, and come back by cancellations
# What people set, as the console and most tutorials suggest.
USUAL_MAX_RECEIVE_COUNT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """`rows` are lines of the table: a title, and the consumers that it is about."""

    topic: Topic
    rows: Mapping[str, Sequence[str]]
    deployed: Callable[[World, Truth], AbstractContextManager[None]]


SHOP: Mapping[str, Function] = {
    "inventory": inventory.handler,
    "priority_orders": priority_orders.handler,
    "standard_orders": standard_orders.handler,
    "analytics": analytics.handler,
    "notifications": notifications.handler,
}


@contextmanager
def _waybill(world: World, truth: Truth) -> Iterator[None]:
    if world.seed % 2:
        truth.stock_per_sku = SCARCE
    for sku in SKUS:
        item = {STOCK.partition_key: {"S": sku}, "units": {"N": str(truth.stock_per_sku)}}
        world.backend("dynamodb").put_item(TableName=STOCK.name, Item=item)
    for consumer, function in SHOP.items():
        world.deploy(consumer, function, maximum_concurrency=CONCURRENCY)
    for row in COUNTING:
        _deploy_counting(world, truth, row.consumer, counting)
    world.create_table_like("reservations", TALLIES)
    world.deploy(TALLIED.consumer, tallying, tables={"reservations": TALLIES}, maximum_concurrency=CONCURRENCY)
    world.deploy(CALLED_ONCE.consumer, calling_once, maximum_concurrency=CONCURRENCY)
    world.deploy_relay(relay.handler)
    yield


def _deploy_counting(world: World, truth: Truth, consumer: str, function: Function, **changes: int) -> None:
    table = f"counted-by-{consumer}"
    world.create_table_like("revenue", table)
    truth.watch(consumer, table)
    tables = {"revenue": table, "inbox": f"inbox-of-{consumer}"} if changes else {"revenue": table}
    if changes:
        world.create_table_like("inbox", tables["inbox"])
    world.deploy(consumer, function, tables=tables, maximum_concurrency=CONCURRENCY, **changes)


_QUEUES: Mapping[str, Ordering] = {"standard": "none", "fifo": "group"}


def _baselines(names: Sequence[str]) -> Protocol:
    """Each of them on a standard queue and on a FIFO queue, in one world."""
    subscriptions = [
        Subscription(consumer=f"{name}_{kind}", events=COUNTING[0].events, ordering=ordering, writes=("revenue",))
        for name in names
        for kind, ordering in _QUEUES.items()
    ]

    @contextmanager
    def deployed(world: World, truth: Truth) -> Iterator[None]:
        truth.gives_reasons = False
        with virtual_time():
            for name in names:
                for kind in ("standard", "fifo"):
                    function = BASELINES[name](world.disturbance.strike)
                    _deploy_counting(
                        world, truth, f"{name}_{kind}", function, max_receive_count=USUAL_MAX_RECEIVE_COUNT
                    )
            yield

    return Protocol(
        topic=Topic(name="orders", subscriptions=subscriptions, announced=ORDERS.announced),
        rows={
            f"{name.replace('_', ' ')}, {title}": [f"{name}_{kind}"]
            for name in names
            for kind, title in (("standard", "standard queue"), ("fifo", "FIFO queue"))
        },
        deployed=deployed,
    )


PROTOCOLS: Mapping[str, Protocol] = {
    "waybill": Protocol(
        topic=SIMULATED,
        rows={
            "waybill, standard queue": ["counted", "analytics", "tallied"],
            "waybill, FIFO queue": ["counted_by_group", "priority_orders", "standard_orders"],
            "waybill, FIFO monotonic": ["counted_rising", "inventory"],
            "waybill, FIFO strict": ["counted_strict"],
            "waybill, calls at most once": ["called_once"],
            "waybill, calls at least once": ["notifications"],
        },
        deployed=_waybill,
    ),
    "naive": _baselines(["naive", "naive_stopping"]),
    "powertools": _baselines(["powertools_quick_start", "powertools_tuned"]),
}
