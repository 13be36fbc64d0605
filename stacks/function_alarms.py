"""Alarms of functions: on what Lambda counts, and on what consumers count themselves."""

from __future__ import annotations

from messaging import metrics as own
from stacks import thresholds
from stacks.alarm_rule import FIVE_MINUTES_SECONDS, AlarmRule, one
from stacks.metrics import of_function, of_service

# Of every function. AWS: Errors 3 of 3 and Throttles 5 of 5 minutes, Duration 15 of 15.
ERRORS = AlarmRule(
    name="Errors",
    metrics=one(of_function("Errors", "Sum")),
    datapoints=3,
    periods=3,
    advice="recommended",
    follows="3 of 3 minutes",
    means="the function fails as a whole (time-out, memory, a bug of ours): its log says why, its messages come again",
)
THROTTLES = AlarmRule(
    name="Throttles",
    metrics=one(of_function("Throttles", "Sum")),
    datapoints=5,
    periods=5,
    advice="recommended",
    follows="5 of 5 minutes",
    means="the account has no concurrency left: messages wait, and each try counts as a receive; ask AWS for more",
)

DURATION = AlarmRule(
    name="Duration",
    metrics=one(of_function("Duration", "p99")),
    threshold=thresholds.duration_milliseconds,
    threshold_says="time-out less the reserve",
    datapoints=15,
    periods=15,
    advice="recommended",
    follows="15 of 15 minutes; p99 for p90, as one batch that is killed is ten messages that wait",
    means="batches take as long as they may: a slow dependency, or a batch too large for the time-out",
)

# Of every consumer. What Lambda counts as an error is a batch that failed whole: a record that is handed back is none.
# Nor does its age tell of it on a standard queue: SQS leaves messages that were received three times or more out of
# ApproximateAgeOfOldestMessage. So a dependency that is down would be seen when the first messages are dead-lettered.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
FAILING = AlarmRule(
    name="Failing",
    metrics={
        "records": of_service(own.RECORDS),
        "retried": of_service(own.OUTCOMES["retry"]),
        "held": of_service(own.OUTCOMES["held_back"]),
    },
    expressions={"percent": "100 * (retried + held) / records"},
    comparison="GreaterThanOrEqualToThreshold",
    threshold=thresholds.FAILING_PERCENT,
    threshold_says=f"{thresholds.FAILING_PERCENT} % of the records that it takes are handed back",
    period_seconds=FIVE_MINUTES_SECONDS,
    datapoints=3,
    periods=3,
    advice="metric math",
    follows="none for this: as Errors, and five minutes so that a record's next try falls into the next",
    means="the consumer takes messages and hands them back: its log has the reason of each, most likely a dependency",
)
