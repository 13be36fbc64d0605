"""Batches of ten and of a hundred records: our consumer against what people build instead (stock_consumer.py).

A process of its own runs all in turn, warm, with real clients: ours as lambdas/runtime.py makes it, the others as
boto3 does by default. A ratio is that of two batches of one round. Assumed of AWS, and injected by testing/dynamodb in
another process: a request takes 4 ms (median) and 9 ms (99 of 100), lognormal; a batch of statements as long as its
slowest, a transaction two such rounds; SQS 4 ms. What it would be if statements ran one after another, the cases
`serial` tell. At 0.29 vCPU (a function of 512 MB) the process is stopped by signals when its CPU time for each 20 ms is
spent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.consumer_cases import CASES, LARGE_CASES
from benchmarks.consumer_processes import Costs, measured, servers
from benchmarks.quantities import Bars, Quantity, Result, absolute, count, ratio
from benchmarks.throttle import supported, throttled

ROUNDS, LARGE_ROUNDS, SLOW_ROUNDS, SERIAL_ROUNDS = 30, 8, 20, 15
SHORT_ROUNDS, SHORT_LARGE_ROUNDS = 4, 1
VCPU = 0.29
EFFECT, MARKER, EXTERNAL = "one effect a record", "the effect is the marker", "external effects"
SLOW = (EFFECT, MARKER, EXTERNAL)
# About half of what is measured (9.4x): where a core is shared, the quota of the slow process is not all of its waits.
SLOW_WALL = 4.5
SERIAL = (EFFECT, MARKER, EXTERNAL)
OURS, STOCK = "ours", "stock"
KINDS = {"wall": "wall time", "cpu": "CPU"}


@dataclass(frozen=True, slots=True)
class Goal:
    """At most: ours' round trips, SQS's included, and write units. At least: wall time and CPU, stock against ours."""

    calls: float | None = None
    write_units: float | None = None
    wall: float | None = None
    cpu: float | None = None
    cpu_gate: float | None = None


CPU = 7.0
LIMITS = {
    "cpu": "the number of requests, {} of stock's against {} of ours: a request costs either about the same CPU",
    "wall": "the number of requests, {} of stock's against {} of ours, which wait for the slowest of their statements",
}
TRIED = "fewer requests (docs/decisions/0001, 0005, 0011), no check of parameters, one encoder"
GOALS: Mapping[str, Goal] = {
    EFFECT: Goal(1, 40, wall=9.0, cpu=CPU),
    "one of ten a duplicate": Goal(2, 76, cpu=CPU),
    "one of ten poison": Goal(3, 37, cpu=CPU),
    MARKER: Goal(1, 10, wall=15.0, cpu=CPU),
    "FIFO, three groups, one of ten poison": Goal(3, 19),
    EXTERNAL: Goal(2, 20, wall=6.0, cpu=CPU),
    # Missed by what is known: the gates are about half of what is measured.
    "external, one of ten a duplicate": Goal(3, 19, cpu=CPU, cpu_gate=2.5),
    "external, one of ten poison": Goal(4, 19, cpu=CPU, cpu_gate=2.0),
    "external, two lapsed leases": Goal(4, 22),
    "inventory": Goal(2, 66),
    "100 records": Goal(2, 400, wall=9.0, cpu=CPU),
    "100 records, ten duplicates": Goal(3, 560, cpu=CPU),
    "100 records, one poison": Goal(4, 397, cpu=CPU),
    "100 records, external effects": Goal(8, 200, wall=6.0, cpu=CPU),
    "100 records, external, ten duplicates": Goal(9, 190, cpu=CPU),
    "100 records, external, one poison": Goal(10, 199, cpu=CPU),
}


def measure(short: bool) -> Result:
    """Every kind of batch: round trips and units of all, ratios where others have the same."""
    with servers() as endpoints:
        _, costs = measured(endpoints, SHORT_ROUNDS if short else ROUNDS, [*CASES])
        _, large = measured(endpoints, SHORT_LARGE_ROUNDS if short else LARGE_ROUNDS, [*LARGE_CASES])
        if supported():
            rounds = SHORT_ROUNDS if short else SLOW_ROUNDS
            share, slow = measured(endpoints, rounds, [*SLOW], lambda pid: throttled(pid, VCPU))
    costs |= large
    quantities = [each for name, sides in costs.items() for each in _quantities(name, sides)]
    if supported():
        quantities += _slow(share, slow)
    if not short:
        with servers(serial=True) as endpoints:
            _, serial = measured(endpoints, SERIAL_ROUNDS, SERIAL)
        quantities += [each for name, sides in serial.items() for each in _ratios(f"{name}, serial", sides, Goal())]
    return Result(quantities, [*_panels(costs)])


def _quantities(name: str, sides: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Quantity]:
    goal = GOALS[name]
    for side, costs in sides.items():
        ours = side == OURS
        yield count(f"{name}, {side}: round trips", "", _trips(costs), at_most=goal.calls if ours else None)
        units = _each(costs, "write_units")
        yield count(f"{name}, {side}: write units", "units", units, at_most=goal.write_units if ours else None)
        if any(_each(costs, "read_units")):
            yield count(f"{name}, {side}: read units", "units", _each(costs, "read_units"))
    yield from _ratios(name, sides, goal)
    yield from _milliseconds(name, sides)


def _ratios(name: str, sides: Mapping[str, Sequence[Mapping[str, Any]]], goal: Goal) -> Iterator[Quantity]:
    """The goals are against stock."""
    for other, costs in sides.items():
        if other != OURS:
            for kind, shown in KINDS.items():
                least = {"wall": goal.wall, "cpu": goal.cpu}[kind] if other == STOCK else None
                theirs, ours = _each(costs, f"{kind}_seconds"), _each(sides[OURS], f"{kind}_seconds")
                limit = LIMITS[kind].format(*(f"{median(_trips(each)):g}" for each in (costs, sides[OURS])))
                gate = goal.cpu_gate if (other, kind) == (STOCK, "cpu") else None
                told = {"at_least": least, "gate": gate, "limit": limit, "tried": TRIED}
                yield ratio(f"{name}: {shown}, {other} against ours", theirs, ours, **told)


def _slow(share: float, costs: Costs) -> Iterator[Quantity]:
    """The process is stopped when its quota is spent; what it really got is measured by a loop that never waits."""
    yield absolute(f"at {VCPU} vCPU, by stop signals: share of a CPU that a busy loop got", "", [share])
    for name, sides in costs.items():
        yield from _ratios(f"{name}, at {VCPU} vCPU", sides, Goal(wall=SLOW_WALL if name == EFFECT else None))
        yield from _milliseconds(f"{name}, at {VCPU} vCPU", sides)


def _trips(costs: Sequence[Mapping[str, Any]]) -> list[float]:
    return [sum(cost["operations"].values()) + cost["sent"] for cost in costs]


def _milliseconds(name: str, sides: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Quantity]:
    for side, costs in sides.items():
        for kind, shown in KINDS.items():
            values = [1000 * seconds for seconds in _each(costs, f"{kind}_seconds")]
            yield absolute(f"{name}, {side}: {shown}", "ms", values)


def _panels(costs: Costs) -> Iterator[Bars]:
    for title, cases in (("A batch of ten", CASES), ("A batch of a hundred", LARGE_CASES)):
        names = [name for name, case in cases.items() if case.others]
        sides = list(dict.fromkeys(side for name in names for side in costs[name]))
        for kind, shown in KINDS.items():
            series = {side: [_milliseconds_of(costs[name], side, kind) for name in names] for side in sides}
            yield Bars(title=f"{title}: {shown}", unit="ms", groups=names, series=series)


def _milliseconds_of(sides: Mapping[str, Sequence[Mapping[str, Any]]], side: str, kind: str) -> float | None:
    return 1000 * median(_each(sides[side], f"{kind}_seconds")) if side in sides else None


def _each(costs: Sequence[Mapping[str, Any]], field: str) -> list[float]:
    return [cost[field] for cost in costs]
