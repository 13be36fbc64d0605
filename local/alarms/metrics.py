"""What alarms watch, asked of the engine once a minute: what it publishes itself, and what follows from what it shows.

- AWS/SQS: depths from the queue's attributes; the age of the oldest message that is visible or in flight, 0 without
  one, seen without receiving anything; without those that a standard queue has given out three times, as on AWS. Of a
  queue that a function works on: messages received and deleted, from the outcomes that the function logs; sent, from
  both and the change of depth. A batch that is killed logs nothing: it is counted when its messages come again.
- AWS/Lambda: Invocations, Duration and Errors from the function's log.
- Any namespace: what functions log in embedded metric format, value by value; what anybody put into the engine's
  CloudWatch, of which only sums and extremes are known (a percentile of it is an estimate).

All other metrics have no data here, and so has what publishers outside of functions print.
"""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from local.alarms.definitions import MINUTE_SECONDS, Metric
from local.alarms.history import History, Sample
from local.alarms.logs import LoggingFunction, measure, read_lines

_DEPTHS = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
_AGE = "ApproximateAgeOfOldestMessage"
_SENT, _RECEIVED, _DELETED = "NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted"
_COUNTED = (_SENT, _RECEIVED, _DELETED)
_OF_FUNCTIONS = ("Invocations", "Duration", "Errors")
# The engine stamps a line before it appends it: the last moment is left for the next look.
_SETTLED_SECONDS = 0.05
_INSPECTION_TIMEOUT_SECONDS = 30.0
_THREADS = 4


# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
_RECEIVES_THAT_COUNT = 3


def oldest_sent(messages: Iterable[Mapping[str, Any]], *, fifo: bool) -> float | None:
    """When the oldest of a queue's messages was sent (epoch seconds). One that is still delayed is not waiting yet, and
    as on AWS one that a standard queue has given out three times is not counted any more."""
    sent = [
        message["SentTimestamp"]
        for message in messages
        if (message["IsVisible"] or message["ReceiveCount"] > 0)
        and (fifo or message["ReceiveCount"] < _RECEIVES_THAT_COUNT)
    ]
    return float(min(sent)) if sent else None


def is_known(metric: Metric) -> bool:
    """Whether such a metric can have data here. What nobody publishes has none, whatever happens."""
    if metric.namespace == "AWS/SQS":
        return metric.name in (*_DEPTHS, _AGE, *_COUNTED)
    if metric.namespace == "AWS/Lambda":
        return metric.name in (*_OF_FUNCTIONS, "Throttles")
    return not metric.namespace.startswith("AWS/")


class Sampler:
    """Samples the wanted metrics of one engine."""

    def __init__(
        self,
        endpoint: str,
        client: Callable[[str], Any],
        wanted: Collection[Metric],
        functions: Sequence[LoggingFunction],
    ) -> None:
        self._endpoint = endpoint
        self._sqs, self._logs, self._cloudwatch = client("sqs"), client("logs"), client("cloudwatch")
        self._functions = functions
        self._worked_on = {function.queue for function in functions if function.queue}
        self._queues: dict[str, set[str]] = {}
        for metric in wanted:
            queue = metric.dimension("QueueName")
            if metric.namespace == "AWS/SQS" and queue is not None and len(metric.dimensions) == 1:
                self._queues.setdefault(queue, set()).add(metric.name)
        # Those that only the engine itself can have.
        self._published = [metric for metric in wanted if not self._is_derived(metric)]
        counted = {_queue_metric(queue, name) for queue in self._worked_on for name in _COUNTED}
        self._wanted = frozenset(wanted) | counted
        self._urls: dict[str, str] = {}

    def sample(self, history: History, now: float) -> Sample:
        """Everything as of now (epoch seconds); what is counted, since the history's last sample, at most a minute ago.

        Ages are in the seconds of the history's minutes. Raises botocore's errors and OSError.
        """
        earliest = now - 2 * history.minute_seconds
        since = max(earliest, history.read_to if history.read_to is not None else now - history.minute_seconds)
        start, end = since - _SETTLED_SECONDS, now - _SETTLED_SECONDS
        values: dict[Metric, list[float]] = {}
        gauges: dict[Metric, float] = {}
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="sample") as pool:
            logged = [pool.submit(self._measure, function, start, end) for function in self._functions]
            put = [pool.submit(self._put, metric, start, end) for metric in self._published]
            ages = MINUTE_SECONDS / history.minute_seconds
            looked = [pool.submit(self._look, queue, names, now, ages) for queue, names in self._queues.items()]
        for found in (*logged, *put):
            for metric, more in found.result().items():
                values.setdefault(metric, []).extend(more)
        for seen in looked:
            gauges |= seen.result()
        self._count(gauges, values, history)
        return Sample(gauges=gauges, values=values)

    def _measure(self, function: LoggingFunction, start: float, end: float) -> dict[Metric, list[float]]:
        return measure(function, read_lines(self._logs, function.log_group, start, end), self._wanted)

    def _look(self, queue: str, names: Collection[str], now: float, age_scale: float) -> dict[Metric, float]:
        if queue not in self._urls:
            self._urls[queue] = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        url = self._urls[queue]
        asked = [*_DEPTHS.values()]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
        seen = {_queue_metric(queue, name): float(attributes[attribute]) for name, attribute in _DEPTHS.items()}
        if _AGE in names:
            waiting = sum(seen.values()) > seen[_queue_metric(queue, "ApproximateNumberOfMessagesDelayed")]
            oldest = self._oldest(url) if waiting else None
            age = max(0.0, now - oldest) if oldest is not None else 0.0
            seen[_queue_metric(queue, _AGE)] = age * age_scale
        return seen

    def _oldest(self, url: str) -> float | None:
        """When the oldest message was sent (epoch seconds) that is visible or in flight: not one that is delayed."""
        address = f"{self._endpoint}/_ministack/sqs/messages?{urllib.parse.urlencode({'QueueUrl': url})}"
        with urllib.request.urlopen(address, timeout=_INSPECTION_TIMEOUT_SECONDS) as reply:  # noqa: S310 (our own engine, on loopback)
            accounts = json.load(reply)["messages"]
        messages = [
            m for regions in accounts.values() for queues in regions.values() for ms in queues.values() for m in ms
        ]
        return oldest_sent(messages, fifo=url.endswith(".fifo"))

    def _put(self, metric: Metric, start: float, end: float) -> dict[Metric, list[float]]:
        """What anybody, the engine included, put into its CloudWatch. Values that have this sum and these extremes."""
        reply = self._cloudwatch.get_metric_statistics(
            Namespace=metric.namespace,
            MetricName=metric.name,
            Dimensions=[{"Name": name, "Value": value} for name, value in metric.dimensions],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            Period=MINUTE_SECONDS,
            Statistics=["SampleCount", "Sum", "Minimum", "Maximum"],
        )
        return {metric: [value for point in reply["Datapoints"] for value in _values(point)]}

    def _count(self, gauges: dict[Metric, float], values: dict[Metric, list[float]], history: History) -> None:
        """Counts of the queues that functions work on. Such a queue has a datapoint each minute, as it is active."""
        for queue in self._queues.keys() & self._worked_on:
            depths = [_queue_metric(queue, name) for name in _DEPTHS]
            before = [history.latest(metric) for metric in depths]
            deleted = values.setdefault(_queue_metric(queue, _DELETED), [0.0])
            values.setdefault(_queue_metric(queue, _RECEIVED), [0.0])
            if None not in before:
                growth = sum(gauges[metric] for metric in depths) - sum(depth or 0.0 for depth in before)
                values[_queue_metric(queue, _SENT)] = [max(0.0, growth + sum(deleted))]

    def _is_derived(self, metric: Metric) -> bool:
        if metric.namespace == "AWS/SQS":
            return True
        return metric.namespace == "AWS/Lambda" and metric.name in _OF_FUNCTIONS


def _queue_metric(queue: str, name: str) -> Metric:
    return Metric("AWS/SQS", name, (("QueueName", queue),))


def _values(point: Mapping[str, Any]) -> list[float]:
    count = int(point["SampleCount"])
    if count <= 2:
        return [point["Sum"]] if count == 1 else [point["Minimum"], point["Maximum"]][: max(0, count)]
    rest = (point["Sum"] - point["Minimum"] - point["Maximum"]) / (count - 2)
    return [point["Minimum"], *[rest] * (count - 2), point["Maximum"]]
