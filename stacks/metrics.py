"""CloudWatch metrics as alarms and dashboards name them: what is measured, of which resource, and how it is summed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from messaging import metrics as own
from stacks.resources import Value

# What a metric is of. "Service" is who wrote one of our own.
Watched = Literal["Queue", "DeadLetterQueue", "TopicDeadLetterQueue", "Function", "Topic", "Service", "Table"]
# Physical names, as CloudFormation will know them; and the namespace of our own metrics.
Names = Mapping[Watched | Literal["Namespace"], Value]

_DIMENSIONS: Mapping[Watched, str] = {
    "Queue": "QueueName",
    "DeadLetterQueue": "QueueName",
    "TopicDeadLetterQueue": "QueueName",
    "Function": "FunctionName",
    "Topic": "TopicName",
    "Service": own.SERVICE,
    "Table": "TableName",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `of` is None where it has no dimension: the sum over everybody who writes it. `namespace` is None for
    one of our own, which are in their stage's.

    `statistic` is CloudWatch's: Sum, Maximum, Minimum, Average, or a percentile such as p99.
    """

    namespace: str | None
    name: str
    of: Watched | None
    statistic: str

    @property
    def percentile(self) -> bool:
        """Whether the statistic is one, which alarms spell otherwise."""
        return self.statistic.startswith("p")

    def identity(self, names: Names) -> dict[str, Any]:
        """Namespace, name and dimensions in CloudFormation's words."""
        dimensions = [] if self.of is None else [{"Name": _DIMENSIONS[self.of], "Value": names[self.of]}]
        return {"Namespace": self._namespace(names), "MetricName": self.name, "Dimensions": dimensions}

    def line(self, names: Names, **options: Any) -> list[Any]:
        """The metric as a line of a dashboard's graph."""
        dimension = [] if self.of is None else [_DIMENSIONS[self.of], names[self.of]]
        return [self._namespace(names), self.name, *dimension, {"stat": self.statistic, **options}]

    def _namespace(self, names: Names) -> Value:
        return names["Namespace"] if self.namespace is None else self.namespace


def of_queue(name: str, statistic: str, of: Watched = "Queue") -> Metric:
    """A metric of SQS.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    return Metric(namespace="AWS/SQS", name=name, of=of, statistic=statistic)


def of_function(name: str, statistic: str) -> Metric:
    """A metric of Lambda.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    return Metric(namespace="AWS/Lambda", name=name, of="Function", statistic=statistic)


def of_topic(name: str, statistic: str = "Sum") -> Metric:
    """A metric of SNS.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    """
    return Metric(namespace="AWS/SNS", name=name, of="Topic", statistic=statistic)


def of_table(name: str, statistic: str = "Sum") -> Metric:
    """A metric of DynamoDB.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """
    return Metric(namespace="AWS/DynamoDB", name=name, of="Table", statistic=statistic)


def of_service(name: str, statistic: str = "Sum") -> Metric:
    """One of our own, as one service writes it."""
    return Metric(namespace=None, name=name, of="Service", statistic=statistic)


def of_all(name: str, statistic: str = "Sum") -> Metric:
    """One of our own that publishers write without a dimension too: all of them together, however they call
    themselves."""
    return Metric(namespace=None, name=name, of=None, statistic=statistic)
