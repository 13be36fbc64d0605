"""What the engine's CloudFormation drops from our templates, put right through the API after each deployment.

Driven by the templates alone: whatever they ask for is applied, whichever stack or topology they come from. Each
mend has a test that fails as soon as the engine no longer needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# MiniStack stores a FIFO topic as a standard one: no message groups, no order, no deduplication.
TOPIC_ATTRIBUTES = ("FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope")


@dataclass(frozen=True, slots=True)
class Mend:
    """One API call that puts one resource right."""

    logical_id: str
    service: str
    operation: str
    identifier: str  # the argument that takes the physical name
    arguments: Mapping[str, Any]


def needed(template: Mapping[str, Any]) -> list[Mend]:
    """The mends of one template."""
    mends: list[Mend] = []
    for logical_id, resource in template.get("Resources", {}).items():
        of_type = _MENDERS.get(resource["Type"])
        if of_type is not None:
            mends += of_type(logical_id, resource.get("Properties", {}))
    return mends


def apply(templates: Mapping[str, Mapping[str, Any]], client: Callable[[str], Any]) -> list[str]:
    """Apply every mend of these stacks, by stack name; `client` makes a client of a service. Returns what was done.

    Before anything is published: a topic without message groups loses the order of what passes it.
    """
    done = []
    for stack, template in templates.items():
        mends = needed(template)
        physical = _physical_names(client("cloudformation"), stack) if mends else {}
        for mend in mends:
            call = getattr(client(mend.service), mend.operation)
            call(**{mend.identifier: physical[mend.logical_id]}, **mend.arguments)
            done.append(f"{mend.logical_id}: {mend.operation}")
    return done


def _topic(logical_id: str, properties: Mapping[str, Any]) -> Iterator[Mend]:
    for name in TOPIC_ATTRIBUTES:
        if name in properties:
            arguments = {"AttributeName": name, "AttributeValue": _text(properties[name])}
            yield Mend(logical_id, "sns", "set_topic_attributes", "TopicArn", arguments)


def _table(logical_id: str, properties: Mapping[str, Any]) -> Iterator[Mend]:
    time_to_live = properties.get("TimeToLiveSpecification")
    if time_to_live and time_to_live.get("Enabled"):
        arguments = {"TimeToLiveSpecification": dict(time_to_live)}
        yield Mend(logical_id, "dynamodb", "update_time_to_live", "TableName", arguments)
    recovery = properties.get("PointInTimeRecoverySpecification")
    if recovery and recovery.get("PointInTimeRecoveryEnabled"):
        arguments = {"PointInTimeRecoverySpecification": dict(recovery)}
        yield Mend(logical_id, "dynamodb", "update_continuous_backups", "TableName", arguments)


_MENDERS: Mapping[str, Callable[[str, Mapping[str, Any]], Iterable[Mend]]] = {
    "AWS::SNS::Topic": _topic,
    "AWS::DynamoDB::Table": _table,
}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _physical_names(cloudformation: Any, stack: str) -> dict[str, str]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
    }
