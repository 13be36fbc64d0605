"""What is sampled of a real engine's queues, and what follows from it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local import engine
from local.alarms.definitions import Metric
from local.alarms.history import History
from local.alarms.logs import LoggingFunction
from local.alarms.metrics import Sampler, is_known, oldest_sent
from local.clients import client
from local.engine import Engine
from tests.local.conftest import end

GROUP = "/aws/lambda/worker"
WORKER = LoggingFunction(name="worker", log_group=GROUP, queue="work")
CUSTOM = Metric("Mine", "Pulse", (("who", "me"),))


def of_queue(name: str, queue: str = "work") -> Metric:
    return Metric("AWS/SQS", name, (("QueueName", queue),))


VISIBLE, IN_FLIGHT, DELAYED = (
    of_queue(f"ApproximateNumberOfMessages{which}") for which in ("Visible", "NotVisible", "Delayed")
)
AGE = of_queue("ApproximateAgeOfOldestMessage")
SENT, RECEIVED, DELETED = (of_queue(f"NumberOfMessages{which}") for which in ("Sent", "Received", "Deleted"))
WANTED = {VISIBLE, IN_FLIGHT, DELAYED, AGE, SENT, RECEIVED, DELETED, CUSTOM}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all."""
    state_dir = tmp_path_factory.mktemp("metrics") / "engine"
    try:
        yield engine.start(state_dir)
    finally:
        end(state_dir)


class Bench:
    """A queue that a function works on, in an engine that holds nothing else."""

    def __init__(self, running: Engine) -> None:
        self.sqs, self.logs = (client(running.endpoint, service) for service in ("sqs", "logs"))
        self.cloudwatch = client(running.endpoint, "cloudwatch")
        self.url = self.sqs.create_queue(QueueName="work")["QueueUrl"]
        self.logs.create_log_group(logGroupName=GROUP)
        self.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
        self.sampler = Sampler(running.endpoint, lambda service: client(running.endpoint, service), WANTED, [WORKER])
        self.history = History(60.0)
        self.now = time.time()

    def sample(self, after_seconds: float = 60.0) -> dict[Metric, list[float]]:
        """A sample, taken in; the clock goes on before it."""
        self.now += after_seconds
        sample = self.sampler.sample(self.history, self.now)
        self.history.add(sample, self.now, keep=10)
        return {metric: [value] for metric, value in sample.gauges.items()} | {
            k: [*v] for k, v in sample.values.items()
        }

    def log(self, message: str) -> None:
        """A line in the middle of the next sample's minute."""
        event = {"timestamp": int((self.now + 30) * 1000), "message": message}
        self.logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=[event])

    def record(self, outcome: str) -> None:
        fields: dict[str, Any] = {"message": "record", "delivery_id": "d", "outcome": outcome}
        self.log(json.dumps({**fields, "timestamp": "2026-01-01T00:00:00+00:00"}))


@pytest.fixture
def bench(started: Engine) -> Iterator[Bench]:
    bench = Bench(started)
    yield bench
    bench.sqs.delete_queue(QueueUrl=bench.url)
    bench.logs.delete_log_group(logGroupName=GROUP)


def test_depths_and_age_of_a_queue(bench: Bench) -> None:
    """Visible, in flight and delayed apart; a delayed message has no age, one in flight has. Nothing is received."""
    assert bench.sample()[AGE] == [0]
    bench.sqs.send_message(QueueUrl=bench.url, MessageBody="later", DelaySeconds=900)
    first = bench.sample()
    assert (first[VISIBLE], first[IN_FLIGHT], first[DELAYED], first[AGE]) == ([0], [0], [1], [0])
    for text in ("one", "two"):
        bench.sqs.send_message(QueueUrl=bench.url, MessageBody=text)
    bench.sqs.receive_message(QueueUrl=bench.url, MaxNumberOfMessages=1)
    second = bench.sample()
    assert (second[VISIBLE], second[IN_FLIGHT], second[DELAYED]) == ([1], [1], [1])
    assert second[AGE][0] == pytest.approx(180, abs=5)
    (seen,) = bench.sqs.receive_message(QueueUrl=bench.url, AttributeNames=["All"])["Messages"]
    assert seen["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_delayed_message_is_not_the_oldest() -> None:
    """One in flight is, and so is one that became visible after a delay."""
    delayed = {"SentTimestamp": 1, "IsVisible": False, "ReceiveCount": 0}
    in_flight = {"SentTimestamp": 3, "IsVisible": False, "ReceiveCount": 1}
    visible = {"SentTimestamp": 2, "IsVisible": True, "ReceiveCount": 0}
    for fifo in (True, False):
        assert oldest_sent([delayed], fifo=fifo) is None
        assert oldest_sent([delayed, in_flight], fifo=fifo) == 3
        assert oldest_sent([in_flight, delayed, visible], fifo=fifo) == 2


def test_what_fails_again_and_again_makes_no_standard_queue_old() -> None:
    """As on AWS: after three receives a message is not counted, but by a FIFO queue, which keeps its order."""
    failing = {"SentTimestamp": 1, "IsVisible": False, "ReceiveCount": 3}
    younger = {"SentTimestamp": 2, "IsVisible": True, "ReceiveCount": 2}
    assert oldest_sent([failing, younger], fifo=False) == 2
    assert oldest_sent([failing], fifo=False) is None
    assert oldest_sent([failing, younger], fifo=True) == 1


def test_ages_are_in_minutes_of_any_length(bench: Bench) -> None:
    """In minutes of a second, a message that waits for three is three minutes old."""
    bench.history = History(1.0)
    bench.sqs.send_message(QueueUrl=bench.url, MessageBody="m")
    assert bench.sample(after_seconds=3)[AGE][0] == pytest.approx(180, abs=60)


def test_what_was_sent_received_and_deleted(bench: Bench) -> None:
    """From the outcomes in the function's log and the change of depth: two came, of five, that three left."""
    bench.sample()
    for outcome in ("applied", "duplicate", "retry", "dead_lettered"):
        bench.record(outcome)
    for text in ("one", "two"):
        bench.sqs.send_message(QueueUrl=bench.url, MessageBody=text)
    found = bench.sample()
    assert (sum(found[RECEIVED]), sum(found[DELETED]), sum(found[SENT])) == (4, 3, 5)
    idle = bench.sample()
    assert (sum(idle[RECEIVED]), sum(idle[DELETED]), sum(idle[SENT])) == (0, 0, 0)


def test_without_an_earlier_look_nothing_is_known_of_what_was_sent(bench: Bench) -> None:
    """A backlog from before is not this minute's."""
    bench.sqs.send_message(QueueUrl=bench.url, MessageBody="m")
    assert SENT not in bench.sample()


def test_what_anybody_put_into_the_engine(bench: Bench) -> None:
    """With its dimensions; sum, count and extremes are kept."""
    data = {"MetricName": "Pulse", "Timestamp": datetime.fromtimestamp(bench.now + 5, UTC)}
    mine, other = ({"Dimensions": [{"Name": "who", "Value": who}]} for who in ("me", "you"))
    bench.cloudwatch.put_metric_data(
        Namespace="Mine",
        MetricData=[
            {**data, **mine, "Values": [1.0, 2.0, 6.0], "Counts": [1.0, 1.0, 1.0]},
            {**data, **other, "Value": 9},
        ],
    )
    found = bench.sample()[CUSTOM]
    assert (len(found), sum(found), min(found), max(found)) == (3, 9, 1, 6)
    assert bench.sample()[CUSTOM] == []


@pytest.mark.parametrize(
    ("metric", "known"),
    [
        (VISIBLE, True),
        (Metric("AWS/Lambda", "Errors"), True),
        (Metric("AWS/Lambda", "IteratorAge"), False),
        (Metric("AWS/SNS", "NumberOfNotificationsFailed"), False),
        (Metric("Mine", "Anything"), True),
    ],
)
def test_what_can_have_no_data_is_known(metric: Metric, known: bool) -> None:
    """So that an alarm on it can say so."""
    assert is_known(metric) is known
