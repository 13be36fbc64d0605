"""Log lines: parsed, told once, followed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.logs import Follower, Line, Wanted, read

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GROUPS = {"inventory": "/inventory", "relay": "/relay"}


class FakeLogs:
    """CloudWatch Logs with a page for each event."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS.values()}
        self.requests: list[dict[str, Any]] = []

    def write(self, group: str, content: Mapping[str, Any] | str, *, at: datetime = NOW) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        events = self.events[group]
        events.append(
            {
                "eventId": f"{group}-{len(events)}",
                "logStreamName": "s",
                "timestamp": int(at.timestamp() * 1000),
                "message": f"{text}\n",
            }
        )

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        phrase = json.loads(request.get("filterPattern", '""'))
        found = [
            event
            for event in self.events[request["logGroupName"]]
            if request["startTime"] <= event["timestamp"] < request.get("endTime", 10**15)
            and phrase in event["message"]
        ]
        page = int(request.get("nextToken", 0))
        more = {"nextToken": str(page + 1)} if page + 1 < len(found) else {}
        return {"events": found[page : page + 1], **more}


def record(event_id: str, outcome: str = "applied", **members: Any) -> dict[str, Any]:
    """The line of one record, as a function writes it."""
    return {
        "level": "DEBUG",
        "message": "record",
        "timestamp": "2026-11-23 12:00:00,500+0000",
        "function_request_id": "r-1",
        "outcome": outcome,
        "event_id": event_id,
        "correlation_id": event_id,
        "consumer": "inventory",
        "attempt": 1,
        **members,
    }


def batch(*outcomes: tuple[str, str], request_id: str = "r-1") -> dict[str, Any]:
    """The line of one batch, which names its events."""
    return {
        "level": "INFO",
        "message": "batch",
        "timestamp": "2026-11-23 12:00:00,600+0000",
        "function_request_id": request_id,
        "outcomes": {},
        "events": [{"event_id": event_id, "outcome": outcome} for event_id, outcome in outcomes],
    }


def test_a_record_is_a_line_of_its_event() -> None:
    """With the time at which it was written, not that of its arrival."""
    logs = FakeLogs()
    logs.write("/inventory", record("e1", "dead_lettered", reason="poison", detail="no JSON", attempt=3))
    (line,) = read(logs, GROUPS, NOW)
    assert (line.consumer, line.event_id, line.outcome, line.reason, line.attempt) == (
        *("inventory", "e1", "dead_lettered", "poison", 3),
    )
    assert line.failed
    assert line.row["at"] == "2026-11-23T12:00:00.500+00:00"
    assert "trace_id" not in line.row


def test_a_batch_tells_only_of_events_whose_record_was_not_told() -> None:
    """At level INFO that is what went well; at DEBUG nothing is told twice."""
    logs = FakeLogs()
    logs.write("/inventory", record("e1"))
    logs.write("/inventory", batch(("e1", "applied"), ("e2", "applied")))
    logs.write("/inventory", batch(("e1", "duplicate"), request_id="r-2"))
    assert [(line.event_id, line.outcome) for line in read(logs, GROUPS, NOW)] == [
        *(("e1", "applied"), ("e2", "applied"), ("e1", "duplicate")),
    ]


def test_platform_lines_and_metrics_are_left_out_and_crashes_are_kept() -> None:
    """What is no JSON of ours is shown as it is."""
    logs = FakeLogs()
    for text in (
        "START RequestId: r-1",
        "REPORT RequestId: r-1",
        '{"_aws": {}, "Records": 1}',
        "",
        "Traceback: boom",
        "[1]",
    ):
        logs.write("/inventory", text)
    assert [line.text for line in read(logs, GROUPS, NOW)] == ["Traceback: boom", "[1]"]


def test_lines_of_all_groups_are_in_the_order_of_their_times() -> None:
    """However many pages each has; what is older than asked for is not there."""
    logs = FakeLogs()
    logs.write("/inventory", "too old", at=NOW - timedelta(seconds=1))
    logs.write("/inventory", "first")
    logs.write("/inventory", "third", at=NOW + timedelta(seconds=2))
    logs.write("/relay", "second", at=NOW + timedelta(seconds=1))
    assert [(line.consumer, line.text) for line in read(logs, GROUPS, NOW)] == [
        *(("inventory", "first"), ("relay", "second"), ("inventory", "third")),
    ]


def test_cloudwatch_searches_for_a_text() -> None:
    """As one phrase, whatever is in it."""
    logs = FakeLogs()
    logs.write("/relay", 'a "quoted" word')
    logs.write("/relay", "another")
    assert [line.text for line in read(logs, GROUPS, NOW, containing="another")] == ["another"]
    assert {request["filterPattern"] for request in logs.requests} == {'"another"'}


def test_a_follower_gives_each_line_once_and_late_ones_too() -> None:
    """CloudWatch may show a line some seconds after later ones."""
    logs, now = FakeLogs(), [NOW]
    follower = Follower(logs, GROUPS, NOW - timedelta(minutes=10), clock=lambda: now[0])
    logs.write("/inventory", "first")
    assert [line.text for line in follower.poll()] == ["first"]
    now[0] += timedelta(seconds=20)
    logs.write("/inventory", "late", at=NOW - timedelta(seconds=5))
    logs.write("/relay", "new", at=now[0])
    assert [line.text for line in follower.poll()] == ["late", "new"]
    for _ in range(20):
        now[0] += timedelta(seconds=20)
        assert follower.poll() == []
    assert logs.requests[-1]["startTime"] > int(NOW.timestamp() * 1000)


def test_following_never_ends() -> None:
    """It sleeps between looks."""
    logs, slept = FakeLogs(), []
    logs.write("/inventory", "first")

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        logs.write("/inventory", f"after {len(slept)}")

    lines = Follower(logs, GROUPS, NOW, clock=lambda: NOW, sleep=sleep).lines()
    assert [next(lines).text for _ in range(3)] == ["first", "after 1", "after 2"]
    assert slept == [2.0, 2.0]


def line(**members: Any) -> Line:
    return Line(at=NOW, consumer="inventory", **{"text": "", **members})


def test_failed_is_any_outcome_that_left_a_record_undone() -> None:
    """Another one is itself alone; a text must be in the line."""
    failed, retry = Wanted(outcome="failed"), Wanted(outcome="retry")
    assert [failed(line(outcome=name)) for name in ("retry", "held_back", "dead_lettered", "applied", None)] == [
        *(True, True, True, False, False)
    ]
    assert [retry(line(outcome=name)) for name in ("retry", "held_back")] == [True, False]
    assert Wanted(match="e1")(line(text='"event_id": "e1"'))
    assert not Wanted(match="e1", outcome="failed")(line(text="e1", outcome="applied"))
