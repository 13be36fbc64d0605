"""A function that runs by the clock: an EventBridge rule, and the permission for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stacks.functions import Function
from stacks.references import Part, attribute
from stacks.resources import add_resource


def schedule(
    scope: Part,
    construct_id: str,
    function: Function,
    *,
    every_minutes: int,
    description: str,
    event: Mapping[str, Any] | None = None,
) -> None:
    """Invoke the function with `event`, or with EventBridge's own. A rule, as it needs no role: the function allows it
    by its ARN."""
    target = {"Id": "Function", "Arn": function.arn} | ({} if event is None else {"Input": json.dumps(event)})
    properties: dict[str, Any] = {
        "Description": description,
        "ScheduleExpression": f"rate({every_minutes} minute{'' if every_minutes == 1 else 's'})",
        "State": "ENABLED",
        "Targets": [target],
    }
    add_resource(scope, construct_id, "AWS::Events::Rule", properties)
    permission = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": function.name,
        "Principal": "events.amazonaws.com",
        "SourceArn": attribute(scope, construct_id, "Arn"),
    }
    add_resource(scope, f"{construct_id}Permission", "AWS::Lambda::Permission", permission)
