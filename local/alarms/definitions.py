"""The alarms of the synthesized templates, whatever these hold, in the engine's names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from local.alarms import rules
from local.alarms.errors import AlarmError
from local.alarms.evaluation import COMPARISONS, Condition, MissingData
from local.alarms.names import Names, Templates
from local.alarms.statistics import check_statistic

MINUTE_SECONDS = 60
_METRIC_ALARM, _COMPOSITE_ALARM = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
_SAMPLES_IGNORED = "ignore"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: CloudWatch knows it by namespace, name and all of its dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()  # sorted

    def dimension(self, name: str) -> str | None:
        """The value of one dimension."""
        return dict(self.dimensions).get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What an alarm reads: a metric with its statistic, or an expression over other queries' ids."""

    id: str
    metric: Metric | None = None
    statistic: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAlarm:
    """An alarm on a metric or an expression. `watched` is the id of the query that is compared with the threshold.

    `properties` are those of the template, resolved: the arguments of PutMetricAlarm.
    """

    name: str
    logical_id: str
    condition: Condition
    queries: tuple[Query, ...]
    watched: str
    period_seconds: int
    ignores_low_samples: bool
    properties: Mapping[str, Any]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Every metric that it needs."""
        return tuple(query.metric for query in self.queries if query.metric is not None)

    @property
    def period_minutes(self) -> int:
        """Minutes a datapoint. Those of high resolution get a whole one: there is one sample a minute here."""
        return max(1, self.period_seconds // MINUTE_SECONDS)

    @property
    def minutes(self) -> int:
        """How far back it looks."""
        return self.condition.evaluation_range * self.period_minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeAlarm:
    """An alarm on the states of others. `properties` are the arguments of PutCompositeAlarm."""

    name: str
    logical_id: str
    rule: str
    properties: Mapping[str, Any]


Alarm = MetricAlarm | CompositeAlarm


def read_alarms(templates: Templates, names: Names) -> list[Alarm]:
    """All alarms; a composite one comes after those that its rule names. Raises AlarmError, naming the alarm."""
    metric_alarms, composites = [], []
    for stack, template in templates.items():
        for logical_id, resource in template.get("Resources", {}).items():
            try:
                if resource["Type"] == _METRIC_ALARM:
                    metric_alarms.append(_metric_alarm(stack, logical_id, resource, names))
                elif resource["Type"] == _COMPOSITE_ALARM:
                    composites.append(_composite_alarm(stack, logical_id, resource, names))
            except AlarmError as error:
                raise AlarmError(f"alarm {logical_id}: {error}") from error
    return [*metric_alarms, *_children_first(composites)]


def short_name(logical_id: str) -> str:
    """A logical id without what the CDK adds: readable, and as unique as constructs are."""
    return re.sub(r"[0-9A-F]{8}$", "", logical_id).removesuffix("Alarm")


def _metric_alarm(stack: str, logical_id: str, resource: Mapping[str, Any], names: Names) -> MetricAlarm:
    properties = names.resolve(stack, resource["Properties"])
    periods = int(properties["EvaluationPeriods"])
    queries = tuple(_math_queries(properties["Metrics"]) if "Metrics" in properties else [_query("m1", properties)])
    return MetricAlarm(
        name=names.physical_id(stack, logical_id),
        logical_id=logical_id,
        condition=Condition(
            comparison=_one_of(COMPARISONS, "ComparisonOperator", properties["ComparisonOperator"]),
            threshold=float(properties["Threshold"]),
            datapoints_to_alarm=int(properties.get("DatapointsToAlarm", periods)),
            evaluation_periods=periods,
            missing_data=_missing_data(properties, queries),
        ),
        queries=queries,
        watched=_watched(properties),
        period_seconds=_period_seconds(properties),
        ignores_low_samples=properties.get("EvaluateLowSampleCountPercentile") == _SAMPLES_IGNORED,
        properties=properties,
    )


def _composite_alarm(stack: str, logical_id: str, resource: Mapping[str, Any], names: Names) -> CompositeAlarm:
    properties = names.resolve(stack, resource["Properties"])
    if "ActionsSuppressor" in properties:
        raise AlarmError("ActionsSuppressor is not supported here")
    rules.children(properties["AlarmRule"])  # refuses what it does not understand
    return CompositeAlarm(
        name=names.physical_id(stack, logical_id),
        logical_id=logical_id,
        rule=properties["AlarmRule"],
        properties=properties,
    )


def _query(query_id: str, stat: Mapping[str, Any]) -> Query:
    statistic = stat.get("ExtendedStatistic") or stat.get("Statistic") or "Average"
    return Query(id=query_id, metric=_metric(stat), statistic=check_statistic(statistic))


def _math_queries(metrics: list[Mapping[str, Any]]) -> Iterator[Query]:
    for entry in metrics:
        if "Expression" in entry:
            yield Query(id=entry["Id"], expression=entry["Expression"])
        else:
            stat = entry["MetricStat"]
            yield Query(id=entry["Id"], metric=_metric(stat["Metric"]), statistic=check_statistic(stat["Stat"]))


def _metric(given: Mapping[str, Any]) -> Metric:
    dimensions = tuple(sorted((each["Name"], str(each["Value"])) for each in given.get("Dimensions", [])))
    return Metric(given["Namespace"], given["MetricName"], dimensions)


def _watched(properties: Mapping[str, Any]) -> str:
    """The query whose data are returned: exactly one, and ReturnData is true where nothing is said.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
    """
    if "ThresholdMetricId" in properties:
        raise AlarmError("ThresholdMetricId (anomaly detection) is not evaluated here")
    if "Metrics" not in properties:
        return "m1"
    returned = [entry["Id"] for entry in properties["Metrics"] if entry.get("ReturnData", True)]
    if len(returned) != 1:
        raise AlarmError(f"one of its metrics must return data, and {len(returned)} do")
    return str(returned[0])


def _period_seconds(properties: Mapping[str, Any]) -> int:
    """The one period of all that the alarm reads, which AWS demands."""
    entries = properties.get("Metrics", [properties])
    periods = {int(p) for each in entries if (p := each.get("MetricStat", each).get("Period")) is not None}
    if len(periods) > 1:
        raise AlarmError(f"its metrics have different periods: {', '.join(map(str, sorted(periods)))} s")
    return next(iter(periods), MINUTE_SECONDS)


def _missing_data(properties: Mapping[str, Any], queries: tuple[Query, ...]) -> MissingData:
    # Whatever they say, alarms on DynamoDB's metrics ignore missing data.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    if any(query.metric is not None and query.metric.namespace == "AWS/DynamoDB" for query in queries):
        return "ignore"
    chosen = properties.get("TreatMissingData", "missing")
    return next(
        each for each in get_args(MissingData) if each == _one_of(get_args(MissingData), "TreatMissingData", chosen)
    )


def _one_of(choices: tuple[str, ...], what: str, chosen: str) -> str:
    if chosen not in choices:
        raise AlarmError(f"{what} {chosen} is not evaluated here; these are: {', '.join(choices)}")
    return chosen


def _children_first(composites: list[CompositeAlarm]) -> Iterator[CompositeAlarm]:
    waiting = {alarm.name: alarm for alarm in composites}
    while waiting:
        ready = [each for each in waiting.values() if not waiting.keys() & set(rules.children(each.rule))]
        if not ready:
            raise AlarmError(f"the rules of {', '.join(sorted(waiting))} name each other in a circle")
        yield from ready
        for each in ready:
            del waiting[each.name]
