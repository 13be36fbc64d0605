"""A DynamoDB in process (moto, where it is faithful: single conditional writes and transactions) with our tables."""

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
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        for table in TABLES:
            create_table(client, table)
        yield Wire(client)


@pytest.fixture
def memory() -> Wire:
    """A DynamoDB of our own, for the statement batches that moto can't do."""
    return Wire(in_memory())


@pytest.fixture
def source() -> RememberingSource:
    return RememberingSource()


@pytest.fixture
def engine_dynamodb(engine: str) -> Iterator[Wire]:
    client = engine_client(engine, "dynamodb")
    yield Wire(client)
    for item in client.scan(TableName="inbox")["Items"]:
        client.delete_item(TableName="inbox", Key={"id": item["id"]})
