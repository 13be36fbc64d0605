"""What `python3 dev.py simulate` says and how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from tests.simulation import __main__ as command
from tests.simulation.letters import DOUBLE
from tests.simulation.run import run
from tests.simulation.truth import Violation


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments], capture_output=True, text=True, check=False
    )


def test_it_tells_the_numbers_of_each_row_and_the_trace() -> None:
    """As JSON for machines; the same again for the same seeds, whatever the number of processes."""
    done, again = (
        simulate(
            "--messages",
            "100",
            "--seeds",
            "1",
            "--first-seed",
            "2",
            "--protocol",
            "waybill",
            "--json",
            "--workers",
            workers,
        )
        for workers in ("2", "1")
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["waybill"]
    assert told["seeds"] == [2]
    assert told["messages"] >= 100
    assert all(row["lost"] == row["double"] == 0 for row in told["rows"].values())
    assert sum(row["messages"] for row in told["rows"].values()) == told["messages"]
    assert told["trace_hash"] == json.loads(again.stdout)["waybill"]["trace_hash"]


def test_the_table_has_a_row_for_each_protocol_on_each_queue() -> None:
    """For people; what others break is no failure of ours."""
    done = simulate("--messages", "100", "--seeds", "1", "--first-seed", "2")
    assert done.returncode == 0, done.stderr
    for text in ("waybill, FIFO strict", "naive", "powertools", "dies_after_call", "a second a core", "trace"):
        assert text in done.stdout


def test_a_broken_promise_is_told_with_its_seed_and_the_life_of_the_message() -> None:
    """And ends with an exit code that stops CI."""
    broken = replace(run(3, 300), violations=(Violation(DOUBLE, "counted", "OrderPlaced-5", "applied 2 times"),))
    shown = io.StringIO()
    assert command._explain(Console(file=shown, width=200), [broken], 300) == 1
    assert "seed 3: counted: OrderPlaced-5 double: applied 2 times" in shown.getvalue()
    assert "OrderPlaced-5  counted applies it" in shown.getvalue()


@pytest.mark.parametrize("arguments", [["--messages", "0"], ["--protocol", "hope"], ["--seeds", "many"]])
def test_wrong_numbers_are_refused(arguments: list[str]) -> None:
    """With a line that says which."""
    done = simulate(*arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
