"""Alarm states from datapoints: AWS's documented tables, row by row, and the rules in its prose."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from local.alarms.evaluation import MISSING_DATA, Condition, MissingData, State, evaluate

RETAIN = "RETAIN"
STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
Row = tuple[str, str, str, str, str]

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: the newest is the last,
# 0 does not breach, X does, - is missing. Then: missing, ignore, breaching, notBreaching.
THREE_OF_THREE: tuple[Row, ...] = (
    ("0 - X - X", "OK", "OK", "OK", "OK"),
    ("0 - - - -", "OK", "OK", "OK", "OK"),
    ("- - - - -", "INSUFFICIENT_DATA", RETAIN, "ALARM", "OK"),
    ("0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("- - X - -", "ALARM", RETAIN, "ALARM", "OK"),
)
TWO_OF_THREE: tuple[Row, ...] = (
    ("0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 - X - -", "OK", "OK", "ALARM", "OK"),
    ("- - - - 0", "OK", "OK", "ALARM", "OK"),
    ("- - - X -", "ALARM", RETAIN, "ALARM", "OK"),
)


def datapoints(drawn: str) -> list[float | None]:
    return [{"0": 0.0, "X": 5.0, "-": None}[each] for each in drawn.split()]


def condition(
    m: int, n: int, missing_data: MissingData = "missing", comparison: str = "GreaterThanThreshold"
) -> Condition:
    return Condition(
        comparison=comparison, threshold=1, datapoints_to_alarm=m, evaluation_periods=n, missing_data=missing_data
    )


@pytest.mark.parametrize("current", STATES)
@pytest.mark.parametrize(
    ("m", "row"),
    [*((3, row) for row in THREE_OF_THREE), *((2, row) for row in TWO_OF_THREE)],
    ids=lambda value: f"{value} of 3" if isinstance(value, int) else value[0],
)
def test_aws_tables(m: int, row: Row, current: State) -> None:
    """Each documented row, for each treatment of missing data, from each state."""
    drawn, *expected = row
    found = [evaluate(datapoints(drawn), condition(m, 3, treatment), current).state for treatment in MISSING_DATA]
    assert found == [current if state == RETAIN else state for state in expected]


@pytest.mark.parametrize("drawn", ["- - - - X", "- - - X -"])
def test_a_single_breach_is_no_alarm_yet(drawn: str) -> None:
    """The next datapoint may clear it: three of three wait until the breach is three datapoints old."""
    assert evaluate(datapoints(drawn), condition(3, 3), "OK").state == "OK"


@pytest.mark.parametrize(
    ("drawn", "m", "n", "state"),
    [
        ("X X X X X 0", 3, 3, "OK"),
        ("X 0 X X X X", 3, 3, "ALARM"),
        ("X X X X 0 0", 3, 3, "OK"),
        ("X 0 X 0 0 X", 3, 5, "OK"),
        ("X X 0 X 0 X", 3, 5, "ALARM"),
        ("X -", 1, 1, "ALARM"),
        ("0", 1, 1, "OK"),
    ],
)
def test_the_latest_datapoints_decide(drawn: str, m: int, n: int, state: State) -> None:
    """Older ones than are evaluated count only where newer ones are missing; breaches need not follow each other."""
    assert evaluate(datapoints(drawn), condition(m, n), "OK").state == state


def test_what_left_the_evaluation_range_is_forgotten() -> None:
    """AWS's note on the second row: without new data the last good datapoint holds the alarm back only so long."""
    held: Sequence[float | None] = datapoints("0 - - - -")
    assert evaluate(held, condition(3, 3, "breaching"), "OK").state == "OK"
    assert evaluate([*held, None], condition(3, 3, "breaching"), "OK").state == "ALARM"


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
    ],
)
def test_comparisons(comparison: str, below: State, at: State, above: State) -> None:
    """The datapoint is the first operand, the threshold the second."""
    found = [evaluate([value], condition(1, 1, comparison=comparison), "OK").state for value in (0.5, 1, 1.5)]
    assert found == [below, at, above]


def test_the_reason_names_numbers() -> None:
    """How many breach of how many, the limit, the latest datapoints, and what was made of missing ones."""
    reason = evaluate([None, 0.0, 7.0], condition(2, 3, "notBreaching"), "OK").reason
    assert reason == ("1 of 3 datapoints > 1, 2 make an alarm; the latest: 0, 7; 1 missing, treated as notBreaching")
