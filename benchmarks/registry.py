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
    Benchmark("synth", "loop", loop.synth),
    Benchmark("help", "loop", loop.command_help),
    Benchmark("first_order", "loop", loop.first_order, in_short=False),
    Benchmark("changes", "loop", scaling.changes, in_short=False),
    Benchmark("subscribers", "scaling", scaling.by_subscribers),
    Benchmark("end_to_end", "end_to_end", end_to_end.measure),
)

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


def named(name: str | None) -> tuple[Benchmark, ...]:
    """The benchmarks of that name or family; all without one."""
    return tuple(each for each in BENCHMARKS if name in (None, each.name, each.family))
