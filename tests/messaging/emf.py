"""CloudWatch's embedded metric format, as far as a document can break it.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from typing import Any

UNITS = {"Count", "Milliseconds"}  # those of MetricDatum that we use


def documents(output: str) -> list[dict[str, Any]]:
    """The documents among some lines of output, in order, each held against the specification."""
    found = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    for document in found:
        check(document)
    return found


def dimensions(document: dict[str, Any]) -> list[list[str]]:
    """The dimension sets of a document with one directive, each sorted."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return [sorted(each) for each in directive["Dimensions"]]


def values(document: dict[str, Any]) -> dict[str, Any]:
    """The metrics of a document with one directive."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return {metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]}


def check(document: dict[str, Any]) -> None:
    """Raises AssertionError for what CloudWatch would not take."""
    assert isinstance(document["_aws"]["Timestamp"], int)
    assert document["_aws"]["CloudWatchMetrics"]
    for directive in document["_aws"]["CloudWatchMetrics"]:
        assert 1 <= len(directive["Namespace"]) <= 255
        assert directive["Dimensions"], "at least one set, be it empty"
        for names in directive["Dimensions"]:
            assert len(names) <= 30
            assert all(isinstance(document[name], str) and 1 <= len(document[name]) <= 1024 for name in names)
        assert 1 <= len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert metric["Unit"] in UNITS
            target = document[metric["Name"]]
            numbers = target if isinstance(target, list) else [target]
            assert 1 <= len(numbers) <= 100
            assert all(isinstance(number, (int, float)) for number in numbers)
