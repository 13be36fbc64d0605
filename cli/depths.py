"""How much waits in the queues, how old it is, how fast it comes and goes, and when it will be done.

CloudWatch knows age and rates of the last minutes. Where it does not (a queue without traffic, the local engine), two
looks at the counts tell how the backlog changes, and what neither tells is unknown: None, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

COUNTS = {
    "visible": "ApproximateNumberOfMessages",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
_METRICS = {
    "age": ("ApproximateAgeOfOldestMessage", "Maximum"),
    "in": ("NumberOfMessagesSent", "Sum"),
    "out": ("NumberOfMessagesDeleted", "Sum"),
}
PERIOD_SECONDS = 60
# The newest minutes that SQS has surely published.
WINDOW_MINUTES = 5
MAX_QUERIES = 500  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The queues of one consumer, by URL."""

    consumer: str
    queue_url: str
    dead_letter_queue_url: str
    topic_dead_letter_queue_url: str

    @property
    def queue_name(self) -> str:
        """What CloudWatch calls the queue."""
        return self.queue_url.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """One consumer's backlog. Rates are messages a second; `change` is theirs in less theirs out. None: unknown."""

    consumer: str
    visible: int
    in_flight: int
    delayed: int
    dead: int  # letters that the consumer gave up
    undelivered: int  # those that the topic could not deliver
    age_seconds: float | None = None
    rate_in: float | None = None
    rate_out: float | None = None
    change: float | None = None

    @property
    def total(self) -> int:
        """All that is not done yet."""
        return self.visible + self.in_flight + self.delayed

    @property
    def drained_in_seconds(self) -> float | None:
        """When the queue is empty, if all goes on as it does. None: unknown, or never."""
        if self.total == 0:
            return 0.0
        return None if self.change is None or self.change >= 0 else self.total / -self.change

    @property
    def forecast(self) -> str:
        """In a word: empty, draining, steady, growing or unknown."""
        if self.total == 0:
            return "empty"
        if self.change is None:
            return "unknown"
        return "draining" if self.change < 0 else "growing" if self.change > 0 else "steady"


def count(sqs: Any, places: Iterable[Places]) -> list[Depth]:
    """The counts of now, three calls a consumer. Raises what boto3 raises."""
    return [
        Depth(
            consumer=each.consumer,
            **_counts(sqs, each.queue_url),
            dead=sum(_counts(sqs, each.dead_letter_queue_url).values()),
            undelivered=sum(_counts(sqs, each.topic_dead_letter_queue_url).values()),
        )
        for each in places
    ]


def measured(cloudwatch: Any, places: Sequence[Places], depths: Sequence[Depth], now: datetime) -> list[Depth]:
    """With the age and the rates that CloudWatch has, one call for 166 consumers."""
    queries = [
        _query(f"{what}{number}", place.queue_name, *metric)
        for number, place in enumerate(places)
        for what, metric in _METRICS.items()
    ]
    # Whole minutes: one that has only begun would make each rate too small.
    end = now.replace(second=0, microsecond=0)
    values: dict[str, Sequence[float]] = {}
    for start in range(0, len(queries), MAX_QUERIES):
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries[start : start + MAX_QUERIES],
            StartTime=end - timedelta(minutes=WINDOW_MINUTES),
            EndTime=end,
            ScanBy="TimestampDescending",
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                values[result["Id"]] = [*values.get(result["Id"], []), *result["Values"]]
    return [_with_metrics(depth, values, number) for number, depth in enumerate(depths)]


def changed(before: Sequence[Depth], after: Sequence[Depth], seconds: float) -> list[Depth]:
    """The later counts, with how the backlog has changed since the earlier ones where no metric says it better."""
    earlier = {depth.consumer: depth for depth in before}
    return [
        replace(depth, change=(depth.total - earlier[depth.consumer].total) / seconds)
        if depth.change is None and depth.consumer in earlier
        else depth
        for depth in after
    ]


@dataclass
class Gauge:
    """Looks at the same queues again and again; each look tells how they have changed since the one before."""

    sqs: Any
    cloudwatch: Any
    places: Sequence[Places]
    _before: tuple[float, Sequence[Depth]] | None = field(default=None)

    def look(self, now: datetime) -> list[Depth]:
        """The backlogs now."""
        counted = count(self.sqs, self.places)
        depths = measured(self.cloudwatch, self.places, counted, now)
        if self._before is not None and now.timestamp() > self._before[0]:
            depths = changed(self._before[1], depths, now.timestamp() - self._before[0])
        self._before = (now.timestamp(), counted)
        return depths


def _counts(sqs: Any, queue_url: str) -> dict[str, int]:
    found: Mapping[str, str] = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[*COUNTS.values()])[
        "Attributes"
    ]
    return {name: int(found.get(attribute, 0)) for name, attribute in COUNTS.items()}


def _query(query_id: str, queue: str, metric: str, statistic: str) -> dict[str, Any]:
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": metric,
                "Dimensions": [{"Name": "QueueName", "Value": queue}],
            },
            "Period": PERIOD_SECONDS,
            "Stat": statistic,
        },
    }


def _with_metrics(depth: Depth, values: Mapping[str, Sequence[float]], number: int) -> Depth:
    ages, sent, deleted = (values.get(f"{what}{number}", ()) for what in _METRICS)
    seconds = WINDOW_MINUTES * PERIOD_SECONDS
    rate_in = sum(sent) / seconds if sent else None
    rate_out = sum(deleted) / seconds if deleted else None
    known = rate_in is not None and rate_out is not None
    return replace(
        depth,
        age_seconds=ages[0] if ages else None,
        rate_in=rate_in,
        rate_out=rate_out,
        change=(rate_in or 0) - (rate_out or 0) if known else None,
    )
