"""Reading the functions' logs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.demo.journal import Journal, parse

ENTRY = {
    "message": "record",
    "outcome": "applied",
    "event_id": "OrderPlaced-1",
    "delivery_id": "d1",
    "timestamp": "2026-11-23 14:44:37,277+0000",
    "reason": None,
}
AT = 1795445077.277


def line(**changes: Any) -> str:
    return json.dumps(ENTRY | changes)


class Logs:
    """One log group; answers hold at most `page` events, without a token, as the engine's do."""

    def __init__(self, page: int = 10_000) -> None:
        self.events: list[tuple[int, str]] = []
        self.page = page
        self.asked: list[int] = []

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request["startTime"])
        events = sorted(event for event in self.events if event[0] >= request["startTime"])
        return {"events": [{"timestamp": at, "message": message} for at, message in events[: self.page]]}


def journal(logs: Logs, since: float = AT) -> Journal:
    return Journal(logs, {"inventory": "group"}, since=since)


def test_a_record_line_gives_its_outcome() -> None:
    """What a function logs of one record is read field by field."""
    record = parse("inventory", line(outcome="dead_lettered", reason="poison"))

    assert record is not None
    assert (record.consumer, record.delivery_id) == ("inventory", "d1")
    assert (record.outcome, record.reason) == ("dead_lettered", "poison")
    assert record.at == pytest.approx(AT)


@pytest.mark.parametrize(
    "other",
    [
        "START RequestId: 1 Version: $LATEST",
        line(message="batch"),
        line()[:-20],
        json.dumps({"message": "record", "delivery_id": "d1"}),
        json.dumps(["delivery_id"]),
        line(timestamp="yesterday"),
    ],
)
def test_every_other_line_is_passed_over(other: str) -> None:
    """Platform lines, other messages and lines cut short by a kill are no records."""
    assert parse("inventory", other) is None


def test_reading_goes_on_where_it_stopped_with_some_overlap() -> None:
    """A line that the engine files late, before one already read, is found all the same."""
    logs = Logs()
    reader = journal(logs)
    logs.events = [(int(AT * 1000) + 5_000, line())]
    assert [record.delivery_id for record in reader.read(["inventory"])] == ["d1"]

    logs.events.append((int(AT * 1000) + 4_900, line(delivery_id="late")))
    assert [record.delivery_id for record in reader.read(["inventory"])] == ["late", "d1"]
    assert logs.asked[1] > logs.asked[0]


def test_a_line_of_an_earlier_run_that_appears_now_is_not_this_runs() -> None:
    """The engine hands lines out late: what counts is when the function wrote it."""
    logs = Logs()
    logs.events = [(int(AT * 1000) + 60_000, line())]

    assert list(journal(logs, since=AT + 10).read(["inventory"])) == []


def test_only_the_consumers_asked_for_are_read() -> None:
    """Whoever is finished costs the engine nothing."""
    logs = Logs()

    assert list(journal(logs).read([])) == []
    assert logs.asked == []


def test_an_answer_that_the_engine_cuts_without_a_token_is_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line is read, although an answer holds only so many."""
    monkeypatch.setattr("local.demo.journal._PAGE_LINES", 3)
    logs = Logs(page=3)
    logs.events = [(int(AT * 1000) + number, line(delivery_id=f"d{number}")) for number in range(8)]

    assert {record.delivery_id for record in journal(logs).read_again()} == {f"d{number}" for number in range(8)}
