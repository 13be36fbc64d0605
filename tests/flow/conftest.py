"""Waybill deployed by the real CDK CLI into an engine of the tests' own: a checkout being worked in is left alone."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.target import Target
from local import engine as local_engine
from local.alarms.opening import open_alarms
from local.alarms.watch import Watcher
from local.demo.places import Places
from local.deployment import Deployment, down, exports, synthesized, up
from local.engine import Engine
from tests.flow.observing import assert_masked
from tests.flow.operating import EDITOR, HASTY, Said, Start, Waybill

ROOT = Path(__file__).parents[2]
# An order to this city ends the process of the function that works on it, as a crash in native code would.
KILLER_CITY = "Killer City"
# The consumer, the module of its effect, and the function in it that meets the order.
CRASHING = (
    ("inventory", "inventory", "wanted_units"),
    ("analytics", "analytics", "book"),
    ("standard_orders", "orders", "write"),
)
KILLER_CONSUMERS = tuple(consumer for consumer, _, _ in CRASHING)
_CRASHES = """

import os as _os

_{name} = {name}


def {name}(message, *arguments, **options):
    if message.event.ship_to.city == "{city}":
        _os._exit(1)
    return _{name}(message, *arguments, **options)
"""
SOURCES = ("app.py", "cdk.json", "package.json", "package-lock.json", "stacks", "messaging", "lambdas")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what is deployed, with a `.waybill` of its own, torn down whatever happened in it."""
    root = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    for lock in ROOT.glob("requirements*"):
        shutil.copy(lock, root)
    for _, name, function in CRASHING:
        with (root / "lambdas" / f"{name}.py").open("a", encoding="utf-8") as module:
            module.write(_CRASHES.format(name=function, city=KILLER_CITY))
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    try:
        yield root
    finally:
        down(root, print)


@pytest.fixture
def deployment(checkout: Path) -> Deployment:
    """The running deployment: the first test that asks pays for it."""
    return up(checkout, report=print)


@pytest.fixture
def places(deployment: Deployment) -> Places:
    return Places(deployment.outputs)


@pytest.fixture
def running(checkout: Path, deployment: Deployment) -> Engine:
    """The engine's process, for tests that kill its functions."""
    engine = local_engine.find(checkout / ".waybill" / "engine")
    assert engine is not None
    return engine


@pytest.fixture
def environment(checkout: Path, deployment: Deployment) -> dict[str, str]:
    """What `dev.py env` exports, and an editor."""
    return {**exports(checkout), "PYTHONPATH": str(ROOT), "EDITOR": EDITOR}


@pytest.fixture(scope="session")
def clients() -> dict[str, object]:
    """boto3's clients, which commands in one process share: to make one takes longer than most commands."""
    return {}


@pytest.fixture
def waybill(
    environment: dict[str, str],
    clients: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Waybill:
    """Runs an operator's command in this process, as piped."""
    monkeypatch.setattr(Target, "_clients", clients)
    for name, value in environment.items():
        if name != "PYTHONPATH":
            monkeypatch.setenv(name, value)
    # The engine is one server and forgets no message: it is empty where it gives none at once.
    monkeypatch.setattr("cli.letters.hold.POLL_SECONDS", 0)

    def run(*arguments: str, exit_code: int | None = None) -> Said:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        assert exit_code in (None, code), captured.err
        assert_masked(arguments, captured.out, captured.err)
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator[Start]:
    """Starts one in a process of its own, whose letters are free soon after it was killed."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, HASTY, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def opened(checkout: Path, deployment: Deployment, tmp_path: Path) -> Callable[..., Watcher]:
    """A watcher of the alarms with a history of its own: what other tests and demos measured does not count. Unless it
    is told otherwise, each look is a minute after the one before."""

    def open_with(**options: object) -> Watcher:
        minutes = itertools.count(time.time() + 60.0, 60.0)
        given = {"minute_seconds": 60.0, "clock": lambda: next(minutes), **options}
        return open_alarms(deployment.endpoint, deployment.client, synthesized(checkout), tmp_path, **given)  # type: ignore[arg-type]  # as open_alarms checks

    return open_with
