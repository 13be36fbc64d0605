"""Metrics in functions' logs: embedded metric format, invocations, their durations and failures, and records.

Failures are the lines that the engine itself writes: the traceback of an invocation that raised, unindented; that a
task timed out; that the process died.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.alarms.definitions import Metric
from local.demo.journal import parse

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
_PAGE_LINES = 10_000
_REPORT = re.compile(r"REPORT RequestId: \S+\s+Duration: ([\d.]+) ms")
_FAILURE = re.compile(r"Traceback \(most recent call last\):|Task timed out after [\d.]+ seconds|Worker process died")
_DONE_WITH = ("applied", "duplicate", "dead_lettered")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingFunction:
    """A function of the templates, by its physical names, and the queue that it takes messages from, if any."""

    name: str
    log_group: str
    queue: str | None


def read_lines(logs: Any, log_group: str, start: float, end: float) -> Iterator[str]:
    """The lines that the engine took in from `start` until before `end` (epoch seconds)."""
    request: dict[str, Any] = {"logGroupName": log_group, "endTime": int(end * 1000) - 1, "limit": _PAGE_LINES}
    request["startTime"] = int(start * 1000)
    known = 0  # lines of the first moment that were in the answer before
    while request["startTime"] <= request["endTime"]:
        events = logs.filter_log_events(**request)["events"]
        yield from (event["message"] for event in events[known:])
        if len(events) < _PAGE_LINES:
            return
        # The engine cuts a long answer without a token: go on from its last moment, which may be cut in the middle.
        # Of one millisecond it never gives more than a page.
        last = events[-1]["timestamp"]
        moves_on = last > request["startTime"]
        request["startTime"] = last if moves_on else last + 1
        known = sum(event["timestamp"] == last for event in events) if moves_on else 0


def measure(function: LoggingFunction, lines: Iterable[str], wanted: Container[Metric]) -> dict[Metric, list[float]]:
    """The values of the wanted metrics that these lines of a function's log tell of."""
    found: dict[Metric, list[float]] = defaultdict(list)
    of_function = (("FunctionName", function.name),)
    of_queue = (("QueueName", function.queue or ""),)
    for line in lines:
        if match := _REPORT.match(line):
            found[Metric("AWS/Lambda", "Invocations", of_function)].append(1.0)
            found[Metric("AWS/Lambda", "Duration", of_function)].append(float(match[1]))
            found[Metric("AWS/Lambda", "Errors", of_function)].append(0.0)
        elif _FAILURE.match(line):
            found[Metric("AWS/Lambda", "Errors", of_function)].append(1.0)
        elif '"_aws"' in line:
            for metric, values in embedded(line):
                found[metric] += values
        elif record := parse(function.name, line):
            found[Metric("AWS/SQS", "NumberOfMessagesReceived", of_queue)].append(1.0)
            if record.outcome in _DONE_WITH:
                found[Metric("AWS/SQS", "NumberOfMessagesDeleted", of_queue)].append(1.0)
    return {metric: values for metric, values in found.items() if metric in wanted}


def embedded(line: str) -> Iterator[tuple[Metric, list[float]]]:
    """The metrics of one document in embedded metric format: one for each set of dimensions; none for other lines.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
        found = [each for directive in directives for each in _directive(document, directive)]
    except (ValueError, KeyError, TypeError):  # a line cut short by a kill
        return
    yield from found


def _directive(document: Mapping[str, Any], directive: Mapping[str, Any]) -> Iterator[tuple[Metric, list[float]]]:
    for keys in directive["Dimensions"] or [[]]:
        dimensions = tuple(sorted((key, str(document[key])) for key in keys))
        for definition in directive["Metrics"]:
            name = definition["Name"]
            values = document[name] if isinstance(document[name], list) else [document[name]]
            yield Metric(directive["Namespace"], name, dimensions), [float(value) for value in values]
