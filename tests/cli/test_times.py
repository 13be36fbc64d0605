"""Times as people type them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cli.errors import UsageError
from cli.times import age, duration_seconds, instant

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def in_vienna(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine an hour ahead of UTC."""
    monkeypatch.setitem(os.environ, "TZ", "UTC-01:00")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7_200), ("1h30m", 5_400), ("3d", 259_200), ("1w", 604_800), ("1.5h", 5_400)],
)
def test_a_duration_is_numbers_with_units(text: str, seconds: float) -> None:
    """Several add up."""
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "-5m", "10y", "10m ago"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match="10m"):
        duration_seconds(text)


def test_a_duration_is_so_long_ago() -> None:
    """Where a moment is asked for."""
    assert instant("10m", NOW) == NOW - timedelta(minutes=10)


@pytest.mark.parametrize(
    "text", ["2026-11-23T10:30:00Z", "2026-11-23T11:30:00+01:00", "2026-11-23T11:30", "2026-11-23 11:30:00"]
)
@pytest.mark.usefixtures("in_vienna")
def test_a_time_without_a_zone_is_the_machines(text: str) -> None:
    """All four are one moment, for a person an hour ahead of UTC; what comes out is in UTC."""
    moment = instant(text, NOW)
    assert (moment, moment.tzinfo) == (datetime(2026, 11, 23, 10, 30, tzinfo=UTC), UTC)


@pytest.mark.parametrize("text", ["yesterday", "", "10", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match="is no time"):
        instant(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (45.4, "45s"), (60, "1m"), (95, "1m35s"), (720, "12m"), (12_000, "3h20m"), (187_200, "2d4h")],
)
def test_an_age_has_the_two_largest_units_at_most(seconds: float, text: str) -> None:
    """More says nothing to a person."""
    assert age(seconds) == text
