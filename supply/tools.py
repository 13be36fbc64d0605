"""Runs tools, in environments of their own: each is made of one lock with its hashes, when it is first asked for."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from supply.errors import SupplyError, Unreachable
from supply.locks import ROOT, Lock

CACHE = ROOT / ".waybill" / "tools"
NPM = Path(sys.executable).parent / "npm"
_COMPLETE = ".complete"
_LAST_LINES = 5
_UNREACHABLE = re.compile(
    r"connect|resolution|resolve '|timed? ?out|unreachable|proxy|certificate verify|No matching distribution"
    r"|\bENOTFOUND\b|\bEAI_AGAIN|\bECONN|\bETIMEDOUT|Method Not Allowed|\b404 Not Found|\b50[0-4]\b",
    flags=re.IGNORECASE,
)


def environment(lock: Lock, cache: Path = CACHE) -> Path:
    """The folder of a venv with what the lock says. Raises SupplyError where it can't be made: Unreachable, if that is
    for want of a network."""
    text = (ROOT / lock.file).read_bytes()
    folder = cache / f"{lock.name}-{hashlib.sha256(text).hexdigest()[:12]}"
    if (folder / _COMPLETE).exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)  # one that was broken off
    _tell(f"Installing {lock.what}, once")
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    run(install_command(folder / "bin" / "python", ROOT / lock.file))
    (folder / _COMPLETE).touch()
    return folder


def install_command(python: Path, lock: Path) -> list[str]:
    """Installs a lock for an interpreter: nothing that it does not name, and nothing without one of its hashes."""
    options = ["--quiet", "--no-deps", "--require-hashes", "--no-compile", "--retries=2", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", "--python", str(python), "install", *options, "-r", str(lock)]


def site_packages(folder: Path) -> Path:
    """Where an environment keeps its packages."""
    (found,) = folder.glob("lib/python3.*/site-packages")
    return found


def run(command: Sequence[str], *, folder: Path = ROOT) -> str:
    """The standard output of a tool. Raises SupplyError where it fails, Unreachable for want of a network."""
    done = answer(command, folder=folder)
    if done.returncode != 0:
        raise failure(command, done)
    return done.stdout


def failure(command: Sequence[str], done: subprocess.CompletedProcess[str]) -> SupplyError:
    """Why a tool failed, in its own words."""
    lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()
    if about_network := [line for line in lines if _UNREACHABLE.search(line)]:
        return Unreachable(about_network[-1].strip())
    words = "\n".join(lines[-_LAST_LINES:])
    return SupplyError(f"{' '.join(command[:3])} ended with {done.returncode}:\n{words}")


def answer(command: Sequence[str], *, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What a tool says and how it ends, whatever that is."""
    quiet = {**os.environ, "npm_config_update_notifier": "false", "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=folder, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
