"""The DynamoDB calls of a batch, ours and stock's, as benchmarks/consumer.py counts them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import message_server
from benchmarks.consumer_cases import ALL_CASES, CASES, ENVIRONMENT, SERVED, sides
from benchmarks.throttle import throttled
from testing.dynamodb import Store
from testing.dynamodb.server import serve

# By case and side: the calls of a batch, the write units, and the requests to SQS.
Costs = tuple[dict[str, int], float, int]
EXPECTED: dict[str, dict[str, Costs]] = {
    "one effect a record": {
        "ours": ({"TransactWriteItems": 1}, 40, 0),
        "stock": ({"PutItem": 10, "UpdateItem": 20}, 30, 0),
        "loop": ({"GetItem": 10, "PutItem": 10, "UpdateItem": 10}, 20, 0),
        "threads": ({"PutItem": 10, "UpdateItem": 20}, 30, 0),
    },
    "one of ten a duplicate": {
        "ours": ({"TransactWriteItems": 2}, 76, 0),
        "stock": ({"PutItem": 10, "UpdateItem": 18}, 28, 0),
        "loop": ({"GetItem": 10, "PutItem": 9, "UpdateItem": 9}, 18, 0),
    },
    "one of ten poison": {
        "ours": ({"BatchWriteItem": 1, "TransactWriteItems": 1}, 37, 1),
        "stock": ({"PutItem": 9, "UpdateItem": 18}, 27, 0),
        "loop": ({"GetItem": 9, "PutItem": 9, "UpdateItem": 9}, 18, 0),
    },
    "the effect is the marker": {
        "ours": ({"BatchExecuteStatement": 1}, 10, 0),
        "stock": ({"PutItem": 20, "UpdateItem": 10}, 30, 0),
        "loop": ({"GetItem": 10, "PutItem": 20}, 20, 0),
    },
    "external effects": {
        "ours": ({"BatchExecuteStatement": 2}, 20, 0),
        "stock": ({"PutItem": 10, "UpdateItem": 10}, 20, 0),
        "loop": ({"GetItem": 10, "PutItem": 10}, 10, 0),
    },
    "external, two duplicates": {
        "ours": ({"BatchExecuteStatement": 2, "BatchGetItem": 1}, 18, 0),
        "stock": ({"PutItem": 10, "UpdateItem": 8}, 18, 0),
    },
    "external, one poison": {
        "ours": ({"BatchExecuteStatement": 2, "BatchWriteItem": 1}, 19, 1),
        "stock": ({"PutItem": 9, "UpdateItem": 9}, 18, 0),
    },
    "external, two lapsed leases": {"ours": ({"BatchExecuteStatement": 3, "BatchGetItem": 1}, 22, 0)},
    "inventory": {"ours": ({"BatchGetItem": 1, "TransactWriteItems": 1}, 66, 0)},
    # The others take long over as many.
    "100 records": {
        "ours": ({"TransactWriteItems": 2}, 400, 0),
    },
}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, sqs: str) -> Iterator[str]:
    store = Store()
    for table in SERVED:
        store.create_table(*table.split(":"))
    with serve(store) as address:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": address, "AWS_ENDPOINT_URL_SQS": sqs}.items():
            monkeypatch.setenv(name, value)
        yield address


@pytest.fixture(scope="module")
def sqs() -> Iterator[str]:
    with message_server.apart(0) as address:
        yield address


@pytest.mark.parametrize("name", EXPECTED)
def test_a_batch_costs_so_many_calls(name: str, endpoint: str) -> None:
    """Each case's operations and write units are exact, on both sides."""
    case = replace(ALL_CASES[name], others=tuple(side for side in EXPECTED[name] if side != "ours"))
    costs = {}
    for whose, side in sides(case, endpoint).items():
        if case.repeats:
            side.run()  # what the measured batch repeats
        cost = side.run()
        costs[whose] = cost.operations, cost.write_units, cost.sent
    assert costs == EXPECTED[name]


def test_every_case_of_ten_is_expected() -> None:
    """None is left out."""
    assert {*CASES} <= {*EXPECTED} <= {*ALL_CASES}


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
