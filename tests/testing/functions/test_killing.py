"""How sandboxes die, what their time-out counts, and the clocks that they live by."""

from __future__ import annotations

from typing import Any

import pytest

from testing.functions.fleet import COLD_START_SECONDS, LATE_KILL_SECONDS, MOST_SKEW_SECONDS
from testing.functions.process import Killed
from tests.testing.functions.counting import Counting, fails
from tests.testing.functions.region import TIMEOUT_SECONDS, Code, Region


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
    def test_nobody_survives_its_death(self, region: Region, then: str) -> None:
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
