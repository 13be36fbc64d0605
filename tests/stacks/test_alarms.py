from __future__ import annotations

from dataclasses import replace

import pytest

from messaging.events import OrderPlaced
from messaging.topology import Subscription
from stacks.alarms import age_threshold_seconds, depth_threshold
from tests.stacks.synthesized import Assembly

ROW = Subscription(consumer="audit", events=(OrderPlaced,))


@pytest.mark.fault(19)
def test_every_queue_has_depth_and_age_alarms(dev: Assembly, row: Subscription) -> None:
    """A source queue is watched for depth and for age, 15 of 15 minutes, with the row's thresholds."""
    alarms = {alarm["MetricName"]: alarm for alarm in dev.consumers.alarms(row, "QueueUrl")}
    assert alarms.keys() == {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}
    assert alarms["ApproximateNumberOfMessagesVisible"]["Threshold"] == depth_threshold(row)
    assert alarms["ApproximateAgeOfOldestMessage"]["Threshold"] == age_threshold_seconds(row)
    for alarm in alarms.values():
        assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], alarm["Period"]) == (15, 15, 60)


def test_one_dead_letter_raises_the_alarm(dev: Assembly, row: Subscription) -> None:
    """A single visible message in the consumer's or in the topic's dead-letter queue is an alarm within a minute."""
    for queue in ("DeadLetterQueueUrl", "TopicDeadLetterQueueUrl"):
        (alarm,) = dev.consumers.alarms(row, queue)
        assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
        assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], alarm["Period"]) == (1, 1, 60)


@pytest.mark.fault(58)
def test_every_alarm_decides_on_missing_data_and_names_its_consumer(dev: Assembly) -> None:
    """No alarm leaves missing data to a default, and each says whose it is and what to do."""
    alarms = dev.consumers.properties("AWS::CloudWatch::Alarm")
    assert alarms
    for alarm in alarms:
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["Statistic"] == "Maximum"
        assert ": " in alarm["AlarmDescription"]


def test_the_relays_lag_and_refusals_are_watched(dev: Assembly) -> None:
    """A minute behind for five minutes, and a single message that can never be sent."""
    alarms = {alarm["MetricName"]: alarm for alarm in dev.consumers.properties("AWS::CloudWatch::Alarm")}
    lag, refused = alarms["IteratorAge"], alarms["Refused"]
    function = {"Ref": dev.consumers.logical_id("RelayFunctionName")}
    assert (lag["Namespace"], lag["Dimensions"]) == ("AWS/Lambda", [{"Name": "FunctionName", "Value": function}])
    assert (lag["Threshold"], lag["DatapointsToAlarm"], lag["EvaluationPeriods"], lag["Period"]) == (60_000, 5, 5, 60)
    assert (refused["Namespace"], refused["Dimensions"]) == ("Waybill", [{"Name": "service", "Value": "relay"}])
    assert (refused["Threshold"], refused["DatapointsToAlarm"], refused["EvaluationPeriods"]) == (0, 1, 1)


def test_depth_threshold_is_a_quarter_of_an_hour_of_work() -> None:
    """The depth alarm is what the row's concurrency drains in 15 minutes at one time-out a batch."""
    assert depth_threshold(ROW) == 10 * 10 * 900 // 5
    assert depth_threshold(replace(ROW, timeout_seconds=900)) == 100


def test_age_alarm_comes_before_messages_are_lost() -> None:
    """The age alarm allows half as much again as a deploy takes, and never waits for expiry or the end of an outage."""
    assert age_threshold_seconds(ROW) == 1350
    assert age_threshold_seconds(replace(ROW, max_age_seconds=300)) == 150
    assert age_threshold_seconds(replace(ROW, outage_seconds=600)) == 300
    assert age_threshold_seconds(replace(ROW, newer_version_patience_seconds=10)) == 46
