"""The baselines do what tutorials and Powertools do, good and bad, and nothing in them knows the wall clock."""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.idempotency.persistence import base as persisting
from greenlet import getcurrent, greenlet

from messaging.items import plain
from testing.dynamodb import LEAVES, Client, Store
from tests.simulation.baselines import BASELINES, MARKED_SECONDS, TUNED_SECONDS, virtual_time

NAIVE = ("naive", "naive_stopping")
POWERTOOLS = ("powertools_quick_start", "powertools_tuned")
QUICK_START, TUNED = POWERTOOLS
STARTS_AT = 1_790_000_000.0
TIMEOUT_SECONDS = 5.0
STANDARD = "arn:aws:sqs:eu-west-1:111122223333:counted"
FIFO = f"{STANDARD}.fifo"

each = pytest.mark.parametrize("name", list(BASELINES))
each_of_powertools = pytest.mark.parametrize("name", POWERTOOLS)
on_each_queue = pytest.mark.parametrize("arn", [STANDARD, FIFO], ids=["standard", "fifo"])


class Killed(BaseException):
    """The function is dead."""


class Bug(Exception):
    """The business code failed."""


@dataclass
class Process:
    """A sandbox's process; its clock goes when told to."""

    now: float = STARTS_AT

    def clock(self) -> float:
        return self.now

    def task(self, function: Callable[[], object]) -> Any:
        """A task of this process that is not yet running."""

        def run() -> object:
            getcurrent().process = self
            return function()

        return greenlet(run)


class Consumer:
    """A baseline on a queue, with what goes wrong in it."""

    def __init__(
        self,
        name: str,
        arn: str = STANDARD,
        *,
        starts_at: float = STARTS_AT,
        store: Store | None = None,
        called: str = "counted",
    ) -> None:
        self.process = Process(starts_at)
        self.store = store or tables()
        self.failing: set[str] = set()
        self.dies_before_effect = self.dies_after_effect = False
        self.paused: Callable[[], object] = lambda: None
        self._applying = False
        self._arn = arn
        self._function = BASELINES[name](self._strike)
        self._machine = SimpleNamespace(
            environment={"WAYBILL_TABLE_REVENUE": "counts", "WAYBILL_TABLE_INBOX": "seen", "WAYBILL_CONSUMER": called},
            clients=SimpleNamespace(dynamodb=Client(self.store, pause=self._pause)),
            clock=self.process.clock,
            sleep=None,
            process=self.process,
        )
        self.restart()

    def restart(self) -> None:
        """A new sandbox, in which nothing is wrong."""
        self.dies_before_effect = self.dies_after_effect = self._applying = False
        self._invocation = self._function.start(self._machine)

    def invoke(self, *records: dict[str, Any]) -> Any:
        """Answer a batch, as a task of the process."""
        return self.invoking(*records).switch()

    def invoking(self, *records: dict[str, Any]) -> Any:
        """The task that answers a batch."""
        event = {"Records": [{**record, "eventSourceARN": self._arn} for record in records]}
        ends_at = self.process.now + TIMEOUT_SECONDS
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: int((ends_at - self.process.now) * 1000))
        return self.process.task(lambda: self._invocation(event, context))

    def handed_back(self, *records: dict[str, Any]) -> list[str]:
        """The message ids that SQS will deliver again: of the whole batch where the function raises."""
        try:
            response = self.invoke(*records)
        except BatchProcessingError:
            return [record["messageId"] for record in records]
        assert list(response) == ["batchItemFailures"]
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    def dies_in(self, *records: dict[str, Any]) -> None:
        """Have it killed while it works on a batch."""
        with pytest.raises(Killed):
            self.invoke(*records)
        self.restart()

    def times(self, event_id: str) -> int:
        """How often an event was applied."""
        counts = [plain(item) for item in self.store.items("counts")]
        return int(
            sum(item["amount"] for item in counts if item["day_country"] == event_id and item["shard"] == "times")
        )

    def seen(self) -> list[dict[str, Any]]:
        """The idempotency table."""
        return [plain(item) for item in self.store.items("seen")]

    def _strike(self, process: Any, event_id: str) -> None:
        assert process is self.process
        if event_id in self.failing:
            raise Bug(event_id)
        if self.dies_before_effect:
            raise Killed
        self._applying = True

    def _pause(self, step: str) -> None:
        if step == LEAVES and self._applying and self.dies_after_effect:
            raise Killed
        self.paused()


def tables() -> Store:
    """The effect table and the idempotency table, empty."""
    store = Store(lambda: STARTS_AT)
    store.create_table("counts", "day_country", "shard")
    store.create_table("seen", "id", time_to_live="expiration")
    return store


def message(
    event_id: str, *, group: str = "g", message_id: str | None = None, body: str | None = None
) -> dict[str, Any]:
    """A record but for its queue; its message id is `m-` and the event's id, if nothing else is said."""
    return {
        "messageId": message_id or f"m-{event_id}",
        "receiptHandle": "r",
        "body": json.dumps({"specversion": "1.0", "id": event_id, "data": {}}) if body is None else body,
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": group},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "awsRegion": "eu-west-1",
    }


@pytest.fixture(autouse=True)
def _on_virtual_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And without anything that a single-threaded simulation can't bear."""

    def forbidden(*_: object) -> None:
        raise AssertionError("it sleeps or starts a thread")

    monkeypatch.setattr(time, "sleep", forbidden)
    monkeypatch.setattr(threading.Thread, "start", forbidden)
    with virtual_time():
        yield


@each
@on_each_queue
def test_a_batch_is_applied_once_and_nothing_is_handed_back(name: str, arn: str) -> None:
    """All is well."""
    consumer = Consumer(name, arn)
    assert consumer.invoke(message("e1"), message("e2"), message("e3", group="h")) == {"batchItemFailures": []}
    assert [consumer.times(event) for event in ("e1", "e2", "e3")] == [1, 1, 1]


@each
@on_each_queue
def test_what_is_delivered_again_is_not_applied_again(name: str, arn: str) -> None:
    """Neither in the same sandbox nor in another."""
    consumer = Consumer(name, arn)
    for _ in range(2):
        assert consumer.handed_back(message("e1"), message("e2")) == []
        assert consumer.handed_back(message("e1"), message("e1")) == []
        consumer.restart()
    assert [consumer.times(event) for event in ("e1", "e2")] == [1, 1]


@each
def test_on_a_standard_queue_a_failure_is_handed_back_alone(name: str) -> None:
    """Also where messages have groups, which on standard queues are for fairness. Delivered again, it is applied."""
    consumer = Consumer(name)
    consumer.failing = {"e2"}
    assert consumer.handed_back(message("e1"), message("e2"), message("e3")) == ["m-e2"]
    assert [consumer.times(event) for event in ("e1", "e2", "e3")] == [1, 0, 1]
    consumer.failing = set()
    assert consumer.handed_back(message("e2")) == []
    assert consumer.times("e2") == 1


@pytest.mark.parametrize(
    ("name", "handed_back"),
    [
        ("naive", ["g2"]),  # and g3 is applied before it
        ("naive_stopping", ["g2", "g3"]),
        (QUICK_START, ["g2", "g3", "h1"]),  # a group that has nothing to do with it, too
        (TUNED, ["g2", "g3"]),
    ],
)
def test_on_a_fifo_queue_a_failure_takes_some_of_the_batch_with_it(name: str, handed_back: list[str]) -> None:
    """What is not handed back is applied; what is, is not. The next batch is a new one."""
    consumer = Consumer(name, FIFO)
    consumer.failing = {"g2"}
    batch = [message(event, group=event[0]) for event in ("g1", "g2", "g3", "h1")]
    assert consumer.handed_back(*batch) == [f"m-{event}" for event in handed_back]
    for event in ("g1", "g2", "g3", "h1"):
        assert consumer.times(event) == (0 if event in handed_back else 1)
    consumer.failing = set()
    assert consumer.handed_back(*batch) == []
    assert [consumer.times(event) for event in ("g1", "g2", "g3", "h1")] == [1, 1, 1, 1]


@each
@pytest.mark.parametrize("body", ["no json", "[1]", "null", '{"data": {}}', '{"id": ""}', "[" * 100_000])
def test_a_body_that_cannot_be_processed_is_handed_back_in_silence(
    name: str, body: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Powertools warns of an event without a key: nobody is shown it."""
    with warnings.catch_warnings(record=True, action="always") as shown, virtual_time():
        consumer = Consumer(name)
        assert consumer.handed_back(message("e1"), message("bad", body=body)) == ["m-bad"]
    assert consumer.times("e1") == 1
    assert (capfd.readouterr(), shown) == (("", ""), [])


@pytest.mark.parametrize("name", NAIVE)
def test_the_loops_hand_back_a_whole_batch_by_its_ids(name: str) -> None:
    """Every one of them."""
    consumer = Consumer(name, FIFO)
    consumer.failing = {"e1", "e2"}
    assert consumer.invoke(message("e1"), message("e2"))["batchItemFailures"] == [
        {"itemIdentifier": "m-e1"},
        {"itemIdentifier": "m-e2"},
    ]


@each_of_powertools
@on_each_queue
def test_powertools_raises_where_all_of_a_batch_fails(name: str, arn: str) -> None:
    """A batch of one, say. The message is a line, without the records' tracebacks."""
    consumer = Consumer(name, arn)
    consumer.failing = {"e1"}
    with pytest.raises(BatchProcessingError) as raised:
        consumer.invoke(message("e1"))
    expected = "All records failed processing. 1 individual errors logged separately below."
    assert str(raised.value).strip() == expected
    consumer.failing = set()
    assert consumer.handed_back(message("e1")) == []


@each
@on_each_queue
def test_a_kill_between_effect_and_completion_doubles_the_effect(name: str, arn: str) -> None:
    """None of them commits the two together."""
    consumer = Consumer(name, arn)
    consumer.dies_after_effect = True
    consumer.dies_in(message("e1"))
    assert consumer.times("e1") == 1
    consumer.process.now += TIMEOUT_SECONDS + 1.0
    assert consumer.handed_back(message("e1")) == []
    assert consumer.times("e1") == 2


@pytest.mark.parametrize(("name", "times"), [("naive", 1), ("naive_stopping", 1), (QUICK_START, 2), (TUNED, 1)])
def test_a_redrive_doubles_what_is_known_by_message_id(name: str, times: int) -> None:
    """A redriven message has a new id.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
    """
    consumer = Consumer(name)
    assert consumer.handed_back(message("e1")) == []
    assert consumer.handed_back(message("e1", message_id="redriven")) == []
    assert consumer.times("e1") == times


@each_of_powertools
@pytest.mark.parametrize("starts_at", [1_000_000_000.0, STARTS_AT, 4_000_000_000.0])
def test_a_claim_in_progress_expires_by_the_virtual_clock(name: str, starts_at: float) -> None:
    """At the time-out of the invocation that died, be it in 2001 or in 2096."""
    consumer = Consumer(name, starts_at=starts_at)
    consumer.dies_before_effect = True
    consumer.dies_in(message("e1"))
    [claim] = consumer.seen()
    assert (claim["status"], claim["in_progress_expiration"]) == ("INPROGRESS", (starts_at + TIMEOUT_SECONDS) * 1000)
    consumer.process.now = starts_at + TIMEOUT_SECONDS
    assert consumer.handed_back(message("e1")) == ["m-e1"]
    assert consumer.times("e1") == 0
    consumer.process.now += 0.01
    assert consumer.handed_back(message("e1")) == []
    assert consumer.times("e1") == 1


@pytest.mark.parametrize(("name", "seconds"), [(QUICK_START, 60 * 60), (TUNED, TUNED_SECONDS)])
@pytest.mark.parametrize("starts_at", [1_000_000_000.0, STARTS_AT, 4_000_000_000.0])
def test_powertools_forgets_by_the_virtual_clock(name: str, seconds: int, starts_at: float) -> None:
    """Though DynamoDB has not deleted the record yet: what is delivered again a second later is applied again."""
    consumer = Consumer(name, starts_at=starts_at)
    assert consumer.handed_back(message("e1")) == []
    assert [(record["status"], record["expiration"]) for record in consumer.seen()] == [
        ("COMPLETED", starts_at + seconds)
    ]
    consumer.process.now = starts_at + seconds
    assert consumer.handed_back(message("e1")) == []
    assert consumer.times("e1") == 1
    consumer.process.now += 1.0
    assert consumer.handed_back(message("e1")) == []
    assert consumer.times("e1") == 2


@pytest.mark.parametrize("name", NAIVE)
def test_the_loops_forget_when_dynamodb_does(name: str) -> None:
    """They look whether there is a mark, not how old it is."""
    consumer = Consumer(name)
    assert consumer.handed_back(message("e1")) == []
    assert [mark["expiration"] for mark in consumer.seen()] == [STARTS_AT + MARKED_SECONDS]
    consumer.process.now += 2 * MARKED_SECONDS
    assert consumer.handed_back(message("e1")) == []
    assert consumer.times("e1") == 1
    consumer.store.expire(consumer.process.now)
    assert consumer.handed_back(message("e1")) == []
    assert consumer.times("e1") == 2


@each
def test_consumers_with_one_idempotency_table_do_not_take_each_others_events(name: str) -> None:
    """As functions of different names in production."""
    store = tables()
    for called in ("counted", "counted_too"):
        assert Consumer(name, store=store, called=called).handed_back(message("e1", message_id="same")) == []
    assert Consumer(name, store=store).times("e1") == 2


@each_of_powertools
def test_sandboxes_that_take_turns_each_have_their_own_time(name: str) -> None:
    """Each call lets the others run, and they are minutes apart."""
    store = tables()
    consumers = [Consumer(name, store=store, starts_at=STARTS_AT + 60.0 * number) for number in range(3)]
    hub, running = getcurrent(), []
    for number, consumer in enumerate(consumers):
        consumer.paused = hub.switch
        running.append(consumer.invoking(message(f"e{number}")))
    turns = 0
    while running:
        running[turns % len(running)].switch()
        running = [task for task in running if not task.dead]
        turns += 1
    assert turns > 3 * len(consumers)
    lifetime = 60 * 60 if name == QUICK_START else TUNED_SECONDS
    first = STARTS_AT + lifetime
    assert sorted(record["expiration"] for record in consumers[0].seen()) == [first, first + 60, first + 120]
    assert [consumers[0].times(f"e{number}") for number in range(3)] == [1, 1, 1]


@each_of_powertools
def test_powertools_does_not_start_on_the_wall_clock(name: str) -> None:
    """It would work, and no two runs would be the same."""
    consumer = Consumer(name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(persisting, "dt", dt)
        with pytest.raises(RuntimeError, match="wall clock"):
            consumer.restart()
    consumer.restart()


def test_powertools_has_no_time_in_a_task_of_no_process() -> None:
    """Rather than the wall clock's."""
    with pytest.raises(AttributeError, match="process"):
        greenlet(vars(persisting)["dt"].datetime.now).switch()


def test_no_module_of_powertools_keeps_a_clock_of_its_own() -> None:
    """What a new release adds to those that are known."""
    clocks = {id(clock) for clock in (time, time.time, time.monotonic, dt, dt.datetime)}
    found = [
        f"{module}.{attribute}"
        for module in sorted(sys.modules)
        if module.startswith(("aws_lambda_powertools.utilities.idempotency", "aws_lambda_powertools.utilities.batch"))
        for attribute, value in vars(sys.modules[module]).items()
        if id(value) in clocks
    ]
    assert found == []


def test_virtual_time_ends() -> None:
    """By an exception too: modules and warnings are as they were."""
    before, filters = vars(persisting)["dt"], [*warnings.filters]
    with pytest.raises(Killed), virtual_time():
        raise Killed
    assert vars(persisting)["dt"] is before
    assert [*warnings.filters] == filters
