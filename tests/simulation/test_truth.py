"""What the simulation's judge takes for a broken promise, and what it does not."""

from __future__ import annotations

import pytest

from messaging.events import OrderPlaced
from messaging.outgoing import Draft
from testing import World, order_placed
from testing.events import numbered
from tests.simulation.probes import COUNTED_BY_GROUP, SIMULATED, counting
from tests.simulation.truth import Truth
from tests.simulation.workload import Kind, Publication

FORGOTTEN_SECONDS = 600.0  # the topic's deduplication, by then


@pytest.fixture
def world() -> World:
    return World(8, topic=SIMULATED)


@pytest.fixture
def truth(world: World) -> Truth:
    truth = Truth(world)
    world.create_table_like("revenue", "counted-by-group")
    truth.watch(COUNTED_BY_GROUP.consumer, "counted-by-group")
    world.deploy(COUNTED_BY_GROUP.consumer, counting, tables={"revenue": "counted-by-group"})
    return truth


def orders(truth: Truth) -> tuple[Draft, Draft]:
    """The first two of one customer, known to the judge."""
    first, second = numbered(*(order_placed(name, customer_id="C1") for name in ("1", "2")))
    for draft in (first, second):
        order = draft.event
        assert isinstance(order, OrderPlaced)
        truth.publications[order.event_id] = Publication(
            order.event_id, Kind.GOOD, "C1", draft, sequence=draft.sequence, order=order
        )
    return first, second


def test_one_that_was_not_delivered_may_come_later_where_only_the_queue_keeps_order(world: World, truth: Truth) -> None:
    """Seed 8 of 100,000 messages: the key was revoked for one delivery, and the producer sent the event once more."""
    first, second = orders(truth)
    world.inject("key_revoked", at="topic counted_by_group")
    world.publish(first)
    world.run(FORGOTTEN_SECONDS)
    world.publish(second)
    world.run(FORGOTTEN_SECONDS)
    world.publish(first, resend="late")
    world.run()
    truth.judge()
    assert truth.applied["counted_by_group"] == {"OrderPlaced-1": 1, "OrderPlaced-2": 1}
    assert truth.violations == []


def test_one_that_is_overtaken_without_need_is_out_of_order(world: World, truth: Truth) -> None:
    """The judge can see it: here the producer itself sends the second first."""
    first, second = orders(truth)
    world.publish(second)
    world.run(FORGOTTEN_SECONDS)
    world.publish(first)
    world.run()
    truth.judge()
    (violation,) = truth.violations
    assert str(violation) == "counted_by_group: OrderPlaced-1 out of order: sequence 1 after 2"
