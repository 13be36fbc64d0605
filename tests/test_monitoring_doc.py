"""The page for whoever is woken up: as true as the alarms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from messaging.topology import ORDERS
from stacks.monitoring_doc import SETS, Prices, cost_table, embed

DOCUMENT = Path(__file__).parents[1] / "docs" / "monitoring.md"


def test_the_tables_are_the_alarms() -> None:
    """Stale? Run: .venv/bin/python -m stacks.monitoring_doc docs/monitoring.md"""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert embed(text) == text


def test_every_alarm_says_what_to_do() -> None:
    """Under a heading of its name, and no heading is of an alarm that is gone."""
    text = DOCUMENT.read_text(encoding="utf-8")
    told = re.findall(r"^### (\w+)$", text, flags=re.MULTILINE)
    assert sorted(told) == sorted({rule.name for rules in SETS.values() for rule in rules})


def test_what_a_consumer_more_costs() -> None:
    """The sentence below the table agrees with the rules."""
    per_subscription = sum(len(rule.metrics) for rule in SETS["each subscription"])
    alarms = per_subscription * Prices().alarm_metric + Prices().composite_alarm
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"A consumer more is ${alarms:.2f} of alarms and ${4 * Prices().custom_metric:.2f} of metrics" in text
    canary = alarms + len(SETS["canary"]) * Prices().alarm_metric
    assert f"The canary is ${canary:.2f} of alarms and ${(4 + 4) * Prices().custom_metric:.2f} of metrics" in text


def test_the_fixed_cost_is_the_sum_of_what_is_fixed() -> None:
    """Alarms, composites and the dashboard."""
    prices = [float(line.split("|")[3]) for line in cost_table(Prices()).splitlines()[2:6]]
    assert sum(prices[:3]) == pytest.approx(prices[3])
    assert f"{len(ORDERS.subscriptions)} subscriptions" in cost_table(Prices())


def test_a_document_without_the_marker_lines_is_refused() -> None:
    """Nothing is overwritten by guess."""
    with pytest.raises(ValueError, match="lacks the lines"):
        embed("# Monitoring")
