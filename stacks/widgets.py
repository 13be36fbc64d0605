"""The kinds of widgets of our dashboard, and their places on its grid.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from messaging import metrics as own
from stacks.alarm_rule import AlarmRule
from stacks.metrics import Names
from stacks.resources import Value

Json = Any
Widget = dict[str, Json]
Row = Sequence[Widget]

COLUMNS = 24
MAX_ALARMS = 100  # of a widget
_HEIGHTS = {"alarm": 3, "text": 1, "metric": 6}
_MINUTE_SECONDS = 60


def place(rows: Iterable[Row], *, region: str) -> list[Widget]:
    """The rows one under the other, the widgets of each as wide as fits."""
    placed: list[Widget] = []
    top = 0
    for row in rows:
        edges = [COLUMNS * number // len(row) for number in range(len(row) + 1)]
        for widget, left, right in zip(row, edges, edges[1:], strict=False):
            where = {"x": left, "y": top, "width": right - left, "height": _HEIGHTS[widget["type"]]}
            within = {"region": region} if widget["type"] == "metric" else {}
            placed.append({**widget, **where, "properties": {**widget["properties"], **within}})
        top += max(_HEIGHTS[widget["type"]] for widget in row)
    return placed


def heading(text: str) -> Row:
    """A line over what follows."""
    return [{"type": "text", "properties": {"markdown": f"## {text}", "background": "transparent"}}]


def alarm_states(title: str, arns: Sequence[Value]) -> Widget:
    """The states of alarms, at most MAX_ALARMS, those that are raised first."""
    return {"type": "alarm", "properties": {"title": title, "alarms": [*arns], "sortBy": "stateUpdatedTimestamp"}}


def graph(
    title: str,
    lines: Sequence[Json],
    *,
    unit: str = "a minute",
    limits: Mapping[str, int] | None = None,
    period_seconds: int = _MINUTE_SECONDS,
) -> Widget:
    """Lines over time, from zero up. `limits` are the thresholds of alarms, drawn across."""
    properties: dict[str, Json] = {
        "title": title,
        "view": "timeSeries",
        "metrics": [*lines],
        "period": period_seconds,
        "yAxis": {"left": {"label": unit, "min": 0, "showUnits": False}},
    }
    if limits:
        drawn = [{"label": label, "value": value} for label, value in limits.items()]
        properties["annotations"] = {"horizontal": drawn}
    return {"type": "metric", "properties": properties}


def compared(title: str, rule: AlarmRule, names: Names, *, unit: str, label: str, limits: Mapping[str, int]) -> Widget:
    """What the expressions of an alarm come to: the line that it compares with its threshold, labelled."""
    last = [*rule.expressions][-1]
    read = [metric.line(names, id=name, visible=False) for name, metric in rule.metrics.items()]
    derived = [
        [{"id": name, "expression": expression, "label": label, "visible": name == last}]
        for name, expression in rule.expressions.items()
    ]
    return graph(title, [*read, *derived], unit=unit, limits=limits, period_seconds=rule.period_seconds)


def by_reason(title: str, service: str, namespace: Value) -> Widget:
    """A service's dead letters, a line for each reason that there was. Alarms may not search, graphs may.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    of = f'{{{namespace},{own.SERVICE},{own.REASON}}} MetricName="{own.DEAD_LETTERED}" {own.SERVICE}="{service}"'
    found = [
        {"id": "reasons", "expression": f"SEARCH('{of}', 'Sum', {_MINUTE_SECONDS})", "label": "${PROP('Dim.reason')}"}
    ]
    return graph(title, [found])
