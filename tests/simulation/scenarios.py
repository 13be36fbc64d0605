"""Tiny worlds, a few messages each, in which every placement of one fault, or of two, can be tried."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from lambdas import relay
from messaging.events import OrderCancelled, OrderPlaced
from messaging.outgoing import Draft
from messaging.tables import STOCK
from messaging.topic import Topic
from testing.faults import Fault, PlacedFaults, Plan
from testing.scheduler import STARTS_AT
from testing.world import World
from tests.factories import order
from tests.simulation.newer import counting_newer, published_by_new_code
from tests.simulation.probes import CALLED_ONCE, COUNTING, SIMULATED, TALLIED, calling_once, counting, tallying
from tests.simulation.producers import Producer
from tests.simulation.protocols import SHOP
from tests.simulation.truth import STOCK_PER_SKU, TALLIES, Truth
from tests.simulation.workload import CANARY, DAY_SECONDS, Kind, Publication, Raw

LONGEST_SECONDS = 3 * 3600.0


# What people do when a scenario has come to rest; then it runs on.
Sequel = Callable[[World, Truth], None]
Spared = tuple[str, ...]
OTHERS: Spared = ("producer", "topic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Three events of two customers for some consumers, or of three where they are `strangers`. Faults strike
    everywhere but at places that begin with `spared`. With `relayed` there is the relay, `streamless` without its
    stream; `scarce` is a stock that does for one order.

    `unprocessable` and `stubborn` are the numbers of events that are poison, or fail six times. `outage` is a service
    that is out for a minute and a half. With `newer`, the last event has a version that only the code knows which is
    deployed five minutes later.
    """

    consumers: tuple[str, ...]
    spared: Spared = OTHERS
    scarce: bool = False
    relayed: bool = False
    streamless: bool = False
    strangers: bool = False
    unprocessable: int | None = None
    stubborn: int | None = None
    outage: str | None = None
    newer: bool = False
    sequel: Sequel | None = None


def _sweep(world: World, _: Truth) -> None:
    """As the schedule has it, twice."""
    world.sweep(0.0)
    world.run(900.0)
    world.sweep(0.0)


def _sweep_while_nobody_can_publish(world: World, truth: Truth) -> None:
    """What is swept in vain must still be there for the next sweeps."""
    world.outage("sns", after_seconds=0.0, seconds=90.0)
    world.sweep(0.0)
    world.run(900.0)
    _sweep(world, truth)


def _heal_and_redrive(world: World, truth: Truth) -> None:
    """New code, which can process what was poison; then everything dead once more."""
    world.disturbance.heal()
    for consumer in world.deployed:
        truth.redrive(consumer)
        if world.dead_letters(consumer):
            world.redrive(consumer)


def _resend_late(world: World, truth: Truth) -> None:
    """After 25 days, when TTL has taken what it may, everything is published again."""
    world.run(25 * DAY_SECONDS)
    world.store.expire(world.scheduler.now)
    world.sns_topic.subscriptions[0].replay(STARTS_AT)


SCENARIOS: Mapping[str, Scenario] = {
    "a transaction": Scenario(consumers=("counted",)),
    "a group": Scenario(consumers=("counted_by_group",)),
    "a rising sequence": Scenario(consumers=("counted_rising",)),
    "a strict sequence": Scenario(consumers=("counted_strict",)),
    "an item that marks itself": Scenario(consumers=("standard_orders",)),
    "items of strangers": Scenario(consumers=("standard_orders",), strangers=True),
    "reads and follow-up events": Scenario(consumers=("inventory",)),
    "a tally read and written back": Scenario(consumers=("tallied",)),
    "a call": Scenario(consumers=("notifications",)),
    "a call at most once": Scenario(consumers=("called_once",)),
    "publishing": Scenario(consumers=("counted_strict",), spared=("counted_strict",)),
    "the relay": Scenario(
        consumers=("inventory", "notifications"),
        spared=(*OTHERS, "inventory", "notifications"),
        scarce=True,
        relayed=True,
        sequel=_sweep,
    ),
    "the relay while nobody can publish": Scenario(
        consumers=("inventory", "notifications"),
        spared=(*OTHERS, "inventory", "notifications", "relay"),
        scarce=True,
        relayed=True,
        outage="sns",
    ),
    "the relay without its stream": Scenario(
        consumers=("inventory", "notifications"),
        spared=(*OTHERS, "inventory", "notifications"),
        scarce=True,
        relayed=True,
        streamless=True,
        sequel=_sweep_while_nobody_can_publish,
    ),
    "an event that fails often": Scenario(consumers=("counted",), stubborn=0),
    "poison in a group": Scenario(consumers=("counted_by_group",), unprocessable=1, sequel=_heal_and_redrive),
    "poison in a rising sequence": Scenario(consumers=("counted_rising",), unprocessable=1, sequel=_heal_and_redrive),
    "poison in a strict sequence": Scenario(consumers=("counted_strict",), unprocessable=1, sequel=_heal_and_redrive),
    "a late replay of a rising sequence": Scenario(consumers=("counted_rising",), sequel=_resend_late),
    "a rolling deployment": Scenario(consumers=("counted",), newer=True),
    "a late replay": Scenario(consumers=("counted",), sequel=_resend_late),
    "a late replay of items": Scenario(consumers=("standard_orders",), sequel=_resend_late),
}


def play(scenario: Scenario, plan: Plan, *, seed: int = 0, follow: Sequence[str] = ()) -> Truth:
    """Run a scenario to its end, and judge it."""
    rows = [SIMULATED.subscription(consumer) for consumer in scenario.consumers]
    topic = Topic(name="orders", subscriptions=rows, announced=SIMULATED.announced)
    world = World(seed, topic=topic, plan=plan, follow=follow)
    truth = Truth(world)
    _deploy(scenario, world, truth)
    left = deque(_publications(scenario))
    producer = Producer(world, truth, _emptied(left), done=lambda: float(not left), pause_seconds=0.0)
    world.scheduler.spawn(producer.run)
    world.run()
    seconds = world.scheduler.now - STARTS_AT
    if scenario.sequel:
        scenario.sequel(world, truth)
        world.run()
    truth.judge()
    truth.judge_logs()
    if seconds > LONGEST_SECONDS:
        truth.violate_drain(f"{seconds:.0f} s")
    return truth


def placements_of_one(scenario: Scenario) -> Iterator[Mapping[int, Fault]]:
    """Every fault at every opportunity of a run without faults."""
    plan = PlacedFaults({}, spared=scenario.spared)
    play(scenario, plan)
    for number, (_, options) in enumerate(plan.seen):
        for fault in options:
            yield {number: fault}


def placements_of_two(scenario: Scenario, first: Mapping[int, Fault]) -> Iterator[Mapping[int, Fault]]:
    """Every fault at every opportunity that there is after a first fault."""
    plan = PlacedFaults(first, spared=scenario.spared)
    play(scenario, plan)
    (placed,) = first
    for number, (_, options) in enumerate(plan.seen):
        if number > placed:
            for fault in options:
                yield {**first, number: fault}


def _deploy(scenario: Scenario, world: World, truth: Truth) -> None:
    units = 4 if scenario.scarce else STOCK_PER_SKU
    for sku in ("NW-1", "NW-2"):
        item = {STOCK.partition_key: {"S": sku}, "units": {"N": str(units)}}
        world.backend("dynamodb").put_item(TableName=STOCK.name, Item=item)
    truth.stock_per_sku = units
    for consumer in scenario.consumers:
        if consumer in SHOP:
            world.deploy(consumer, SHOP[consumer])
        elif consumer == CALLED_ONCE.consumer:
            world.deploy(consumer, calling_once)
        elif consumer == TALLIED.consumer:
            world.create_table_like("reservations", TALLIES)
            world.deploy(consumer, tallying, tables={"reservations": TALLIES})
        else:
            assert consumer in [row.consumer for row in COUNTING]
            world.create_table_like("revenue", "counted")
            truth.watch(consumer, "counted")
            world.deploy(consumer, counting, tables={"revenue": "counted"})
    if scenario.relayed:
        world.deploy_relay(relay.handler)
    if scenario.streamless and world.relay is not None:
        world.relay.enabled = False
    if scenario.newer:
        world.scheduler.after(300.0, partial(_deploy_newer, world))
    if scenario.outage:
        world.outage(scenario.outage, after_seconds=0.2, seconds=90.0)


def _deploy_newer(world: World) -> None:
    fleet = world.deployed["counted"].fleet
    fleet.deploy(counting_newer.disturbed(world.disturbance.around))
    world.scheduler.after(30.0, fleet.retire)


def _emptied(publications: deque[Publication]) -> Iterator[Publication]:
    while publications:
        yield publications.popleft()


def _publications(scenario: Scenario) -> list[Publication]:
    """An order of customer A, and its cancellation or another order; an order of customer B."""
    ship_to = {"name": CANARY, "city": "Århus", "region": None, "postal_code": "8000", "country": "Denmark"}
    first = order("1", customer_id="A", ship_to=ship_to)
    cancelled = msgspec.convert(msgspec.to_builtins(first), OrderCancelled)
    second = order("2", customer_id="B", ship_to=ship_to)
    third = order("3", customer_id="C" if scenario.strangers else "A", ship_to=ship_to)
    events: list[tuple[OrderPlaced | OrderCancelled, int]] = [(first, 1), (cancelled, 2), (second, 1)]
    if scenario.strangers:
        events = [(first, 1), (second, 1), (third, 1)]
    if scenario.unprocessable is not None or scenario.scarce:
        events.append((third, 3))
    return [_publication(event, sequence, number, scenario) for number, (event, sequence) in enumerate(events)]


def _publication(event: OrderPlaced | OrderCancelled, sequence: int, number: int, scenario: Scenario) -> Publication:
    what: Draft | Raw = Draft(event=event, sequence=sequence)
    if scenario.newer and isinstance(event, OrderPlaced) and number == 2:
        what = published_by_new_code(event, datetime.fromtimestamp(STARTS_AT, UTC), sequence)
    kind = Kind.UNPROCESSABLE if number == scenario.unprocessable else Kind.GOOD
    failures = 6 if number == scenario.stubborn else 0
    return Publication(event.event_id, kind, event.partition_key, what, sequence, event, failures)
