"""The cold start of the notifications function against the one that Powertools' documentation has it built as.

Each run is a process of its own, from its start until its modules are imported and the clients are made that its first
message needs, without site-packages: what it can import is one folder of packages, as on Lambda. Both sides have
compiled modules. Runs alternate, so that a machine that is busy with others is busy for all.
"""

from __future__ import annotations

import importlib.metadata
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quantities import Quantity, Result, absolute, ratio

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, SHORT_ROUNDS = 15, 4
LEAST_RATIO, MOST_MB = 2.5, 40.0
LIMIT = "botocore's import and one client, 0.23 s of stock's 0.57 s of CPU: nothing that uses botocore gets past 2.4x"
# Beside the layer's own packages: what `pip install aws-lambda-powertools[tracer,parser]` brings.
STOCK_EXTRAS = ("aws-xray-sdk", "wrapt", "pydantic", "pydantic-core", "annotated-types", "typing-inspection")
# As Lambda sets it: Powertools' Tracer, for one, is idle elsewhere.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "notifications",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "LAMBDA_TASK_ROOT": "/var/task",
    "POWERTOOLS_METRICS_NAMESPACE": "Waybill",
    "POWERTOOLS_SERVICE_NAME": "notifications",
    "WAYBILL_CONSUMER": "notifications",
    "WAYBILL_QUEUE_URL": "queue",
    "WAYBILL_DEAD_LETTER_QUEUE_URL": "dead",
    "WAYBILL_CODE_VERSION": "v1",
    "WAYBILL_NEWER_VERSION_PATIENCE_SECONDS": "900",
    "WAYBILL_TABLE_INBOX": "inbox",
    "WAYBILL_MAIL_FROM": "shop@example.com",
}
STOCK = "import stock_notifications"
# An empty batch composes the function; its first message would then make these two clients.
OURS = """
from lambdas import runtime

class Clients(runtime.Clients):
    def __init__(self):
        super().__init__()
        self.dynamodb.meta, self.ses.meta

runtime.Clients = Clients
from types import SimpleNamespace
from lambdas.notifications import handler
handler({"Records": []}, SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 5_000))
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
    """One kind of process: its script, and the folders that it imports from."""

    script: str
    folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took until it was initialised."""

    wall_seconds: float
    cpu_seconds: float
    megabytes: float


KINDS: Mapping[str, Callable[[Run], float]] = {
    "wall time": operator.attrgetter("wall_seconds"),
    "CPU": operator.attrgetter("cpu_seconds"),
}


def measure(short: bool) -> Result:
    """Ours with the packages as the layer has them, and as installed, each against stock as installed."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        cases = _cases(Path(folder))
        for case in cases.values():
            _run(case)  # warms the disk's cache
        runs: dict[str, list[Run]] = {name: [] for name in cases}
        for _ in range(SHORT_ROUNDS if short else ROUNDS):
            for name, case in cases.items():
                runs[name].append(_run(case))
    stock, zipped, layer, installed = runs.values()
    quantities = [
        *_ratios("packages as in the layer", stock, layer, at_least=LEAST_RATIO, limit=LIMIT),
        _resident("ours, packages as in the layer", layer, at_most=MOST_MB),
        *_ratios("packages as installed", stock, installed),
        _resident("ours, packages as installed", installed),
        *_ratios("as the CDK's zip files leave both", zipped, layer),
        _resident("stock", stock),
        *(absolute(f"{name}: wall time", "s", [run.wall_seconds for run in each]) for name, each in runs.items()),
    ]
    return Result(quantities)


def _ratios(what: str, stock: list[Run], ours: list[Run], **goal: Any) -> Iterator[Quantity]:
    """How many times as much stock takes."""
    for kind, seconds in KINDS.items():
        title = f"stock against ours, {what}: {kind}"
        yield ratio(title, [*map(seconds, stock)], [*map(seconds, ours)], **goal)


def _resident(what: str, runs: list[Run], **goal: Any) -> Quantity:
    return absolute(f"{what}: resident", "MB", [run.megabytes for run in runs], **goal)


def _cases(folder: Path) -> dict[str, Case]:
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-layer.txt").read_text(), flags=re.MULTILINE)
    layer, installed, code, zipped = (folder / name for name in ("layer", "installed", "code", "zipped"))
    _copy_packages(locked, layer)
    _copy_packages([*locked, *STOCK_EXTRAS], installed)
    for package in ("lambdas", "messaging"):
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "benchmarks" / "stock_notifications.py", installed)
    subprocess.run([sys.executable, "-m", "stacks.layer", str(layer)], cwd=ROOT, check=True)
    # pip compiles too, but by the time of change, which the CDK's zip files reset: Lambda finds all of it outdated.
    shutil.copytree(installed, zipped)
    for each in (layer, installed, code):
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(each)], check=True)
    return {
        "stock": Case(STOCK, (installed,)),
        "stock, not compiled": Case(STOCK, (zipped,)),
        "ours, packages as in the layer": Case(OURS, (layer, code)),
        "ours, packages as installed": Case(OURS, (installed, code)),
    }


def _copy_packages(names: Iterable[str], target: Path) -> None:
    """The files of installed packages. Raises SystemExit where one is not installed."""
    for name in names:
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            sys.exit(f"cold_start needs {name}, of requirements-dev.txt: python3 dev.py test installs it")
        for file in distribution.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                copy = target / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), copy)


def _run(case: Case) -> Run:
    path = os.pathsep.join(str(folder) for folder in case.folders)
    # -S: no site-packages. -P: nothing of the folder that this runs in, which would not be compiled. -B: what is not
    # compiled stays so, as on Lambda, whose file system is read-only.
    command = [sys.executable, "-S", "-P", "-B", "-c", case.script + REPORT]
    began = time.monotonic()
    done = subprocess.run(command, env={**ENVIRONMENT, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a cold start failed:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout.splitlines()[-1])
    return Run(report["now"] - began, report["cpu"], report["megabytes"])
