"""The local commands behind dev.py: `python -m local up | down | status | env | alarms | waybill | demo`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from local.errors import LocalError

ROOT = Path(__file__).resolve().parent.parent
INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Run one command. Returns its exit code."""
    if argv[:1] == ["demo"]:
        from local.demo.command import main as demo

        return _guarded(lambda: demo(argv[1:], ROOT))
    if argv[:1] == ["alarms"]:
        from local.alarms.command import main as alarms

        return _guarded(lambda: alarms(argv[1:], ROOT))
    if argv[:1] == ["waybill"]:
        return _guarded(lambda: _waybill(argv[1:]))
    command = _parser().parse_args(argv).command
    return _guarded({"up": _up, "down": _down, "status": _status, "env": _env}[command])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py", description="Waybill on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the engine and deploy, where needed")
    commands.add_parser("down", help="stop the engine; what it holds is kept for the next start")
    commands.add_parser("status", help="say what runs and what is deployed")
    commands.add_parser("env", help="print exports for a shell: how to reach the engine, the topic and the outbox")
    commands.add_parser("alarms", help="evaluate the alarms against the engine and show them", add_help=False)
    commands.add_parser("waybill", help="the operator's command on the engine", add_help=False)
    commands.add_parser("demo", help="publish orders and account for every message", add_help=False)
    return parser


def _guarded(command: Callable[[], int]) -> int:
    try:
        return command()
    except LocalError as error:
        print(f"waybill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("waybill: interrupted", file=sys.stderr)
        return INTERRUPTED


def _up() -> int:
    from local.deployment import up

    deployment = up(ROOT, report=_say)
    done = "deployed" if deployment.deployed else "unchanged"
    print(f"Waybill is up on {deployment.endpoint}: {done} ({deployment.seconds:.1f} s)")
    return 0


def _down() -> int:
    from local.deployment import down

    down(ROOT, report=_say)
    return 0


def _status() -> int:
    from local.deployment import status

    now = status(ROOT)
    print(f"engine    {f'runs on {now.endpoint} (process {now.pid})' if now.endpoint else 'stopped'}")
    changed = "deployed, as the checkout says" if now.current else "deployed; the checkout has changed since"
    print(f"topology  {changed if now.deployed else 'not deployed'}")
    return 0


def _env() -> int:
    from local.deployment import exports

    for name, value in exports(ROOT).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _waybill(arguments: list[str]) -> int:
    """In place of this process, so that exit code, output and Ctrl-C are its own."""
    from local.deployment import exports

    os.execve(  # noqa: S606 - there is nothing for a shell to do
        sys.executable,
        [sys.executable, "-m", "cli", *arguments],
        {**os.environ, **exports(ROOT), "PYTHONPATH": str(ROOT)},
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
