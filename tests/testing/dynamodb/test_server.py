"""The store behind HTTP, with the real boto3 in front of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from testing.dynamodb import Client, Store
from testing.dynamodb.latency import Latency
from testing.dynamodb.server import STATS_PATH, serve
from tests.testing.dynamodb.wireformat import at, put, reasons_of, refusal, update, wire

Boto = Callable[[str], Any]


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session("x", "x", region_name="us-east-1")


@pytest.fixture
def boto(session: boto3.Session) -> Iterator[Boto]:
    """Real clients, which are closed after the test."""
    made = []

    def connect(endpoint: str) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        made.append(session.client("dynamodb", endpoint_url=endpoint, config=config))
        return made[-1]

    yield connect
    for client in made:
        client.close()


def without_metadata(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


def outcome(call: Callable[..., Any], request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        return "", without_metadata(call(**request))
    except ClientError as error:
        return type(error).__name__, without_metadata(error.response)


ITEM = {"n": 1, "b": b"\x00\xff", "bs": {b"a", b"b"}, "B": {"B": "text"}, "l": [None, True, {"deep": "é"}]}
EVERYTHING: list[tuple[str, dict[str, Any]]] = [
    ("put_item", put(id="a", **ITEM)),
    ("get_item", {**at(id="a"), "ConsistentRead": True}),
    ("get_item", at(id="gone")),
    ("update_item", {**update("ADD n :v", {":v": 1}, id="a"), "ReturnValues": "UPDATED_NEW"}),
    ("update_item", {**at(id=5), "UpdateExpression": "REMOVE n"}),
    (
        "delete_item",
        {
            **at(id="a"),
            "ConditionExpression": "attribute_not_exists(id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    ("delete_item", {**at(id="a"), "ConditionExpression": "attribute_not_exists(id)"}),
    ("put_item", put("nowhere", id="a")),
    ("put_item", put(id="a", x={"S": {"S": 1}})),
    ("transact_write_items", {"TransactItems": [{"Put": put(id="b")}], "ClientRequestToken": "t"}),
    ("transact_write_items", {"TransactItems": [{"Put": put(id="c")}], "ClientRequestToken": "t"}),
    (
        "transact_write_items",
        {
            "TransactItems": [
                {"Put": put(id="d")},
                {
                    "Put": {
                        **put(id="a"),
                        "ConditionExpression": "attribute_not_exists(id)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
            ]
        },
    ),
    ("transact_get_items", {"TransactItems": [{"Get": at(id="a")}, {"Get": at(id="d")}]}),
    ("batch_get_item", {"RequestItems": {"plain": {"Keys": [wire({"id": "a"})]}}}),
    ("batch_write_item", {"RequestItems": {"plain": [{"DeleteRequest": {"Key": wire({"id": "b"})}}]}}),
    (
        "query",
        {
            "TableName": "plain",
            "KeyConditionExpression": "id = :v",
            "ExpressionAttributeValues": wire({":v": "a"}),
            "Limit": 1,
        },
    ),
    ("scan", {"TableName": "plain", "FilterExpression": "n = "}),
    ("execute_statement", {"Statement": "INSERT INTO plain VALUE {'id': 'a'}"}),
    (
        "batch_execute_statement",
        {"Statements": [{"Statement": f"INSERT INTO plain VALUE {{'id': '{key}'}}"} for key in "ae"]},
    ),
    ("describe_table", {"TableName": "plain"}),
    ("list_tables", {}),
    ("delete_table", {"TableName": "plain"}),
    ("delete_table", {"TableName": "plain"}),
]


def test_our_client_answers_and_raises_as_boto3_does(boto: Boto) -> None:
    """The same requests, one after another: the same replies and errors with all of their members."""
    ours, served = Store(), Store()
    for store in (ours, served):
        store.create_table("plain", "id", stream_view="NEW_IMAGE")
    mine = Client(ours)
    with serve(served) as endpoint:
        real = boto(endpoint)
        for operation, request in EVERYTHING:
            expected = outcome(getattr(real, operation), request)
            assert outcome(getattr(mine, operation), request) == expected, (operation, request)


def test_conflicts_reach_other_clients(boto: Boto) -> None:
    """A transaction holds its items for its second round trip."""
    store = Store()
    store.create_table("plain", "id")
    with serve(store, Latency(p50_ms=100, p99_ms=101)) as endpoint:
        slow, fast = boto(endpoint), Client(store)
        action = [{"Update": update("ADD n :v", {":v": 1}, id="a")}]
        thread = threading.Thread(target=slow.transact_write_items, kwargs={"TransactItems": action})
        thread.start()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                fast.update_item(**update("REMOVE x", id="a"))
            except fast.exceptions.TransactionConflictException:
                break
            time.sleep(0.005)
        error = refusal(fast.transact_write_items, TransactItems=action)
        thread.join()
        assert reasons_of(error) == ["TransactionConflict"]
        assert fast.get_item(**at(id="a"))["Item"]["n"] == {"N": "1"}


def test_the_server_takes_the_time_that_it_is_told(boto: Boto) -> None:
    """A transaction takes twice as long as a single call."""
    store = Store()
    store.create_table("plain", "id")
    with serve(store, Latency(p50_ms=40, p99_ms=40.01)) as endpoint:
        client = boto(endpoint)
        client.get_item(**at(id="a"))
        began = time.perf_counter()
        client.get_item(**at(id="a"))
        single = time.perf_counter() - began
        client.transact_write_items(TransactItems=[{"Put": put(id="a")}])
        double = time.perf_counter() - began - single
    assert 0.04 <= single < 0.08 <= double


def call(url: str, method: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5) as reply:
        return json.load(reply)


def test_calls_and_units_are_counted(boto: Boto) -> None:
    """Reads cost by 4 KB, half where not consistent, writes by 1 KB, transactions double; DELETE begins anew."""
    store = Store()
    store.create_table("plain", "id")
    with serve(store) as endpoint:
        client = boto(endpoint)
        client.put_item(**put(id="a", data="x" * 1500))
        client.get_item(**at(id="a"), ConsistentRead=True)
        client.get_item(**at(id="a"))
        client.transact_write_items(TransactItems=[{"Put": put(id="b")}, {"Delete": at(id="a")}])
        refusal(client.put_item, **put(id="b"), ConditionExpression="attribute_not_exists(id)")
        expected = {
            "calls": {"PutItem": 2, "GetItem": 2, "TransactWriteItems": 1},
            "read_units": 1.5,
            "write_units": 2 + 2 + 4 + 1,
        }
        assert call(endpoint + STATS_PATH, "GET") == expected
        assert call(endpoint + STATS_PATH, "DELETE") == expected
        assert call(endpoint + STATS_PATH, "GET") == {"calls": {}, "read_units": 0, "write_units": 0}


def test_a_server_runs_in_a_process_of_its_own(boto: Boto) -> None:
    """It prints its port when it is ready, and has the tables that it was told."""
    command = [
        sys.executable,
        "-m",
        "testing.dynamodb.server",
        "--tables",
        "plain:id",
        "lines:order:line",
        "--p50",
        "0",
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            client = boto(f"http://127.0.0.1:{ready['port']}")
            client.put_item(**put("lines", order="1", line="2"))
            assert client.list_tables()["TableNames"] == ["lines", "plain"]
        finally:
            process.terminate()
