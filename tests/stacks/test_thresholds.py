from __future__ import annotations

from dataclasses import replace

from messaging.events import OrderPlaced
from messaging.subscription import RESERVE_SECONDS, Subscription
from stacks import thresholds

ROW = Subscription(consumer="audit", events=(OrderPlaced,))


def test_depth_is_a_quarter_of_an_hour_of_work() -> None:
    """The depth alarm is what the row's concurrency drains in 15 minutes at one time-out a batch."""
    assert thresholds.depth(ROW) == 10 * 10 * 900 // 5
    assert thresholds.depth(replace(ROW, timeout_seconds=900)) == 100
    assert thresholds.depth(replace(ROW, maximum_concurrency=1_000)) == 1_000 * 10 * 900 // 5


def test_depth_of_a_fifo_queue_stays_within_what_it_looks_through() -> None:
    """Behind its first 120,000 messages a FIFO queue finds no group."""
    assert thresholds.depth(replace(ROW, ordering="group")) == thresholds.depth(ROW)
    assert thresholds.depth(replace(ROW, ordering="group", maximum_concurrency=1_000)) == 96_000


def test_age_comes_before_messages_are_lost() -> None:
    """The age alarm allows half as much again as a deploy takes, and never waits for expiry or the end of an outage."""
    assert thresholds.age_seconds(ROW) == 1350
    assert thresholds.age_seconds(replace(ROW, max_age_seconds=300)) == 150
    assert thresholds.age_seconds(replace(ROW, outage_seconds=600)) == 300
    assert thresholds.age_seconds(replace(ROW, newer_version_patience_seconds=10)) == 46


def test_age_is_told_before_it_is_too_late() -> None:
    """In 15 minutes where there is time; what expires after five is told of after one."""
    assert thresholds.age_minutes(ROW) > 15
    assert thresholds.age_minutes(replace(ROW, max_age_seconds=300)) == 1
    assert thresholds.age_minutes(replace(ROW, max_age_seconds=1800)) == 14
    for seconds in (180, 300, 600, 1200, 3600):
        row = replace(ROW, max_age_seconds=seconds)
        assert thresholds.age_seconds(row) + 60 * min(15, thresholds.age_minutes(row)) < seconds


def test_in_flight_is_what_fails_at_once_and_never_the_quota() -> None:
    """Half as many again as can be held through a visibility timeout; well below the 120,000 where SQS stops."""
    assert thresholds.in_flight(ROW) == 10 * 10 * 31 * 3 // 2
    assert thresholds.in_flight(replace(ROW, maximum_concurrency=1_000)) == 96_000


def test_duration_ends_where_no_work_is_begun() -> None:
    """A p99 past that is a consumer that works in its reserve."""
    assert thresholds.duration_milliseconds(ROW) == 3_000
    assert thresholds.duration_milliseconds(replace(ROW, timeout_seconds=3)) == 1_000 * (3 - RESERVE_SECONDS)
