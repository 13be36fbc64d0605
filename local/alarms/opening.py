"""The alarms of a deployment, ready to be looked at: templates, the engine's names, clients and the history's file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from local import assembly
from local.alarms.creation import create_missing
from local.alarms.definitions import MetricAlarm, read_alarms
from local.alarms.errors import AlarmError
from local.alarms.logs import LoggingFunction
from local.alarms.metrics import Sampler
from local.alarms.names import Names, Templates
from local.alarms.watch import Watcher

HISTORY = "alarms.json"

Client = Callable[[str], Any]


def open_alarms(
    endpoint: str,
    client: Client,
    synthesized: Path,
    state_dir: Path,
    *,
    minute_seconds: float | None = None,
    clock: Callable[[], float] = time.time,
) -> Watcher:
    """A watcher of the engine at `endpoint`. `synthesized` is the assembly that was deployed into it.

    `minute_seconds`: how long a minute lasts; None: as long as it did last time, at first 60. Raises AlarmError.
    """
    if not (synthesized / "manifest.json").is_file():
        raise AlarmError("nothing is deployed here: run python3 dev.py up")
    templates = assembly.templates(synthesized)
    names = _names(templates, client)
    alarms = read_alarms(templates, names)
    wanted = {metric for alarm in alarms if isinstance(alarm, MetricAlarm) for metric in alarm.metrics}
    sampler = Sampler(endpoint, client, wanted, list(logging_functions(templates, names)))
    return Watcher(
        alarms,
        client("cloudwatch"),
        sampler.sample,
        history_path=state_dir / HISTORY,
        minute_seconds=minute_seconds,
        clock=clock,
    )


def create_alarms(templates: Templates, client: Client) -> list[str]:
    """Make the alarms that CloudFormation left out. Returns what was done."""
    physical = _physical(templates, client("cloudformation"))
    alarms = read_alarms(templates, Names(templates, physical, _account(client)))
    return create_missing(alarms, templates, physical, client("cloudwatch"))


def logging_functions(templates: Templates, names: Names) -> Iterator[LoggingFunction]:
    """The templates' functions."""
    for stack, template in templates.items():
        resources = template.get("Resources", {})
        queues = dict(_mappings(stack, resources, names))
        for logical_id, resource in resources.items():
            if resource["Type"] == "AWS::Lambda::Function":
                properties, name = resource["Properties"], names.physical_id(stack, logical_id)
                group = names.resolve(stack, properties.get("LoggingConfig", {}).get("LogGroup"))
                yield LoggingFunction(
                    name=name,
                    log_group=group or f"/aws/lambda/{name}",
                    queue=queues.get(name),
                )


def _mappings(stack: str, resources: Mapping[str, Any], names: Names) -> Iterator[tuple[str, str]]:
    """Function and queue of every event source mapping on a queue."""
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            properties = resource["Properties"]
            source = properties["EventSourceArn"]
            if _is_queue(source, resources):
                yield names.resolve(stack, properties["FunctionName"]), names.resolve(stack, source).rpartition(":")[2]


def _is_queue(source: Any, resources: Mapping[str, Any]) -> bool:
    """A mapping's source is a queue of its own stack, or it is not one that messages are counted of."""
    attribute = source.get("Fn::GetAtt") if isinstance(source, dict) else None
    logical_id = attribute.split(".")[0] if isinstance(attribute, str) else (attribute or [None])[0]
    return bool(resources.get(logical_id, {}).get("Type") == "AWS::SQS::Queue")


def _names(templates: Templates, client: Client) -> Names:
    return Names(templates, _physical(templates, client("cloudformation")), _account(client))


def _physical(templates: Templates, cloudformation: Any) -> dict[str, dict[str, str]]:
    pages = cloudformation.get_paginator("list_stack_resources")
    return {
        stack: {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=stack)
            for resource in page["StackResourceSummaries"]
        }
        for stack in templates
    }


def _account(client: Client) -> str:
    return str(client("sts").get_caller_identity()["Account"])
