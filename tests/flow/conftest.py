"""Waybill deployed by the real CDK CLI into an engine of the tests' own: a checkout being worked in is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import engine as local_engine
from local.demo.places import Places
from local.deployment import Deployment, down, up
from local.engine import Engine

ROOT = Path(__file__).parents[2]
# An order to this city ends the process of the function that works on it, as a crash in native code would.
KILLER_CITY = "Killer City"
# The consumer, the module of its effect, and the function in it that meets the order.
CRASHING = (
    ("inventory", "inventory", "wanted_units"),
    ("analytics", "analytics", "book"),
    ("standard_orders", "orders", "write"),
)
KILLER_CONSUMERS = tuple(consumer for consumer, _, _ in CRASHING)
_CRASHES = """

import os as _os

_{name} = {name}


def {name}(message, *arguments, **options):
    if message.event.ship_to.city == "{city}":
        _os._exit(1)
    return _{name}(message, *arguments, **options)
"""
SOURCES = ("app.py", "cdk.json", "package.json", "package-lock.json", "stacks", "messaging", "lambdas")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what is deployed, with a `.waybill` of its own, torn down whatever happened in it."""
    root = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    for lock in ROOT.glob("requirements*"):
        shutil.copy(lock, root)
    for _, name, function in CRASHING:
        with (root / "lambdas" / f"{name}.py").open("a", encoding="utf-8") as module:
            module.write(_CRASHES.format(name=function, city=KILLER_CITY))
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    try:
        yield root
    finally:
        down(root, print)


@pytest.fixture
def deployment(checkout: Path) -> Deployment:
    """The running deployment: the first test that asks pays for it."""
    return up(checkout, report=print)


@pytest.fixture
def places(deployment: Deployment) -> Places:
    return Places(deployment.outputs)


@pytest.fixture
def running(checkout: Path, deployment: Deployment) -> Engine:
    """The engine's process, for tests that kill its functions."""
    engine = local_engine.find(checkout / ".waybill" / "engine")
    assert engine is not None
    return engine
