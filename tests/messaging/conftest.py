"""A DynamoDB in process, with our tables: our own, which is held against moto and the engine; moto, which puts botocore
before it, for the modules that ask; and the engine's."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from messaging.tables import TABLES
from tests.conftest import create_table, engine_client
from tests.doubles import RememberingSource, Wire
from tests.messaging.consuming import in_memory


@pytest.fixture
def dynamodb() -> Wire:
    """Ours: it knows statement batches too, and takes a fiftieth of moto's time."""
    return Wire(in_memory())


@pytest.fixture
def moto_dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """moto's, where it is faithful: single conditional writes and transactions. Requests are validated on the way."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        for table in TABLES:
            create_table(client, table)
        yield Wire(client)


@pytest.fixture
def source() -> RememberingSource:
    return RememberingSource()


@pytest.fixture
def engine_dynamodb(engine: str) -> Iterator[Wire]:
    client = engine_client(engine, "dynamodb")
    yield Wire(client)
    for item in client.scan(TableName="inbox")["Items"]:
        client.delete_item(TableName="inbox", Key={"id": item["id"]})
