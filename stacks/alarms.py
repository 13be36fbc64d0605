"""What wakes people up: a table of alarms, the same for each subscription, with its row's thresholds; the relay's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from constructs import Construct

from messaging.topology import Subscription
from stacks.functions import METRICS_NAMESPACE
from stacks.resources import Value, add_resource

Watched = Literal["Queue", "DeadLetterQueue", "TopicDeadLetterQueue"]

PERIOD_SECONDS = 60  # SQS and Lambda publish their metrics once a minute
DRAIN_SECONDS = 15 * 60


def depth_threshold(row: Subscription) -> int:
    """More messages than the function drains in a quarter of an hour, were each batch to take its whole time-out."""
    return row.maximum_concurrency * row.batch_size * DRAIN_SECONDS // row.timeout_seconds


def age_threshold_seconds(row: Subscription) -> int:
    """Half as long again as a healthy consumer lets a message wait, and in time before good messages are lost.

    A message may wait for one retry, or for the deploy that brings its version. Past half of `max_age_seconds` or
    of `outage_seconds` it is soon too late to help.
    """
    expected_seconds = max(row.visibility_timeout_seconds, row.newer_version_patience_seconds)
    too_late_seconds = min(row.outage_seconds, row.max_age_seconds or row.outage_seconds)
    return max(1, min(expected_seconds * 3 // 2, too_late_seconds // 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """One alarm of every subscription: raised when `datapoints` of `periods` minutes are above the threshold."""

    name: str
    queue: Watched
    metric: str
    threshold: Callable[[Subscription], int]
    datapoints: int
    periods: int
    means: str
    # A queue without messages and without calls for six hours publishes nothing: no data is no trouble here.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
    missing_data: Literal["notBreaching", "breaching", "missing", "ignore"] = "notBreaching"


# AWS recommends age and depth over 15 of 15 minutes, so that a burst is no alarm; and for dead letters the visible
# messages, as NumberOfMessagesSent does not count those that SQS moves itself.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
ALARMS: tuple[AlarmRule, ...] = (
    AlarmRule(
        name="Depth",
        queue="Queue",
        metric="ApproximateNumberOfMessagesVisible",
        threshold=depth_threshold,
        datapoints=15,
        periods=15,
        means="messages arrive faster than the consumer takes them: look at its errors, throttles and concurrency",
    ),
    AlarmRule(
        name="Age",
        queue="Queue",
        metric="ApproximateAgeOfOldestMessage",
        threshold=age_threshold_seconds,
        datapoints=15,
        periods=15,
        means="the consumer stands still or fails again and again: act before the messages are dead-lettered or expire",
    ),
    AlarmRule(
        name="DeadLetters",
        queue="DeadLetterQueue",
        metric="ApproximateNumberOfMessagesVisible",
        threshold=lambda _: 0,
        datapoints=1,
        periods=1,
        means="messages were given up: their attribute `waybill` says why; redrive them once that is mended",
    ),
    AlarmRule(
        name="Undelivered",
        queue="TopicDeadLetterQueue",
        metric="ApproximateNumberOfMessagesVisible",
        threshold=lambda _: 0,
        datapoints=1,
        periods=1,
        means="the topic could not deliver to the queue: mend the queue's policy, then send the messages to it",
    ),
)


def add_alarms(scope: Construct, row: Subscription, queue_names: Mapping[Watched, Value]) -> None:
    """The alarms of one subscription."""
    for rule in ALARMS:
        _add_alarm(
            scope,
            rule.name,
            AlarmDescription=f"{row.consumer}: {rule.means}",
            Namespace="AWS/SQS",
            MetricName=rule.metric,
            Dimensions=[{"Name": "QueueName", "Value": queue_names[rule.queue]}],
            Statistic="Maximum",
            Threshold=rule.threshold(row),
            DatapointsToAlarm=rule.datapoints,
            EvaluationPeriods=rule.periods,
            TreatMissingData=rule.missing_data,
        )


# A healthy relay is a second behind; a minute is time for a retry or two, and well before follow-up events expire.
RELAY_LAG_MILLISECONDS = 60_000


def add_relay_alarms(scope: Construct, *, function_name: str, service: str) -> None:
    """The relay's alarms. Without records it publishes no metric: no data is no trouble."""
    _add_alarm(
        scope,
        "Lag",
        AlarmDescription="relay: the outbox is not sent: look at the function's errors, and at its rights on the topic",
        # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        Namespace="AWS/Lambda",
        MetricName="IteratorAge",
        Dimensions=[{"Name": "FunctionName", "Value": function_name}],
        Statistic="Maximum",
        Threshold=RELAY_LAG_MILLISECONDS,
        DatapointsToAlarm=5,
        EvaluationPeriods=5,
        TreatMissingData="notBreaching",
    )
    _add_alarm(
        scope,
        "Refused",
        AlarmDescription="relay: the topic can never accept a message: its item stays in the outbox, and its attribute "
        "`refused` says why; delete it, or mend it and remove the attribute",
        Namespace=METRICS_NAMESPACE,
        MetricName="Refused",
        Dimensions=[{"Name": "service", "Value": service}],
        Statistic="Maximum",
        Threshold=0,
        DatapointsToAlarm=1,
        EvaluationPeriods=1,
        TreatMissingData="notBreaching",
    )


def _add_alarm(scope: Construct, name: str, **properties: Any) -> None:
    """An alarm that is raised above its threshold."""
    given = {"Period": PERIOD_SECONDS, "ComparisonOperator": "GreaterThanThreshold", **properties}
    add_resource(scope, f"{name}Alarm", "AWS::CloudWatch::Alarm", given)
