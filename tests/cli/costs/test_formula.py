"""Facts of the stacks that the bill repeats, because a command can't import them."""

from __future__ import annotations

from cli.costs import formula
from stacks.alarms import RELAY_ALARMS, SUBSCRIPTION_ALARMS, TOPIC_ALARMS
from stacks.functions import MEMORY_MB


def test_the_bill_counts_the_alarms_that_the_stacks_make() -> None:
    """CloudWatch charges each metric that an alarm reads."""
    assert [
        sum(len(rule.metrics) for rule in rules) for rules in (SUBSCRIPTION_ALARMS, TOPIC_ALARMS, RELAY_ALARMS)
    ] == [
        formula.ALARM_METRICS_OF_SUBSCRIPTION,
        formula.ALARM_METRICS_OF_TOPIC,
        formula.ALARM_METRICS_OF_RELAY,
    ]


def test_functions_have_the_memory_that_the_bill_charges() -> None:
    """Half a gigabyte."""
    assert formula.MEMORY_GB * 1024 == MEMORY_MB
