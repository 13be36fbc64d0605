"""python3 dev.py simulate: seeded runs of Waybill, and of what people use instead, in the same world.

It ends with a table, and with exit code 1 where Waybill broke a promise: then it prints the seed and the life of the
message. The same numbers, seeds and code give the same trace hash, on any machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from testing.faults import Fault
from tests.simulation.letters import DOUBLE, LOST, NEEDLESS, OUT_OF_ORDER
from tests.simulation.protocols import PROTOCOLS
from tests.simulation.run import Result, run

FILE_COLUMNS = 120  # a file or a pipe is no 80 columns wide
COLUMNS = (LOST, DOUBLE, OUT_OF_ORDER, NEEDLESS)
_done: Any = None  # a number shared by the workers: deliveries so far


def main(arguments: Sequence[str]) -> int:
    """Simulate, and show what came of it. Returns the exit code."""
    options = _parser().parse_args(arguments)
    protocols = [options.protocol] if options.protocol else [*PROTOCOLS]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    console = Console(stderr=True)
    started = time.monotonic()
    results = _run_all(protocols, seeds, options.messages, options.workers, console)
    if options.json:
        summaries = {name: _summary(name, results[name]) for name in protocols}
        sys.stdout.write(json.dumps(summaries, indent=2) + "\n")
    else:
        out = Console() if sys.stdout.isatty() else Console(width=FILE_COLUMNS)
        _show(out, results, wall_seconds=time.monotonic() - started, workers=options.workers)
    return _explain(console, results.get("waybill", []), options.messages)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py simulate", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--messages", type=_positive, default=10_000, metavar="N", help="deliveries a run, about")
    parser.add_argument("--seeds", type=_positive, default=4, metavar="N", help="how many runs of each protocol")
    parser.add_argument("--first-seed", type=int, default=1, metavar="N", help="the seed of the first run")
    parser.add_argument("--protocol", choices=[*PROTOCOLS], help="only this one; by default all")
    parser.add_argument("--workers", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--json", action="store_true", help="the numbers as JSON")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _run_all(
    protocols: Sequence[str], seeds: Sequence[int], messages: int, workers: int, console: Console
) -> dict[str, list[Result]]:
    done = multiprocessing.Value("q", 0)
    jobs = [(protocol, seed, messages) for protocol in protocols for seed in seeds]
    results: dict[str, list[Result]] = {name: [] for name in protocols}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        multiprocessing.Pool(min(workers, len(jobs)), _share, (done,), maxtasksperchild=1) as pool,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        task = progress.add_task("messages", total=messages * len(jobs))
        pending = [(job[0], pool.apply_async(_run_job, job)) for job in jobs]
        while pending:
            progress.update(task, completed=min(done.value, messages * len(jobs)))
            ready = [(name, each) for name, each in pending if each.ready()]
            pending = [(name, each) for name, each in pending if not each.ready()]
            for name, each in ready:
                results[name].append(each.get())
            time.sleep(0.1)
    return {name: sorted(those, key=lambda result: result.seed) for name, those in results.items()}


def _share(done: Any) -> None:
    global _done
    _done = done


def _run_job(protocol: str, seed: int, messages: int) -> Result:
    return run(seed, messages, protocol=protocol, progress=partial(_tell, [0]))


def _tell(told: list[int], deliveries: int) -> None:
    with _done.get_lock():
        _done.value += deliveries - told[0]
    told[0] = deliveries


def _summary(protocol: str, results: Sequence[Result]) -> dict[str, Any]:
    counts = _sum(result.counts for result in results)
    deliveries = _sum(result.deliveries for result in results)
    rows = {
        title: {
            "messages": sum(deliveries[name] for name in consumers),
            **{what: sum(counts[name, what] for name in consumers) for what in COLUMNS},
        }
        for title, consumers in PROTOCOLS[protocol].rows.items()
    }
    cpu_seconds = sum(result.cpu_seconds for result in results)
    others = Counter({what: number for (_, what), number in counts.items() if what not in COLUMNS})
    return {
        "rows": rows,
        "other_violations": dict(others),
        "faults": {fault.value: number for fault, number in _sum(result.hits for result in results).items()},
        "messages": deliveries.total(),
        "messages_a_second_a_core": round(deliveries.total() / cpu_seconds) if cpu_seconds else 0,
        "seeds": [result.seed for result in results],
        "trace_hash": hashlib.sha256("".join(result.trace_hash for result in results).encode()).hexdigest(),
    }


def _sum(counts: Iterable[Mapping[Any, int]]) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for each in counts:
        total.update(each)
    return total


def _show(console: Console, results: Mapping[str, Sequence[Result]], *, wall_seconds: float, workers: int) -> None:
    table = Table(title="What became of the messages")
    table.add_column("protocol", no_wrap=True)
    for name in ("messages", *COLUMNS):
        table.add_column(name, justify="right")
    summaries = {name: _summary(name, those) for name, those in results.items()}
    for summary in summaries.values():
        for title, row in summary["rows"].items():
            table.add_row(title, *(_number(row[column], column) for column in ("messages", *COLUMNS)))
        table.add_section()
    console.print(table)
    faults = Table(title="Faults that were met")
    faults.add_column("fault")
    for name in summaries:
        faults.add_column(name, justify="right")
    for fault in Fault:
        faults.add_row(fault.value, *(f"{summary['faults'].get(fault.value, 0):,}" for summary in summaries.values()))
    console.print(faults)
    for name, summary in summaries.items():
        console.print(
            f"{name}: {summary['messages']:,} messages, {summary['messages_a_second_a_core']:,} a second a core, "
            f"trace {summary['trace_hash'][:16]}",
            highlight=False,
        )
        if summary["other_violations"]:
            console.print(f"  other violations: {summary['other_violations']}", highlight=False)
    console.print(f"{wall_seconds:.0f} s in all, on {workers} processes", highlight=False)


def _number(number: int, column: str) -> str:
    return f"{number:,}" if column == "messages" or not number else f"[red]{number:,}[/red]"


def _explain(console: Console, results: Sequence[Result], messages: int) -> int:
    """The seed and the life of the first message with which each run broke a promise."""
    broken = [result for result in results if result.violations]
    for result in broken[:3]:
        for violation in result.violations:
            console.print(f"seed {result.seed}: {violation}", style="red", highlight=False)
        again = run(result.seed, messages, follow=(result.violations[0].event_id,))
        for line in again.lines:
            console.print(line, highlight=False, markup=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
