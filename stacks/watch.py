"""Makes alarms of the table's rules: metric alarms that tell people, and one composite over each set of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Stack

from messaging.subscription import Subscription
from stacks.alarm_rule import AlarmRule
from stacks.metrics import Metric, Names
from stacks.permissions import alarm_arn
from stacks.references import Part, Reference, ref
from stacks.resources import add_resource


class Watch:
    """Where the alarms of a stack tell people: `topic_arn` is the alarm topic's."""

    def __init__(self, stack: Stack, topic_arn: str) -> None:
        self._topic_arn = topic_arn
        # Asked for once: each is a call into the CDK's process.
        self._stack_name: str = stack.stack_name
        self._arn_of_all = alarm_arn(stack, "")

    def over(
        self,
        scope: Part,
        rules: Sequence[AlarmRule],
        *,
        service: str,
        names: Names,
        row: Subscription | None = None,
    ) -> str:
        """The alarms of one subscription, or of another part of us. Gives the ARN of their composite "is unwell".

        Each metric alarm tells people when it is raised and when it is over. The composite tells nobody, or they would
        hear of each change twice: it colours the dashboard, and a deployment may wait for it. Its name is fixed, so
        that both know it without a reference to this stack.
        """
        alarms = [self._add_alarm(scope, rule, service, names, row) for rule in rules]
        name = _unwell(self._stack_name, service)
        properties = {
            "AlarmName": name,
            "AlarmDescription": f"{service} is unwell: at least one of its alarms is raised",
            "AlarmRule": _any_of(alarms),
        }
        add_resource(scope, "UnwellAlarm", "AWS::CloudWatch::CompositeAlarm", properties)
        return self._arn_of_all + name

    def unwell_arn(self, stack_name: str, service: str) -> str:
        """The ARN of a composite "is unwell" of the stack of that name, whether that exists or not."""
        return self._arn_of_all + _unwell(stack_name, service)

    def _add_alarm(
        self, scope: Part, rule: AlarmRule, service: str, names: Names, row: Subscription | None
    ) -> Reference:
        """One alarm. Gives its name."""
        datapoints, periods = rule.counts(row)
        properties = {
            "AlarmDescription": f"{service}: {rule.means}",
            **_measured(rule, names),
            "ComparisonOperator": rule.comparison,
            "Threshold": rule.limit(row),
            "DatapointsToAlarm": datapoints,
            "EvaluationPeriods": periods,
            "TreatMissingData": rule.missing_data,
            "AlarmActions": [self._topic_arn],
            "OKActions": [self._topic_arn],
        }
        add_resource(scope, f"{rule.name}Alarm", "AWS::CloudWatch::Alarm", properties)
        return ref(scope, f"{rule.name}Alarm")


def _unwell(stack_name: str, service: str) -> str:
    return f"{stack_name}-{service}-unwell"


def _any_of(alarms: Sequence[Reference]) -> Reference:
    """The rule of a composite that is raised while any of these is."""
    words: list[str | Reference] = ['ALARM("']
    for alarm in alarms:
        words += [alarm, '") OR ALARM("']
    return {"Fn::Join": ["", [*words[:-1], '")']]}


def _measured(rule: AlarmRule, names: Names) -> dict[str, Any]:
    """What the alarm compares: one metric, or the last of some expressions."""
    if rule.expressions:
        return {"Metrics": [*_queries(rule, names)]}
    (metric,) = rule.metrics.values()
    return {**metric.identity(names), **_statistic(metric), "Period": rule.period_seconds}


def _statistic(metric: Metric) -> Mapping[str, str]:
    if not metric.percentile:
        return {"Statistic": metric.statistic}
    # Else an alarm on p99 would not be evaluated at all below a thousand batches in its 15 minutes.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
    return {"ExtendedStatistic": metric.statistic, "EvaluateLowSampleCountPercentile": "evaluate"}


def _queries(rule: AlarmRule, names: Names) -> list[dict[str, Any]]:
    """Metrics and expressions, of which CloudWatch compares the one that returns data."""
    read = [
        {
            "Id": name,
            "MetricStat": {"Metric": metric.identity(names), "Period": rule.period_seconds, "Stat": metric.statistic},
            "ReturnData": False,
        }
        for name, metric in rule.metrics.items()
    ]
    last = [*rule.expressions][-1]
    derived = [
        {"Id": name, "Expression": expression, "ReturnData": name == last}
        for name, expression in rule.expressions.items()
    ]
    return [*read, *derived]
