"""The DynamoDB calls of a batch of ten, ours and stock's, as benchmarks/consumer.py counts them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.consumer_cases import CASES, ENVIRONMENT, SERVED, sides
from benchmarks.throttle import throttled
from testing.dynamodb import Store
from testing.dynamodb.server import serve

# Of the second batch, by case and side: the calls, and the write units.
EXPECTED: dict[str, dict[str, tuple[dict[str, int], float]]] = {
    "one effect a record": {
        "ours": ({"TransactWriteItems": 1}, 40),
        "stock": ({"PutItem": 10, "UpdateItem": 20}, 30),
    },
    "one of ten a duplicate": {
        "ours": ({"TransactWriteItems": 2}, 76),
        "stock": ({"PutItem": 10, "UpdateItem": 18}, 28),
    },
    "the effect is the marker": {
        "ours": ({"BatchExecuteStatement": 1}, 10),
        "stock": ({"PutItem": 20, "UpdateItem": 10}, 30),
    },
    "external effects": {
        "ours": ({"BatchExecuteStatement": 2}, 20),
        "stock": ({"PutItem": 10, "UpdateItem": 10}, 20),
    },
    "external, two duplicates": {"ours": ({"BatchExecuteStatement": 2, "BatchGetItem": 1}, 18)},
    "external, two lapsed leases": {"ours": ({"BatchExecuteStatement": 3, "BatchGetItem": 1}, 22)},
    "inventory": {"ours": ({"BatchGetItem": 1, "TransactWriteItems": 1}, 66)},
}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    store = Store()
    for table in SERVED:
        store.create_table(*table.split(":"))
    with serve(store) as address:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(name, value)
        yield address


@pytest.mark.parametrize("name", CASES)
def test_a_batch_of_ten_costs_so_many_calls(name: str, endpoint: str) -> None:
    """Each case's operations and write units are exact, on both sides."""
    costs = {}
    for whose, side in sides(CASES[name], endpoint).items():
        side.run()
        cost = side.run()
        costs[whose] = cost.operations, cost.write_units
    assert costs == EXPECTED[name]


@pytest.mark.skipif(sys.platform != "linux", reason="needs the CPU clock of another process")
def test_a_throttled_process_gets_its_share() -> None:
    """A loop that never waits gets about the share that it was given, and no signal is left behind."""
    script = "import sys; sys.stdin.readline(); from benchmarks.throttle import *; print(measured_share(0.5))"
    with (
        subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as busy,
        throttled(busy.pid, 0.2),
    ):
        share = float(busy.communicate("go\n")[0])
    assert share == pytest.approx(0.2, abs=0.1)
