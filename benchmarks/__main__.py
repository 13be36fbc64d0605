"""python3 dev.py bench [NAME]: measure beside what one would pick instead, and print counts, ratios and times.

The exit code is 1 where a gate is missed: a count's goal, or a ratio's by more than its margin. Absolute times judge
nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import record, registry, table
from benchmarks.quantities import Benchmark, Quantity, Result

ROOT = Path(__file__).resolve().parents[1]
LAST = ROOT / ".waybill" / "bench.json"


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmark or family, or all."""
    parser = _parser()
    options = parser.parse_args(arguments)
    chosen = registry.chosen(options.name, short=options.short)
    if options.plots and (options.short or options.name in {each.name for each in chosen} - {*registry.FAMILIES}):
        parser.error("--plots needs whole families, and not the short form")
    began, broken = time.monotonic(), []
    quantities: dict[str, list[Quantity]] = {}
    for family, benchmarks in itertools.groupby(chosen, key=lambda each: each.family):
        try:
            results = [_measure(each, short=options.short) for each in benchmarks]
        except Exception:  # noqa: BLE001 - whatever is wrong with one family, what the others gave is told
            traceback.print_exc()
            broken.append(family)
            continue
        quantities[family] = [each for result in results for each in result.quantities]
        if options.plots:
            record.keep(ROOT, family, quantities[family], [each for result in results for each in result.panels])
    _write(options.json or LAST, [record.document(family, those) for family, those in quantities.items()])
    if options.json != "-":
        table.show(quantities)
    failed = [each.what for those in quantities.values() for each in those if each.failed]
    for what in failed:
        print(f"gate missed: {what}", file=sys.stderr)
    for family in broken:
        print(f"not measured: {family}, for the error above", file=sys.stderr)
    print(f"{time.monotonic() - began:.0f} s in all", file=sys.stderr)
    return 1 if failed or broken else 0


def _parser() -> argparse.ArgumentParser:
    names = [*dict.fromkeys(name for each in registry.BENCHMARKS for name in (each.name, each.family))]
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", choices=names, help=f"one of {', '.join(names)}; or all")
    parser.add_argument("--short", action="store_true", help="fewer rounds and sizes: all of it in five minutes")
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="where to write the quantities as JSON (.waybill/bench.json); - for stdout in place of the table",
    )
    parser.add_argument(
        "--plots",
        action="store_true",
        help="write docs/plots, a plot and its numbers a family, and the README's table",
    )
    return parser


def _measure(benchmark: Benchmark, *, short: bool) -> Result:
    print(f"measuring {benchmark.name} ...", end=" ", flush=True, file=sys.stderr)
    began = time.monotonic()
    result = benchmark.measure(short)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return result


def _write(file: str | Path, document: Any) -> None:
    text = json.dumps(document, indent=2) + "\n"
    if file == "-":
        sys.stdout.write(text)
        return
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
