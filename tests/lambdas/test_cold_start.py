"""What a cold start must not pay for: packages that nobody uses, and clients before their first call."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from lambdas import runtime
from messaging.effects import External
from messaging.errors import Poison
from messaging.events import Event, OrderPlaced
from messaging.message import Message
from messaging.settings import Settings
from messaging.tables import TABLES
from messaging.topology import ORDERS
from tests.factories import body, delivery, order, sqs_event

# Tracer's SDK makes a client at import; pydantic, the parser, idempotency and batch are Powertools' way, not ours; the
# publisher is no consumer's; moto and the CDK are for tests and stacks.
KEPT_OUT = (
    *("aws_xray_sdk", "pydantic", "requests", "moto", "aws_cdk", "messaging.publisher"),
    *(f"aws_lambda_powertools.utilities.{name}" for name in ("batch", "idempotency", "parser", "data_classes")),
)


@pytest.mark.parametrize("consumer", [row.consumer for row in ORDERS.subscriptions])
def test_a_handler_imports_nothing_that_it_does_not_use(consumer: str) -> None:
    """In a process of its own, as tests import what they like."""
    script = f"import json, sys, lambdas.{consumer}; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    imported = json.loads(done.stdout)
    assert f"lambdas.{consumer}" in imported
    assert [name for name in imported if name.startswith(tuple(KEPT_OUT))] == []


class FakeSession:
    """Notes which clients are made; each answers every operation as AWS does where all is well."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def user_agent(self) -> str:
        return "agent"

    def create_client(self, service: str, config: Config) -> SimpleNamespace:
        assert config.user_agent == "agent"
        assert config.read_timeout == runtime.CLIENT_CONFIG.read_timeout
        assert config.parameter_validation is (service != "dynamodb")
        self.made.append(service)
        return SimpleNamespace(
            batch_execute_statement=lambda Statements: {"Responses": [{} for _ in Statements]},  # noqa: N803 - AWS's
            batch_get_item=lambda **_: {"Responses": {}},
            batch_write_item=lambda **_: {},
            send_email=lambda **_: {},
            send_message=lambda **_: {},
            change_message_visibility_batch=lambda **_: {},
        )


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    fake = FakeSession()
    monkeypatch.setattr(botocore.session, "get_session", lambda: fake)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Waybill")
    settings = Settings(
        consumer="notifications",
        queue_url="queue",
        dead_letter_queue_url="dead",
        tables={table.name: table.name for table in TABLES},
        code_version="v1",
        newer_version_patience_seconds=900,
        mail_from="shop@example.com",
    )
    for variable, value in settings.to_environment().items():
        monkeypatch.setenv(variable, value)
    return fake


def invoke(handler: runtime.Function, *contents: Event | str) -> dict[str, Any]:
    """A batch of what was published just now: what is older than its marker would be a dead letter."""
    now = time.time()
    texts = [content if isinstance(content, str) else body(content, time=now) for content in contents]
    batch = [delivery(text, f"m{n}", fifo=False, first_received_at=now) for n, text in enumerate(texts)]
    context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 5_000)
    return handler(sqs_event(*batch, queue="notifications"), context)


def refusing(_: runtime.Tools) -> External:
    def refuse(message: Message[OrderPlaced], _: str) -> None:
        raise Poison(f"not {message.id}")

    return External(calls={OrderPlaced: refuse})


def calling(tools: runtime.Tools) -> External:
    return External(calls={OrderPlaced: lambda *_: tools.ses.send_email()})


@pytest.mark.parametrize(
    ("effects", "contents", "made"),
    [
        (calling, [], []),
        (calling, ["1", "2"], ["dynamodb", "sesv2"]),
        (refusing, ["1"], ["dynamodb", "sqs"]),
    ],
)
def test_a_client_is_made_when_it_is_first_needed(
    effects: Callable[[runtime.Tools], External], contents: list[str], made: list[str], session: FakeSession
) -> None:
    """SES at the first call, SQS at the first dead letter; each once, however many records or batches follow."""
    handler = runtime.lambda_handler(effects)
    for _ in range(2):
        assert invoke(handler, *(order(each) for each in contents)) == {"batchItemFailures": []}
    assert session.made == made


def test_every_function_makes_one_session(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session reads endpoints and credentials: once, and not before the first invocation."""
    sessions: list[FakeSession] = []

    def get_session() -> FakeSession:
        sessions.append(session)
        return session

    monkeypatch.setattr(botocore.session, "get_session", get_session)
    module = importlib.reload(importlib.import_module("lambdas.notifications"))
    assert sessions == []
    invoke(module.handler, order("1"), "}{")
    assert len(sessions) == 1
