"""Minutes that were measured: gauges and values, periods of several minutes, and what a file keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.alarms import statistics
from local.alarms.definitions import Metric
from local.alarms.history import History, Sample, read_history

DEPTH, LATENCY = Metric("AWS/SQS", "Depth", (("QueueName", "q"),)), Metric("Mine", "Latency")


def history_of(*depths: float, minute_seconds: float = 60.0) -> History:
    """One look a minute."""
    history = History(minute_seconds)
    for number, depth in enumerate(depths):
        history.add(Sample(gauges={DEPTH: depth}, values={}), number * minute_seconds, keep=100)
    return history


def test_a_minute_has_the_last_gauge_and_all_values() -> None:
    """Two looks in one minute are one datapoint."""
    history = History(60.0)
    history.add(Sample(gauges={DEPTH: 9}, values={LATENCY: [1.0, 2.0]}), 61, keep=10)
    history.add(Sample(gauges={DEPTH: 4}, values={LATENCY: [6.0]}), 119, keep=10)
    history.add(Sample(gauges={DEPTH: 5}, values={}), 120, keep=10)
    assert history.datapoints(DEPTH, "Maximum", count=3, minutes=1) == [None, 4, 5]
    assert history.datapoints(LATENCY, "Average", count=3, minutes=1) == [None, 3, None]
    assert history.latest(DEPTH) == 5
    assert history.samples(LATENCY, minutes=2) == 3


def test_minutes_in_which_nobody_looked_are_no_gap() -> None:
    """An hour of sleep neither raises nor clears an alarm."""
    history = history_of(1, 2)
    history.add(Sample(gauges={DEPTH: 3}, values={}), 3600, keep=100)
    assert history.datapoints(DEPTH, "Sum", count=3, minutes=1) == [1, 2, 3]


@pytest.mark.parametrize(
    ("depths", "expected"),
    [
        ([1], [None, None, 1]),
        ([1, 2, 3, 4, 5], [None, None, 15]),
        ([1, 2, 3, 4, 5, 6], [None, None, 20]),
        (range(1, 11), [None, 15, 40]),
        (range(1, 16), [15, 40, 65]),
    ],
)
def test_periods_of_five_minutes(depths: list[float], expected: list[float | None]) -> None:
    """They end with the newest minute; an older one counts once all of its minutes are there."""
    assert history_of(*depths).datapoints(DEPTH, "Sum", count=3, minutes=5) == expected


def test_only_as_many_minutes_are_kept_as_are_needed() -> None:
    """The file does not grow."""
    history = history_of(*range(50))
    history.add(Sample(gauges={DEPTH: 50}, values={}), 50 * 60, keep=3)
    assert len(history) == 3


def test_a_file_keeps_it(tmp_path: Path) -> None:
    """The next command goes on where this one stopped, in minutes of the same length."""
    path, history = tmp_path / "alarms.json", history_of(1, 2, minute_seconds=0.5)
    history.write(path)
    for asked in (None, 0.5):
        again = read_history(path, asked)
        assert (again.minute_seconds, again.read_to) == (0.5, 0.5)
        again.add(Sample(gauges={DEPTH: 3}, values={}), 0.9, keep=100)
        assert again.datapoints(DEPTH, "Sum", count=2, minutes=1) == [1, 3]


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"minute_seconds": 1}'])
def test_without_a_usable_file_it_begins_anew(content: str | None, tmp_path: Path) -> None:
    """Half a file is none."""
    path = tmp_path / "alarms.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert len(read_history(path, None)) == 0
    assert read_history(path, None).minute_seconds == 60


def test_minutes_of_another_length_begin_anew(tmp_path: Path) -> None:
    """Ages of both can't stand side by side."""
    history_of(1).write(tmp_path / "alarms.json")
    assert len(read_history(tmp_path / "alarms.json", 2.0)) == 0


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", 10),
        ("Average", 2.5),
        ("Minimum", 1),
        ("Maximum", 4),
        ("SampleCount", 4),
        ("p0", 1),
        ("p50", 2.5),
        ("p100", 4),
        ("p90", pytest.approx(3.7)),
    ],
)
def test_statistics(statistic: str, expected: float) -> None:
    """Percentiles are interpolated between the nearest ranks."""
    assert statistics.calculate(statistics.check_statistic(statistic), [4, 1, 3, 2]) == expected
    assert statistics.calculate(statistic, []) is None


@pytest.mark.parametrize(
    ("statistic", "count", "enough"),
    [
        ("p99", 999, False),
        ("p99", 1000, True),
        ("p50", 19, False),
        ("p50", 20, True),
        ("p10", 99, False),
        ("p10", 100, True),
        ("Maximum", 1, True),
    ],
)
def test_enough_samples_for_a_percentile(statistic: str, count: int, enough: bool) -> None:
    """AWS's own example: a thousand for p99."""
    assert statistics.enough_samples(statistic, count) is enough
