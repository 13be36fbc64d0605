"""The command `alarms`: look at every alarm once, or minute by minute."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from local import engine
from local.alarms.errors import AlarmError
from local.deployment import state_folder, synthesized

if TYPE_CHECKING:
    from local.alarms.watch import Status

EXIT_FINE = 0
EXIT_RED = 7


def main(argv: list[str], root: Path) -> int:
    """Evaluate the alarms of what is deployed. The exit code is 7 with `--fail-on-alarm` and a red alarm, else 0.

    Raises LocalError where no engine runs, or where it fails.
    """
    options = _parser().parse_args(argv)
    state_dir = state_folder(root)
    running = engine.find(state_dir)
    if running is None:
        raise AlarmError("the engine does not run: run python3 dev.py up")
    from botocore.exceptions import BotoCoreError, ClientError

    from local.alarms.opening import open_alarms
    from local.clients import client

    endpoint = running.endpoint
    try:
        watcher = open_alarms(
            endpoint,
            lambda service: client(endpoint, service),
            synthesized(root),
            state_dir,
            minute_seconds=options.minute,
        )
        looks = watcher.looks() if options.watch else iter([watcher.look()])
        return _show(looks, as_json=options.output == "json", fail_on_alarm=options.fail_on_alarm)
    except (BotoCoreError, ClientError, OSError) as error:
        raise AlarmError(f"the engine failed: {error}. Does it still run? See python3 dev.py status") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py alarms",
        description="Evaluate the alarms of the templates against the engine, and set their states in it.",
    )
    parser.add_argument("--watch", action="store_true", help="look again at the beginning of every minute")
    parser.add_argument(
        "--minute",
        type=_seconds,
        metavar="SECONDS",
        help="let a minute last so long (default: as last time, at first 60). Ages are scaled, so that thresholds keep "
        "their meaning; another length than last time begins anew",
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="json: a line for each look")
    parser.add_argument(
        "--fail-on-alarm", action="store_true", help=f"exit with {EXIT_RED} when one is red; with --watch, at the first"
    )
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 60:
        raise argparse.ArgumentTypeError("must be from 0.1 to 60 seconds")
    return seconds


def _show(looks: Iterator[list[Status]], *, as_json: bool, fail_on_alarm: bool) -> int:
    from local.alarms.report import changes, document, is_red, print_table, summary

    before: list[Status] | None = None
    for statuses in looks:
        if as_json:
            print(json.dumps(document(statuses)), flush=True)
        elif before is None:
            print_table(statuses, sys.stdout)
            print(summary(statuses), flush=True)
        else:
            for line in changes(before, statuses):
                print(line, flush=True)
        if fail_on_alarm and any(map(is_red, statuses)):
            return EXIT_RED
        before = statuses
    return EXIT_FINE
