"""Metrics in a function's log: embedded metric format, invocations, failures and records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.alarms import logs
from local.alarms.definitions import Metric
from local.alarms.logs import LoggingFunction, embedded, measure, read_lines

FUNCTION = LoggingFunction(name="f", log_group="/f", queue="work")
REPORT = "REPORT RequestId: 1\tDuration: {} ms\tBilled Duration: 1 ms\tMemory Size: 512 MB\tMax Memory Used: 1 MB"


class Everything:
    """All metrics are wanted."""

    def __contains__(self, metric: object) -> bool:
        return True


def of_function(name: str) -> Metric:
    return Metric("AWS/Lambda", name, (("FunctionName", "f"),))


def of_queue(name: str) -> Metric:
    return Metric("AWS/SQS", name, (("QueueName", "work"),))


def document(**fields: Any) -> str:
    directive = {
        "Namespace": "Mine",
        "Dimensions": [["service"], ["service", "reason"], []],
        "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}],
    }
    return json.dumps({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, **fields})


def test_embedded_metrics_have_a_value_for_each_set_of_dimensions() -> None:
    """One number or a list of them."""
    found = dict(embedded(document(service="s", reason="r", Latency=[1, 2.5])))
    assert found == {
        Metric("Mine", "Latency", (("service", "s"),)): [1, 2.5],
        Metric("Mine", "Latency", (("reason", "r"), ("service", "s"))): [1, 2.5],
        Metric("Mine", "Latency"): [1, 2.5],
    }
    assert next(embedded(document(service="s", reason="r", Latency=3)))[1] == [3]


@pytest.mark.parametrize("line", ["", "{", '{"_aws": 1}', '{"_aws": {"CloudWatchMetrics": [{}]}}', document(Latency=1)])
def test_other_lines_have_none(line: str) -> None:
    """Nor has half a document, or one that lacks a dimension it names."""
    assert list(embedded(line)) == []


def test_invocations_durations_and_failures() -> None:
    """A traceback, a time-out and a dead process are failures; what a function logs of them, as JSON, is none."""
    lines = [
        *("START RequestId: 1", '{"message": "Traceback (most recent call last):"}', REPORT.format(20)),
        *("Traceback (most recent call last):", '  File "x"', REPORT.format(30)),
        *("Task timed out after 5.00 seconds", REPORT.format(5001)),
        *("Worker process died", REPORT.format(40)),
    ]
    found = measure(FUNCTION, lines, Everything())
    assert found[of_function("Invocations")] == [1, 1, 1, 1]
    assert found[of_function("Duration")] == [20, 30, 5001, 40]
    assert sum(found[of_function("Errors")]) == 3


def test_records_are_received_and_those_done_with_deleted() -> None:
    """Each attempt at a message is a receive; a retry leaves it in the queue."""
    outcomes = ["applied", "duplicate", "dead_lettered", "retry", "held_back"]
    lines = [
        json.dumps({"message": "record", "delivery_id": "d", "outcome": each, "timestamp": "2026-01-01T00:00:00+00:00"})
        for each in outcomes
    ]
    found = measure(FUNCTION, lines, Everything())
    assert sum(found[of_queue("NumberOfMessagesReceived")]) == 5
    assert sum(found[of_queue("NumberOfMessagesDeleted")]) == 3


def test_only_what_is_wanted_is_kept() -> None:
    """A minute may hold thousands of values."""
    assert measure(FUNCTION, [REPORT.format(1), document(service="s", Latency=1)], set()) == {}


class CuttingLogs:
    """Gives at most `limit` events an answer, without a token, as the engine does."""

    def __init__(self, times: list[int]) -> None:
        self._events = [{"timestamp": at, "message": str(number)} for number, at in enumerate(times)]

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        found = [e for e in self._events if request["startTime"] <= e["timestamp"] <= request["endTime"]]
        return {"events": found[: request["limit"]]}


def test_long_logs_are_read_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line twice where an answer was cut within a moment, and none from the next look's time."""
    monkeypatch.setattr(logs, "_PAGE_LINES", 4)
    times = [1000, 1001, 1001, 1001, 1001, 1002, 1003, 1004, 1999, 2000]
    lines = list(read_lines(CuttingLogs(times), "/f", 1.0, 2.0))
    assert lines == [str(number) for number in range(9)]
