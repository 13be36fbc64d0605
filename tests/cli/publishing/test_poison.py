"""Poison reaches queues of both kinds, and is buried there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli.letters.files import objection
from cli.publishing.poison import MENDABLE_EVERY, RIGHT, WRONG, send_poison
from lambdas import analytics, inventory
from messaging.message import decode
from messaging.samples.poison import KINDS
from testing import World
from testing.scheduler import STARTS_AT

NOW = datetime.fromtimestamp(STARTS_AT, UTC)


@pytest.mark.parametrize(("consumer", "handler"), [("inventory", inventory.handler), ("analytics", analytics.handler)])
def test_every_kind_of_poison_is_buried_by_its_consumer(consumer: str, handler: object) -> None:
    """On a FIFO queue and on a standard one; a second run is no repeat of the first. Every third lacks nothing but the
    right currency."""
    world = World()
    world.deploy(consumer, handler)  # type: ignore[arg-type]  # as deploy checks
    row, queue = world.topic.subscription(consumer), world.deployed[consumer].queue
    for run in ("a", "b"):
        count = len(KINDS) + 3
        sent = send_poison(world.backend("sqs"), queue.url, count=count, run=run, fifo=row.fifo, now=NOW)
        assert sent == (count, 0)
    world.run()
    letters = world.dead_letters(consumer)
    bodies = [letter.message.body for letter in letters]
    assert [letter.reason for letter in letters] == ["poison"] * 2 * (len(KINDS) + 3)
    mended = [each.replace(WRONG, RIGHT) for each in bodies if WRONG in each]
    assert len(mended) == 2 * -(-(len(KINDS) + 3) // MENDABLE_EVERY)
    assert [each for each in mended if objection(each, row)] == []
    assert len({decode(each).id for each in mended}) == len(mended)
