"""Ten batches at once over the same three products: inventory's reservations against Powertools' FIFO processor.

Each batch is a thread with a handler and clients of its own, all in one process; what a handler hands back is given to
it again at once, until all hundred orders are reserved. Both reserve an order whole or not at all, by a transaction.
Theirs marks the event apart, so that a crash in between reserves twice; ours does it in the same transaction, and tells
of the reservation. DynamoDB refuses a transaction whose items are in another one, as on AWS.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.consumer_processes import servers
from benchmarks.quantities import Bars, Quantity, Result, absolute, count, ratio

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, SHORT_ROUNDS = 8, 2
OURS, FIFO = "ours", "fifo"
BATCHES, BATCH = 10, 10
LEAST_REQUESTS = 2.0
NAME = "ten batches over three products"

Costs = Mapping[str, Sequence[Mapping[str, Any]]]


def measure(short: bool) -> Result:
    """Requests, deliveries, wall time and CPU until all is reserved."""
    with servers() as endpoints:
        rounds = str(SHORT_ROUNDS if short else ROUNDS)
        command = [sys.executable, "-m", "benchmarks.contention_worker", endpoints.dynamodb, rounds]
        done = subprocess.run(
            command, cwd=ROOT, env=endpoints.environment, stdout=subprocess.PIPE, text=True, check=True
        )
    costs: Costs = json.loads(done.stdout.splitlines()[-1])
    bars = Bars(
        title=NAME,
        unit="",
        groups=["DynamoDB requests", "deliveries of 100 records", "write units"],
        series={
            side: [median(_each(each, field)) for field in ("calls", "deliveries", "write_units")]
            for side, each in costs.items()
        },
    )
    return Result([*_quantities(costs)], [bars])


def _quantities(costs: Costs) -> Iterator[Quantity]:
    for side, each in costs.items():
        yield count(f"{NAME}, {side}: DynamoDB requests", "", _each(each, "calls"))
        # Ours never hands a record back for a conflict.
        most = BATCHES * BATCH if side == OURS else None
        yield count(f"{NAME}, {side}: deliveries of 100 records", "", _each(each, "deliveries"), at_most=most)
        yield count(f"{NAME}, {side}: write units", "units", _each(each, "write_units"))
    for field, shown in (("wall_seconds", "wall time"), ("cpu_seconds", "CPU"), ("calls", "DynamoDB requests")):
        # How often batches meet is chance, so it is a ratio with a margin.
        least = LEAST_REQUESTS if field == "calls" else None
        numbers = _each(costs[FIFO], field), _each(costs[OURS], field)
        yield ratio(f"{NAME}: {shown}, fifo against ours", *numbers, at_least=least)
    for side, each in costs.items():
        yield absolute(f"{NAME}, {side}: wall time", "s", _each(each, "wall_seconds"))


def _each(costs: Sequence[Mapping[str, Any]], field: str) -> list[float]:
    return [cost[field] for cost in costs]
