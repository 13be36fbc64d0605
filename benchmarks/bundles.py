"""The folders that a function's process imports from, ours and stock's, and how large they are by package."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Beside the layer's own packages: what `pip install aws-lambda-powertools[tracer,parser]` brings.
STOCK_EXTRAS = ("aws-xray-sdk", "wrapt", "pydantic", "pydantic-core", "annotated-types", "typing-inspection")
STOCK_MODULES = ("stock_notifications.py", "stock_orders.py", "stock_publishing.py")
OWN_CODE = ("lambdas", "messaging")
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Bundles:
    """`layer`: our packages as the layer has them. `installed`: stock's, as pip installs them, and compiled. `zipped`:
    the same as the CDK's zip files leave them. `code`: ours."""

    layer: Path
    installed: Path
    zipped: Path
    code: Path
    layer_megabytes: dict[str, float]
    stock_megabytes: dict[str, float]


def make(folder: Path) -> Bundles:
    """Fill a folder with them. Raises SystemExit where a package is not installed."""
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-layer.txt").read_text(), flags=re.MULTILINE)
    layer, installed, code, zipped = (folder / name for name in ("layer", "installed", "code", "zipped"))
    _copy_packages(locked, layer)
    _copy_packages([*locked, *STOCK_EXTRAS], installed)
    for package in OWN_CODE:
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "stacks.layer", str(layer)], cwd=ROOT, check=True)
    sizes = _megabytes(layer) | {"our code": sum(_megabytes(code).values())}, _megabytes(installed)
    for module in STOCK_MODULES:
        shutil.copy(ROOT / "benchmarks" / module, installed)
    # pip compiles too, but by the time of change, which the CDK's zip files reset: Lambda finds all of it outdated.
    shutil.copytree(installed, zipped)
    for each in (layer, installed, code):
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(each)], check=True)
    return Bundles(layer, installed, zipped, code, *sizes)


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


def _megabytes(folder: Path) -> dict[str, float]:
    """Of source files, by what stands at the top."""
    sizes: dict[str, float] = {}
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            name = file.relative_to(folder).parts[0]
            if not name.endswith(".dist-info"):
                sizes[name.removesuffix(".py")] = (
                    sizes.get(name.removesuffix(".py"), 0.0) + file.stat().st_size / MEGABYTE
                )
    return sizes
