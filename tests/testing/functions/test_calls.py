"""A process's calls: each fault does what its name says, to the caller and to the service."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from testing.functions.process import (
    CONNECT_TIMEOUT_SECONDS,
    LONGEST_LATE_SECONDS,
    READ_TIMEOUT_SECONDS,
    Killed,
)
from tests.testing.functions.attempts import SEEDS, Attempt, attempts
from tests.testing.functions.region import Region

LONGEST_CALL_SECONDS = 0.02


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
