"""Poison reaches queues of both kinds, and is buried there."""

from __future__ import annotations

import pytest

from cli.publishing.poison import send_poison
from lambdas import analytics, inventory
from messaging.samples.poison import KINDS
from testing import World


@pytest.mark.parametrize(("consumer", "handler"), [("inventory", inventory.handler), ("analytics", analytics.handler)])
def test_every_kind_of_poison_is_buried_by_its_consumer(consumer: str, handler: object) -> None:
    """On a FIFO queue and on a standard one; a second run is no repeat of the first."""
    world = World()
    world.deploy(consumer, handler)  # type: ignore[arg-type]  # as deploy checks
    row, queue = world.topic.subscription(consumer), world.deployed[consumer].queue
    for run in ("a", "b"):
        count = len(KINDS) + 3
        assert send_poison(world.backend("sqs"), queue.url, count=count, run=run, fifo=row.fifo) == (count, 0)
    world.run()
    assert [letter.reason for letter in world.dead_letters(consumer)] == ["poison"] * 2 * (len(KINDS) + 3)
