"""Sandboxes: cold or warm, of old code or new; and invocations that nobody waits for."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from testing.functions.fleet import COLD_START_SECONDS, FunctionError, one_after_the_other
from testing.functions.process import Process
from tests.testing.functions.counting import Counting, fails
from tests.testing.functions.region import TIMEOUT_SECONDS, Code, Region


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

    def test_code_knows_the_process_in_which_it_runs(self, region: Region) -> None:
        """Cold and warm, in whichever task."""
        known: list[Process] = []

        def handle(_: Any, context: Any) -> None:
            assert Process.current() is context.process
            known.append(context.process)

        fleet = region.fleet(Code(handle))
        for _ in range(2):
            region.run(lambda: fleet.invoke({}))
        assert known[0] is known[1]

    def test_an_idle_one_has_no_deadline(self, region: Region) -> None:
        """The next invocation begins anew, however late, after an answer or an error."""
        code = Counting()
        fleet = region.fleet(code)

        def task() -> str:
            for event in ({}, {"fail": True}):
                with suppress(FunctionError):
                    fleet.invoke(event)
                code.machines[0].sleep(100 * TIMEOUT_SECONDS)
            return str(fleet.invoke({"seconds": TIMEOUT_SECONDS - 0.1}))

        assert region.run(task) == "v1 sandbox 1, invocation 3"

    def test_a_machine_belongs_to_its_process(self, region: Region) -> None:
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
