"""How many messages a second the simulation carries, and how that changes with their number.

Each run is a process of its own (python -m tests.simulation), with the same seeds at every size, none of them with an
outage. A message is one delivery to a function; seconds are of one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.growth import growth
from benchmarks.quantities import Bars, Lines, Result, absolute

ROOT = Path(__file__).resolve().parents[1]
SEEDS, SIZES = (2, 4, 6), (2_000, 6_000, 18_000, 54_000)
SHORT_SEEDS, SHORT_SIZES = (2,), (1_000, 3_000, 9_000)
COMPARED = ("naive", "powertools")
LEAST_PER_SECOND, MOST_SECONDS = 5_000.0, 90.0
RATE = "the simulation: messages a second a core"
IN_TEST = "the simulation in `test`: 20 seeds of 10,000 messages and every placement of faults"
LIMIT = "a flat profile of Python: a third is the core itself, a fifth DynamoDB in memory, no function has a fifteenth"
TRIED = "no garbage collection, identity hashes, remembered digests: nothing that could be measured"


def measure(short: bool) -> Result:
    """Ours by size, and the others once."""
    seeds, sizes = (SHORT_SEEDS, SHORT_SIZES) if short else (SEEDS, SIZES)
    seconds: Mapping[float, list[float]] = {size: [] for size in sizes}
    rates: dict[str, list[float]] = {"waybill": [], **{name: [] for name in COMPARED}}
    for seed in seeds:
        for size in sizes:
            messages, per_second = _run("waybill", seed, size)
            seconds[size].append(messages / per_second)
            if size == sizes[-1]:
                rates["waybill"].append(per_second)
        for name in COMPARED:
            rates[name].append(_run(name, seed, sizes[1])[1])
    quantities = [
        absolute(RATE, "", rates["waybill"], at_least=LEAST_PER_SECOND, limit=LIMIT, tried=TRIED),
        growth("the simulation by messages, CPU", seconds),
        *(absolute(f"the simulation, {name}: messages a second a core", "", rates[name]) for name in COMPARED),
        *(absolute(f"the simulation, {size:,} messages: CPU", "s", seconds[size]) for size in sizes),
    ]
    return Result(quantities, [_by_size(seconds), _by_protocol(rates)])


def in_test(_: bool) -> Result:
    """What the simulation takes of `dev.py test`: 20 seeds of 10,000 messages, and every placement of faults."""
    workers = str(min(os.cpu_count() or 1, 4) + 1)
    options = ["-q", "-p", "no:cacheprovider", "-n", workers, "--dist", "loadgroup"]
    files = ["tests/simulation/test_seeds.py", "tests/simulation/test_exhaustive.py"]
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "pytest", *options, *files], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    seconds = time.monotonic() - began
    return Result([absolute(IN_TEST, "s", [seconds], at_most=MOST_SECONDS, limit=LIMIT, tried=TRIED)])


def _run(protocol: str, seed: int, messages: int) -> tuple[int, int]:
    """Messages, and how many a second."""
    options = {"--protocol": protocol, "--first-seed": seed, "--messages": messages, "--seeds": 1, "--workers": 1}
    arguments = [str(part) for option in options.items() for part in option]
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    summary = json.loads(done.stdout)[protocol]
    return summary["messages"], summary["messages_a_second_a_core"]


def _by_size(seconds: Mapping[float, Sequence[float]]) -> Lines:
    points = [(size, median(each)) for size, each in seconds.items()]
    per_message = points[-1][1] / points[-1][0]
    linear = [(size, size * per_message) for size, _ in points]
    series = {"Waybill": points, "linear, through the last": linear}
    return Lines(title="CPU by messages", x="messages", y="s", series=series, logarithmic=True)


def _by_protocol(rates: Mapping[str, Sequence[float]]) -> Bars:
    series = {"messages a second": [median(each) for each in rates.values()]}
    return Bars(title="Messages a second a core", unit="messages a second", groups=[*rates], series=series)
