"""Whether anything changed that a deployment is made of: one hash over its files and its context."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

FILES = ("app.py", "cdk.json", "package-lock.json", "requirements.txt")
FOLDERS = ("stacks", "messaging", "lambdas")


def fingerprint(root: Path, context: Mapping[str, str]) -> str:
    """The hash of every input of a deployment. Contents count, not times: a checkout or a copy changes nothing."""
    digest = hashlib.sha256()
    digest.update(json.dumps([sorted(context.items()), sys.version, sys.platform]).encode())
    for path in _inputs(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _inputs(root: Path) -> Iterator[Path]:
    yield from (root / name for name in FILES if (root / name).is_file())
    yield from sorted((root / "local").glob("*.py"))  # how it is deployed and mended; the demo is a folder of its own
    for folder in FOLDERS:
        for parent, folders, files in os.walk(root / folder):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            yield from (Path(parent, name) for name in sorted(files))
