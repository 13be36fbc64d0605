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
    if options.plots and options.short:
        parser.error("--plots keeps what the whole form gives, and not the short one")
    if options.plots and options.name in {each.name for each in chosen} - {*registry.FAMILIES}:
        parser.error(f"{options.name} is a part of the family {chosen[0].family}: bench {chosen[0].family} --plots")
    if options.json not in (None, "-") and not Path(options.json).absolute().parent.is_dir():
        parser.error(f"there is no folder for {options.json}")
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
    document = [record.document(family, those) for family, those in quantities.items()]
    LAST.parent.mkdir(exist_ok=True)
    for file in dict.fromkeys((LAST, options.json or LAST)):
        _write(file, document)
    if options.json != "-":
        table.show(quantities)
    failed = [each.what for those in quantities.values() for each in those if each.failed]
    for what in failed:
        print(f"gate missed: {what}", file=sys.stderr)
    for family in broken:
        print(f"not measured: {family}, for the error above", file=sys.stderr)
    print(f"{time.monotonic() - began:.0f} s in all; the numbers are in {LAST}", file=sys.stderr)
    return 1 if failed or broken else 0


def _parser() -> argparse.ArgumentParser:
    families = [*dict.fromkeys(each.family for each in registry.BENCHMARKS)]
    parts = [each.name for each in registry.BENCHMARKS if each.name not in families]
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    help_of_names = f"a family ({', '.join(families)}) or a part of one ({', '.join(parts)}); without it, all"
    parser.add_argument("name", nargs="?", metavar="NAME", choices=[*families, *parts], help=help_of_names)
    parser.add_argument("--short", action="store_true", help="fewer rounds and sizes: all of it within five minutes")
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="write the quantities as JSON there too, beside .waybill/bench.json; - for stdout in place of the table",
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
    else:
        Path(file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
