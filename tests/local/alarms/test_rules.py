"""Rules of composite alarms over the states of others."""

from __future__ import annotations

import pytest

from local.alarms.errors import AlarmError
from local.alarms.evaluation import State
from local.alarms.rules import children, holds

STATES: dict[str, State] = {"red": "ALARM", "green": "OK", "grey": "INSUFFICIENT_DATA", 'odd ")': "ALARM"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(red)", True),
        ('ALARM("red")', True),
        ('ALARM("arn:aws:cloudwatch:us-east-1:000000000000:alarm:red")', True),
        (r'ALARM("odd \")")', True),
        ("OK(red)", False),
        ("OK(green) AND INSUFFICIENT_DATA(grey)", True),
        ("ALARM(green) OR ALARM(red)", True),
        ("NOT ALARM(red)", False),
        ("NOT ALARM(green) AND NOT OK(red)", True),
        ("ALARM(red) OR ALARM(green) AND ALARM(grey)", True),
        ("(ALARM(red) OR ALARM(green)) AND ALARM(grey)", False),
        ("NOT (ALARM(green) OR FALSE)", True),
        ("TRUE", True),
    ],
)
def test_rules(rule: str, expected: bool) -> None:
    """NOT binds closest, then AND, then OR; alarms by name or ARN."""
    assert holds(rule, STATES) is expected


def test_children_are_all_alarms_of_the_rule() -> None:
    """Each once, whatever the rule makes of them."""
    assert children("TRUE OR ALARM(red) AND (OK(green) OR NOT ALARM(red))") == ["red", "green"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("ALARM(unknown)", "names the alarm unknown"),
        ("AT_LEAST(1, ALARM, (red))", "`AT_LEAST` is not known"),
        ("ALARM(red) ALARM(green)", "too much"),
        ("ALARM(red) AND", "ends too early"),
    ],
)
def test_refusals(rule: str, said: str) -> None:
    """What is not understood is named."""
    with pytest.raises(AlarmError, match=said):
        holds(rule, STATES)
