"""The process that benchmarks/contention.py measures: both sides in turn, ten batches at once, until all is reserved.

python -m benchmarks.contention_worker ENDPOINT ROUNDS prints the costs of each side's rounds as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from benchmarks import stock_consumer
from benchmarks.consumer_cases import BATCH, CASES, CONTEXT, Handler, fill_stock, our_handler
from benchmarks.consumer_records import Document, record

BATCHES = 10
MOST_DELIVERIES = 200  # of one record, before something is wrong


def main(endpoint: str, rounds: int) -> int:
    """Measure. What handlers log goes nowhere, as cheaply for both."""
    answer = sys.stdout
    costs: dict[str, list[dict[str, float]]] = {"ours": [], "fifo": []}
    with Path(os.devnull).open("w") as sys.stdout:
        dynamodb = boto3.client("dynamodb")
        handlers: dict[str, list[Handler]] = {
            "ours": [our_handler(CASES["inventory"]) for _ in range(BATCHES)],
            "fifo": [stock_consumer.fifo_handler(stock_consumer.reserve) for _ in range(BATCHES)],
        }
        with ThreadPoolExecutor(max_workers=BATCHES) as pool:
            for turn in range(rounds + 1):
                for side in sorted(handlers, reverse=bool(turn % 2)):
                    fill_stock(dynamodb, [])
                    cost = _cost(pool, handlers[side], endpoint)
                    if turn:  # the first opens connections
                        costs[side].append(cost)
    print(json.dumps(costs), file=answer, flush=True)
    return 0


def _cost(pool: ThreadPoolExecutor, handlers: Sequence[Handler], endpoint: str) -> dict[str, float]:
    batches = [[record("inventory") for _ in range(BATCH)] for _ in handlers]
    _stats(endpoint, "DELETE")
    wall, cpu = time.perf_counter(), time.process_time()
    deliveries = sum(pool.map(_drain, handlers, batches))
    cost = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    stats = _stats(endpoint, "GET")
    return {
        **cost,
        "deliveries": deliveries,
        "calls": sum(stats["calls"].values()),
        "write_units": stats["write_units"],
    }


def _drain(handler: Callable[[Document, Any], Any], batch: list[Document]) -> int:
    """Give the handler its records, and again those that it hands back. Returns how many deliveries that took."""
    deliveries = 0
    for attempt in range(1, MOST_DELIVERIES):
        attributes = {"ApproximateReceiveCount": str(attempt)}
        batch = [{**each, "attributes": {**each["attributes"], **attributes}} for each in batch]
        deliveries += len(batch)
        try:
            response = handler({"Records": batch}, CONTEXT)
        except BatchProcessingError:  # what Powertools says of a batch that failed as a whole
            continue
        failed = {each["itemIdentifier"] for each in response["batchItemFailures"]}
        batch = [each for each in batch if each["messageId"] in failed]
        if not batch:
            return deliveries
    raise RuntimeError(f"{len(batch)} records were handed back {MOST_DELIVERIES} times")


def _stats(endpoint: str, method: str) -> Any:
    request = urllib.request.Request(f"{endpoint}/_stats", method=method)  # noqa: S310 - our own server's
    with urllib.request.urlopen(request) as reply:  # noqa: S310
        return json.loads(reply.read())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
