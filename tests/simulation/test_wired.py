"""The whole shop through botocore's own clients: its validation, serialization, parsing and retries change nothing."""

from __future__ import annotations

import pytest

from lambdas import relay
from lambdas.runtime import CLIENT_CONFIG
from testing import World, order_placed
from testing.faults import Fault
from tests.simulation import producers
from tests.simulation.protocols import SHOP
from tests.simulation.run import run
from tests.simulation.truth import STOCK_PER_SKU
from tests.simulation.workload import SKUS, Publication, Raw, Workload

DELIVERIES = 300
PUBLICATIONS = 30


def shop(*, real_botocore: bool) -> World:
    """The shop when it has come to rest after some orders, good and bad."""
    world = World(seed=5, real_botocore=CLIENT_CONFIG if real_botocore else False)
    world.put("stock", *({"sku": sku, "units": STOCK_PER_SKU} for sku in SKUS))
    for consumer, function in SHOP.items():
        world.deploy(consumer, function)
    world.deploy_relay(relay.handler)
    workload = iter(Workload(world.scheduler.random, bad=0.2, clock=world.scheduler.time))
    for publication in (next(workload) for _ in range(PUBLICATIONS)):
        _publish(world, publication)
    world.run()
    return world


def _publish(world: World, publication: Publication) -> None:
    if isinstance(publication.what, Raw):
        world.backend("sns").publish(**publication.what.request(world.sns_topic.arn))
    else:
        world.publish(publication.what)


def test_without_faults_it_is_the_same_run() -> None:
    """To the last line of the trace: every request and every reply survives its way through bytes."""
    plain, wired = shop(real_botocore=False), shop(real_botocore=True)
    for consumer in SHOP:
        assert wired.outcomes(consumer) == plain.outcomes(consumer)
        assert wired.metrics(consumer) == plain.metrics(consumer)
        assert [letter.facts for letter in wired.dead_letters(consumer)] == [
            letter.facts for letter in plain.dead_letters(consumer)
        ]
    for table in plain.store.tables:
        assert wired.items(table) == plain.items(table)
    assert wired.mails == plain.mails
    assert wired.trace.hash() == plain.trace.hash()
    assert any(plain.dead_letters(consumer) for consumer in SHOP)


def test_with_faults_all_promises_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals and lost replies reach the consumers as botocore's own errors."""
    monkeypatch.setattr(producers, "BURST", 10)
    result = run(2, DELIVERIES, outage_seconds=60.0, real_botocore=True)
    assert [str(violation) for violation in result.violations] == []
    assert sum(result.deliveries.values()) >= DELIVERIES
    assert {Fault.LOST_REPLY, Fault.THROTTLED, Fault.CONFLICT} & set(result.hits)


def test_its_retries_come_from_the_seed() -> None:
    """Jitter too: the same seed is the same run."""
    traces = {wired_producer(seed=3) for _ in range(2)}
    assert len(traces) == 1
    assert traces != {wired_producer(seed=4)}


def wired_producer(seed: int) -> str:
    """The trace of a producer whose client tries again."""
    world = World(seed, real_botocore=True)
    world.inject("server_error", at="producer", times=4)
    world.publish(order_placed("1"))
    world.run()
    world.assert_all_injected()
    (report,) = world.reports  # the publisher itself has seen no failure
    assert report.failed == ()
    return f"{world.trace.hash()} {world.elapsed_seconds!r}"
