"""`waybill capacity`, which asks nothing of AWS."""

from __future__ import annotations

import json

import pytest

from cli.__main__ import main
from messaging.topology import ORDERS


def test_people_see_backlogs_as_plots_and_quotas_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Of every consumer whose queue fills."""
    assert main(["capacity", "--rate", "50", "--burst", "20000", "-o", "table"]) == 0
    out = capsys.readouterr().out
    assert "Backlog of inventory" in out
    assert "█" in out
    assert "SNS: messages/s of the account" in out


def test_programs_get_the_series(capsys: pytest.CaptureFixture[str]) -> None:
    """Second by second, until the queue is empty."""
    assert main(["capacity", "--rate", "50", "--burst", "20000", "--consumer", "inventory", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (inventory,) = document["consumers"]
    assert len(inventory["series"]) == inventory["drained_after_seconds"]
    assert inventory["series"][-1]["backlog"] == 0
    assert {quota["source"].partition("/")[0] for quota in document["quotas"]} == {"https:"}


def test_a_pipe_gets_a_line_for_each_consumer(capsys: pytest.CaptureFixture[str]) -> None:
    """And no plot."""
    assert main(["capacity", "--rate", "50", "--seconds", "1m"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("consumer\t")
    assert len(rows) == len(ORDERS.subscriptions)


def test_a_consumer_that_is_not_there_is_not_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are, are named."""
    assert main(["capacity", "--rate", "1", "--consumer", "nobody"]) == 5
    assert "inventory" in capsys.readouterr().err


def test_too_much_is_told_with_what_would_keep_up(capsys: pytest.CaptureFixture[str]) -> None:
    """More batches at once, or more message groups."""
    flood = ["capacity", "--rate", "9000", "--seconds", "10s", "--consumer", "inventory", "-o", "json"]
    notes = []
    for options in (["--concurrency", "5"], ["--groups", "3"]):
        assert main([*flood, *options]) == 0
        (inventory,) = json.loads(capsys.readouterr().out)["consumers"]
        notes.append(inventory["note"].rpartition(": ")[2])
    assert [note.split(" ", 1)[1] for note in notes] == [
        "batches at once would keep up",
        "message groups would keep up",
    ]
