"""The rule of an alarm: what it reads, when it is raised, which advice it follows and what it means. Pure data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from messaging.subscription import Subscription
from stacks.metrics import Metric

MissingData = Literal["notBreaching", "breaching", "missing", "ignore"]
Comparison = Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]
Advice = Literal["recommended", "dead letters", "metric math", "stream", "none"]

MINUTE_SECONDS = 60  # SQS, SNS and Lambda publish their metrics once a minute
FIVE_MINUTES_SECONDS = 5 * MINUTE_SECONDS

ADVICE: Mapping[Advice, str] = {
    "recommended": "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html",
    "dead letters": "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    "metric math": "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html",
    "stream": "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
    "none": "",
}


def one(metric: Metric) -> Mapping[str, Metric]:
    """The metrics of a rule that compares just this one."""
    return {"value": metric}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """One alarm: raised when `datapoints` of `periods` are past the threshold, or of as many as `at_most` says that a
    row leaves time for.

    `metrics` are what it reads, by the ids that `expressions` know them by; the last expression is what is compared,
    and where there is none the one metric is. `threshold` is a number, or what derives one from a row.
    """

    name: str
    metrics: Mapping[str, Metric]
    expressions: Mapping[str, str] = field(default_factory=dict)
    comparison: Comparison = "GreaterThanThreshold"
    threshold: int | Callable[[Subscription], int] = 0
    threshold_says: str = "0"
    period_seconds: int = MINUTE_SECONDS
    datapoints: int
    periods: int
    at_most: Callable[[Subscription], int] | None = None
    # A queue without messages and without calls for six hours publishes nothing, nor does a function that is not
    # called or a counter that nobody counts up: no data is no trouble, except where an alarm says otherwise.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
    missing_data: MissingData = "notBreaching"
    advice: Advice
    follows: str  # what AWS advises, and where we differ, why
    means: str  # in the alarm's own description: what is wrong, and what to do

    def limit(self, row: Subscription | None) -> int:
        """The threshold, for the row where the alarm is a subscription's."""
        if isinstance(self.threshold, int):
            return self.threshold
        assert row is not None, f"the threshold of {self.name} derives from a row"
        return self.threshold(row)

    def counts(self, row: Subscription | None) -> tuple[int, int]:
        """Datapoints and periods, M and N, for the row where the alarm is a subscription's."""
        if self.at_most is None:
            return self.datapoints, self.periods
        assert row is not None, f"the periods of {self.name} derive from a row"
        most = self.at_most(row)
        return min(self.datapoints, most), min(self.periods, most)
