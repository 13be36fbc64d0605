"""Alarms as CloudWatch lists them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cli.alarms import alarms
from tests.cli.fakes import Paginated

SINCE = datetime(2026, 11, 23, tzinfo=UTC)


def described(name: str, state: str, **members: Any) -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": state, "StateTransitionedTimestamp": SINCE, **members}


def test_raised_ones_come_first_of_both_kinds() -> None:
    """Over all pages; without data is worse than well."""
    pages = [
        {"MetricAlarms": [described("w-a", "OK"), described("w-b", "INSUFFICIENT_DATA")], "CompositeAlarms": []},
        {"MetricAlarms": [], "CompositeAlarms": [described("w-c", "ALARM", AlarmActions=["arn:aws:sns:x"])]},
    ]
    client = Paginated(describe_alarms=lambda **_: pages)
    found = alarms(client, "w-")
    assert [(alarm.name, alarm.kind, alarm.raised) for alarm in found] == [
        *(("w-c", "composite", True), ("w-b", "metric", False), ("w-a", "metric", False)),
    ]
    assert found[0].actions == ("arn:aws:sns:x",)
    assert client.asked == [{"AlarmNamePrefix": "w-", "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}]
