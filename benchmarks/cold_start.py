"""The cold start of every function against the one that Powertools' documentation has it built as.

Each run is a process of its own, from its start until its modules are imported and the clients are made that its first
message needs, without site-packages: what it can import is one folder of packages, as on Lambda. Both sides have
compiled modules. Runs alternate, so that a machine that is busy with others is busy for all.
"""

from __future__ import annotations

import json
import operator
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import bundles
from benchmarks.quantities import Bars, Panel, Quantity, Result, absolute, ratio

ROUNDS, SHORT_ROUNDS = 11, 3
SHOWN_PACKAGES = 6
LEAST_RATIO, MOST_MB = 2.5, 40.0
LIMIT = "botocore's import and one client, three quarters of ours"
TRIED = "docs/decisions/0019-cold-starts.md; what is left is needed by the first request too"


@dataclass(frozen=True, slots=True)
class Function:
    """One of ours: the clients that its first message needs, and what stock has in its place."""

    clients: tuple[str, ...]
    stock: str = "stock_orders"
    least_ratio: float | None = LEAST_RATIO


FUNCTIONS: Mapping[str, Function] = {
    "notifications": Function(("dynamodb", "ses"), "stock_notifications"),
    "inventory": Function(("dynamodb",)),
    "priority_orders": Function(("dynamodb",)),
    "standard_orders": Function(("dynamodb",)),
    "analytics": Function(("dynamodb",)),
    "canary": Function(("dynamodb",)),
    # Stock has neither batches nor idempotency in its publishers, so they have no goal.
    "relay": Function(("dynamodb", "sns"), "stock_publishing", None),
    "heartbeat": Function(("sns",), "stock_publishing", None),
}
IN_SHORT = ("notifications", "inventory", "relay")
# As Lambda sets it: Powertools' Tracer, for one, is idle elsewhere.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "LAMBDA_TASK_ROOT": "/var/task",
    "POWERTOOLS_METRICS_NAMESPACE": "Waybill",
    "POWERTOOLS_SERVICE_NAME": "function",
    "WAYBILL_QUEUE_URL": "queue",
    "WAYBILL_DEAD_LETTER_QUEUE_URL": "dead",
    "WAYBILL_CODE_VERSION": "v1",
    "WAYBILL_NEWER_VERSION_PATIENCE_SECONDS": "900",
    **{f"WAYBILL_TABLE_{name}": name for name in ("INBOX", "OUTBOX", "STOCK", "RESERVATIONS", "ORDERS", "REVENUE")},
    "WAYBILL_OUTBOX_TABLE": "outbox",
    "WAYBILL_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:orders.fifo",
    "WAYBILL_MAIL_FROM": "shop@example.com",
}
# Its first invocation composes a function, as `Function.__call__` does, and its first message makes these clients.
OURS = """
from lambdas.cold_start import uncollected
from lambdas.runtime import Sandbox
from lambdas.{function} import handler
with uncollected():
    sandbox = Sandbox()
    handler.start(sandbox)
for client in {clients!r}:
    getattr(sandbox.clients, client).meta
"""
# Peak resident memory of this process alone: Linux counts into ru_maxrss what the parent had when it forked.
REPORT = """
import json, resource, sys, time
now, cpu = time.monotonic(), time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
if sys.platform == "linux":
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
print(json.dumps({"now": now, "cpu": cpu, "megabytes": peak}))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of process: its script, what it is for, and the folders that it imports from."""

    script: str
    function: str
    folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took until it was initialised."""

    wall_seconds: float
    cpu_seconds: float
    megabytes: float


Runs = Mapping[str, Mapping[str, list[Run]]]  # by function, and by side
KINDS: Mapping[str, Callable[[Run], float]] = {
    "wall time": operator.attrgetter("wall_seconds"),
    "CPU": operator.attrgetter("cpu_seconds"),
}
STOCK, LAYER, INSTALLED, ZIPPED = "stock", "ours", "ours, packages as installed", "stock, not compiled"


def measure(short: bool) -> Result:
    """Ours with the packages as the layer has them against stock as installed; of one function also other ways."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        made = bundles.make(Path(folder))
        cases = {name: _cases(name, made) for name in (IN_SHORT if short else FUNCTIONS)}
        runs: dict[str, dict[str, list[Run]]] = {name: {side: [] for side in each} for name, each in cases.items()}
        for turn in range((SHORT_ROUNDS if short else ROUNDS) + 1):
            for name, each in cases.items():
                for side, case in each.items():
                    run = _run(case)
                    if turn:  # the first warms the disk's cache
                        runs[name][side].append(run)
    return Result([*_quantities(runs), *_sizes(made)], [*_panels(runs, made)])


def _quantities(runs: Runs) -> Iterator[Quantity]:
    for name, sides in runs.items():
        goal = {"at_least": FUNCTIONS[name].least_ratio, "limit": LIMIT, "tried": TRIED}
        yield from _ratios(f"cold start of {name}", sides[STOCK], sides[LAYER], **goal)
        yield _resident(f"cold start of {name}, ours", sides[LAYER], at_most=MOST_MB)
        if INSTALLED in sides:
            yield from _ratios(f"cold start of {name}, packages as installed", sides[STOCK], sides[INSTALLED])
            yield from _ratios(f"cold start of {name}, as the CDK zips both", sides[ZIPPED], sides[LAYER])
        yield _resident(f"cold start of {name}, stock", sides[STOCK])
        for side, each in sides.items():
            yield absolute(f"cold start of {name}, {side}: wall time", "s", [run.wall_seconds for run in each])


def _ratios(what: str, stock: list[Run], ours: list[Run], **goal: Any) -> Iterator[Quantity]:
    """How many times as much stock takes."""
    for kind, seconds in KINDS.items():
        yield ratio(f"{what}: {kind}, stock against ours", [*map(seconds, stock)], [*map(seconds, ours)], **goal)


def _resident(what: str, runs: list[Run], **goal: Any) -> Quantity:
    return absolute(f"{what}: resident memory", "MB", [run.megabytes for run in runs], **goal)


def _sizes(made: bundles.Bundles) -> Iterator[Quantity]:
    for side, sizes in (("ours", made.layer_megabytes), ("stock", made.stock_megabytes)):
        yield absolute(f"bundle, {side}", "MB", [sum(sizes.values())])
        for package, megabytes in _largest(sizes):
            yield absolute(f"bundle, {side}, of it {package}", "MB", [megabytes])


def _largest(sizes: Mapping[str, float]) -> list[tuple[str, float]]:
    ordered = sorted(sizes.items(), key=lambda each: -each[1])
    kept, rest = ordered[:SHOWN_PACKAGES], ordered[SHOWN_PACKAGES:]
    return [*kept, ("others", sum(megabytes for _, megabytes in rest))]


def _panels(runs: Runs, made: bundles.Bundles) -> Iterator[Panel]:
    for kind, seconds in KINDS.items():
        series = {side: [median(map(seconds, sides[side])) for sides in runs.values()] for side in (LAYER, STOCK)}
        yield Bars(title=f"Cold start, {kind}", unit="s", groups=[*runs], series=series)
    memory = {
        side: [median(run.megabytes for run in sides[side]) for sides in runs.values()] for side in (LAYER, STOCK)
    }
    yield Bars(title="Cold start, resident memory", unit="MB", groups=[*runs], series=memory)
    yield _bundle_panel(made.layer_megabytes, made.stock_megabytes)


def _bundle_panel(ours: Mapping[str, float], stock: Mapping[str, float]) -> Bars:
    """The largest packages of either, and the rest of each."""
    shown = list(dict.fromkeys(name for sizes in (stock, ours) for name, _ in _largest(sizes)[:-1]))
    series = {
        side: [*(sizes.get(name) for name in shown), sum(mb for name, mb in sizes.items() if name not in shown)]
        for side, sizes in (("ours", ours), ("stock", stock))
    }
    return Bars(title="Bundle by package (source files)", unit="MB", groups=[*shown, "others"], series=series)


def _cases(name: str, made: bundles.Bundles) -> dict[str, Case]:
    function = FUNCTIONS[name]
    ours, stock = OURS.format(function=name, clients=function.clients), f"import {function.stock}"
    cases = {STOCK: Case(stock, name, (made.installed,)), LAYER: Case(ours, name, (made.layer, made.code))}
    if name == "notifications":
        cases[INSTALLED] = Case(ours, name, (made.installed, made.code))
        cases[ZIPPED] = Case(stock, name, (made.zipped,))
    return cases


def _run(case: Case) -> Run:
    environment = {**ENVIRONMENT, "WAYBILL_CONSUMER": case.function}
    environment["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in case.folders)
    # -S: no site-packages. -P: nothing of the folder that this runs in, which would not be compiled. -B: what is not
    # compiled stays so, as on Lambda, whose file system is read-only.
    command = [sys.executable, "-S", "-P", "-B", "-c", case.script + REPORT]
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a cold start of {case.function} failed:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout.splitlines()[-1])
    return Run(report["now"] - began, report["cpu"], report["megabytes"])
