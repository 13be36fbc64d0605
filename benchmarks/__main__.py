"""python -m benchmarks [NAME]: measure, and print a table (--json: one JSON document on stdout)."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks import loop
from benchmarks.cold_start import Quantity, cold_start
from benchmarks.consumer import consumer
from benchmarks.loop import Measurement

BENCHMARKS: Mapping[str, Callable[[], Sequence[Measurement | Quantity]]] = {
    **loop.BENCHMARKS,
    "cold_start": cold_start,
    "consumer": consumer,
}


FILE_COLUMNS = 120


def main(arguments: list[str]) -> int:
    """Run the named benchmark, or all. The exit code is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, help="one of them; by default all")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    options = parser.parse_args(arguments)
    measurements: list[Measurement | Quantity] = []
    for name, benchmark in BENCHMARKS.items():
        if options.name in (None, name):
            print(f"measuring {name} ...", file=sys.stderr)
            measurements += benchmark()
    if options.json:
        print(json.dumps([measurement.document() for measurement in measurements], indent=2))
    else:
        _print_table(measurements)
    return 1 if any(measurement.missed for measurement in measurements) else 0


def _print_table(measurements: Sequence[Measurement | Quantity]) -> None:
    table = Table()
    table.add_column("What", ratio=1)
    for name in ("Goal", "Median", "Quartiles", "Runs"):
        table.add_column(name, no_wrap=True)
    for measurement in measurements:
        if isinstance(measurement, Quantity):
            row, values = measurement.row(), measurement.values
        else:
            row, values = _row(measurement), measurement.seconds
        table.add_row(*row[:3], _quartiles(values), row[-1])
    console = Console()
    # A file or a pipe is no 80 columns wide.
    (console if console.is_terminal else Console(width=FILE_COLUMNS)).print(table)


def _quartiles(values: Sequence[float]) -> str:
    if len(values) < 4:
        return ""
    lower, _, upper = statistics.quantiles(values)
    return f"{lower:.2f} to {upper:.2f}"


def _row(measurement: Measurement) -> tuple[str, ...]:
    goal = f"<= {measurement.goal_seconds:g} s"
    median = f"{measurement.median:.2f} s{' (missed)' if measurement.missed else ''}"
    least, most = f"{min(measurement.seconds):.2f} s", f"{max(measurement.seconds):.2f} s"
    return measurement.what, goal, median, least, most, str(len(measurement.seconds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
