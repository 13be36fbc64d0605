"""Batches of ten records: our consumer against Powertools' BatchProcessor with its idempotency utility.

A process of its own runs both in turn, warm, with real clients: ours as lambdas/runtime.py makes it, stock as boto3
does by default. DynamoDB is testing/dynamodb in another process, with a latency of 4 ms (median) and 9 ms (99 of 100).
A ratio is that of two neighbouring batches. At 0.29 vCPU (a function of 512 MB) the process is stopped by signals when
its CPU time for each 20 ms is spent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.consumer_cases import CASES, ENVIRONMENT, SERVED
from benchmarks.quantities import Quantity, Result, absolute, count, ratio
from benchmarks.throttle import supported, throttled

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, SHORT_ROUNDS, SLOW_ROUNDS, COUNTING_ROUNDS = 30, 8, 20, 3
VCPU = 0.29
EFFECT, DUPLICATE, MARKER, EXTERNAL = list(CASES)[:4]
# Goals: DynamoDB calls of ours at most; wall time and CPU of stock against ours at least.
CALLS = dict(zip(CASES, (1, 2, 1, 2, 3, 4, 2), strict=True))
WALL = {EFFECT: 9.0, MARKER: 15.0, EXTERNAL: 6.0}
CPU = {EFFECT: 7.0}
WRITE_UNITS = {MARKER: 10.0}
SLOW_WALL = 3.8
KINDS = {"wall": "wall time", "cpu": "CPU"}

Costs = dict[str, list[dict[str, Any]]]


def measure(short: bool) -> Result:
    """Every kind of batch: round trips and write units of all, ratios where stock has the same."""
    compared = [name for name, case in CASES.items() if case.stock is not None]
    with dynamodb() as endpoint:
        _, costs = _measure(endpoint, SHORT_ROUNDS if short else ROUNDS, compared)
        _, counts = _measure(endpoint, COUNTING_ROUNDS, [name for name in CASES if name not in compared])
        if supported():
            share, slow = _measure(
                endpoint, SHORT_ROUNDS if short else SLOW_ROUNDS, [EFFECT], lambda pid: throttled(pid, VCPU)
            )
    quantities = [each for name, both in {**costs, **counts}.items() for each in _quantities(name, both)]
    if supported():
        quantities += _slow(share, slow[EFFECT])
    return Result(quantities)


@contextmanager
def dynamodb() -> Iterator[str]:
    """The endpoint of a DynamoDB in a process of its own, with all tables."""
    command = [sys.executable, "-m", "testing.dynamodb.server", "--tables", *SERVED]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())["endpoint"]
        finally:
            server.terminate()


def _measure(
    endpoint: str,
    rounds: int,
    names: Sequence[str],
    limited: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> tuple[float, dict[str, Costs]]:
    """The share of a CPU that the measured process got, and the costs of each case and side."""
    command = [sys.executable, "-m", "benchmarks.consumer_worker", endpoint, str(rounds), *names]
    environment = {**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            if worker.stdout.readline() != "ready\n":
                raise RuntimeError("the measured process ended before it was ready")
            with limited(worker.pid):
                worker.stdin.write("go\n")
                worker.stdin.flush()
                report = json.loads(worker.stdout.readline())
        finally:
            worker.terminate()
    return report["share"], report["costs"]


def _quantities(name: str, both: Costs) -> Iterator[Quantity]:
    for side, costs in both.items():
        ours = side == "ours"
        what = f"{name}, {side}"
        yield count(
            f"{what}: DynamoDB calls",
            "calls",
            [sum(cost["operations"].values()) for cost in costs],
            at_most=CALLS[name] if ours else None,
        )
        most = WRITE_UNITS.get(name) if ours else None
        yield count(f"{what}: write units", "units", _each(costs, "write_units"), at_most=most)
    if "stock" in both:
        yield _ratio(name, "wall", both, WALL.get(name))
        yield _ratio(name, "cpu", both, CPU.get(name))
        yield from _milliseconds(name, both)


def _slow(share: float, both: Costs) -> Iterator[Quantity]:
    """The process is stopped when its quota is spent; what it really got is measured by a loop that never waits."""
    name = f"{EFFECT}, at {VCPU} vCPU"
    yield absolute(f"{name} by stop signals: share of a CPU that a busy loop got", "", [share])
    yield _ratio(name, "wall", both, SLOW_WALL)
    yield from _milliseconds(name, both)


def _milliseconds(name: str, both: Costs) -> Iterator[Quantity]:
    for side, costs in both.items():
        for kind, shown in KINDS.items():
            values = [1000 * seconds for seconds in _each(costs, f"{kind}_seconds")]
            yield absolute(f"{name}, {side}: {shown}", "ms", values)


def _ratio(name: str, kind: str, both: Costs, at_least: float | None) -> Quantity:
    theirs, ours = (_each(both[side], f"{kind}_seconds") for side in ("stock", "ours"))
    return ratio(f"{name}: {KINDS[kind]}, stock against ours", theirs, ours, at_least=at_least)


def _each(costs: Sequence[dict[str, Any]], field: str) -> list[float]:
    return [cost[field] for cost in costs]
