"""The alarms that the engine's CloudFormation refuses, metric math and composite ones, made through its API instead.

The engine keeps an alarm on an expression without the expression, and never evaluates it itself: that is done here. A
composite one it evaluates whenever the state of an alarm in its rule changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.alarms.definitions import Alarm, CompositeAlarm
from local.alarms.names import Templates


def create_missing(
    alarms: Sequence[Alarm], templates: Templates, physical: Mapping[str, Mapping[str, str]], cloudwatch: Any
) -> list[str]:
    """Make or update the alarms that CloudFormation did not make, and delete those of an earlier deployment that no
    template has any more. `physical`: physical ids by stack and logical id. Returns what was done."""
    by_cloudformation = {name for names in physical.values() for name in names.values()}
    done = []
    for alarm in alarms:
        if alarm.name not in by_cloudformation:
            put = cloudwatch.put_composite_alarm if isinstance(alarm, CompositeAlarm) else cloudwatch.put_metric_alarm
            put(**{**alarm.properties, "AlarmName": alarm.name})
            done.append(f"{alarm.logical_id}: created")
    return [*done, *_delete_stale({alarm.name for alarm in alarms} | by_cloudformation, templates, cloudwatch)]


def _delete_stale(wanted: set[str], templates: Templates, cloudwatch: Any) -> list[str]:
    """One at a time, parents before children: AWS refuses to delete what a composite alarm needs."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    metric_alarms, composites = [], []
    for page in pages:
        composites += [each["AlarmName"] for each in page["CompositeAlarms"]]
        metric_alarms += [each["AlarmName"] for each in page["MetricAlarms"]]
    prefixes = tuple(f"{stack}-" for stack in templates)
    stale = [name for name in (*composites, *metric_alarms) if name.startswith(prefixes) and name not in wanted]
    for name in stale:
        cloudwatch.delete_alarms(AlarmNames=[name])
    return [f"{name}: deleted, as no template has it any more" for name in stale]
