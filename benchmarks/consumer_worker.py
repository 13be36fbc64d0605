"""The process that benchmarks/consumer.py measures: runs cases, both sides in turn, and prints their costs as JSON.

python -m benchmarks.consumer_worker ENDPOINT ROUNDS CASE... warms up, prints `ready`, and begins at a line on stdin.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.consumer_cases import ALL_CASES, Cost, sides
from benchmarks.throttle import measured_share

WARM_UP_RECORDS = 40
SHARE_SECONDS = 1.0


def main(endpoint: str, rounds: int, names: Sequence[str]) -> int:
    """Measure. What handlers log goes nowhere, as cheaply for both."""
    answer = sys.stdout
    with Path(os.devnull).open("w") as sys.stdout:
        cases = {name: sides(ALL_CASES[name], endpoint) for name in names}
        for name, both in cases.items():
            for side in both.values():
                for _ in range(WARM_UP_RECORDS // ALL_CASES[name].size + 1):  # the first needs one to repeat
                    side.run()
        # Both sides' objects lie here: a full pass of the garbage collector would take them all for one of its batches.
        gc.collect()
        gc.freeze()
        print("ready", file=answer, flush=True)
        sys.stdin.readline()
        share = measured_share(SHARE_SECONDS)
        costs: dict[str, dict[str, list[Cost]]] = {name: {side: [] for side in both} for name, both in cases.items()}
        for number in range(rounds):
            for name, both in cases.items():
                for whose in sorted(both, reverse=bool(number % 2)):
                    costs[name][whose].append(both[whose].run())
    print(msgspec.json.encode({"share": share, "costs": costs}).decode(), file=answer, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
