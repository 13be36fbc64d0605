"""Metric math: AWS's documented examples, what gaps mean to each function, and refusals by name."""

from __future__ import annotations

import pytest

from local.alarms.errors import AlarmError
from local.alarms.expressions import Scope, calculate

Drawn = str


def drawn(text: Drawn) -> tuple[float | None, ...]:
    """A series as AWS's pages draw it: - is a gap."""
    return tuple(None if each == "-" else float(each) for each in text.split())


def calculated(expression: str, **named: Drawn) -> tuple[float | None, ...]:
    metrics = {name: drawn(text) for name, text in named.items()}
    length = len(next(iter(metrics.values())))
    return calculate(expression, Scope(metrics, list(metrics), period_seconds=60, length=length))


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(metric1 < metric2)", "0 0 1 0"),
        ("(metric1 >= 30)", "1 0 0 0"),
        ("(metric1 > 15 AND metric2 > 15)", "1 0 0 0"),
        ("(metric1 > 15 && metric2 > 15)", "1 0 0 0"),
        ("metric1 > 15 OR metric2 > 15", "1 1 1 0"),
    ],
)
def test_aws_examples_of_comparisons(expression: str, expected: Drawn) -> None:
    """Between two series a missing value is 0; a comparison gives 0 or 1."""
    assert calculated(expression, metric1="30 20 0 0", metric2="20 - 20 -") == drawn(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(metric1, metric2, metric3)", "30 0 20 - -"),
        ("IF(metric1, 5, metric3)", "5 5 20 - -"),
        ("IF(metric1, metric2, 5)", "30 0 5 5 -"),
        ("IF(metric1, metric2)", "30 0 - - -"),
        ("IF(1, metric2, metric3)", "30 - 0 0 30"),
        ("IF(0, metric2, metric3)", "0 0 20 - 20"),
        ("IF(0, metric2)", "- - - - -"),
    ],
)
def test_aws_examples_of_if(expression: str, expected: Drawn) -> None:
    """True without a value is 0, false without one is dropped, and so is what has no condition."""
    found = calculated(expression, metric1="1 1 0 0 -", metric2="30 - 0 0 30", metric3="0 0 20 - 20")
    assert found == drawn(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", "11 2 30 -"),
        ("m1 - 1", "0 1 - -"),
        ("m2 / m1", "10 0 - -"),
        ("m1 / 0", "- - - -"),
        ("-m1 * 2 + m2", "8 -4 30 -"),
        ("2 * 3 ^ 2 * m1", "18 36 - -"),
        ("(m1 + m2) * 2", "22 4 60 -"),
        ("m1 * 1.5e1", "15 30 - -"),
        ("SUM([m1, m2])", "11 2 30 -"),
        ("SUM(METRICS())", "11 2 30 -"),
        ('SUM(METRICS("2"))', "10 - 30 -"),
        ("MAX([m1, m2])", "10 2 30 -"),
        ("MIN([m1, m2])", "1 2 30 -"),
        ("AVG([m1, m2])", "5.5 1 15 -"),
        ("SUM(100 / [m1, m2])", "110 50 3.3333333333333335 -"),
        ("m1 - MIN(m1)", "0 1 - -"),
        ("m2 / MAX(m2)", "0.3333333333333333 - 1 -"),
        ("m1 * AVG(m2)", "20 40 - -"),
        ("m1 * DATAPOINT_COUNT(m2)", "2 4 - -"),
        ("m1 / PERIOD(m1) * 60", "1 2 - -"),
        ("TIME_SERIES(MAX(m2))", "30 30 30 30"),
        ("ABS(m1 - 3)", "2 1 - -"),
        ("CEIL(m2 / 3)", "4 - 10 -"),
        ("FLOOR(m2 / 3)", "3 - 10 -"),
        ("LOG10(m2 * 0)", "- - - -"),
    ],
)
def test_arithmetic(expression: str, expected: Drawn) -> None:
    """Precedence, numbers beside series, lists, and gaps: none becomes a value where both sides have none."""
    assert calculated(expression, m1="1 2 - -", m2="10 - 30 -") == drawn(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("FILL(m1, 0)", "0 10 0 0 40 0"),
        ("FILL(m1, REPEAT)", "- 10 10 10 40 40"),
        ("FILL(m1, LINEAR)", "- 10 20 30 40 -"),
        ("FILL(m1, m2)", "1 10 3 4 40 6"),
        ("DIFF(m1)", "- - - - 30 -"),
        ("DIFF_TIME(m1)", "- - - - 180 -"),
        ("RATE(m1) * 60", "- - - - 10 -"),
        ("DIFF(m2)", "- 1 1 1 1 1"),
        ("IF(RATE(m2) > 0, FILL(m1, 0) / RATE(m2), 0)", "- 600 0 0 2400 0"),
    ],
)
def test_gaps_and_rates(expression: str, expected: Drawn) -> None:
    """A difference is taken from the last datapoint there is, however long ago."""
    assert calculated(expression, m1="- 10 - - 40 -", m2="1 2 3 4 5 6") == drawn(expected)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("ANOMALY_DETECTION_BAND(m1)", "the function ANOMALY_DETECTION_BAND is not known"),
        ("m1 + nothing", "`nothing` is no id"),
        ("m1 +", "it ends too early"),
        ("(m1", r"`\)` is missing before the end"),
        ("m1 m1", "`m1` is too much"),
        ("m1 % 2", "begins with `% 2`"),
        ("[m1, m1]", "one series, and this gives 2"),
        ("IF(m1)", "IF takes 2 or 3 arguments, not 1"),
        ("PERIOD(m1 + m1)", r"`\)` is missing"),
        ("SUM([1, 2])", "a list takes time series"),
    ],
)
def test_what_is_not_understood_is_refused(expression: str, said: str) -> None:
    """By name, with the expression."""
    with pytest.raises(AlarmError, match=said):
        calculated(expression, m1="1 2")
