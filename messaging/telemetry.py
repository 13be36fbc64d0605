"""What a batch, and what a run of a publisher came to, as metrics in CloudWatch's embedded format.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from messaging.errors import REASONS
from messaging.metrics import (
    CONFLICTS,
    DEAD_LETTERED,
    EFFECT_LATENCY,
    END_TO_END_LATENCY,
    NAMESPACE,
    OUTCOMES,
    PUBLISH_FAILED,
    PUBLISH_LATENCY,
    PUBLISHED,
    REASON,
    RECORDS,
    UNROUTED,
)

if TYPE_CHECKING:
    from messaging.batch import Ledger
    from messaging.publish_report import PublishReport

OTHER = "other"  # a reason that a consumer's own error class has made up: a dimension takes only words that we know


class Meter(Protocol):
    """What is used of Powertools' Metrics."""

    def add_dimension(self, name: str, value: str) -> None:
        """Of what is added until the next flush."""
        ...

    def add_metric(self, name: str, unit: MetricUnit | str, value: float) -> None:
        """One value; a further one of the same name does not replace it."""
        ...

    def flush_metrics(self) -> None:
        """Write it all as one document."""
        ...


class PublisherMetrics(EphemeralMetrics):
    """Powertools' Metrics of one publisher: each value counts by `service` and, without a dimension, among those of all
    publishers, which is what an alarm over all of them reads.

    `service` is what the publisher calls itself: one of few names, and never an id. `namespace` is its stage's, see
    `namespace_of`. Make one and keep it.
    """

    def __init__(self, service: str, namespace: str = NAMESPACE) -> None:
        super().__init__(namespace=namespace, service=service)

    def serialize_metric_set(self, *args: Any, **kwargs: Any) -> Any:
        """The document, with the empty dimension set that `add_dimensions` refuses; the format allows it."""
        document = super().serialize_metric_set(*args, **kwargs)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            directive["Dimensions"].append([])
        return document


def tell_published(report: PublishReport, metrics: PublisherMetrics) -> None:
    """Write what a run of a publisher came to, as one line on standard output, which Lambda hands to CloudWatch.

        metrics = PublisherMetrics("shop")
        tell_published(publisher.publish(events), metrics)

    Elsewhere the CloudWatch agent takes such lines from a log file or a socket:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Generation_CloudWatch_Agent.html

    A run that had nothing to publish writes nothing.
    """
    if not report.published and not report.failed:
        return
    add_published(
        metrics,
        published=len(report.published),
        failed=len(report.failed),
        unrouted=len(report.unrouted),
        seconds=report.seconds,
    )
    metrics.flush_metrics()


def add_published(metrics: Meter, *, published: int, failed: int, unrouted: int, seconds: float | None) -> None:
    """Add the counts of a run, and how long it took; they are written with the next flush."""
    for name, count in ((PUBLISHED, published), (PUBLISH_FAILED, failed), (UNROUTED, unrouted)):
        metrics.add_metric(name, MetricUnit.Count, count)
    if seconds is not None:
        metrics.add_metric(PUBLISH_LATENCY, MetricUnit.Milliseconds, _milliseconds(seconds))


def tell_batch(ledger: Ledger, metrics: Meter, *, seconds: float) -> None:
    """Write what became of a batch that took so many seconds: one document, and one for each reason why it has dead
    letters."""
    # First, for Powertools writes a document of its own whenever a metric has a hundred values.
    for applied_after in ledger.applied_after_seconds():
        metrics.add_metric(END_TO_END_LATENCY, MetricUnit.Milliseconds, _milliseconds(applied_after))
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for _, verdict in ledger.verdicts():
        name = OUTCOMES[verdict.outcome]
        outcomes[name] += 1
        if name == DEAD_LETTERED:
            reasons[verdict.reason if verdict.reason in REASONS else OTHER] += 1
    metrics.add_metric(RECORDS, MetricUnit.Count, len(ledger.deliveries))
    for name, count in outcomes.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    if ledger.conflicts:
        metrics.add_metric(CONFLICTS, MetricUnit.Count, ledger.conflicts)
    metrics.add_metric(EFFECT_LATENCY, MetricUnit.Milliseconds, _milliseconds(seconds))
    metrics.flush_metrics()
    for reason, count in reasons.items():
        metrics.add_dimension(REASON, reason)
        metrics.add_metric(DEAD_LETTERED, MetricUnit.Count, count)
        metrics.flush_metrics()


def _milliseconds(seconds: float) -> float:
    """A clock may have been set back meanwhile, and no latency is negative."""
    return round(max(0.0, seconds) * 1000, 1)
