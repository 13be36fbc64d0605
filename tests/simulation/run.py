"""One seeded run: a world, its producers, operators who interfere, and the judgement when all is at rest."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from testing.faults import Fault, RandomFaults
from testing.scheduler import STARTS_AT
from testing.sqs import Refused
from testing.world import World
from tests.simulation.producers import Producer
from tests.simulation.protocols import PROTOCOLS, Protocol
from tests.simulation.truth import Truth, Violation
from tests.simulation.workload import SKUS, Workload

HOUR_SECONDS = 3600.0
PAUSE_SECONDS = 30.0
# When faults have ceased, this is what the longest patience, back-off, lease and hiding take together.
LONGEST_DRAIN_SECONDS = 3 * HOUR_SECONDS

# A harsh world: about one invocation in ten meets something.
RATES: Mapping[Fault, float] = {
    **dict.fromkeys(Fault, 0.003),
    **dict.fromkeys((Fault.DIES_BEFORE_CALL, Fault.DIES_AFTER_CALL, Fault.LANDS_AFTER_DEATH), 0.001),
    Fault.CONFLICT: 0.01,
    Fault.THROTTLED: 0.01,
    Fault.UNPROCESSED: 0.02,
    Fault.DIES_IN_FUNCTION: 0.0008,
    Fault.EXCEPTION: 0.002,
    Fault.HANGS: 0.0003,
    Fault.ACKNOWLEDGEMENT_LOST: 0.01,
    Fault.DELIVERED_AGAIN: 0.01,
    Fault.INVOCATION_THROTTLED: 0.01,
    Fault.CLOCK_SKEW: 0.1,
    Fault.KILLED_LATE: 0.01,
    Fault.COPIED: 0.002,
    Fault.DELIVERY_FAILS: 0.002,
    Fault.KEY_REVOKED: 0.00005,
    Fault.PUBLISHED_AGAIN: 0.15,
    Fault.RESENT_LATE: 0.1,
    Fault.STREAM_RECORDS_LOST: 0.01,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run showed. `deliveries` are messages handed to functions, by consumer; `cpu_seconds` the machine's."""

    seed: int
    deliveries: Mapping[str, int]
    events: int
    hits: Mapping[Fault, int]
    violations: tuple[Violation, ...]
    counts: Mapping[tuple[str, str], int]
    told: Mapping[str, int]
    trace_hash: str
    lines: tuple[str, ...]
    virtual_seconds: float
    cpu_seconds: float


def run(
    seed: int,
    messages: int,
    *,
    protocol: Protocol | str = "waybill",
    rates: Mapping[Fault, float] = RATES,
    follow: tuple[str, ...] = (),
    outage_seconds: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
    real_botocore: bool = False,
) -> Result:
    """Simulate about so many deliveries. `outage_seconds` of DynamoDB: by the seed none, one hour or three."""
    started = time.process_time()
    if outage_seconds is None:
        outage_seconds = (0.0, HOUR_SECONDS, 0.0, 3 * HOUR_SECONDS)[seed % 4]
    if isinstance(protocol, str):
        protocol = PROTOCOLS[protocol]
    chance = Random(seed)
    world = World(seed, topic=protocol.topic, follow=follow, keeps_logs=False, real_botocore=real_botocore)
    plan = RandomFaults(rates, world.scheduler.random, clock=world.scheduler.time)
    world.plan = plan
    truth = Truth(world)
    with _little_garbage(), protocol.deployed(world, truth):
        producer = Producer(
            world,
            truth,
            iter(Workload(chance, clock=world.scheduler.time, skus=SKUS[:8] if seed % 2 else SKUS)),
            done=lambda: _deliveries(world) / messages,
            pause_seconds=PAUSE_SECONDS,
            outage_seconds=outage_seconds,
        )
        world.scheduler.spawn(producer.run)
        operators = Operators(world, truth, chance)
        while not producer.at_rest:
            world.run(600.0)
            operators.interfere()
            progress(_deliveries(world))
        # A late resend may be on its way; then nothing goes wrong any more, and all must come to rest.
        world.run(HOUR_SECONDS + outage_seconds)
        plan.ceases_at = world.scheduler.now
        operators.finish()
        world.run()
    truth.judge()
    drained_seconds = world.scheduler.now - plan.ceases_at
    if drained_seconds > LONGEST_DRAIN_SECONDS:
        truth.violate_drain(f"{drained_seconds:.0f} s after the last fault")
    return Result(
        seed=seed,
        deliveries={name: each.mapping.deliveries for name, each in world.deployed.items()},
        events=len(truth.publications),
        hits=dict(world.hits),
        violations=tuple(truth.violations),
        counts=dict(truth.counts),
        told=_told(world),
        trace_hash=world.trace.hash(),
        lines=tuple(world.trace.lines),
        virtual_seconds=world.scheduler.now - STARTS_AT,
        cpu_seconds=time.process_time() - started,
    )


class Operators:
    """People who redrive, replay, deploy and sweep while all this goes on."""

    def __init__(self, world: World, truth: Truth, chance: Random) -> None:
        self._world = world
        self._truth = truth
        self._chance = chance

    def interfere(self) -> None:
        """Some of it, now."""
        consumers = [*self._world.deployed]
        drawn = self._chance.random()
        if drawn < 0.25:
            self._redrive(self._chance.choice(consumers))
        elif drawn < 0.35:
            deployed = self._world.deployed[self._chance.choice(consumers)]
            deployed.subscription.replay(self._world.scheduler.now - 120.0)
        elif drawn < 0.5:
            self._world.deployed[self._chance.choice(consumers)].fleet.retire()
        self._sweep(300.0)
        self._world.store.expire(self._world.scheduler.now)

    def finish(self) -> None:
        """What the stream lost is swept up; new code can process what was poison; all dead letters are tried again."""
        self._sweep(0.0)
        self._world.disturbance.heal()
        for consumer in self._world.deployed:
            self._redrive(consumer)

    def _sweep(self, older_than_seconds: float) -> None:
        if self._world.relay is not None:
            self._world.sweep(older_than_seconds)

    def _redrive(self, consumer: str) -> None:
        self._truth.redrive(consumer)
        with suppress(Refused):  # one of them is still at it
            self._world.redrive(consumer)


@contextmanager
def _little_garbage() -> Iterator[None]:
    """A world keeps what it makes: to look through all of it again and again for garbage takes a tenth of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(50_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _deliveries(world: World) -> int:
    return sum(each.mapping.deliveries for each in world.deployed.values())


def _told(world: World) -> Mapping[str, int]:
    told: Counter[str] = Counter()
    for each in world.deployed.values():
        told.update(each.telemetry.counts)
        told["deaths"] += each.fleet.deaths
        told["invocations"] += each.fleet.invocations
    return told
