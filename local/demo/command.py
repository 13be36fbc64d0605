"""The demo's command: options in, one run, a report for people or one JSON document out."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from local.demo.ndjson import InputError
from local.demo.scenario import Scenario, ScenarioNote, load_scenario
from local.errors import LocalError
from local.locks import alone

if TYPE_CHECKING:
    from local.demo.places import DeployedEngine
    from local.demo.progress import Progress
    from local.demo.summary import Summary

EXIT_ACCOUNTED_FOR = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_DEFAULT_COUNT = 200
_MOST = 1_000_000
_STATE_FOLDER = ".waybill"


class Up(Protocol):
    """local.deployment.up: a running engine with everything deployed; `fresh` puts all that it held aside."""

    def __call__(self, root: Path, *, fresh: bool = False, report: Callable[[str], None]) -> DeployedEngine:
        """Start and deploy what is not running and deployed yet."""
        ...


def main(argv: list[str], root: Path, up: Up | None = None) -> int:
    """Run the demo; the exit code is 1 when anything is unaccounted for, 2 for bad input, 130 when interrupted."""
    started_at = time.time()
    try:
        options = _parser().parse_args(argv)
        scenario = _scenario(options)
        return _demo(options, scenario, root, up or _real_up(), started_at)
    except SystemExit as usage:  # argparse has said why
        return usage.code if isinstance(usage.code, int) else EXIT_USAGE
    except InputError as error:
        print(f"demo: {error}", file=sys.stderr)
        return EXIT_USAGE
    except LocalError as error:
        print(f"demo: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("demo: interrupted; what is in the queues stays there and is worked off", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py demo",
        description="Publish orders, let five consumers apply them, and account for every message.",
    )

    def option(name: str, what: str, **settings: Any) -> None:
        parser.add_argument(name, help=what, **settings)

    file: dict[str, Any] = {"type": _path, "metavar": "FILE.ndjson"}
    number: dict[str, Any] = {"type": _count, "metavar": "N"}
    option("--orders", "orders, one a line; without it they are made from a seed", **file)
    option("--stock", "units in stock, one product a line (default: stock.ndjson beside the orders)", **file)
    option("--count", f"how many orders to make (default {_DEFAULT_COUNT})", **number)
    option("--seed", "what is made or chosen is the same for the same seed (default 1)", **number, default=1)
    option("--cancel", "cancel N of the orders", **number, default=0)
    option("--poison", "malformed messages for the inventory queue (default 2)", **number, default=2)
    option("--duplicates", "publish N of the events once more", **number, default=0)
    option("--scarce", "stock only what the stock file has, so that some orders are refused", action="store_true")
    option("--json", "print one JSON document on standard output, and nothing else there", action="store_true")
    return parser


def _path(text: str) -> Path:
    """A path as typed: relative to where dev.py was called from."""
    return Path(os.environ.get("WAYBILL_DEV_FOLDER", ""), text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {_MOST:,}")
    return int(text)


def _scenario(options: argparse.Namespace) -> Scenario:
    if options.orders is not None and options.count is not None:
        raise InputError("--count is for orders made from a seed: leave it out, or leave out --orders")
    if options.count == 0:
        raise InputError("--count must be at least 1")
    scenario = load_scenario(
        orders=options.orders,
        stock=options.stock,
        count=options.count or _DEFAULT_COUNT,
        seed=options.seed,
        scarce=options.scarce,
    )
    for rejection in scenario.source.rejected:
        print(f"{options.orders}, line {rejection.line}: rejected: {rejection.reason}", file=sys.stderr)
    for line in scenario.source.repeats:
        print(f"{options.orders}, line {line}: repeats an earlier line, ignored", file=sys.stderr)
    if options.cancel > len(scenario.orders):
        raise InputError(f"--cancel {options.cancel}: there are only {len(scenario.orders)} orders")
    return scenario


def _demo(options: argparse.Namespace, scenario: Scenario, root: Path, up: Up, started_at: float) -> int:
    from local.demo.progress import open_progress

    progress = open_progress()
    try:
        with _only_demo(root, progress):
            summary = _run(options, scenario, root, up, progress, started_at)
    finally:
        progress.close()
    if options.json:
        for finding in summary.findings:
            print(f"unaccounted: {finding.text}", file=sys.stderr)
        print(json.dumps(summary.document(), indent=2))
    else:
        from local.demo.report import print_report

        print_report(summary, sys.stdout)
    return EXIT_FAILED if summary.unaccounted else EXIT_ACCOUNTED_FOR


def _run(
    options: argparse.Namespace, scenario: Scenario, root: Path, up: Up, progress: Progress, started_at: float
) -> Summary:
    from botocore.exceptions import BotoCoreError, ClientError

    from local.demo import alarms
    from local.demo.run import Plan, perform, start_of

    plan = Plan(cancel=options.cancel, duplicates=options.duplicates, poison=options.poison, seed=options.seed)
    try:
        engine = _engine_for(scenario, root, up, progress)
        summary = perform(engine, scenario, plan, progress, start_of(os.environ, started_at))
        return replace(summary, red_alarms=alarms.look(engine, root))
    except (BotoCoreError, ClientError, OSError) as error:
        raise LocalError(f"the engine failed: {error}. Run `python3 dev.py down`, then the demo again") from error


def _only_demo(root: Path, progress: Progress) -> AbstractContextManager[None]:
    """Two at once would count each other's messages, or start the engine afresh under the other."""
    return alone(
        root / _STATE_FOLDER / "demo.lock",
        waiting=lambda: progress.note("Another demo runs in this checkout: waiting until it is done"),
    )


def _engine_for(scenario: Scenario, root: Path, up: Up, progress: Progress) -> DeployedEngine:
    """The engine, holding data of this scenario or none: totals of two scenarios would say nothing."""
    note = ScenarioNote(root / _STATE_FOLDER)
    noted, fingerprint = note.read(), scenario.fingerprint
    engine = up(root, fresh=noted not in (None, fingerprint), report=progress.note)
    if noted == fingerprint:
        return engine
    if noted is not None:
        progress.note("The engine held the data of another demo: it was started afresh")
    elif _holds_data(engine):
        progress.note("The engine holds data that are no demo's: putting them aside and starting it afresh")
        engine = up(root, fresh=True, report=progress.note)
    note.write(fingerprint)
    return engine


def _holds_data(engine: DeployedEngine) -> bool:
    from local.demo.places import Places
    from local.demo.tables import is_empty
    from messaging.tables import INBOX, ORDER_LOG, STOCK

    places, dynamodb = Places(engine.outputs), engine.client("dynamodb")
    return not all(is_empty(dynamodb, places.table(table)) for table in (STOCK, INBOX, ORDER_LOG))


def _real_up() -> Up:
    from local.deployment import up

    return up
