"""Rules on how much one stack holds, and one topic: CloudFormation's and SNS's quotas, and which rows are too many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from messaging.subscription import CONSUMERS_STACK
from messaging.topic import Topic
from stacks.rules.blueprint import SUBSCRIPTION, TOPIC, Blueprint, Consumer, Resource
from stacks.rules.queues import is_fifo
from stacks.rules.rule import Breach, Rule

MAX_RESOURCES, MAX_OUTPUTS, MAX_PARAMETERS = 500, 200, 200
MAX_TEMPLATE_BYTES = 1_000_000  # "1 MB", by the smaller of its two readings
# Of the topic and in the account; the second can be raised.
MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC, MAX_FILTERS_OF_TOPIC = 100, 200

NAMED = 3  # so many rows are named in one refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """How much of one thing a template has, and may have."""

    what: str
    has: int
    most: int


def _full_stacks(blueprint: Blueprint) -> Iterator[Breach]:
    for path in blueprint.templates:
        for measure in _measures(blueprint, path):
            if measure.has > measure.most:
                yield _full(blueprint, path, measure)


def _measures(blueprint: Blueprint, path: Path) -> Iterator[_Measure]:
    template = blueprint.templates[path]
    for section, most in (("Resources", MAX_RESOURCES), ("Outputs", MAX_OUTPUTS), ("Parameters", MAX_PARAMETERS)):
        yield _Measure(what=section.lower(), has=len(template.get(section, {})), most=most)
    yield _Measure(what="bytes", has=path.stat().st_size, most=MAX_TEMPLATE_BYTES)


def _full(blueprint: Blueprint, path: Path, measure: _Measure) -> Breach:
    stack = path.name.removesuffix(".template.json")
    placed = [each for each in blueprint.consumers if each.row is not None and each.mapping.template == path]
    placed.sort(key=lambda each: blueprint.rows.index(each.row) if each.row is not None else -1)
    if not placed:
        return Breach(
            resource=blueprint.in_template(path)[0],
            location=measure.what.capitalize(),
            value=f"{stack} has {measure.has:,} {measure.what}",
            mend="make some of them in another stack",
            detail=measure.what,
        )
    # By the average, in which a row has a part of what is there whatever the rows say: never too many.
    too_many = math.ceil((measure.has - measure.most) / (measure.has / len(placed)))
    return Breach(
        resource=placed[-1].mapping,
        location=measure.what.capitalize(),
        value=f"{stack} has {measure.has:,} {measure.what} with {len(placed)} subscriptions, and the most is "
        f"{measure.most:,}",
        mend=f"give rows that are not deployed yet a stack of their own, stack={_free_name(blueprint.topic)!r} in "
        f"messaging/topology.py, at least {too_many} of them; the last here: {_named(placed[-too_many:])}. A row that "
        "is deployed keeps its stack: another stack makes another queue, and what waits in this one would be lost",
        detail=measure.what,
    )


def _named(consumers: Sequence[Consumer]) -> str:
    names = [each.row.consumer for each in consumers if each.row is not None]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])


def _free_name(topic: Topic) -> str:
    return f"{CONSUMERS_STACK}-{len(topic.stacks) + 1}"


def _crowded_topics(blueprint: Blueprint) -> Iterator[Breach]:
    for topic in blueprint.of(TOPIC):
        has = len(_subscriptions_of(topic, blueprint))
        if is_fifo(topic) and has > MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC:
            yield Breach(
                resource=topic,
                location="Properties",
                value=f"{has} subscriptions, and the most of a FIFO topic is {MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC}",
                mend="let one consumer do what several do, or publish what few want to a topic of its own",
            )


def _filtered_topics(blueprint: Blueprint) -> Iterator[Breach]:
    for topic in blueprint.of(TOPIC):
        has = sum(1 for each in _subscriptions_of(topic, blueprint) if each.properties.get("FilterPolicy"))
        if has > MAX_FILTERS_OF_TOPIC:
            yield Breach(
                resource=topic,
                location="Properties",
                value=f"{has} filter policies, and the most of a topic is {MAX_FILTERS_OF_TOPIC}",
                mend="ask AWS for more and allow this with the case's number as its reason, or use a second topic",
            )


def _subscriptions_of(topic: Resource, blueprint: Blueprint) -> list[Resource]:
    return [
        each
        for each in blueprint.of(SUBSCRIPTION)
        if blueprint.behind(each.properties.get("TopicArn"), TOPIC, seen_from=each) is topic
    ]


RULES = (
    Rule(
        name="full-stack",
        says="CloudFormation takes no larger template",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
        judge=_full_stacks,
    ),
    Rule(
        name="topic-subscriptions",
        says="SNS refuses the next subscription",
        source="https://docs.aws.amazon.com/general/latest/gr/sns.html",
        judge=_crowded_topics,
    ),
    Rule(
        name="topic-filters",
        says="SNS refuses the next subscription that has a filter",
        source="https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html",
        judge=_filtered_topics,
    ),
)
