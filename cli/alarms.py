"""The alarms of a stage: metric alarms and composites, as CloudWatch has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

RAISED, UNKNOWN = "ALARM", "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm. `actions` are what it tells: ARNs of topics."""

    name: str
    kind: str  # metric or composite
    state: str
    since: datetime | None
    means: str
    reason: str
    actions: tuple[str, ...]

    @property
    def raised(self) -> bool:
        """Whether it is raised."""
        return self.state == RAISED


def alarms(cloudwatch: Any, prefix: str) -> list[Alarm]:
    """The alarms whose names begin so, as CloudFormation begins them with the stack's: raised ones first.

    Raises what boto3 raises.
    """
    # Without the types there are no composites: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found = [
        _alarm(kind, each)
        for page in pages
        for kind, members in (("metric", "MetricAlarms"), ("composite", "CompositeAlarms"))
        for each in page.get(members, [])
    ]
    return sorted(found, key=lambda alarm: ((RAISED, UNKNOWN, "OK").index(alarm.state), alarm.name))


def _alarm(kind: str, described: Mapping[str, Any]) -> Alarm:
    return Alarm(
        name=described["AlarmName"],
        kind=kind,
        state=described["StateValue"],
        since=described.get("StateTransitionedTimestamp") or described.get("StateUpdatedTimestamp"),
        means=described.get("AlarmDescription", ""),
        reason=described.get("StateReason", ""),
        actions=tuple(described.get("AlarmActions", [])),
    )
