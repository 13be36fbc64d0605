"""`waybill cost`, which asks nothing of AWS."""

from __future__ import annotations

import json

import pytest

from cli.__main__ import main


def test_the_bill_is_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """With what would change it below, and of which day the prices are beside it."""
    assert main(["cost", "--orders-per-day", "100000", "-o", "table"]) == 0
    said = capsys.readouterr()
    assert "all of it" in said.out
    assert "What would change it" in said.out
    assert "prices of us-east-1 as of" in said.err


def test_the_bill_is_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """One document; each line tells where its price is from."""
    assert main(["cost", "--orders-per-day", "100000", "--design", "naive", "-o", "json"]) == 0
    bill = json.loads(capsys.readouterr().out)
    assert bill["usd"] == pytest.approx(sum(line["usd"] for line in bill["lines"]), abs=0.01)
    assert all(line["source"].startswith("https://") for line in bill["lines"])


def test_the_bill_is_piped_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Under a line of names."""
    assert main(["cost", "--orders-per-day", "1000", "--free-tier"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("service\titem\t")
    assert {row.split("\t")[0] for row in rows} >= {"SNS FIFO", "SQS", "Lambda", "DynamoDB"}


def test_a_bill_needs_its_orders(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a number there is nothing to reckon."""
    assert main(["cost"]) == 2
    assert "--orders-per-day" in capsys.readouterr().err
