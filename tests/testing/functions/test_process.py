"""A process's calls: each fault does what its name says, to the caller and to the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from testing.faults import Fault
from testing.functions.process import (
    CONNECT_TIMEOUT_SECONDS,
    LONGEST_LATE_SECONDS,
    READ_TIMEOUT_SECONDS,
    Killed,
    Process,
)
from tests.testing.functions.region import Region

SEEDS = range(20)
LONGEST_CALL_SECONDS = 0.02


class Attempt:
    """One call that writes an item, with a fault: what the caller sees, when, and what is written by then."""

    def __init__(self, region: Region, fault: str | None, *, lives_seconds: float = float("inf")) -> None:
        self.process = region.process(lives_seconds=lives_seconds)
        self.landed_at: float | None = None
        self.seconds = 0.0
        self._region = region
        self._began_at = region.scheduler.now
        region.store.watch("things", lambda _: self._land())
        if fault is not None:
            region.faults.inject(fault)
        self.result = region.run(self._make)
        self.written_at_last = region.things() == ["a"]

    def _land(self) -> None:
        self.landed_at = self._region.scheduler.now - self._began_at

    def _make(self) -> object:
        try:
            return self._region.put(self.process, "a")
        except (Killed, ClientError, ConnectTimeoutError, ReadTimeoutError) as error:
            return error
        finally:
            self.seconds = self._region.scheduler.now - self._began_at

    @property
    def written_by_then(self) -> bool:
        """When the caller saw the result."""
        return self.landed_at is not None and self.landed_at <= self.seconds


def attempts(fault: str | None) -> list[Attempt]:
    """The same with many seeds, for chance has its part in it."""
    return [Attempt(Region(seed), fault) for seed in SEEDS]


def test_without_a_fault_a_call_takes_some_milliseconds() -> None:
    """To the service and back, each time as long as chance says."""
    done = attempts(None)
    for each in done:
        assert isinstance(each.result, dict)
        assert each.written_by_then
        assert each.landed_at is not None
        assert 0 < each.landed_at < each.seconds < LONGEST_CALL_SECONDS
    assert len({each.seconds for each in done}) == len(SEEDS)


def test_the_places_of_calls_name_who_does_what(region: Region) -> None:
    """So that tests can ask for a fault at one of them."""
    Attempt(region, None)
    assert region.places == ["worker dynamodb.put_item"]


class TestDeath:
    def test_before_a_call_nothing_was_done(self) -> None:
        """And never is."""
        for each in attempts("dies_before_call"):
            assert isinstance(each.result, Killed)
            assert not each.process.alive
            assert not each.written_at_last

    def test_after_a_call_it_was_done(self) -> None:
        """Whatever the answer would have been."""
        for each in attempts("dies_after_call"):
            assert isinstance(each.result, Killed)
            assert not each.process.alive
            assert each.written_by_then

    def test_a_request_on_its_way_lands_after_it(self) -> None:
        """Up to a minute and a half later, mostly soon."""
        done = attempts("lands_after_death")
        for each in done:
            assert isinstance(each.result, Killed)
            assert not each.process.alive
            assert each.landed_at is not None
            assert each.seconds < each.landed_at < each.seconds + LONGEST_LATE_SECONDS
        landed_at = sorted(each.landed_at or 0.0 for each in done)
        assert landed_at[0] < 1.0
        assert landed_at[-1] > 30.0

    @pytest.mark.parametrize("fault", ["dies_after_call", "lands_after_death"])
    def test_nobody_hears_a_refusal(self, region: Region, fault: str) -> None:
        """A request of the dead that is refused is no error of anybody's."""
        process = region.process()
        region.faults.inject(fault)

        def call() -> None:
            with pytest.raises(Killed):
                process.client("dynamodb").put_item(TableName="none", Item={"id": {"S": "a"}})

        region.run(call)
        assert not process.alive

    def test_the_dead_do_nothing_any_more(self, region: Region) -> None:
        """Code that catches everything finds each further call refused, and writes nothing."""
        process = region.process()

        def stubborn() -> list[str]:
            told = []
            for step in (
                lambda: process.die("for a test"),
                lambda: region.put(process, "a"),
                lambda: process.client("sqs").receive_message(QueueUrl="jobs"),
                lambda: process.sleep(1.0),
                process.check_alive,
            ):
                with pytest.raises(Killed) as killed:
                    step()
                told.append(str(killed.value))
            return told

        region.sqs.create_queue("jobs")
        assert region.run(stubborn) == ["for a test", *["dead already"] * 4]
        assert (region.things(), region.places) == ([], [])

    def test_no_broad_except_catches_it(self) -> None:
        """`except Exception` is how functions guard themselves against bugs."""
        assert not issubclass(Killed, Exception)


class TestSilence:
    def test_a_lost_request_is_waited_for_in_vain(self) -> None:
        """For a connection, or for the reply; nothing is ever done."""
        done = attempts("lost_request")
        waited = {ConnectTimeoutError: CONNECT_TIMEOUT_SECONDS, ReadTimeoutError: READ_TIMEOUT_SECONDS}
        for each in done:
            assert each.seconds == pytest.approx(waited[type(each.result)])
            assert not each.written_at_last
            assert each.process.alive
        assert {type(each.result) for each in done} == waited.keys()

    def test_a_lost_reply_is_waited_for_though_it_was_done(self) -> None:
        """The caller can't tell it from a lost request."""
        for each in attempts("lost_reply"):
            assert isinstance(each.result, ReadTimeoutError)
            assert each.landed_at is not None
            assert each.landed_at < LONGEST_CALL_SECONDS
            assert READ_TIMEOUT_SECONDS <= each.seconds < READ_TIMEOUT_SECONDS + LONGEST_CALL_SECONDS
            assert each.process.alive

    def test_a_late_request_lands_when_its_sender_has_given_up(self) -> None:
        """Never before, and mostly soon after."""
        done = attempts("lands_late")
        for each in done:
            assert isinstance(each.result, ReadTimeoutError)
            assert each.landed_at is not None
            assert each.seconds == pytest.approx(READ_TIMEOUT_SECONDS)
            assert READ_TIMEOUT_SECONDS < each.landed_at < READ_TIMEOUT_SECONDS + LONGEST_LATE_SECONDS
            assert each.process.alive
        assert min(each.landed_at or 0.0 for each in done) < 2 * READ_TIMEOUT_SECONDS

    def test_a_slow_reply_comes_just_in_time(self) -> None:
        """It is an answer as any other."""
        for each in attempts("slow"):
            assert isinstance(each.result, dict)
            assert each.written_by_then
            assert 0.5 * READ_TIMEOUT_SECONDS < each.seconds < READ_TIMEOUT_SECONDS

    def test_a_slow_refusal_is_heard(self, region: Region) -> None:
        """The service's own."""
        process = region.process()
        region.faults.inject("slow")

        def call() -> float:
            with pytest.raises(ClientError, match="ResourceNotFoundException"):
                process.client("dynamodb").get_item(TableName="none", Key={"id": {"S": "a"}})
            return region.scheduler.now

        began_at = region.scheduler.now
        assert region.run(call) > began_at + 1.0

    @pytest.mark.parametrize("fault", ["throttled", "server_error"])
    def test_a_refusal_comes_at_once_and_nothing_is_done(self, fault: str) -> None:
        """What it is, `test_refusals` says."""
        for each in attempts(fault):
            assert isinstance(each.result, ClientError)
            assert each.seconds < LONGEST_CALL_SECONDS
            assert not each.written_at_last
            assert each.process.alive


class TestTimeOut:
    def test_it_strikes_in_a_sleep(self, region: Region) -> None:
        """At the deadline, not when the sleep is over; one that ends in time is not touched."""
        process = region.process(lives_seconds=2.0)
        began_at = region.scheduler.now

        def task() -> float:
            process.sleep(2.0)
            with pytest.raises(Killed, match="time-out"):
                process.sleep(0.001)
            return region.scheduler.now

        assert region.run(task) == began_at + 2.0
        assert not process.alive

    def test_it_strikes_in_a_sleep_without_end(self, region: Region) -> None:
        """That is how a function hangs."""
        process = region.process(lives_seconds=2.0)
        began_at = region.scheduler.now

        def task() -> None:
            with pytest.raises(Killed):
                process.sleep(float("inf"))

        region.run(task)
        assert region.scheduler.now == began_at + 2.0

    @pytest.mark.parametrize("left_seconds", [0.0, 0.0001, 0.003, 0.006])
    def test_a_request_on_its_way_lands_all_the_same(self, left_seconds: float) -> None:
        """The service does not know that its sender is dead, or will be."""
        for seed in SEEDS:
            each = Attempt(Region(seed), None, lives_seconds=left_seconds)
            assert isinstance(each.result, Killed)
            assert each.seconds == pytest.approx(left_seconds, abs=1e-6)
            assert each.written_at_last
            assert not each.process.alive

    @pytest.mark.parametrize(
        ("fault", "is_written"),
        [("lost_request", False), ("lost_reply", True), ("lands_late", True), ("slow", True)],
    )
    def test_it_strikes_in_a_wait(self, fault: str, is_written: bool) -> None:
        """What the fault says of the request is true without its sender too."""
        for seed in SEEDS:
            each = Attempt(Region(seed), fault, lives_seconds=0.4)
            assert isinstance(each.result, Killed)
            assert each.seconds == pytest.approx(0.4, abs=1e-6)
            assert each.written_at_last == is_written

    def test_a_reply_that_comes_too_late_is_heard_by_nobody(self, region: Region) -> None:
        """Such as that of a receive that waits for messages."""
        region.sqs.create_queue("jobs")
        process = region.process(lives_seconds=5.0)

        def receive() -> None:
            with pytest.raises(Killed, match="time-out"):
                process.client("sqs").receive_message(QueueUrl="jobs", WaitTimeSeconds=20)

        region.run(receive)
        assert not process.alive


class TestOutage:
    def test_a_service_that_is_out_answers_nobody(self, region: Region) -> None:
        """It refuses, or is silent; nothing is done."""
        region.out.append("dynamodb")
        process = region.process()

        def call() -> list[type[Exception]]:
            seen = []
            for _ in range(50):
                with pytest.raises((ClientError, ConnectTimeoutError, ReadTimeoutError)) as raised:
                    region.put(process, "a")
                seen.append(raised.type)
            return seen

        seen = region.run(call)
        server_error: Any = region.backend("dynamodb").exceptions.InternalServerError
        assert {*seen} == {server_error, ConnectTimeoutError, ReadTimeoutError}
        assert region.things() == []

    def test_others_are_not(self, region: Region) -> None:
        """Each service by itself."""
        region.out.append("sqs")
        region.run(lambda: region.put(region.process(), "a"))
        assert region.things() == ["a"]


def test_a_clock_can_be_wrong(region: Region) -> None:
    """Its process's own; time itself goes on as for all others."""
    ahead, behind = region.process(skew_seconds=42.0), region.process(skew_seconds=-42.0)
    now = region.scheduler.now
    assert (ahead.clock(), behind.clock()) == (now + 42, now - 42)
    region.run(lambda: ahead.sleep(10.0))
    assert (ahead.clock(), region.scheduler.now) == (now + 52, now + 10)


def test_a_clock_that_is_wrong_changes_no_deadline(region: Region) -> None:
    """Lambda kills by its own."""
    process = region.process(lives_seconds=1.0, skew_seconds=60.0)
    region.run(lambda: process.sleep(1.0))
    assert process.alive


def test_the_process_of_a_task_is_known(region: Region) -> None:
    """To code that is called without it."""
    first, second = region.process(), region.process()

    def task(process: Process) -> Callable[[], None]:
        def run() -> None:
            process.enter()
            assert Process.current() is process
            process.sleep(1.0)
            assert Process.current() is process

        return run

    region.scheduler.spawn(task(first))
    region.scheduler.spawn(task(second))
    region.scheduler.run()


def test_a_client_has_the_operations_of_its_service(region: Region) -> None:
    """And the exceptions, and no more."""
    client = region.process().client("dynamodb")
    assert client.exceptions is region.backend("dynamodb").exceptions
    with pytest.raises(AttributeError, match="send_message"):
        client.send_message(QueueUrl="jobs", MessageBody="a")


def test_the_trace_tells_each_call_and_what_went_wrong(region: Region) -> None:
    """Two runs that differ in it are two runs."""
    hashes = []
    for fault in (None, *[fault.value for fault in Fault if fault.value in ("slow", "lost_reply", "lands_late")]):
        own = Region()
        Attempt(own, fault)
        hashes.append(own.trace.hash())
    again = Region()
    Attempt(again, None)
    assert hashes[0] == again.trace.hash()
    assert len({*hashes}) == 4
