"""How long requests take."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from testing.dynamodb.latency import Latency, LatencySampler, width
from tests.testing.dynamodb.wireformat import at, put

SINGLE = ("GetItem", at(id="k"))
TEN_PUTS = [{"Put": put(id=f"k{n}")} for n in range(10)]


def total_ms(sampler: LatencySampler, operation: str, request: dict[str, Any]) -> float:
    return 1000 * sum(sampler.rounds_seconds(operation, request))


def test_a_single_call_has_the_percentiles_asked_for() -> None:
    """Half are faster than the median, one in a hundred slower than the 99th percentile."""
    sampler = LatencySampler(Latency(p50_ms=4, p99_ms=9))
    drawn = sorted(total_ms(sampler, *SINGLE) for _ in range(20_000))
    assert statistics.median(drawn) == pytest.approx(4, rel=0.03)
    assert drawn[int(0.99 * len(drawn))] == pytest.approx(9, rel=0.06)


def test_a_seed_gives_the_same_latencies() -> None:
    """Another seed gives others."""

    def draws(seed: int) -> list[float]:
        sampler = LatencySampler(Latency(seed=seed))
        return [total_ms(sampler, *SINGLE) for _ in range(5)]

    assert draws(1) == draws(1) != draws(2)


def test_a_batch_costs_its_slowest_member_and_in_serial_all_of_them() -> None:
    """A transaction takes two such rounds."""
    statements: dict[str, Any] = {"Statements": [{}] * 10}

    def mean(latency: Latency, operation: str, request: dict[str, Any]) -> float:
        sampler = LatencySampler(latency)
        return statistics.mean(total_ms(sampler, operation, request) for _ in range(2000))

    single = mean(Latency(), *SINGLE)
    batch = mean(Latency(), "BatchExecuteStatement", statements)
    assert 1.5 * single < batch < 2 * single
    assert mean(Latency(serial=True), "BatchExecuteStatement", statements) == pytest.approx(10 * single, rel=0.03)
    transaction = mean(Latency(), "TransactWriteItems", {"TransactItems": TEN_PUTS})
    assert transaction == pytest.approx(2 * batch, rel=0.03)
    assert len(LatencySampler(Latency()).rounds_seconds("TransactWriteItems", {"TransactItems": TEN_PUTS})) == 2


@pytest.mark.parametrize(
    ("operation", "request_", "members"),
    [
        ("PutItem", put(id="k"), 1),
        ("BatchGetItem", {"RequestItems": {"a": {"Keys": [{}, {}]}, "b": {"Keys": [{}]}}}, 3),
        ("BatchWriteItem", {"RequestItems": {"a": [{}, {}], "b": [{}]}}, 3),
        ("TransactGetItems", {"TransactItems": [{}, {}]}, 2),
        ("BatchExecuteStatement", {"Statements": []}, 1),
    ],
)
def test_a_request_is_as_wide_as_it_has_members(operation: str, request_: dict[str, Any], members: int) -> None:
    """Every key, write and statement counts."""
    assert width(operation, request_) == members
