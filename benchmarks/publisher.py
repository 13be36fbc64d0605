"""Publishing 1,000 orders: ours beside boto3's and aiobotocore's loops, at no latency and at 6 ms.

A process of its own runs all of them in turn, warm; the topic is benchmarks/message_server.py, in another process for
each latency. A ratio is that of two runs of one round. Assumed: a request takes SNS as long whether it holds one or ten
messages, and requests side by side do not wait for each other.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import message_server
from benchmarks.consumer_cases import ENVIRONMENT
from benchmarks.growth import growth
from benchmarks.publisher_ways import IN_BATCHES, ONE_BY_ONE, OURS, OURS_OF_FEW
from benchmarks.quantities import Bars, Quantity, Result, absolute, count, ratio

ROOT = Path(__file__).resolve().parents[1]
EVENTS, ROUNDS, SHORT_ROUNDS = 1_000, 5, 2
NO_LATENCY, LATENCY = "0", "6"
LEAST_WALL, LEAST_CPU, MOST_REQUESTS = 30.0, 5.0, 130
# Where both cores are busy with other work, CPU is all that counts: wall time is then as much less as CPU is.
WALL_GATE = 10.0
LIMIT = "the CPU of ours, most of it botocore's, where the machine is slow or busy: its threads share one interpreter"
TRIED = "docs/decisions/0002-one-event-of-a-group-per-batch.md, messaging/sns_form.py"
SIZES, SHORT_SIZES = (300, 1_000, 3_000), (100, 300, 1_000)
IN_SHORT = (OURS, OURS_OF_FEW, ONE_BY_ONE, IN_BATCHES)
KINDS = {"wall": "wall time", "cpu": "CPU"}

Costs = Mapping[str, Mapping[str, list[dict[str, float]]]]


def measure(short: bool) -> Result:
    """Requests, wall time and CPU of each way."""
    latencies = (LATENCY,) if short else (NO_LATENCY, LATENCY)
    with ExitStack() as stack:
        endpoints = [f"{each}={stack.enter_context(message_server.apart(float(each)))}" for each in latencies]
        rounds = SHORT_ROUNDS if short else ROUNDS
        costs = _measured(endpoints, EVENTS, rounds, IN_SHORT if short else ())
        by_size: Mapping[float, list[float]] = {
            size: _each(_measured(endpoints[-1:], size, rounds, (OURS,))[LATENCY][OURS], "cpu_seconds")
            for size in (SHORT_SIZES if short else SIZES)
        }
    grown = growth("publishing by events, ours, CPU", by_size)
    return Result([*_ratios(costs), *_requests(costs[LATENCY]), grown, *_times(costs)], [*_panels(costs)])


def _measured(endpoints: Sequence[str], events: int, rounds: int, names: Sequence[str]) -> Costs:
    sizes = [str(events), str(rounds)]
    command = [sys.executable, "-m", "benchmarks.publisher_worker", *sizes, ",".join(endpoints), *names]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    costs: Costs = json.loads(done.stdout)
    return costs


def _ratios(costs: Costs) -> Iterator[Quantity]:
    goals: dict[tuple[str, str, str], dict[str, Any]] = {
        (LATENCY, "wall", ONE_BY_ONE): {"at_least": LEAST_WALL, "gate": WALL_GATE, "limit": LIMIT, "tried": TRIED},
        (LATENCY, "cpu", ONE_BY_ONE): {"at_least": LEAST_CPU, "limit": LIMIT, "tried": TRIED},
    }
    for latency, ways in costs.items():
        for kind, shown in KINDS.items():
            for name, each in ways.items():
                if name not in (OURS, OURS_OF_FEW):
                    yield ratio(
                        f"publishing at {latency} ms, {name}: {shown} against ours",
                        _each(each, f"{kind}_seconds"),
                        _each(ways[OURS], f"{kind}_seconds"),
                        **goals.get((latency, kind, name), {}),
                    )


def _requests(ways: Mapping[str, list[dict[str, float]]]) -> Iterator[Quantity]:
    """A full batch is ten; the last ones hold what is left of each lane's groups, and of few groups all hold less."""
    for name, each in ways.items():
        most = MOST_REQUESTS if name in (OURS, OURS_OF_FEW) else None
        yield count(f"publishing, {name}: requests", "requests", _each(each, "requests"), at_most=most)


def _times(costs: Costs) -> Iterator[Quantity]:
    for latency, ways in costs.items():
        for kind, shown in KINDS.items():
            for name, each in ways.items():
                yield absolute(f"publishing at {latency} ms, {name}: {shown}", "s", _each(each, f"{kind}_seconds"))


def _panels(costs: Costs) -> Iterator[Bars]:
    names = [*costs[LATENCY]]
    for kind, shown in KINDS.items():
        yield Bars(
            title=f"{EVENTS:,} events: {shown}",
            unit="s",
            groups=names,
            series={
                f"{latency} ms a request": [statistics.median(_each(ways[name], f"{kind}_seconds")) for name in names]
                for latency, ways in costs.items()
            },
        )


def _each(costs: Sequence[Mapping[str, float]], field: str) -> list[float]:
    return [cost[field] for cost in costs]
