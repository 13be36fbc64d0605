"""`waybill status`: what is deployed, and whether it is well, one line a consumer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from cli.operator import Operator, command
from cli.output import Column

COLUMNS = (
    Column("consumer", "Consumer"),
    Column("health", "Health"),
    Column("mapping", "Takes messages"),
    Column("backlog", "Backlog", right=True),
    Column("dead", "Dead letters", right=True),
    Column("undelivered", "Undelivered", right=True),
    Column("alarms", "Alarms raised", right=True),
)


@click.command(epilog="Example:  waybill status --stage prod --profile shop -o json")
@command
def run(operator: Operator) -> None:
    """What is deployed here, and whether it is well. What is wrong in detail: waybill doctor."""
    from cli import alarms, depths, mappings

    target, output = operator.target, operator.output
    for name in target.stack_names if target.outputs else ():
        stack = target.describe_stack(name)
        if stack is None:
            output.say(f"{name}: not deployed")
            continue
        changed = stack.get("LastUpdatedTime") or stack["CreationTime"]
        output.say(f"{name}: {stack['StackStatus']}, since {changed:%Y-%m-%d %H:%M} UTC")
    # An alarm's description begins with whom it is about.
    raised = Counter(
        alarm.means.partition(":")[0]
        for alarm in alarms.alarms(target.client("cloudwatch"), target.prefix)
        if alarm.raised and alarm.kind == "metric"
    )
    found = []
    for row, depth in zip(target.subscriptions, depths.count(target.client("sqs"), target.queue_places), strict=True):
        mapping = mappings.describe(target.client("lambda"), target.physical(row, "EventSourceMappingId"))
        troubles = [
            *([f"mapping {mapping.state}"] if mapping.state != mappings.ENABLED else []),
            *(["dead letters"] if depth.dead + depth.undelivered else []),
            *(["alarms"] if raised[row.consumer] else []),
        ]
        found.append(
            {
                "consumer": row.consumer,
                "health": ", ".join(troubles) or "ok",
                "mapping": mapping.state,
                "backlog": depth.total,
                "dead": depth.dead,
                "undelivered": depth.undelivered,
                "alarms": raised[row.consumer],
            }
        )
    output.rows(COLUMNS, found)
    _advise(output, found)


def _advise(output: Any, found: list[dict[str, Any]]) -> None:
    unwell = [row["consumer"] for row in found if row["health"] != "ok"]
    if unwell:
        output.say(f"unwell: {', '.join(unwell)}. What is wrong, and how to mend it: waybill doctor")
