"""Builds the dependency layer: hash-pinned arm64 wheels for Python 3.13, without Docker, once per lock."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stacks import botocore_data, bytecode, late_imports
from stacks.errors import SynthError

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-layer.txt"
CACHE = ROOT / ".waybill" / "layer"


def build_layer(cache: Path = CACHE, lock: Path = LOCK) -> Path:
    """The folder of the layer that `lock` describes, from the cache where it is there.

    Raises SynthError when it can't be built: no network, no installer, a wheel that no longer has its hash.
    """
    layer = cache / layer_digest(lock)
    if layer.is_dir():
        return layer
    cache.mkdir(parents=True, exist_ok=True)
    # Built beside its place and renamed into it: an interrupted or a parallel build never leaves half a layer.
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as folder:
        building = Path(folder) / "layer"
        _install(lock, building / "python")
        prune(building / "python")
        bytecode.compile_folder(building)
        try:
            building.rename(layer)
        except OSError:
            if not layer.is_dir():  # otherwise somebody else was faster, with the same contents
                raise
    return layer


def layer_digest(lock: Path = LOCK) -> str:
    """Identifies a layer's contents: the lock, the files that are the recipe, and whether it can be compiled here."""
    modules = (__file__, botocore_data.__file__, late_imports.__file__, bytecode.__file__)
    recipe = [Path(module).read_bytes() for module in modules]
    return hashlib.sha256(b"".join([lock.read_bytes(), *recipe, bytecode.identity().encode()])).hexdigest()


def _install(lock: Path, target: Path) -> None:
    command = [
        *_installer(),
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--target",
        str(target),
        "--requirement",
        str(lock),
    ]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise SynthError(
            "the dependency layer could not be built: it downloads the wheels of requirements-layer.txt once, "
            "so it needs the network. Try again with a connection, or leave the layer out with -c layer=off "
            f"(local deployments do).\n{outcome.stderr.strip()}"
        )


def _installer() -> list[str]:
    """uv where it is there, else this interpreter's pip: both take wheels for another machine than this one."""
    if uv := shutil.which("uv"):
        platform = ["--python-platform", "aarch64-manylinux2014", "--python-version", bytecode.VERSION]
        return [uv, "pip", "install", "--python", sys.executable, *platform, "--only-binary", ":all:"]
    if importlib.util.find_spec("pip") is None:
        raise SynthError("the dependency layer needs uv on the PATH, or pip in this environment: python3 -m ensurepip")
    platform = ["--platform", "manylinux2014_aarch64", "--python-version", bytecode.VERSION, "--implementation", "cp"]
    return [sys.executable, "-m", "pip", "install", "--no-compile", *platform, "--only-binary=:all:"]


def prune(python: Path) -> None:
    """Leave what functions need, and nothing that differs from one installer or build to the next."""
    for path in [*_superfluous(python)]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    botocore_data.reduce_data(python / "botocore" / "data")
    late_imports.import_late(python)


def _superfluous(python: Path) -> Iterator[Path]:
    yield from python.rglob("__pycache__")
    yield from (python / name for name in ("bin", ".lock", "boto3/data", "boto3/examples"))
    for dist_info in python.glob("*.dist-info"):
        # Name, version and licence stay; installers write the rest each in their own way.
        yield from (entry for entry in dist_info.iterdir() if entry.name not in ("METADATA", "licenses", "LICENSE"))


if __name__ == "__main__":
    prune(Path(sys.argv[1]))  # what benchmarks/cold_start.py measures: installed packages as they are in the layer
