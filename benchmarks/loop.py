"""The developer's loop: a synth, the first order after `demo`, and draining a file of orders.

Everything runs in a copy of the checkout, so that an engine that somebody works with is left alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.quantities import Bars, Quantity, Result, absolute, ratio

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    *("app.py", "dev.py", "cdk.json", "package.json", "package-lock.json"),
    *("stacks", "messaging", "lambdas", "local"),
)
ORDERS = 830


def synth(short: bool) -> Result:
    """`python app.py`, warm: as `up` runs it, and with the template validator, which plain `cdk synth` keeps on."""
    with _copy() as root:
        node = str(ROOT / ".venv" / "bin")
        environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
        command = [sys.executable, "app.py"]
        context = json.dumps({"layer": "off", "mail_from": "orders@example.com"})

        def run(number: int, **variables: str) -> float:
            output = {"CDK_OUTDIR": str(root / f"out-{number}"), "CDK_CONTEXT_JSON": context}
            return _timed(lambda: _run(command, root, {**environment, **output, **variables}))

        run(0)  # warms the caches
        rounds = range(1, 4 if short else 8)
        pairs = [(run(number, CDK_VALIDATION="false"), run(-number)) for number in rounds]
    of_up, validated = zip(*pairs, strict=True)
    limit = "the CDK itself: an empty app takes four fifths of the CPU"
    tried = "docs/decisions/0006-cloudformation-resources.md"
    return Result(
        [
            absolute("python app.py (synth), warm", "s", of_up, at_most=1.5, limit=limit, tried=tried),
            absolute("python app.py, warm, with the CDK's template validator", "s", validated),
        ]
    )


def command_help(short: bool) -> Result:
    """`waybill --help`, beside a Python that does nothing: what an operator waits before anything is asked."""
    program = [sys.executable, "-m", "cli", "--help"]
    nothing = [sys.executable, "-c", "pass"]
    for command in (program, nothing):
        _run(command, ROOT, os.environ)  # compiles what is not compiled yet
    runs = range(5 if short else 25)
    pairs = [
        (_timed(lambda: _run(program, ROOT, os.environ)), _timed(lambda: _run(nothing, ROOT, os.environ))) for _ in runs
    ]
    ours, bare = zip(*pairs, strict=True)
    return Result(
        [
            absolute("waybill --help", "s", ours, at_most=0.25),
            ratio("waybill --help, as times python -c pass", ours, bare, at_most=10.0),
        ]
    )


def first_order(short: bool) -> Result:
    """From the start of `dev.py demo` to the first order processed, and how long all of them take to drain."""
    with _copy() as root:
        python = getattr(sys, "_base_executable", sys.executable)  # the one outside of any environment
        no_caches = {**os.environ, "PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(root / "npm-cache")}

        def dev(*arguments: str) -> str:
            return _run([python, "dev.py", *arguments], root, no_caches)

        def demo() -> Mapping[str, Any]:
            summary: dict[str, Any] = json.loads(dev("demo", "--count", str(ORDERS), "--json"))
            if summary["unaccounted"]:
                raise RuntimeError(f"{summary['unaccounted']} messages are unaccounted for")
            return summary

        def stopped() -> float:
            dev("down")
            return float(demo()["seconds"]["first_order"])

        try:
            fresh = demo()["seconds"]
            drain = fresh["total"] - fresh["environment"] - fresh["deploy"]
            running = [float(demo()["seconds"]["first_order"]) for _ in range(2 if short else 5)]
            resumed = [stopped() for _ in range(1 if short else 3)]
        finally:
            dev("down")
    quantities = [
        _order("fresh clone, caches empty", [fresh["first_order"]], 30.0, "downloads, and unpacking them"),
        _order("running, unchanged", running, 1.5, "the start of the demo's own process"),
        _order("installed, engine stopped", resumed, 4.0, "nine Python functions that start on the machine's cores"),
        absolute(f"{ORDERS} orders published and drained, functions cold", "s", [drain], at_most=30.0),
    ]
    names = [each.what.removeprefix("first order: ") for each in quantities]
    bars = Bars(title="demo", unit="s", groups=names, series={"Waybill": [each.median for each in quantities]})
    return Result(quantities, [bars])


def _order(what: str, seconds: list[float], goal_seconds: float, limit: str = "") -> Quantity:
    tried = "docs/decisions/0006-cloudformation-resources.md, 0007-the-engine-is-hosted.md"
    return absolute(f"first order: {what}", "s", seconds, at_most=goal_seconds, limit=limit, tried=tried)


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        root = Path(folder)
        for name in COPIED:
            source = ROOT / name
            copy: Callable[..., Any] = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, root / name)
        for lock in ROOT.glob("requirements*"):
            shutil.copy(lock, root)
        yield root


def _run(command: list[str], root: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
