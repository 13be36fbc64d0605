"""Alarms read from templates: every kind, with references as the engine knows them, and refusals by name."""

from __future__ import annotations

from typing import Any

import pytest

from local.alarms.definitions import CompositeAlarm, Metric, MetricAlarm, Query, read_alarms, short_name
from local.alarms.errors import AlarmError
from local.alarms.evaluation import Condition
from tests.local.alarms.templates import (
    DEPTH,
    EVERYTHING,
    GROWS,
    STACK,
    TEMPLATES,
    TOPIC_ARN,
    UNWELL,
    alarm_template,
    names,
)

VISIBLE = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", "work"),))


def read_one(**properties: Any) -> MetricAlarm:
    template = alarm_template(**properties)
    (alarm,) = read_alarms(template, names(template))
    assert isinstance(alarm, MetricAlarm)
    return alarm


def test_alarms_of_every_kind() -> None:
    """What CloudFormation made has the engine's name, the rest the name it will get; children come before parents."""
    depth, grows, unwell, everything = read_alarms(TEMPLATES, names())

    assert [each.name for each in (depth, grows, unwell, everything)] == [DEPTH, GROWS, UNWELL, EVERYTHING]
    assert isinstance(depth, MetricAlarm)
    assert depth.queries == (Query(id="m1", metric=VISIBLE, statistic="Maximum"),)
    assert depth.properties["AlarmActions"] == [TOPIC_ARN]
    assert isinstance(grows, MetricAlarm)
    assert grows.condition == Condition(
        comparison="GreaterThanOrEqualToThreshold",
        threshold=4.0,
        datapoints_to_alarm=2,
        evaluation_periods=3,
        missing_data="notBreaching",
    )
    assert (grows.watched, grows.period_minutes, grows.minutes, grows.metrics) == ("doubled", 5, 25, (VISIBLE,))
    assert isinstance(unwell, CompositeAlarm)
    assert unwell.rule == f'ALARM({DEPTH}) OR ALARM("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{GROWS}")'
    assert isinstance(everything, CompositeAlarm)
    assert everything.rule == f'ALARM("{UNWELL}") OR FALSE'


def test_what_a_template_leaves_out() -> None:
    """All datapoints must breach, a period is a minute, missing data are missing: AWS's defaults."""
    alarm = read_one(EvaluationPeriods=3)
    assert alarm.condition.datapoints_to_alarm == 3
    assert alarm.condition.missing_data == "missing"
    assert (alarm.period_minutes, alarm.ignores_low_samples) == (1, False)


def test_percentiles() -> None:
    """By ExtendedStatistic; too few samples may be ignored."""
    alarm = read_one(Statistic=None, ExtendedStatistic="p99.9", EvaluateLowSampleCountPercentile="ignore")
    assert alarm.queries[0].statistic == "p99.9"
    assert alarm.ignores_low_samples


def test_dynamodb_always_ignores_missing_data() -> None:
    """Whatever the template says, as on AWS."""
    alarm = read_one(Namespace="AWS/DynamoDB", TreatMissingData="breaching")
    assert alarm.condition.missing_data == "ignore"


def stat(**metric_stat: Any) -> dict[str, Any]:
    return {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Stat": "Sum", **metric_stat}}


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Statistic": "tm90"}, "the statistic tm90"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ComparisonOperator GreaterThanUpperThreshold"),
        ({"TreatMissingData": "panic"}, "TreatMissingData panic"),
        ({"ThresholdMetricId": "ad1"}, "ThresholdMetricId"),
        ({"Metrics": [stat(Period=60), {**stat(Period=60), "Id": "m2"}]}, "must return data, and 2 do"),
        ({"Metrics": [stat(Period=60), {**stat(Period=300), "Id": "m2", "ReturnData": False}]}, "60, 300 s"),
        ({"Threshold": {"Fn::GetAtt": ["Odd", "Colour"]}}, "Colour of Odd"),
        ({"Threshold": {"Fn::If": ["A", 1, 2]}}, "Fn::If is not resolved"),
        ({"Threshold": {"Ref": "Nobody"}}, "no resource Nobody"),
        ({"Threshold": {"Fn::ImportValue": "nothing"}}, "no template exports nothing"),
    ],
)
def test_what_is_not_evaluated_is_refused(properties: dict[str, Any], said: str) -> None:
    """With the alarm's logical id."""
    with pytest.raises(AlarmError, match=f"alarm Odd: .*{said}"):
        read_one(**properties)


def test_composites_in_a_circle_are_refused() -> None:
    """AWS accepts them one by one, and never evaluates them again."""
    circle = {
        STACK: {
            "Resources": {
                name: {
                    "Type": "AWS::CloudWatch::CompositeAlarm",
                    "Properties": {"AlarmName": name, "AlarmRule": f"OK({other})"},
                }
                for name, other in (("one", "two"), ("two", "one"))
            }
        }
    }
    with pytest.raises(AlarmError, match="one, two name each other"):
        read_alarms(circle, names(circle))


def test_short_names_are_for_people() -> None:
    """Without the CDK's hash, and without what they all are."""
    assert short_name("InventoryDepthAlarmEE18B02A") == "InventoryDepth"
    assert short_name("Odd") == "Odd"
