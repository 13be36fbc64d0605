"""The embedded engine's judgement beside ours: it enforces roles where it is started with `AUTH=true`.

It knows what a transaction asks for, and does not know what a PartiQL batch does: for that it wants an action that AWS
does not have. So the consumers whose sample events need none are judged here, and the others by ours alone.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from local import engine as local_engine
from messaging.settings import Settings
from messaging.tables import TABLES
from messaging.topology import ORDERS
from testing.sqs.service import REGION
from tests.conftest import create_table
from tests.lambdas.permissions.roles import Role
from tests.lambdas.permissions.test_permissions import without

EVENTS = Path(__file__).parents[2] / "events"
ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
NUMBERS = count()
Invoke = Callable[[Role], dict[str, Any]]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine that asks who may, with our tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_engine, "INHERITED", (*local_engine.INHERITED, "AUTH"))
        patch.setenv("AUTH", "true")
        running = local_engine.start(tmp_path_factory.mktemp("enforcing"))
    try:
        for table in TABLES:
            create_table(boto3.client("dynamodb", endpoint_url=running.endpoint, **ROOT), table)
        yield running.endpoint
    finally:
        local_engine.stop(running)


@pytest.fixture
def invoke(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs a consumer as Lambda would, with the credentials of its role: its sample event, and a poison message."""

    def as_role(role: Role) -> dict[str, Any]:
        consumer = role.function
        end = ".fifo" if ORDERS.subscription(consumer).fifo else ""
        sqs = boto3.client("sqs", endpoint_url=endpoint, **ROOT)
        attributes = {"FifoQueue": "true"} if end else {}
        url, dead = (
            sqs.create_queue(QueueName=f"{consumer}{name}{end}", Attributes=attributes)["QueueUrl"]
            for name in ("", "-dead")
        )
        for name, value in credentials(endpoint, role).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Waybill")
        settings = Settings(
            consumer=consumer,
            queue_url=url,
            dead_letter_queue_url=dead,
            tables={table.name: table.name for table in TABLES},
            code_version="v1",
            newer_version_patience_seconds=10,
        )
        for name, value in settings.to_environment().items():
            monkeypatch.setenv(name, value)
        logging.root.manager.loggerDict.pop(consumer, None)  # Powertools keeps the handler, and with it an old stdout
        module = importlib.reload(importlib.import_module(f"lambdas.{consumer}"))
        event = json.loads((EVENTS / f"{consumer}.json").read_text())
        poison = {**event["Records"][-1], "messageId": "poison", "body": "no JSON"}
        poison["attributes"] = {**poison["attributes"], **({"MessageGroupId": "poison"} if end else {})}
        context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 5_000)
        event["Records"].append(poison)
        answer: dict[str, Any] = module.handler(event, context)
        return answer

    return as_role


def credentials(endpoint: str, role: Role) -> Mapping[str, str]:
    """Those of a session of the role, with its policy as it is synthesized."""
    iam, sts = (boto3.client(service, endpoint_url=endpoint, **ROOT) for service in ("iam", "sts"))
    trust = {"Effect": "Allow", "Principal": {"AWS": sts.get_caller_identity()["Account"]}, "Action": "sts:AssumeRole"}
    name = f"{role.function}-{next(NUMBERS)}"
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document([trust]))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="Function", PolicyDocument=document(role.statements))
    session = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="function")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }


def document(statements: Any) -> str:
    """A policy as IAM takes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


@pytest.mark.parametrize("consumer", ["inventory", "standard_orders", "analytics"])
def test_a_consumer_works_with_its_role(granted: Mapping[str, Role], invoke: Invoke, consumer: str) -> None:
    """It applies what it gets, parks what is poison, and finds its own markers the second time."""
    for _ in range(2):
        assert invoke(granted[consumer]) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("consumer", "action"),
    [
        ("inventory", "dynamodb:BatchGetItem"),
        ("inventory", "sqs:SendMessage"),
        ("standard_orders", "dynamodb:PutItem"),
        ("analytics", "dynamodb:PutItem"),
    ],
)
def test_without_one_of_its_actions_it_fails(
    granted: Mapping[str, Role], invoke: Invoke, consumer: str, action: str
) -> None:
    """So the engine does enforce: records are handed back."""
    assert invoke(without(granted[consumer], action))["batchItemFailures"]


def test_the_engine_does_not_know_partiql(granted: Mapping[str, Role], invoke: Invoke) -> None:
    """When this fails it has learnt it: let the other consumers be judged here too."""
    role = granted["priority_orders"]
    assert invoke(role)["batchItemFailures"]
    wanted = {"Effect": "Allow", "Action": ["dynamodb:BatchExecuteStatement"], "Resource": ["*"]}
    assert invoke(replace(role, statements=(*role.statements, wanted))) == {"batchItemFailures": []}
