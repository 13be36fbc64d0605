"""A DynamoDB in process (moto, where it is faithful: single conditional writes and transactions) with our tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from messaging.topology import TABLES, Table
from tests.doubles import RememberingSource, Wire


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


def create_table(client: Any, table: Table) -> None:
    keys = [(table.partition_key, "HASH"), *([(table.sort_key, "RANGE")] if table.sort_key else [])]
    client.create_table(
        TableName=table.name,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def source() -> RememberingSource:
    return RememberingSource()
