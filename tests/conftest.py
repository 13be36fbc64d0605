"""The order of tests; and an engine without any deployment, for what moto can't do: PartiQL batches, SES, handlers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local import engine as local_engine
from messaging.tables import TABLES, Table
from tests.scheduling import Scheduling, in_order

# Read when the CDK's process starts, which is with the first test that imports it, wherever that is. The validator, two
# seconds each time, runs in tests/stacks/test_cli_synth.py.
os.environ["CDK_VALIDATION"] = "false"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests begin first."""
    items[:] = in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """With `-n`: tests that need the same engine are on one worker."""
    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an engine with our tables, for what moto can't do (PartiQL batches)."""
    running = local_engine.start(tmp_path_factory.mktemp("engine"))
    try:
        client = engine_client(running.endpoint, "dynamodb")
        for table in TABLES:
            create_table(client, table)
        yield running.endpoint
    finally:
        local_engine.stop(running)


def create_table(client: Any, table: Table) -> None:
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}} if table.streams else {}
    keys = [(table.partition_key, "HASH"), *([(table.sort_key, "RANGE")] if table.sort_key else [])]
    client.create_table(
        TableName=table.name,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
        **stream,
    )


def engine_client(endpoint: str, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
