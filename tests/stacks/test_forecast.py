"""What the expressions of the alarms come to, as metric math calculates them."""

from __future__ import annotations

import pytest

from local.alarms.expressions import Scope, calculate
from stacks.alarm_rule import AlarmRule
from stacks.alarms import DEAD_LETTERS_GROW, GROWING
from stacks.function_alarms import FAILING


def result(rule: AlarmRule, **metrics: tuple[float | None, ...]) -> tuple[float | None, ...]:
    """The series that the alarm compares with its threshold."""
    named = dict(metrics)
    length = len(next(iter(metrics.values())))
    for name, expression in rule.expressions.items():
        scope = Scope(named=named, metrics=[*metrics], period_seconds=rule.period_seconds, length=length)
        named[name] = calculate(expression, scope)
    return named[[*rule.expressions][-1]]


@pytest.mark.parametrize(
    ("backlog", "sent", "deleted", "minutes"),
    [
        (0, 500, 400, 0),  # nothing waits: nothing to forecast
        (600, 100, 400, 10),  # 300 fewer every five minutes
        (600, 0, 600, 5),
        (600, 400, 100, 1440),  # it grows
        (600, 100, 100, 1440),  # it stands still
        (600, 0, 0, 1440),  # nobody works
        (600, None, None, 1440),  # and SQS says so by saying nothing
        (600, 100, None, 1440),
        (600, None, 300, 10),
        (600_000, 100, 101, 1440),  # in years
    ],
)
def test_the_forecast_says_when_the_backlog_is_drained(
    backlog: int, sent: int | None, deleted: int | None, minutes: int
) -> None:
    """At the rate of the last five minutes, in minutes, and a day at most."""
    assert result(GROWING, backlog=(backlog,), sent=(sent,), deleted=(deleted,)) == (minutes,)


def test_a_backlog_that_does_not_shrink_is_past_the_threshold_and_a_slow_one_is_not() -> None:
    """Compared as the alarm compares."""
    limit = GROWING.limit(None)
    growing, shrinking = result(GROWING, backlog=(600, 600), sent=(400, 100), deleted=(100, 110))
    assert growing is not None
    assert shrinking is not None
    assert growing >= limit > shrinking


def test_an_idle_queue_has_no_forecast() -> None:
    """SQS publishes nothing of it, and missing data is no trouble."""
    assert result(GROWING, backlog=(None,), sent=(None,), deleted=(None,)) == (None,)


def test_dead_letters_grow_by_what_came_since() -> None:
    """Those that lie there are no growth, and a redrive is the contrary."""
    assert result(DEAD_LETTERS_GROW, letters=(2, 2, 5, 0))[1:] == (0, 3, -5)


@pytest.mark.parametrize(
    ("records", "retried", "held", "percent"),
    [
        (10, None, None, 0),  # all is well, and what is zero is not written
        (10, 5, None, 50),
        (10, 1, 9, 100),  # the first of a group fails, and the rest waits behind it
        (None, None, None, None),  # nothing was taken
    ],
)
def test_a_consumer_fails_by_the_share_that_it_hands_back(
    records: int | None, retried: int | None, held: int | None, percent: int | None
) -> None:
    """Of all records, though Lambda counts no error."""
    assert result(FAILING, records=(records,), retried=(retried,), held=(held,)) == (percent,)
