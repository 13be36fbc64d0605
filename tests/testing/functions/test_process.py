"""A process: its time-out, its clock, its clients, and services that answer nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from testing.faults import Fault
from testing.functions.process import Killed, Process
from tests.testing.functions.attempts import SEEDS, Attempt
from tests.testing.functions.region import Region


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
