"""When AWS hangs, a function answers before it is killed."""

from __future__ import annotations

import importlib
import logging
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from lambdas.runtime import CLIENT_CONFIG
from messaging.events import Event
from messaging.settings import Settings
from messaging.subscription import RESERVE_SECONDS
from messaging.tables import TABLES
from messaging.topology import ORDERS
from tests.factories import delivery, order, sqs_event


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_call_ends_within_the_reserve() -> None:
    """Connecting and waiting together take less than what a step keeps, and botocore tries once."""
    assert CLIENT_CONFIG.connect_timeout + CLIENT_CONFIG.read_timeout < RESERVE_SECONDS
    assert CLIENT_CONFIG.retries["total_max_attempts"] == 1


@pytest.mark.fault(24, 40)
@pytest.mark.parametrize("consumer", ["inventory", "standard_orders", "notifications"])
def test_a_silent_aws_hands_the_batch_back_in_time(
    consumer: str, silent_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Poison among them: nothing is acknowledged, and the answer is there before the time-out."""
    row = ORDERS.subscription(consumer)
    monkeypatch.setenv("AWS_ENDPOINT_URL", silent_endpoint)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Waybill")
    settings = Settings(
        consumer=consumer,
        queue_url=f"{silent_endpoint}/queue",
        dead_letter_queue_url=f"{silent_endpoint}/dead",
        tables={table.name: table.name for table in TABLES},
        code_version="v1",
        newer_version_patience_seconds=900,
        mail_from="shop@example.com",
    )
    for variable, value in settings.to_environment().items():
        monkeypatch.setenv(variable, value)
    logging.root.manager.loggerDict.pop(consumer, None)
    module = importlib.reload(importlib.import_module(f"lambdas.{consumer}"))
    patient = SimpleNamespace(get_remaining_time_in_millis=lambda: 5_000)
    module.handler({"Records": []}, patient)  # makes the clients: a cold start is not what is measured

    deadline = time.monotonic() + row.timeout_seconds
    context = SimpleNamespace(
        aws_request_id="r-1", get_remaining_time_in_millis=lambda: (deadline - time.monotonic()) * 1_000
    )
    contents: list[Event | str] = ["}{", *(order(str(n), customer_id=f"C{n}") for n in range(3))]
    batch = [delivery(content, f"m{n}", fifo=row.fifo) for n, content in enumerate(contents)]
    response = module.handler(sqs_event(*batch, queue="q.fifo" if row.fifo else "q"), context)
    assert time.monotonic() < deadline
    assert [each["itemIdentifier"] for each in response["batchItemFailures"]] == ["m0", "m1", "m2", "m3"]
