"""The relay as Lambda calls it, against an AWS endpoint."""

from __future__ import annotations

import importlib
import json
import logging
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest
from msgspec.structs import replace

from messaging.errors import SettingsError
from messaging.events import Event
from messaging.outbox import Outbox
from messaging.settings import RelaySettings
from messaging.subscription import RESERVE_SECONDS
from messaging.tables import OUTBOX
from tests.conftest import create_table, engine_client
from tests.factories import order
from tests.lambdas.test_handlers import PAYLOAD
from tests.messaging import emf

Invoke = Callable[[dict[str, Any]], dict[str, Any]]
Written = Callable[..., dict[str, Any]]
Count = Callable[[], int]


SetEnvironment = Callable[[str, str], None]


@pytest.fixture
def outbox_table(engine: str) -> str:
    """An outbox of its own: those of other tests have things in theirs."""
    table = replace(OUTBOX, name=f"outbox-{uuid.uuid4().hex}")
    create_table(engine_client(engine, "dynamodb"), table)
    return table.name


@pytest.fixture
def environment(outbox_table: str, monkeypatch: pytest.MonkeyPatch) -> SetEnvironment:
    """Sets what the consumers stack writes, for an endpoint and a topic."""

    def apply(endpoint: str, topic_arn: str) -> None:
        settings = RelaySettings(topic_arn=topic_arn, outbox_table=outbox_table, code_version="v1")
        variables = {
            **settings.to_environment(),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "POWERTOOLS_METRICS_NAMESPACE": "Waybill",
            "POWERTOOLS_LOG_LEVEL": "DEBUG",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return apply


def fresh_handler() -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """As after a cold start."""
    logging.root.manager.loggerDict.pop("relay", None)  # Powertools keeps the handler, and with it an old stdout
    module = importlib.reload(importlib.import_module("lambdas.relay"))
    handler: Callable[[dict[str, Any], Any], dict[str, Any]] = module.handler
    return handler


@pytest.fixture
def queue_url(engine: str, environment: SetEnvironment) -> str:
    """A queue on a topic of its own, and the environment of a relay to that topic."""
    name = uuid.uuid4().hex
    environment(engine, "unknown")
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic_arn = sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    url: str = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    environment(engine, topic_arn)
    return url


@pytest.fixture
def invoke() -> Invoke:
    def call(event: dict[str, Any]) -> dict[str, Any]:
        context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 60_000)
        return fresh_handler()(event, context)

    return call


@pytest.fixture
def written(outbox_table: str) -> Written:
    """Writes events into the outbox, one transaction each. Returns the Lambda event of its stream."""

    def write(*events: Event, age_seconds: float = 0) -> dict[str, Any]:
        outbox = Outbox(table=outbox_table, source="urn:shop", clock=lambda: time.time() - age_seconds)
        entries = [entry for event in events for entry in outbox.items([event])]
        for entry in entries:
            boto3.client("dynamodb").put_item(**entry["Put"])
        return {"Records": [stream_record(number, entry["Put"]["Item"]) for number, entry in enumerate(entries)]}

    return write


def stream_record(number: int, item: dict[str, Any]) -> dict[str, Any]:
    change = {"SequenceNumber": str(number), "ApproximateCreationDateTime": time.time(), "NewImage": item}
    return {"eventName": "INSERT", "dynamodb": change}


@pytest.fixture
def items_left(outbox_table: str) -> Count:
    return lambda: int(boto3.client("dynamodb").scan(TableName=outbox_table, ConsistentRead=True)["Count"])


def received(queue_url: str) -> list[str]:
    """The ids of the events in a queue, in order."""
    reply = boto3.client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"])["id"] for message in reply.get("Messages", [])]


def logged(output: str, message: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") == message]


def test_a_batch_of_the_stream_reaches_the_queues(
    queue_url: str, invoke: Invoke, written: Written, items_left: Count
) -> None:
    """In order, and the outbox is empty then."""
    event = written(order("1"), order("2"), order("3"))
    assert invoke(event) == {"batchItemFailures": []}
    assert received(queue_url) == ["OrderPlaced-1", "OrderPlaced-2", "OrderPlaced-3"]
    assert items_left() == 0


def test_the_schedule_has_it_sweep(queue_url: str, invoke: Invoke, written: Written, items_left: Count) -> None:
    """What is old enough, and says what it did."""
    written(order("1"), age_seconds=1000)
    written(order("2"))
    report = {"items": 1, "published": 1, "refused": 0, "unrouted": 0, "retried": 0, "complete": True}
    assert invoke({"sweep": {"older_than_seconds": 900}}) == report
    assert received(queue_url) == ["OrderPlaced-1"]
    assert invoke({"sweep": {"older_than_seconds": 0}})["published"] == 1
    assert items_left() == 0


@pytest.mark.fault(63)
def test_one_line_a_batch_tells_the_counts_and_no_payload(
    queue_url: str, invoke: Invoke, written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names, places, products and amounts are not in the logs; the counts are metrics too, once a batch."""
    event = written(order("1"))
    (broken,) = written(order("2"))["Records"]
    broken["dynamodb"] = {**broken["dynamodb"], "SequenceNumber": "9"}
    broken["dynamodb"]["NewImage"] = {**broken["dynamodb"]["NewImage"], "messages": {"S": PAYLOAD[0]}}
    assert invoke({"Records": [*event["Records"], broken]}) == {"batchItemFailures": []}
    output = capsys.readouterr().out
    (line,) = logged(output, "batch")
    counts = {"items": 2, "published": 1, "refused": 1, "unrouted": 0, "retried": 0}
    assert {name: line[name] for name in counts} == counts
    assert (line["level"], line["code_version"], line["function_request_id"]) == ("INFO", "v1", "r-1")
    (refused,) = logged(output, "refused")
    assert (refused["level"], refused["code"], refused["group"]) == ("WARNING", "invalid", "ALFKI")
    (document,) = [json.loads(text) for text in output.splitlines() if '"_aws"' in text]
    emf.check(document)
    metrics = {name: value for name, value in emf.values(document).items() if name != "PublishLatency"}
    assert metrics == {
        "Published": [1.0],
        "PublishFailed": [0.0],
        "Unrouted": [0.0],
        "Refused": [1.0],
        "RelayRetried": [0.0],
    }
    assert document["PublishLatency"][0] > 0
    assert (document["service"], emf.dimensions(document)) == ("relay", [["service"], []])
    (sent,) = logged(output, "sent")
    assert (sent["event_id"], sent["correlation_id"]) == ("OrderPlaced-1", "OrderPlaced-1")
    assert not [text for text in PAYLOAD if text in output]


def test_nothing_to_do_is_answered(queue_url: str, invoke: Invoke) -> None:
    """An empty batch, and a sweep of an empty outbox."""
    assert invoke({"Records": []}) == {"batchItemFailures": []}
    assert invoke({"sweep": {"older_than_seconds": 0}})["items"] == 0


def test_a_missing_topic_has_the_batch_come_again(
    engine: str, environment: SetEnvironment, invoke: Invoke, written: Written, items_left: Count
) -> None:
    """From its first record on, until somebody mends it."""
    environment(engine, "arn:aws:sns:us-east-1:000000000000:nobody.fifo")
    event = written(order("1"), order("2"))
    assert invoke(event) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert items_left() == 2


@pytest.mark.fault(59)
def test_a_missing_setting_stops_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the variable."""
    monkeypatch.delenv("WAYBILL_TOPIC_ARN", raising=False)
    with pytest.raises(SettingsError, match="WAYBILL_TOPIC_ARN"):
        fresh_handler()({"Records": []}, SimpleNamespace())


def test_importing_it_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable is needed and no client is made at import."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setattr(botocore.session, "get_session", lambda: pytest.fail("a session at import"))
    fresh_handler()


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_silent_aws_is_answered_for_in_time(
    queue_url: str, silent_endpoint: str, environment: SetEnvironment, written: Written
) -> None:
    """Every record comes again, and the answer is there before the time-out."""
    event = written(*(order(str(n), customer_id=f"C{n}") for n in range(5)))
    environment(silent_endpoint, "arn:aws:sns:us-east-1:000000000000:orders.fifo")
    handler = fresh_handler()
    patient = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 60_000)
    handler({"Records": []}, patient)  # makes the clients: a cold start is not what is measured
    deadline = time.monotonic() + RESERVE_SECONDS + 2
    context = SimpleNamespace(
        aws_request_id="r-1", get_remaining_time_in_millis=lambda: (deadline - time.monotonic()) * 1000
    )
    assert handler(event, context) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert time.monotonic() < deadline
