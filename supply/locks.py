"""The lock files: which there are, what they pin, and the one command that makes them all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_ANYWHERE = ("--universal", "--python-version", "3.11", "--generate-hashes")
_ON_LAMBDA = ("--generate-hashes", "--python-version", "3.13", "--python-platform", "aarch64-manylinux2014")
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[\w,]+\])?==([^\s;]+)", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lock:
    """One set of Python packages: what is asked for in `source`, and all that it takes, with hashes, in `file`."""

    name: str
    options: Sequence[str]
    what: str

    @property
    def source(self) -> str:
        """What people edit."""
        return f"{self.name}.in"

    @property
    def file(self) -> str:
        """What is installed."""
        return f"{self.name}.txt"

    def pins(self, root: Path = ROOT) -> dict[str, str]:
        """Version by package."""
        return pinned((root / self.file).read_text(encoding="utf-8"))

    def command(self, uv: Path, *, upgrade: bool = False) -> list[str]:
        """What writes the file. What it pins already stays as it is, unless it is upgraded or contradicts the source.

        uv notes these words at the file's head, so they are the same wherever it runs.
        """
        upgraded = ["--upgrade"] if upgrade else []
        return [str(uv), "pip", "compile", *self.options, self.source, "-o", self.file, "--quiet", *upgraded]


# Those below are constrained by those above, so this is the order in which they are made.
RUN = Lock("requirements", _ANYWHERE, "the CDK app, the demo and the operator's command")
DEV = Lock("requirements-dev", _ANYWHERE, "the tests")
BENCH = Lock("requirements-bench", _ANYWHERE, "the benchmarks")
LAYER = Lock("requirements-layer", _ON_LAMBDA, "the functions on AWS")
TOOLS = Lock("requirements-tools", _ANYWHERE, "the tools of `dev.py supply`")
FUZZ = Lock("requirements-fuzz", _ANYWHERE, "the fuzzer of `dev.py fuzz`")
LOCKS = (RUN, DEV, BENCH, LAYER, TOOLS, FUZZ)

NODE_LOCK = "package-lock.json"
NODE_COMMAND = ("install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")


def pinned(text: str) -> dict[str, str]:
    """Version by package, of the text of a lock or of what it is made of."""
    return dict(_PIN.findall(text))
