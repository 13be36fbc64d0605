"""Sandboxes: cold or warm, of old code or new, alive or dead; and what an invocation that fails is."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from testing.functions.fleet import (
    COLD_START_SECONDS,
    LATE_KILL_SECONDS,
    MOST_SKEW_SECONDS,
    FunctionError,
    one_after_the_other,
)
from testing.functions.process import Killed
from tests.testing.functions.region import TIMEOUT_SECONDS, Code, Region


class Counting:
    """Code whose sandboxes count their invocations, as a module's globals would."""

    def __init__(self, name: str = "v1") -> None:
        self.name = name
        self.starts = 0

    def start(self, machine: Any) -> Any:
        """A cold start: module state is new."""
        self.starts += 1
        sandbox, state = f"{self.name} sandbox {self.starts}", {"count": 0}

        def handle(event: Any, context: Any) -> str:
            state["count"] += 1
            if event.get("die"):
                machine.process.die("as asked for")
            if event.get("fail"):
                raise ValueError("as asked for")
            machine.sleep(event.get("seconds", 0.0))
            return f"{sandbox}, invocation {state['count']}"

        return handle


def fails(message: str) -> Any:
    return pytest.raises(FunctionError, match=message)


class TestSandboxes:
    def test_a_cold_start_takes_time_and_a_warm_one_keeps_its_state(self, region: Region) -> None:
        """One sandbox does for events one after another."""
        fleet = region.fleet(Counting())
        began_at = region.scheduler.now
        assert region.run(lambda: fleet.invoke({})) == "v1 sandbox 1, invocation 1"
        assert region.scheduler.now == began_at + COLD_START_SECONDS
        assert region.run(lambda: fleet.invoke({})) == "v1 sandbox 1, invocation 2"
        assert region.scheduler.now == began_at + COLD_START_SECONDS
        assert (fleet.cold_starts, fleet.invocations, fleet.deaths) == (1, 2, 0)

    def test_events_at_the_same_time_have_a_sandbox_each(self, region: Region) -> None:
        """Which share nothing."""
        fleet = region.fleet(Counting())
        answers: list[str] = []
        for _ in range(3):
            region.scheduler.spawn(lambda: answers.append(fleet.invoke({"seconds": 1.0})))
        region.scheduler.run()
        assert sorted(answers) == [f"v1 sandbox {number}, invocation 1" for number in (1, 2, 3)]
        assert fleet.cold_starts == 3

    def test_a_dead_sandbox_is_replaced(self, region: Region) -> None:
        """By a new one, with new state."""
        fleet = region.fleet(Counting())

        def task() -> str:
            fleet.invoke({})
            with fails("as asked for"):
                fleet.invoke({"die": True})
            return str(fleet.invoke({}))

        assert region.run(task) == "v1 sandbox 2, invocation 1"
        assert (fleet.cold_starts, fleet.deaths) == (2, 1)

    def test_one_that_raised_is_kept(self, region: Region) -> None:
        """Lambda keeps the process after an exception of the handler's."""
        fleet = region.fleet(Counting())

        def task() -> str:
            with fails("raised ValueError: as asked for"):
                fleet.invoke({"fail": True})
            return str(fleet.invoke({}))

        assert region.run(task) == "v1 sandbox 1, invocation 2"
        assert fleet.deaths == 0

    def test_an_idle_one_has_no_deadline(self, region: Region) -> None:
        """The next invocation begins anew, however late, after an answer or an error."""
        fleet = region.fleet(Counting())

        def task() -> str:
            for event in ({}, {"fail": True}):
                with suppress(FunctionError):
                    fleet.invoke(event)
                region.scheduler.sleep(100 * TIMEOUT_SECONDS)
            return str(fleet.invoke({"seconds": TIMEOUT_SECONDS - 0.1}))

        assert region.run(task) == "v1 sandbox 1, invocation 3"

    def test_a_machine_is_its_processs(self, region: Region) -> None:
        """Its calls, its sleep and its clock; the rest comes from the seed."""
        code = Code()
        region.run(lambda: region.fleet(code).invoke({}))
        (machine,) = code.machines
        assert machine.clock() == region.scheduler.now
        assert len(machine.new_id()) == 32
        assert machine.logger("worker") is machine.metrics("worker")
        region.run(lambda: machine.clients.dynamodb.put_item(TableName="things", Item={"id": {"S": "a"}}))
        assert region.places[-1] == "worker dynamodb.put_item"
        assert [machine.clients.sqs.exceptions, machine.clients.sns.exceptions, machine.clients.ses.exceptions] == [
            region.backend(service).exceptions for service in ("sqs", "sns", "sesv2")
        ]
        assert one_after_the_other(lambda number: 2 * number, [1, 2]) == [2, 4]


class TestInit:
    def test_code_that_can_not_start_fails_its_invocation(self, region: Region) -> None:
        """And is started anew for the next event: nothing is kept of it, and nobody else is stopped by it."""

        class Broken(Counting):
            def start(self, machine: Any) -> Any:
                if not self.starts:
                    self.starts += 1
                    raise KeyError("QUEUE_URL")
                return super().start(machine)

        fleet = region.fleet(Broken())

        def task() -> str:
            with fails("KeyError: 'QUEUE_URL'"):
                fleet.invoke({})
            return str(fleet.invoke({}))

        assert region.run(task) == "v1 sandbox 2, invocation 1"

    def test_code_can_die_when_it_starts(self, region: Region) -> None:
        """In a call that it makes then, as in any other."""

        class Calling(Counting):
            def start(self, machine: Any) -> Any:
                machine.clients.dynamodb.put_item(TableName="things", Item={"id": {"S": "a"}})
                return super().start(machine)

        fleet = region.fleet(Calling())
        region.faults.inject("dies_after_call")

        def task() -> str:
            with fails("after a call"):
                fleet.invoke({})
            return str(fleet.invoke({}))

        assert region.run(task) == "v1 sandbox 1, invocation 1"
        assert (fleet.deaths, region.things()) == (1, ["a"])


class TestDeath:
    def swallowing(self, region: Region, then: str) -> Code:
        """Code that would not be killed."""

        def handle(event: Any, context: Any) -> str:
            try:
                region.put(context.process, "a")
            except Killed:  # as an `except BaseException` would
                if then == "raises":
                    raise ValueError("something else") from None
            return "fine"

        return Code(handle)

    @pytest.mark.parametrize("then", ["answers", "raises"])
    def test_nobody_survives_his_death(self, region: Region, then: str) -> None:
        """Whatever the code makes of it: there is no answer, and no sandbox to be used again."""
        code = self.swallowing(region, then)
        fleet = region.fleet(code)
        region.faults.inject("dies_before_call")

        def task() -> Any:
            with fails("dead already"):
                fleet.invoke({})
            return fleet.invoke({})

        assert region.run(task) == "fine"
        assert (fleet.deaths, fleet.cold_starts) == (1, 2)

    def test_the_time_out_counts_from_the_end_of_the_cold_start(self, region: Region) -> None:
        """Then it strikes on the second."""
        fleet = region.fleet(Counting())
        began_at = region.scheduler.now

        def task() -> float:
            with fails("time-out"):
                fleet.invoke({"seconds": TIMEOUT_SECONDS + 0.001})
            return region.scheduler.now - began_at

        assert region.run(task) == pytest.approx(COLD_START_SECONDS + TIMEOUT_SECONDS)

    def test_it_may_strike_late(self, region: Region) -> None:
        """The function goes on for most of a second, though it has been told that no time is left."""
        left: list[int] = []

        def handle(event: Any, context: Any) -> None:
            for seconds in (1.0, TIMEOUT_SECONDS - 1.0, LATE_KILL_SECONDS - 0.01, 1.0):
                context.process.sleep(seconds)
                left.append(context.get_remaining_time_in_millis())

        fleet = region.fleet(Code(handle))
        region.faults.inject("killed_late")
        began_at = region.scheduler.now

        def task() -> float:
            with fails("time-out"):
                fleet.invoke({})
            return region.scheduler.now - began_at

        assert region.run(task) == pytest.approx(COLD_START_SECONDS + TIMEOUT_SECONDS + LATE_KILL_SECONDS)
        assert left == [4_000, 0, 0]

    def test_the_next_one_is_killed_on_time(self, region: Region) -> None:
        """A late kill is of one invocation."""
        fleet = region.fleet(Counting())
        region.faults.inject("killed_late")

        def task() -> None:
            fleet.invoke({"seconds": TIMEOUT_SECONDS + LATE_KILL_SECONDS / 2})
            with fails("time-out"):
                fleet.invoke({"seconds": TIMEOUT_SECONDS + LATE_KILL_SECONDS / 2})

        region.run(task)


def test_a_sandbox_may_have_a_wrong_clock(region: Region) -> None:
    """For all its life; its time-out and what it is told of it are Lambda's."""
    told: list[tuple[float, int]] = []

    def handle(event: Any, context: Any) -> None:
        told.append((context.process.clock() - region.scheduler.now, context.get_remaining_time_in_millis()))

    fleet = region.fleet(Code(handle))
    region.faults.inject("clock_skew")

    def task() -> None:
        for _ in range(2):
            fleet.invoke({})
            region.scheduler.sleep(10)

    region.run(task)
    (first, left), (second, _) = told
    assert 0 < abs(first) <= MOST_SKEW_SECONDS
    assert first == pytest.approx(second, abs=1e-6)
    assert left == TIMEOUT_SECONDS * 1_000


def test_a_throttled_invocation_is_none(region: Region) -> None:
    """No sandbox, no time, no event for the function."""
    code = Code()
    fleet = region.fleet(code)
    region.faults.inject("invocation_throttled")

    def task() -> None:
        with fails("throttled"):
            fleet.invoke({})

    region.run(task)
    assert (code.events, fleet.cold_starts, fleet.invocations) == ([], 0, 1)


class TestDeployment:
    def test_new_code_is_in_new_sandboxes(self, region: Region) -> None:
        """Once the idle ones of old code are retired; before, both answer."""
        fleet = region.fleet(Counting("v1"))

        def task() -> list[str]:
            answers = [fleet.invoke({})]
            fleet.deploy(Counting("v2"))
            answers.append(fleet.invoke({}))
            fleet.retire()
            answers += [fleet.invoke({}), fleet.invoke({})]
            return answers

        assert region.run(task) == [
            *("v1 sandbox 1, invocation 1", "v1 sandbox 1, invocation 2"),
            *("v2 sandbox 1, invocation 1", "v2 sandbox 1, invocation 2"),
        ]

    def test_what_runs_ends_as_it_began(self, region: Region) -> None:
        """In old code, though that is retired meanwhile."""
        fleet = region.fleet(Counting("v1"))
        answers: list[str] = []
        region.scheduler.spawn(lambda: answers.append(fleet.invoke({"seconds": 2.0})))
        region.scheduler.after(1.0, partial(fleet.deploy, Counting("v2")))
        region.scheduler.after(1.1, fleet.retire)
        region.scheduler.run()
        assert answers == ["v1 sandbox 1, invocation 1"]

    def test_old_sandboxes_go_by_and_by(self) -> None:
        """After one more event, or after a few: old and new code answer side by side."""
        events_of_old_code = []
        for seed in range(40):
            region = Region(seed)
            fleet = region.fleet(Counting("v1"))

            def task(fleet: Any = fleet) -> int:
                fleet.invoke({})
                fleet.deploy(Counting("v2"))
                return sum(fleet.invoke({}).startswith("v1") for _ in range(20))

            events_of_old_code.append(region.run(task))
        assert min(events_of_old_code) == 1
        assert 2 < max(events_of_old_code) < 20

    def test_code_that_is_deployed_during_a_cold_start_is_what_starts(self, region: Region) -> None:
        """And it counts as new."""
        fleet = region.fleet(Counting("v1"))
        region.scheduler.after(COLD_START_SECONDS / 2, partial(fleet.deploy, Counting("v2")))
        assert region.run(lambda: fleet.invoke({})) == "v2 sandbox 1, invocation 1"
        fleet.retire()
        assert region.run(lambda: fleet.invoke({})) == "v2 sandbox 1, invocation 2"


class TestAsynchronously:
    def began(self, region: Region, failures: int) -> list[float]:
        """When the function began, in whole seconds from the first time on, if it fails so often."""
        times: list[float] = []

        def handle(event: Any, context: Any) -> None:
            times.append(region.scheduler.now)
            if len(times) <= failures:
                raise ValueError("not yet")

        fleet = region.fleet(Code(handle))
        region.run(lambda: fleet.invoke_asynchronously({}))
        return [round(when - times[0]) for when in times]

    @pytest.mark.parametrize(("failures", "began"), [(0, [0]), (1, [0, 60]), (2, [0, 60, 180]), (9, [0, 60, 180])])
    def test_an_error_is_tried_again_twice(self, region: Region, failures: int, began: list[float]) -> None:
        """After a minute, then after two; the third one is the end."""
        assert self.began(region, failures) == began

    def test_so_are_deaths_and_throttles(self, region: Region) -> None:
        """Whatever ends an invocation without an answer."""
        code = Counting()
        fleet = region.fleet(code)
        region.faults.inject("invocation_throttled")
        region.run(lambda: fleet.invoke_asynchronously({"die": True}))
        assert (fleet.invocations, fleet.deaths) == (3, 2)
