"""Every benchmark, by family: the one table that the command, the plots and the README read."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import cold_start, consumer, contention, cost, end_to_end, loop, publisher, scaling, simulation
from benchmarks.quantities import Benchmark

BENCHMARKS = (
    Benchmark("consumer", "consumer", consumer.measure),
    Benchmark("contention", "consumer", contention.measure),
    Benchmark("cold_start", "cold_start", cold_start.measure),
    Benchmark("publisher", "publisher", publisher.measure),
    Benchmark("cost", "cost", cost.measure),
    Benchmark("simulation", "simulation", simulation.measure),
    Benchmark("simulation_in_test", "simulation", simulation.in_test, in_short=False),
    Benchmark("synth", "loop", loop.synth),
    Benchmark("help", "loop", loop.command_help),
    Benchmark("first_order", "loop", loop.first_order, in_short=False),
    Benchmark("changes", "loop", scaling.changes, in_short=False),
    Benchmark("subscribers", "scaling", scaling.by_subscribers),
    Benchmark("end_to_end", "end_to_end", end_to_end.measure),
)

# What the project promises of its speed: these are in the README, everything with a goal is in docs/benchmarks.md.
HEADLINES: Mapping[str, tuple[str, ...]] = {
    "consumer": (
        "one effect a record, ours: round trips",
        "one of ten a duplicate, ours: round trips",
        "one effect a record: wall time, stock against ours",
        "one effect a record: CPU, stock against ours",
        "one effect a record, at 0.29 vCPU: wall time, stock against ours",
        "the effect is the marker, ours: round trips",
        "the effect is the marker, ours: write units",
        "the effect is the marker: wall time, stock against ours",
        "one effect a record: wall time, threads against ours",
        "external effects: wall time, threads against ours",
        "external effects, ours: round trips",
        "external effects: wall time, stock against ours",
        "one of ten poison: CPU, stock against ours",
        "external effects: CPU, stock against ours",
        "external, one of ten poison: CPU, stock against ours",
        "external effects, serial: wall time, stock against ours",
        "external effects, serial: wall time, threads against ours",
        "ten batches over three products: wall time, fifo against ours",
    ),
    "cold_start": (
        "cold start of notifications: wall time, stock against ours",
        "cold start of notifications: CPU, stock against ours",
        "cold start of notifications, ours: resident memory",
    ),
    "publisher": (
        "publishing at 6 ms, boto3, one by one: wall time against ours",
        "publishing at 6 ms, boto3, one by one: CPU against ours",
        "publishing at 6 ms, aiobotocore, in batches, 10 side by side: wall time against ours",
    ),
    "cost": (
        "a million orders at 1,000 a day: ours against Powertools",
        "a million orders at 100,000 a day: ours against Powertools",
    ),
    "simulation": (
        "the simulation: messages a second a core",
        "the simulation in `test`: 20 seeds of 10,000 messages and every placement of faults",
        "the simulation by messages, CPU: exponent of its growth",
    ),
    "loop": (
        "python app.py (synth), warm",
        "first order: fresh clone, caches empty",
        "first order: running, unchanged",
        "first order: installed, engine stopped",
    ),
    "scaling": (
        "a further synth in one process: 5 subscribers",
        "synth of 5 to 100 subscribers: exponent of its growth",
    ),
    "end_to_end": (
        "standard, 20 events a second, 5 subscribers: 95th percentile until applied",
        "FIFO, 20 events a second, 5 subscribers: 95th percentile until applied",
        "standard: draining 1,000 to 50,000, the engine's part and ours: exponent of its growth",
        "FIFO: draining 1,000 to 50,000, the engine's part and ours: exponent of its growth",
    ),
}

# What each plot shows, as its title.
FAMILIES: Mapping[str, str] = {
    "consumer": "A batch of a consumer, beside stock's",
    "cold_start": "Cold start of the functions, beside stock's",
    "publisher": "Publishing 1,000 events",
    "cost": "What a million orders cost",
    "simulation": "The simulation",
    "loop": "The developer's loop",
    "scaling": "A synth by the number of subscribers",
    "end_to_end": "Publish to applied, on the embedded engine",
}


def chosen(name: str | None, *, short: bool) -> tuple[Benchmark, ...]:
    """The benchmarks of that name or family; all without one. The short form leaves out what can't be short, unless it
    is what was asked for."""
    of_name = (each for each in BENCHMARKS if name in (None, each.name, each.family))
    return tuple(each for each in of_name if each.in_short or not short or name == each.name)
