"""Handlers as Lambda calls them, against an AWS endpoint."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from messaging.settings import Settings
from messaging.tables import TABLES
from messaging.topology import ORDERS

Invoke = Callable[..., dict[str, Any]]

SENDER = "shop@example.com"


@pytest.fixture
def invoke(engine: str, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Invokes a fresh handler in an environment such as the consumers stack writes."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", engine)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Waybill")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    sqs = boto3.client("sqs")
    boto3.client("ses").verify_email_identity(EmailAddress=SENDER)

    def call(consumer: str, event: dict[str, Any]) -> dict[str, Any]:
        fifo = ORDERS.subscription(consumer).fifo
        name, attributes = (f"dead-{consumer}", {})
        if fifo:
            name, attributes = name + ".fifo", {"FifoQueue": "true"}
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        settings = Settings(
            consumer=consumer,
            queue_url=url,
            dead_letter_queue_url=url,
            tables={table.name: table.name for table in TABLES},
            code_version="v1",
            newer_version_patience_seconds=10,
            mail_from=SENDER,
        )
        for variable, value in settings.to_environment().items():
            monkeypatch.setenv(variable, value)
        logging.root.manager.loggerDict.pop(consumer, None)  # Powertools keeps the handler, and with it an old stdout
        module = importlib.reload(importlib.import_module(f"lambdas.{consumer}"))
        context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 5_000)
        result: dict[str, Any] = module.handler(event, context)
        return result

    return call
