"""A deployment is skipped exactly when none of its inputs has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.fingerprint import fingerprint

CONTEXT = {"layer": "off"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file of each kind."""
    for name in ("app.py", "cdk.json", "stacks/queue.py", "messaging/inner/core.py", "lambdas/one.py", "README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path


def test_same_contents_are_the_same(checkout: Path) -> None:
    """Times of files, and files that Python makes, change nothing."""
    before = fingerprint(checkout, CONTEXT)
    os.utime(checkout / "app.py", (1, 1))
    (checkout / "stacks" / "__pycache__").mkdir()
    (checkout / "stacks" / "__pycache__" / "queue.pyc").write_bytes(b"")
    (checkout / "README.md").write_text("other", encoding="utf-8")

    assert fingerprint(checkout, CONTEXT) == before


@pytest.mark.parametrize("name", ["app.py", "cdk.json", "stacks/queue.py", "messaging/inner/core.py", "lambdas/one.py"])
def test_changed_file_is_noticed(checkout: Path, name: str) -> None:
    """Another content of any input gives another fingerprint."""
    before = fingerprint(checkout, CONTEXT)
    (checkout / name).write_text("other", encoding="utf-8")

    assert fingerprint(checkout, CONTEXT) != before


def test_new_moved_and_missing_files_are_noticed(checkout: Path) -> None:
    """A file more, a file under another name and a file less give three other fingerprints."""
    seen = [fingerprint(checkout, CONTEXT)]
    (checkout / "lambdas" / "two.py").write_text("", encoding="utf-8")
    seen.append(fingerprint(checkout, CONTEXT))
    (checkout / "lambdas" / "two.py").rename(checkout / "lambdas" / "three.py")
    seen.append(fingerprint(checkout, CONTEXT))
    (checkout / "lambdas" / "one.py").unlink()
    seen.append(fingerprint(checkout, CONTEXT))

    assert len(set(seen)) == len(seen)


def test_changed_context_is_noticed(checkout: Path) -> None:
    """Other options of the app are another deployment."""
    assert fingerprint(checkout, CONTEXT) != fingerprint(checkout, {"layer": "on"})
