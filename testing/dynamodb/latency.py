"""How long DynamoDB takes: lognormal, with what runs side by side costing as much as its slowest.

In milliseconds as measured on AWS, a single write has a median of about 4 and a 99th percentile of about 9.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# How many standard deviations the 99th percentile is above the median.
P99_DEVIATIONS = 2.3263478740408408
TRANSACTION_ROUNDS = 2


@dataclass(frozen=True)
class Latency:
    """A distribution. `serial` runs the statements and keys of a batch one after another."""

    p50_ms: float = 4.0
    p99_ms: float = 9.0
    seed: int = 0
    serial: bool = False


class LatencySampler:
    """Draws from a distribution, for many threads."""

    def __init__(self, latency: Latency) -> None:
        self._latency = latency
        self._random = random.Random(latency.seed)
        self._lock = threading.Lock()

    def rounds_seconds(self, operation: str, request: Mapping[str, Any]) -> list[float]:
        """The round trips that the request takes inside of DynamoDB: two for a transaction, else one."""
        count = width(operation, request)
        if operation in ("TransactWriteItems", "TransactGetItems"):
            return [max(self._draws(count)) for _ in range(TRANSACTION_ROUNDS)]
        draws = self._draws(count)
        return [sum(draws) if self._latency.serial else max(draws)]

    def _draws(self, count: int) -> list[float]:
        mu = math.log(self._latency.p50_ms / 1000)
        sigma = math.log(self._latency.p99_ms / self._latency.p50_ms) / P99_DEVIATIONS
        with self._lock:
            return [self._random.lognormvariate(mu, sigma) for _ in range(count)]


def width(operation: str, request: Mapping[str, Any]) -> int:
    """How many items a request is about, as far as they run side by side."""
    if operation in ("TransactWriteItems", "TransactGetItems"):
        count = len(request.get("TransactItems", ()))
    elif operation == "BatchExecuteStatement":
        count = len(request.get("Statements", ()))
    elif operation == "BatchGetItem":
        count = sum(len(entry.get("Keys", ())) for entry in request.get("RequestItems", {}).values())
    elif operation == "BatchWriteItem":
        count = sum(map(len, request.get("RequestItems", {}).values()))
    else:
        count = 1
    return max(count, 1)
