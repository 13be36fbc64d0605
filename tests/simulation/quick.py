"""A short simulation that stops at the first broken promise: for deliberately broken code, which it must find.

    python -m tests.simulation.quick

Exit code 0: all promises were kept. 3: one was broken, and which is on the last line. Any other: it did not run.
"""

from __future__ import annotations

import sys

from testing.faults import PlacedFaults
from tests.simulation.run import run
from tests.simulation.scenarios import SCENARIOS, placements_of_one, play
from tests.simulation.truth import Violation

BROKEN = 3
SEEDS = (1, 2, 3, 4)
MESSAGES = 4_000


def first_violation() -> tuple[str, Violation] | None:
    """Where it was found, and what it is."""
    for name, scenario in SCENARIOS.items():
        for placement in [{}, *placements_of_one(scenario)]:
            violations = play(scenario, PlacedFaults(placement, spared=scenario.spared)).violations
            if violations:
                placed = ", ".join(f"{number}: {fault.value}" for number, fault in placement.items())
                return f"scenario {name!r}, {placed or 'without a fault'}", violations[0]
    for seed in SEEDS:
        for violation in run(seed, MESSAGES).violations:
            return f"seed {seed}", violation
    return None


if __name__ == "__main__":
    found = first_violation()
    if found is not None:
        print(f"{found[0]}: {found[1]}")  # noqa: T201 - it talks to whoever runs it
        sys.exit(BROKEN)
