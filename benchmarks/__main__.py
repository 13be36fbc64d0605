"""python -m benchmarks [NAME]: measure, and print a table (--json: one JSON document on stdout)."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.loop import BENCHMARKS, Measurement


def main(arguments: list[str]) -> int:
    """Run the named benchmark, or all. The exit code is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, help="one of them; by default all")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    options = parser.parse_args(arguments)
    measurements: list[Measurement] = []
    for name, benchmark in BENCHMARKS.items():
        if options.name in (None, name):
            print(f"measuring {name} ...", file=sys.stderr)
            measurements += benchmark()
    if options.json:
        print(json.dumps([measurement.document() for measurement in measurements], indent=2))
    else:
        _print_table(measurements)
    return 1 if any(measurement.missed for measurement in measurements) else 0


def _print_table(measurements: list[Measurement]) -> None:
    table = Table("What", "Goal", "Median", "Least", "Most", "Runs")
    for measurement in measurements:
        goal = f"<= {measurement.goal_seconds:g} s"
        median = f"{measurement.median:.2f} s{' (missed)' if measurement.missed else ''}"
        least, most = f"{min(measurement.seconds):.2f} s", f"{max(measurement.seconds):.2f} s"
        table.add_row(measurement.what, goal, median, least, most, str(len(measurement.seconds)))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
