"""A cold start does without the garbage collector, and leaves it as it was."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.stacks.synthesized import ROOT

IN_A_PROCESS_OF_ITS_OWN = """
import contextlib, gc, json
collections = []
gc.callbacks.append(lambda phase, info: collections.append(phase))
{before}
import lambdas
print(json.dumps({{"collections": len(collections), "frozen": gc.get_freeze_count(), "enabled": gc.isenabled()}}))
"""


@pytest.mark.parametrize(("before", "enabled"), [("", True), ("gc.disable()", False)])
def test_an_import_is_never_looked_through(before: str, enabled: bool) -> None:
    """What is there afterwards never will be either, and the collector is on where it was."""
    script = IN_A_PROCESS_OF_ITS_OWN.format(before=before)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert seen.pop("frozen") > 10_000
    assert seen == {"collections": 0, "enabled": enabled}
