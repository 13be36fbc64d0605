"""`waybill topology`: who subscribes to what, from the checkout's table. Asks nothing of AWS."""

from __future__ import annotations

from typing import Any, Literal

import click

from cli.operator import Operator, command
from cli.output import Column
from messaging.diagram import mermaid
from messaging.subscription import Subscription

COLUMNS = (
    Column("consumer", "Consumer"),
    Column("queue", "Queue"),
    Column("events", "Events"),
    Column("where", "Where"),
    Column("effect", "Effect"),
    Column("timeout_seconds", "Time-out", right=True),
    Column("max_receive_count", "Receives", right=True),
)


@click.command(epilog="Example:  waybill topology -f mermaid > topology.mmd")
@click.option(
    "-f", "--format", "kind", type=click.Choice(["text", "mermaid", "json"]), default="text", show_default=True
)
@command
def run(operator: Operator, kind: Literal["text", "mermaid", "json"]) -> None:
    """Who subscribes to what: the table that everything else derives from."""
    rows = [_row(each) for each in operator.target.topic.subscriptions]
    if kind == "mermaid":
        click.echo(mermaid(operator.target.topic))
    elif kind == "json":
        import json

        click.echo(json.dumps(rows, indent=2))
    else:
        operator.output.rows(COLUMNS, rows)


def _row(row: Subscription) -> dict[str, Any]:
    return {
        "consumer": row.consumer,
        "queue": f"FIFO, {row.ordering}" if row.fifo else "standard",
        "events": ", ".join(event.type for event in row.events),
        "where": ", ".join(f"{name} in {list(any_of)}" for name, any_of in row.where.items()),
        "effect": "writes " + ", ".join(row.writes) if row.writes else "calls " + ", ".join(row.calls),
        "filter_policy": row.filter_policy,
        "timeout_seconds": row.timeout_seconds,
        "visibility_timeout_seconds": row.visibility_timeout_seconds,
        "max_receive_count": row.max_receive_count,
        "retention_seconds": row.retention_seconds,
        "max_age_seconds": row.max_age_seconds,
    }
