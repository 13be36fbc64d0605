"""Compiles what functions import: Lambda's file system is read-only, so each cold start would compile it again."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

VERSION = "3.13"  # of the functions' runtime: another version's bytecode is passed over


def identity() -> str:
    """What an asset's hash must hold of this machine: whether it can compile."""
    return f"bytecode {VERSION}" if compiler() else "no bytecode"


@cache
def compiler() -> str | None:
    """An interpreter of the functions' version: this one, or one on PATH. Its processor doesn't matter to bytecode."""
    if sys.version_info[:2] == tuple(map(int, VERSION.split("."))):
        return sys.executable
    candidates = (Path(folder, f"python{VERSION}") for folder in os.get_exec_path())
    return next((str(path) for path in candidates if _is_interpreter(path)), None)


def _is_interpreter(path: Path) -> bool:
    """A program, and no script: pyenv's stand-ins are there even where they fail, and take 0.3 s to say so."""
    try:
        with path.open("rb") as program:
            return os.access(path, os.X_OK) and program.read(2) != b"#!"
    except OSError:
        return False


def compile_folder(folder: Path) -> None:
    """Compile every module of `folder`. Does nothing where there is no compiler.

    Unchecked, since a zip file does not keep the time of change by which Python holds compiled files for outdated. The
    folder's own path stays out of them: it differs from one build to the next, and Lambda's is put in at import.
    """
    interpreter = compiler()
    if interpreter is None:
        return
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder)]
    subprocess.run([interpreter, "-m", "compileall", *options, str(folder)], check=True, stdout=subprocess.DEVNULL)
