"""The demo, whole: a first run, the same again, and a scarce one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.demo.command import main

COUNT = 60
ROUTED_TO_ALL = ("inventory", "analytics", "notifications")


def run(capsys: pytest.CaptureFixture[str], checkout: Path, *arguments: str) -> dict[str, Any]:
    exit_code = main([*arguments, "--json"], checkout)
    captured = capsys.readouterr()
    assert exit_code == 0, captured.err
    summary: dict[str, Any] = json.loads(captured.out)
    for numbers in summary["subscriptions"].values():
        assert numbers["delivered"] == numbers["processed"] + numbers["duplicates"] + numbers["dead_letters"]
    assert summary["unaccounted"] == 0
    return summary


@pytest.mark.fault(4)
def test_a_second_run_changes_no_total(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every event of the second run is a duplicate to every consumer that gets it."""
    options = ("--count", str(COUNT), "--cancel", "5", "--duplicates", "10", "--poison", "3")
    first = run(capsys, checkout, *options)
    assert first["orders"] == first["emails"] == COUNT
    assert first["published"] == COUNT + 5 + 10
    assert first["subscriptions"]["inventory"]["dead_letters"] == 3
    assert {alarm["consumer"] for alarm in first["red_alarms"]} == {"inventory"}
    assert first["subscriptions"]["notifications"]["processed"] == COUNT
    second = run(capsys, checkout, *options)
    for name in ROUTED_TO_ALL:
        assert second["subscriptions"][name]["processed"] == 0
        assert second["subscriptions"][name]["duplicates"] >= COUNT
    assert {key: second[key] for key in ("revenue", "stock", "emails")} == {
        key: first[key] for key in ("revenue", "stock", "emails")
    }


def test_scarce_stock_refuses_whole_orders_and_never_goes_below_zero(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is reserved and what remains is what there was, product by product (the demo checks each)."""
    stock = run(capsys, checkout, "--count", str(COUNT), "--scarce", "--poison", "0")["stock"]
    assert stock["refused_orders"] > 0
    assert stock["initial"] - stock["reserved"] == stock["remaining"] >= 0
