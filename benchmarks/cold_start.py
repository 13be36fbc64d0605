"""The cold start of the notifications function against the one that Powertools' documentation has it built as.

Each run is a process of its own, from its start until its modules are imported and the clients are made that its first
message needs, without site-packages: what it can import is one folder of packages, as on Lambda. Both sides have
compiled modules. Runs alternate, so that a machine that is busy with others is busy for all.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
LEAST_RATIO, MOST_MB = 2.5, 40.0
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


@dataclass(frozen=True, slots=True)
class Quantity:
    """What several runs gave, in a unit, and the goal for its median where there is one."""

    what: str
    unit: str
    values: list[float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the median is on the wrong side of the goal."""
        median = statistics.median(self.values)
        too_little = self.at_least is not None and median < self.at_least
        return too_little or (self.at_most is not None and median > self.at_most)

    def row(self) -> tuple[str, ...]:
        """For the table: what, goal, median, least, most, runs."""
        goal = f">= {self.at_least:g} {self.unit}" if self.at_least is not None else ""
        goal = f"<= {self.at_most:g} {self.unit}" if self.at_most is not None else goal
        shown = [f"{value:.2f} {self.unit}" for value in (statistics.median(self.values), *self._extremes)]
        return self.what, goal, shown[0] + (" (missed)" if self.missed else ""), *shown[1:], str(len(self.values))

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "median": statistics.median(self.values)}

    @property
    def _extremes(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


def cold_start() -> list[Quantity]:
    """Ours with the packages as the layer has them, and as installed, each against stock as installed."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        cases = _cases(Path(folder))
        for case in cases.values():
            _run(case)  # warms the disk's cache
        runs: dict[str, list[Run]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name, case in cases.items():
                runs[name].append(_run(case))
    stock, zipped, layer, installed = runs.values()
    return [
        *_ratios("packages as in the layer", stock, layer, at_least=LEAST_RATIO),
        Quantity("ours, packages as in the layer: resident", "MB", [run.megabytes for run in layer], at_most=MOST_MB),
        *_ratios("packages as installed", stock, installed),
        Quantity("ours, packages as installed: resident", "MB", [run.megabytes for run in installed]),
        *_ratios("as the CDK's zip files leave both", zipped, layer),
        Quantity("stock: resident", "MB", [run.megabytes for run in stock]),
        *(Quantity(f"{name}: wall time", "s", [run.wall_seconds for run in each]) for name, each in runs.items()),
    ]


def _ratios(what: str, stock: list[Run], ours: list[Run], at_least: float | None = None) -> Iterator[Quantity]:
    """How many times as much stock takes, each run against its neighbour."""
    pairs = [*zip(stock, ours, strict=True)]
    walls = [theirs.wall_seconds / run.wall_seconds for theirs, run in pairs]
    cpus = [theirs.cpu_seconds / run.cpu_seconds for theirs, run in pairs]
    yield Quantity(f"stock against ours, {what}: wall time", "x", walls, at_least)
    yield Quantity(f"stock against ours, {what}: CPU", "x", cpus, at_least)


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
