"""The DynamoDB calls of a batch, ours and stock's, as benchmarks/consumer.py counts them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import consumer, message_server
from benchmarks.consumer_cases import ALL_CASES, CASES, ENVIRONMENT, SERVED, sides
from benchmarks.throttle import throttled
from testing.dynamodb import Store
from testing.dynamodb.server import serve

# By case and side: the calls of a batch, the write units, and the requests to SQS.
Costs = tuple[dict[str, int], float, int]
THREE_CALLS = {"PutItem": 10, "UpdateItem": 20}
EXPECTED: dict[str, dict[str, Costs]] = {
    "one effect a record": {
        "ours": ({"TransactWriteItems": 1}, 40, 0),
        "stock": (THREE_CALLS, 30, 0),
        "loop": ({"GetItem": 10, "PutItem": 10, "UpdateItem": 10}, 20, 0),
        "threads": (THREE_CALLS, 30, 0),
    },
    "one of ten a duplicate": {
        "ours": ({"TransactWriteItems": 2}, 76, 0),
        "stock": ({"PutItem": 10, "UpdateItem": 18}, 28, 0),
        "loop": ({"GetItem": 10, "PutItem": 9, "UpdateItem": 9}, 18, 0),
        "threads": ({"PutItem": 10, "UpdateItem": 18}, 28, 0),
    },
    "one of ten poison": {
        "ours": ({"BatchWriteItem": 1, "TransactWriteItems": 1}, 37, 1),
        "stock": ({"PutItem": 9, "UpdateItem": 18}, 27, 0),
        "loop": ({"GetItem": 9, "PutItem": 9, "UpdateItem": 9}, 18, 0),
        "threads": ({"PutItem": 9, "UpdateItem": 18}, 27, 0),
    },
    "the effect is the marker": {
        "ours": ({"BatchExecuteStatement": 1}, 10, 0),
        "stock": ({"PutItem": 20, "UpdateItem": 10}, 30, 0),
        "loop": ({"GetItem": 10, "PutItem": 20}, 20, 0),
        "threads": ({"PutItem": 20, "UpdateItem": 10}, 30, 0),
    },
    # The two records that follow in the group of what is poison are skipped.
    "FIFO, three groups, one of ten poison": {
        "ours": ({"BatchWriteItem": 1, "TransactWriteItems": 1}, 19, 1),
        "fifo": ({"PutItem": 14, "UpdateItem": 7}, 21, 0),
    },
    "external effects": {
        "ours": ({"BatchExecuteStatement": 2}, 20, 0),
        "stock": ({"PutItem": 10, "UpdateItem": 10}, 20, 0),
        "loop": ({"GetItem": 10, "PutItem": 10}, 10, 0),
        "threads": ({"PutItem": 10, "UpdateItem": 10}, 20, 0),
    },
    "external, one of ten a duplicate": {
        "ours": ({"BatchExecuteStatement": 2, "BatchGetItem": 1}, 19, 0),
        "stock": ({"PutItem": 10, "UpdateItem": 9}, 19, 0),
        "loop": ({"GetItem": 10, "PutItem": 9}, 9, 0),
        "threads": ({"PutItem": 10, "UpdateItem": 9}, 19, 0),
    },
    "external, one of ten poison": {
        "ours": ({"BatchExecuteStatement": 2, "BatchWriteItem": 1}, 19, 1),
        "stock": ({"PutItem": 9, "UpdateItem": 9}, 18, 0),
        "loop": ({"GetItem": 9, "PutItem": 9}, 9, 0),
        "threads": ({"PutItem": 9, "UpdateItem": 9}, 18, 0),
    },
    "external, two lapsed leases": {"ours": ({"BatchExecuteStatement": 3, "BatchGetItem": 1}, 22, 0)},
    "inventory": {"ours": ({"BatchGetItem": 1, "TransactWriteItems": 1}, 66, 0)},
    # The others take long over as many.
    "100 records": {"ours": ({"TransactWriteItems": 2}, 400, 0)},
    "100 records, ten duplicates": {"ours": ({"TransactWriteItems": 3}, 560, 0)},
    "100 records, one poison": {"ours": ({"BatchWriteItem": 1, "TransactWriteItems": 2}, 397, 1)},
    "100 records, external effects": {"ours": ({"BatchExecuteStatement": 8}, 200, 0)},
    "100 records, external, ten duplicates": {"ours": ({"BatchExecuteStatement": 8, "BatchGetItem": 1}, 190, 0)},
    "100 records, external, one poison": {"ours": ({"BatchExecuteStatement": 8, "BatchWriteItem": 1}, 199, 1)},
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


def test_every_case_is_expected_with_all_that_is_measured() -> None:
    """None is left out; of the large ones only ours takes no time. What is promised is what is counted."""
    assert {*EXPECTED} == {*ALL_CASES} == {*consumer.GOALS}
    assert {name: {*sides} - {"ours"} for name, sides in EXPECTED.items() if name in CASES} == {
        name: {*case.others} for name, case in CASES.items()
    }
    for name, goal in consumer.GOALS.items():
        operations, write_units, sent = EXPECTED[name]["ours"]
        assert (goal.calls, goal.write_units) == (sum(operations.values()) + sent, write_units)


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
