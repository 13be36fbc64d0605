"""A copy of the checkout with an engine of its own, so that what somebody works with is left alone.

It uses this environment's packages: what it takes to install them is measured by the benchmark `first_order`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    *("app.py", "cdk.json", "package.json", "package-lock.json", "requirements.txt"),
    *("stacks", "messaging", "lambdas", "local"),
)


@dataclass(frozen=True)
class Checkout:
    """A copy: change its files, deploy it, ask its engine."""

    root: Path

    def run(self, *command: str, **environment: str) -> str:
        """Run a Python program in it. Returns what it wrote to stdout. Raises RuntimeError where it fails."""
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # Node is there
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env={**os.environ, "PATH": binaries, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def up(self) -> None:
        """What `dev.py up` does once everything is installed."""
        self.run("-m", "local", "up")

    def append(self, file: str, text: str) -> None:
        """Change a module by what stands at its end."""
        with (self.root / file).open("a", encoding="utf-8") as module:
            module.write(text)

    def client(self, service: str) -> Any:
        """A boto3 client of its running engine."""
        variables = self._variables()
        return boto3.client(
            service,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            region_name=variables["AWS_DEFAULT_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            config=Config(max_pool_connections=50, retries={"max_attempts": 0}),
        )

    def outputs(self) -> Mapping[str, str]:
        """The outputs of all stacks, by key."""
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        return {
            output["OutputKey"]: output["OutputValue"]
            for page in pages
            for stack in page["Stacks"]
            for output in stack.get("Outputs", [])
        }

    def _variables(self) -> Mapping[str, str]:
        lines = self.run("-m", "local", "env").splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines)


@contextmanager
def copied() -> Iterator[Checkout]:
    """A copy, whose engine is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / name)
        (root / "node_modules").symlink_to(ROOT / "node_modules")
        checkout = Checkout(root)
        try:
            yield checkout
        finally:
            checkout.run("-m", "local", "down")
