"""Rules on alarms: each says what missing data means, and each consumer has those without which nobody is told."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.rules.blueprint import ALARM, FUNCTION, QUEUE, SUBSCRIPTION, Blueprint, Json, Resource, listed
from stacks.rules.rule import Breach, Rule

Watched = tuple[Resource, str]  # a resource and the name of its metric

_DIMENSIONS = {"QueueName": QUEUE, "FunctionName": FUNCTION}


def _undecided_alarms(blueprint: Blueprint) -> Iterator[Breach]:
    for alarm in blueprint.of(ALARM):
        if "TreatMissingData" not in alarm.properties:
            yield Breach(
                resource=alarm,
                location="Properties.TreatMissingData",
                value="there is no TreatMissingData",
                mend="set it to notBreaching, or to breaching where silence is the trouble",
            )


def _unwatched(blueprint: Blueprint) -> Iterator[Breach]:
    watched = {each for alarm in blueprint.of(ALARM) for each in _watched_by(blueprint, alarm)}
    for resource, needs in _to_watch(blueprint):
        for target, metric in needs:
            if (target, metric) not in watched:
                yield Breach(
                    resource=resource,
                    location="Properties",
                    value=f"no alarm reads {metric} of {target.logical_id}",
                    mend=f"add an alarm on {metric} of {target.logical_id}: Subscriber does, with SUBSCRIPTION_ALARMS",
                    detail=metric,
                )


RULES = (
    Rule(
        name="missing-data",
        says="an alarm without it keeps INSUFFICIENT_DATA where a queue or a function rests",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",
        judge=_undecided_alarms,
    ),
    Rule(
        name="consumer-alarm",
        says="a consumer must not stand still, fail or give up messages unseen",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
        "Best_Practice_Recommended_Alarms_AWS_Services.html",
        judge=_unwatched,
    ),
)


def _to_watch(blueprint: Blueprint) -> Iterator[tuple[Resource, list[Watched]]]:
    """Functions and subscriptions, with what must be watched of each."""
    for consumer in blueprint.consumers:
        if consumer.function is not None:
            needs = [(consumer.function, "Errors")]
            if consumer.queue is None:
                needs.append((consumer.function, "IteratorAge"))
            else:
                needs.append((consumer.queue, "ApproximateAgeOfOldestMessage"))
                needs += _letters(blueprint, consumer.queue)
            yield consumer.function, needs
    for subscription in blueprint.of(SUBSCRIPTION):
        yield subscription, _letters(blueprint, subscription)


def _letters(blueprint: Blueprint, source: Resource) -> list[Watched]:
    dead_letter_queue = blueprint.dead_letter_queue(source)
    return [] if dead_letter_queue is None else [(dead_letter_queue, "ApproximateNumberOfMessagesVisible")]


def _watched_by(blueprint: Blueprint, alarm: Resource) -> Iterator[Watched]:
    for metric in _metrics(alarm.properties):
        for dimension in listed(metric.get("Dimensions")):
            kind = _DIMENSIONS.get(dimension.get("Name"))
            target = None if kind is None else blueprint.behind(dimension["Value"], kind, seen_from=alarm)
            if target is not None:
                yield target, metric.get("MetricName")


def _metrics(alarm: Json) -> list[Json]:
    """The one metric that an alarm names itself, or those of its expressions."""
    return [alarm, *(each["MetricStat"]["Metric"] for each in listed(alarm.get("Metrics")) if "MetricStat" in each)]
