"""The process that benchmarks/publisher.py measures: runs every way in turn, and prints what each cost as JSON.

python -m benchmarks.publisher_worker EVENTS ROUNDS LATENCY=ENDPOINT,... [WAY...]
"""

from __future__ import annotations

import gc
import json
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.publisher_ways import Way, ways

WARM_UP_EVENTS = 20


def main(number: int, rounds: int, endpoints: Sequence[str], names: Sequence[str]) -> int:
    """Measure: for each latency and way (all, where none is named), the costs of each round."""
    named = dict(each.split("=", 1) for each in endpoints)
    for endpoint in named.values():
        with ways(WARM_UP_EVENTS, endpoint) as those:
            for way in those.values():
                way()
    with ExitStack() as stack:
        all_ways: dict[str, dict[str, Way]] = {}
        for latency, endpoint in named.items():
            those = stack.enter_context(ways(number, endpoint))
            all_ways[latency] = {name: way for name, way in those.items() if name in names or not names}
        costs: dict[str, dict[str, list[dict[str, float]]]] = {
            latency: {name: [] for name in those} for latency, those in all_ways.items()
        }
        gc.collect()
        gc.freeze()
        for turn in range(rounds):
            for latency, those in all_ways.items():
                for name in sorted(those, reverse=bool(turn % 2)):
                    costs[latency][name].append(_cost(those[name], named[latency], number))
    print(json.dumps(costs))
    return 0


def _cost(way: Way, endpoint: str, number: int) -> dict[str, float]:
    _counts(endpoint)
    wall, cpu = time.perf_counter(), time.process_time()
    way()
    cost = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    counts = _counts(endpoint)
    if counts["messages"] != number:
        raise RuntimeError(f"{counts['messages']} messages arrived of {number}")
    return {**cost, "requests": counts["requests"]}


def _counts(endpoint: str) -> Any:
    with urllib.request.urlopen(endpoint) as reply:  # noqa: S310 - our own server's
        return json.loads(reply.read())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","), sys.argv[4:]))
