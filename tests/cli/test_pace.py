"""So many things a second and no more."""

from __future__ import annotations

import pytest

from cli.pace import Pace


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_hundred_at_ten_a_second_take_ten_seconds() -> None:
    """The first go at once, so the last portion goes a portion's time before the end."""
    time = Time()
    pace = Pace(10, clock=time.clock, sleep=time.sleep)
    done = 0
    while done < 100:
        count = pace.portion(25)
        pace.wait(count)
        done += count
    assert time.now == pytest.approx(10 - count / 10)


def test_what_a_pause_has_cost_is_not_made_up_for() -> None:
    """A burst after it is what the pace is there to prevent."""
    time = Time()
    pace = Pace(10, clock=time.clock, sleep=time.sleep)
    pace.wait(1)
    time.now = 60.0
    pace.wait(1)
    pace.wait(1)
    assert time.now == pytest.approx(60.1)


def test_without_a_rate_nothing_waits() -> None:
    """And portions are as large as they may be."""
    time = Time()
    pace = Pace(None, clock=time.clock, sleep=time.sleep)
    pace.wait(1_000)
    pace.wait(1_000)
    assert (time.now, pace.portion(100)) == (0.0, 100)


def test_a_portion_is_a_quarter_of_a_second_and_never_nothing() -> None:
    """So that a slow pace is even."""
    assert [Pace(rate).portion(100) for rate in (0.1, 8, 10_000)] == [1, 2, 100]
