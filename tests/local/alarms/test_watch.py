"""Looks at alarms: verdicts on what was measured, and the engine told of each change once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from local.alarms.definitions import Alarm, Metric, MetricAlarm, read_alarms
from local.alarms.history import History, Sample
from local.alarms.report import changes, document
from local.alarms.watch import Status, Watcher, judge
from tests.local.alarms.templates import DEPTH, EVERYTHING, GROWS, TEMPLATES, UNWELL, alarm_template, names

WORK = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", "work"),))


class FakeCloudWatch:
    """Alarm states, and every call that sets one. It evaluates nothing by itself."""

    def __init__(self, *alarms: str) -> None:
        self.states = dict.fromkeys(alarms, "INSUFFICIENT_DATA")
        self.calls: list[tuple[str, str]] = []

    def get_paginator(self, operation: str) -> FakeCloudWatch:
        assert operation == "describe_alarms"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        assert request == {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        known = [{"AlarmName": name, "StateValue": state} for name, state in self.states.items()]
        return [{"MetricAlarms": known[:1], "CompositeAlarms": []}, {"MetricAlarms": [], "CompositeAlarms": known[1:]}]

    def set_alarm_state(self, **request: str) -> None:
        self.states[request["AlarmName"]] = request["StateValue"]
        self.calls.append((request["AlarmName"], request["StateValue"]))
        assert request["StateReason"]


class Bench:
    """A watcher of the sample's alarms, on a clock of minutes; the test says how deep the queue is."""

    def __init__(self, folder: Path, *, alarms: Sequence[str] = (DEPTH, GROWS, UNWELL, EVERYTHING)) -> None:
        self.cloudwatch = FakeCloudWatch(*alarms)
        self.depth = 0.0
        self._now = 0.0
        self.watcher = Watcher(
            read_alarms(TEMPLATES, names()),
            self.cloudwatch,
            self._sample,
            history_path=folder / "alarms.json",
            minute_seconds=60.0,
            clock=lambda: self._now,
        )

    def _sample(self, history: History, now: float) -> Sample:
        return Sample(gauges={WORK: self.depth}, values={})

    def look(self, depth: float) -> dict[str, Status]:
        """A look a minute later."""
        self._now += 60.0
        self.depth = depth
        self.cloudwatch.calls.clear()
        return {status.alarm.name: status for status in self.watcher.look()}


def test_a_change_is_set_once_and_composites_follow(tmp_path: Path) -> None:
    """Metric alarms first, then what is above them, children before parents; without a change nothing is set."""
    bench = Bench(tmp_path)
    bench.look(0)
    assert bench.cloudwatch.calls == [(name, "OK") for name in (DEPTH, GROWS, UNWELL, EVERYTHING)]
    bench.look(0)
    assert bench.cloudwatch.calls == []
    red = bench.look(3)
    assert bench.cloudwatch.calls == [(name, "ALARM") for name in (DEPTH, UNWELL, EVERYTHING)]
    assert [red[name].state for name in (DEPTH, GROWS, UNWELL, EVERYTHING)] == ["ALARM", "OK", "ALARM", "ALARM"]
    assert red[UNWELL].reason == "red: WorkDepth"
    bench.look(4)
    assert bench.cloudwatch.calls == []
    bench.look(0)
    assert bench.cloudwatch.calls == [(name, "OK") for name in (DEPTH, UNWELL, EVERYTHING)]


def test_what_turns_red_is_set_before_what_turns_green(tmp_path: Path) -> None:
    """A composite alarm over both would turn green between them, and people hear of it twice."""
    bench = Bench(tmp_path)
    for minute in range(25):
        bench.look(minute * 10)
    bench.cloudwatch.states |= {DEPTH: "ALARM", GROWS: "OK"}
    bench.look(0)
    assert bench.cloudwatch.calls[:2] == [(GROWS, "ALARM"), (DEPTH, "OK")]


def test_expressions_over_periods_of_five_minutes(tmp_path: Path) -> None:
    """Twice the growth of the least depth, at least 4 in two of three periods; ids may be used before they are made."""
    bench = Bench(tmp_path)
    states = [bench.look(minute // 5 * 2)[GROWS].state for minute in range(20)]
    assert states.index("ALARM") == 14
    assert [bench.look(6)[GROWS].state for _ in range(15)][-1] == "OK"


def test_an_alarm_that_the_engine_lacks_is_named(tmp_path: Path) -> None:
    """It has no state, and nothing is set; the rest goes on."""
    bench = Bench(tmp_path, alarms=(DEPTH, UNWELL))
    found = bench.look(1)
    assert (found[GROWS].state, found[DEPTH].state) == (None, "ALARM")
    assert "run python3 dev.py up" in found[GROWS].reason
    assert GROWS not in dict(bench.cloudwatch.calls)


def test_the_history_outlives_the_watcher(tmp_path: Path) -> None:
    """Fifteen minutes may be looked at by fifteen commands."""
    for minute in range(15):
        bench = Bench(tmp_path)
        bench._now = minute * 60.0
        status = bench.look(minute // 5 * 2)[GROWS]
    assert status.state == "ALARM"


def test_looks_come_at_the_beginning_of_every_minute(tmp_path: Path) -> None:
    """However long a look took."""
    bench = Bench(tmp_path)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        bench._now += seconds + 7  # what the next look takes

    bench._now = 100.0
    looks = bench.watcher.looks(sleep)
    for _ in range(3):
        next(looks)
    assert slept == [20, 53]


def history_of(metric: Metric, *minutes: list[float]) -> History:
    history = History(60.0)
    for number, values in enumerate(minutes):
        history.add(Sample(gauges={}, values={metric: values}), number * 60.0, keep=100)
    return history


def read_one(**properties: Any) -> MetricAlarm:
    template = alarm_template(**properties)
    (alarm,) = read_alarms(template, names(template))
    assert isinstance(alarm, MetricAlarm)
    return alarm


def test_a_percentile_of_too_few_samples_decides_nothing_where_it_is_ignored() -> None:
    """p50 needs twenty samples; with `evaluate`, the default, it is compared anyway."""
    pulse = Metric("Mine", "Pulse")
    ignoring = read_one(ExtendedStatistic="p50", EvaluateLowSampleCountPercentile="ignore")
    assert judge(ignoring, history_of(pulse, [5.0] * 19), "OK").state is None
    assert judge(ignoring, history_of(pulse, [5.0] * 20), "OK").state == "ALARM"
    assert judge(read_one(ExtendedStatistic="p50"), history_of(pulse, [5.0]), "OK").state == "ALARM"


def test_what_can_not_be_calculated_leaves_the_state_alone() -> None:
    """The reason names the function."""
    band = {"Id": "e1", "Expression": "ANOMALY_DETECTION_BAND(m1)"}
    verdict = judge(read_one(Metrics=[band]), History(60.0), "OK")
    assert verdict.state is None
    assert "the function ANOMALY_DETECTION_BAND is not known" in verdict.reason


def test_expressions_in_a_circle_are_refused() -> None:
    """None of them can be the first."""
    metrics = [{"Id": "e1", "Expression": "e2"}, {"Id": "e2", "Expression": "e1", "ReturnData": False}]
    assert "name each other in a circle" in judge(read_one(Metrics=metrics), History(60.0), "OK").reason


def test_a_metric_that_nobody_publishes_is_named() -> None:
    """Its alarm is as green as its treatment of missing data makes it, and says why."""
    alarm = read_one(Namespace="AWS/SNS", MetricName="NumberOfNotificationsFailed", TreatMissingData="notBreaching")
    verdict = judge(alarm, History(60.0), "OK")
    assert verdict.state == "OK"
    assert verdict.reason.endswith("the engine publishes no AWS/SNS NumberOfNotificationsFailed")


def status_of(alarm: Alarm, state: Any) -> Status:
    return Status(alarm=alarm, state=state, since=None, reason="why")


def test_reports_name_consumers_and_changes() -> None:
    """By the part of the template that an alarm is in; a change is one line."""
    template = alarm_template()
    resources = template["sample"]["Resources"]
    resources["PriorityOrdersDepthAlarm00AA11BB"] = resources.pop("Odd")
    (alarm,) = read_alarms(template, names(template))
    (entry,) = document([status_of(alarm, "OK")])["alarms"]
    assert (entry["alarm"], entry["consumer"], entry["state"]) == ("PriorityOrdersDepth", "priority_orders", "OK")
    green, red = [status_of(alarm, "OK")], [status_of(alarm, "ALARM")]
    assert changes(green, red) == ["PriorityOrdersDepth: OK -> ALARM: why"]
    assert changes(red, red) == []


@pytest.mark.parametrize("name", [DEPTH, UNWELL])
def test_a_state_set_by_hand_is_put_right(name: str, tmp_path: Path) -> None:
    """At the next look, as on AWS."""
    bench = Bench(tmp_path)
    bench.look(0)
    bench.cloudwatch.states[name] = "ALARM"
    assert bench.look(0)[name].state == "OK"
    assert (name, "OK") in bench.cloudwatch.calls
