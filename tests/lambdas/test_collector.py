"""In Lambda a cold start does without the garbage collector, and leaves it as it was. Elsewhere nothing changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
IN_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "inventory"}

# Collections count from botocore's import on: those before may be of compiling lambdas/cold_start.py.
AN_IMPORT = """
import gc, json, sys
collections, frozen = [], gc.get_freeze_count()
gc.callbacks.append(lambda phase, info: collections.append(phase) if "botocore" in sys.modules else None)
{before}
import lambdas
collected, frozen = len(collections), gc.get_freeze_count() - frozen
print(json.dumps({{"collected": collected, "frozen": frozen, "enabled": gc.isenabled()}}))
"""

TWO_INVOCATIONS = """
import gc, json
from lambdas.runtime import Function

enabled = []

def compose(machine):
    enabled.append(gc.isenabled())
    return lambda event, context: {"enabled": gc.isenabled(), "frozen": gc.get_freeze_count()}

before, function = gc.get_freeze_count(), Function(compose)
first, second = function({}, None), function({}, None)
print(json.dumps({"before": before, "composing": enabled, "first": first, "second": second}))
"""


def in_a_process_of_its_own(script: str, variables: dict[str, str]) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name not in IN_LAMBDA} | variables
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(("before", "enabled"), [("", True), ("gc.disable()", False)])
def test_in_lambda_an_import_is_never_looked_through(before: str, enabled: bool) -> None:
    """What is there afterwards never will be either, and the collector is on where it was."""
    seen = in_a_process_of_its_own(AN_IMPORT.format(before=before), IN_LAMBDA)
    assert seen.pop("frozen") > 10_000
    assert seen == {"collected": 0, "enabled": enabled}


@pytest.mark.parametrize(("before", "enabled"), [("", True), ("gc.disable()", False)])
def test_elsewhere_an_import_changes_nothing(before: str, enabled: bool) -> None:
    """Tests, commands and whoever else imports a handler keep their collector, and all that it looks at."""
    seen = in_a_process_of_its_own(AN_IMPORT.format(before=before), {})
    assert (seen["collected"] > 0) is enabled
    assert (seen["frozen"], seen["enabled"]) == (0, enabled)


def test_in_lambda_a_function_is_composed_without_the_collector() -> None:
    """Once: at the first invocation. What it made is not looked at afterwards, and the collector is on again."""
    seen = in_a_process_of_its_own(TWO_INVOCATIONS, IN_LAMBDA)
    assert seen["composing"] == [False]
    assert seen["first"]["frozen"] > seen["before"] > 0
    assert seen["second"]["frozen"] <= seen["first"]["frozen"]  # what is freed since is frozen no more
    assert seen["first"]["enabled"]


def test_elsewhere_a_function_is_composed_with_the_collector() -> None:
    """As before the first invocation, so after it."""
    seen = in_a_process_of_its_own(TWO_INVOCATIONS, {})
    untouched = {"enabled": True, "frozen": 0}
    assert seen == {"before": 0, "composing": [True], "first": untouched, "second": untouched}
