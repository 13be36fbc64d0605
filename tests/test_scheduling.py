"""Tests of one engine are on one of pytest-xdist's workers, whatever versions of it and of pytest there are."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.scheduling import in_order, scope_of

pytest_plugins = ["pytester"]

CONFTEST = """
import os

from tests.conftest import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # what is tested


def pytest_runtest_call(item):
    with open(os.environ["WORKED"], "a") as worked:
        worked.write(f"{item.nodeid} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""
TESTS = "def test_one():\n    pass\n\n\ndef test_two():\n    pass\n"
ROOT = Path(__file__).resolve().parents[1]


def test_tests_of_one_engine_are_on_one_worker(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real workers, real scheduling: flow tests of several modules together, others by module."""
    monkeypatch.setenv("WORKED", str(pytester.path / "worked"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    for path in (
        "conftest.py",
        *(f"tests/flow/test_{name}.py" for name in ("alarms", "cli_a", "a", "b")),
        "tests/test_e.py",
        "tests/test_f.py",
    ):
        target = pytester.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(CONFTEST if path == "conftest.py" else TESTS)
    pytester.runpytest_subprocess("-n", "3", "--import-mode=importlib", "-p", "no:cacheprovider").assert_outcomes(
        passed=12
    )
    workers = defaultdict(set)
    for line in (pytester.path / "worked").read_text().splitlines():
        nodeid, worker = line.split()
        workers[scope_of(nodeid)].add(worker)
    assert workers.keys() == {"operators", "orders", "tests/test_e.py", "tests/test_f.py"}
    assert [scope for scope, those in workers.items() if len(those) > 1] == []


def test_long_tests_begin_first() -> None:
    """The others keep their order, so that what shares a fixture stays together."""
    names = [
        "cli/test_b.py::x",
        "cli/test_a.py::x",
        "simulation/test_truth.py::x",
        "simulation/test_seeds.py::x",
        "flow/test_a.py::x",
    ]
    items = [cast(pytest.Item, SimpleNamespace(nodeid=f"tests/{name}")) for name in names]
    assert [item.nodeid.removeprefix("tests/") for item in in_order(items)] == [*reversed(names[2:]), *names[:2]]
